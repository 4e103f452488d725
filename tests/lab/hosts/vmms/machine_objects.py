"""A virtual machine as CIM shows it: the system, its settings, its disks, what belongs together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from tests.lab.cim.cim_values import Instance, Stamp
from tests.lab.cim.classes import HYPERV, classes
from tests.lab.hosts.state import MIB, Checkpoint, HostState, Machine
from tests.lab.hosts.vmms.wording import Wording

RUNNING, OFF = 2, 3
OPERATING, SERVING, MIGRATING = 2, 11, 32774
"""OperationalStatus: OK; in service; the second one while a machine migrates."""
DOING = {
    32768: "Creating checkpoint",
    32772: "Merging disks",
    MIGRATING: "Migrating",
    32776: "Backing up",
    32778: "Moving storage",
    32779: "Moving storage",
}
PROCESSOR = "B637F346-6A0E-4DEC-AF52-BD70CB80A21D"
MEMORY = "4764334D-E001-4176-82EE-5594EC9B530E"
SWITCH_ID = "C08CB7B8-9B3C-408E-8E30-5E16A3AEB444"
SUBTYPES = {
    "disk": "Microsoft:Hyper-V:Virtual Hard Disk",
    "image": "Microsoft:Hyper-V:Virtual CD/DVD Disk",
    "floppy": "Microsoft:Hyper-V:Virtual Floppy Disk",
}
DRIVES = {
    "disk": "Microsoft:Hyper-V:Synthetic Disk Drive",
    "image": "Microsoft:Hyper-V:Synthetic DVD Drive",
    "floppy": "Microsoft:Hyper-V:Synthetic Diskette Drive",
}
REALIZED = "Microsoft:Hyper-V:System:Realized"
PLANNED = "Microsoft:Hyper-V:System:Planned"
SNAPSHOT = "Microsoft:Hyper-V:Snapshot:Realized"


def made(kind: str, **values: Any) -> Instance:
    """Make an instance of a class of Hyper-V's."""
    return Instance(classes().find(HYPERV, kind), values)


@dataclass(frozen=True)
class Shower:
    """Shows machines of one host, as it is now."""

    server: str
    state: HostState

    @property
    def wording(self) -> Wording:
        """The host's texts."""
        return Wording.of(self.state)

    def machine(self, machine: Machine, *, planned: bool = False) -> Iterator[Instance]:
        """Show a machine with all that belongs to it."""
        system = self.system(machine, planned=planned)
        yield system
        kind = PLANNED if planned else REALIZED
        settings = self.settings(machine, machine.id, machine.name, kind)
        yield made("Msvm_SettingsDefineState", ManagedElement=system, SettingData=settings)
        yield from self.whole(settings, machine, machine.id, machine.disks)
        if not planned:
            yield self.summary(machine)
        for checkpoint in machine.checkpoints:
            yield from self.checkpoint(machine, checkpoint, system)

    def system(self, machine: Machine, *, planned: bool) -> Instance:
        """Show the system itself."""
        kind = "Msvm_PlannedComputerSystem" if planned else "Msvm_ComputerSystem"
        status, texts = self.status(machine)
        say = self.wording.say
        one = made(
            kind,
            CreationClassName=kind,
            Name=machine.id.upper(),
            ElementName=machine.name,
            Caption=say("Virtual Machine"),
            Description=say("Microsoft Virtual Machine"),
            EnabledState=OFF if planned else self.enabled(machine),
            EnabledDefault=2,
            HealthState=5,
            RequestedState=12,
            ResetCapability=1,
            OperationalStatus=status,
            StatusDescriptions=texts,
            Status=texts[0],
            OnTimeInMilliseconds=3_661_000 if machine.running else 0,
            InstallDate=Stamp("Datetime", "2025-12-17T09:55:22.702341Z"),
        )
        if not planned:
            one.values["NumberOfNumaNodes"] = 1
        return one

    def status(self, machine: Machine) -> tuple[list[int], list[str]]:
        """Say what a machine is doing."""
        coming = any(one.machine.id == machine.id for one in self.state.incoming)
        second = machine.status
        if coming or self.state.leaving(machine.id):
            second = self.state.migrating_as
        if not second:
            return [OPERATING], [self.wording.say("Operating normally")]
        doing = self.wording.say(DOING.get(second, "In service"))
        return [SERVING, second], [self.wording.say("In service"), doing]

    def enabled(self, machine: Machine) -> int:
        """Give a machine's EnabledState."""
        return machine.enabled_state or (RUNNING if machine.running else OFF)

    def settings(self, machine: Machine, own_id: str, name: str, kind: str) -> Instance:
        """Show the settings of a machine, or of a checkpoint of it."""
        return made(
            "Msvm_VirtualSystemSettingData",
            InstanceID=f"Microsoft:{own_id.upper()}",
            ElementName=name,
            VirtualSystemIdentifier=machine.id.upper(),
            ConfigurationID=own_id.upper(),
            VirtualSystemType=kind,
            VirtualSystemSubType="Microsoft:Hyper-V:SubType:2",
            ConfigurationDataRoot=machine.path,
            SnapshotDataRoot=machine.path,
            SuspendDataRoot=machine.path,
            SwapFileDataRoot=machine.path,
            LogDataRoot=machine.path,
            GuestStateDataRoot=machine.path,
            GuestStateFile=machine.guest_state or None,
            Version="10.0",
            AutomaticStartupAction=4,
            AutomaticShutdownAction=3,
            Notes=[""],
        )

    def devices(self, machine: Machine, own_id: str, disks: Sequence[str]) -> Iterator[Instance]:
        """Show the settings of processor, memory, drives and ports."""
        me, say = f"Microsoft:{own_id.upper()}", self.wording.say
        yield made(
            "Msvm_ProcessorSettingData",
            InstanceID=f"{me}\\{PROCESSOR}\\0",
            ElementName=say("Processor"),
            ResourceType=3,
            ResourceSubType="Microsoft:Hyper-V:Processor",
            VirtualQuantity=machine.processors,
            PoolID="",
            Weight=100,
            AllocationUnits="percent / 1000",
            Reservation=0,
            Limit=100_000,
        )
        yield made(
            "Msvm_MemorySettingData",
            InstanceID=f"{me}\\{MEMORY}",
            ElementName=say("Memory"),
            ResourceType=4,
            ResourceSubType="Microsoft:Hyper-V:Memory",
            VirtualQuantity=machine.memory // MIB,
            PoolID="",
            Reservation=machine.memory // MIB,
            Limit=machine.memory // MIB,
            AllocationUnits="byte * 2^20",
            DynamicMemoryEnabled=False,
        )
        yield from self.storage(machine, own_id, disks)
        yield from self.port(machine, me)

    def storage(self, machine: Machine, own_id: str, disks: Sequence[str]) -> Iterator[Instance]:
        """Show a controller, and on it hard disks, then images, then floppies."""
        me = f"Microsoft:{own_id.upper()}"
        controller = made(
            "Msvm_ResourceAllocationSettingData",
            InstanceID=f"{me}\\{str(uuid5(NAMESPACE_OID, own_id)).upper()}\\0",
            ElementName="SCSI Controller",
            ResourceType=6,
            ResourceSubType="Microsoft:Hyper-V:Synthetic SCSI Controller",
        )
        yield controller
        held = [("disk", one) for one in disks]
        held += [("image", one) for one in machine.images]
        held += [("floppy", one) for one in machine.floppies]
        for number, (kind, file) in enumerate(held):
            place = f"{controller['InstanceID']}\\{number}"
            drive = made(
                "Msvm_ResourceAllocationSettingData",
                InstanceID=f"{place}\\D",
                ResourceType={"disk": 17, "image": 16, "floppy": 14}[kind],
                ResourceSubType=DRIVES[kind],
                AddressOnParent=str(number),
                Parent=controller.path(self.server),
            )
            yield drive
            yield self.medium(kind, f"{place}\\L", file, drive)

    def medium(self, kind: str, own_id: str, file: str, drive: Instance) -> Instance:
        """Show what lies in a drive."""
        say = self.wording.say
        return made(
            "Msvm_StorageAllocationSettingData",
            InstanceID=own_id,
            ElementName=say("Hard Disk Image"),
            Caption=say("Hard Disk Image"),
            Description=say("Settings for the Microsoft Hard Disk Image."),
            ResourceType=31,
            ResourceSubType=SUBTYPES[kind],
            HostResource=[file],
            Parent=drive.path(self.server),
            PoolID="",
            AllocationUnits="count",
            AutomaticAllocation=True,
            AutomaticDeallocation=True,
            ConsumerVisibility=3,
            Limit=1,
            Reservation=1,
            VirtualQuantity=1,
            Weight=0,
        )

    def port(self, machine: Machine, me: str) -> Iterator[Instance]:
        """Show the network adapter, and its connection to a switch."""
        adapter = made(
            "Msvm_SyntheticEthernetPortSettingData",
            InstanceID=f"{me}\\5E8F3C21-0000-4000-8000-{me[-12:]}",
            ElementName=self.wording.say("Network Adapter"),
            ResourceType=10,
            ResourceSubType="Microsoft:Hyper-V:Synthetic Ethernet Port",
            Address="00155D012345",
            StaticMacAddress=False,
        )
        yield adapter
        switch = switch_named(machine.switch)
        known = machine.switch in self.state.switches
        yield made(
            "Msvm_EthernetPortAllocationSettingData",
            InstanceID=f"{adapter['InstanceID']}\\C",
            ElementName="Dynamic Ethernet Switch Port",
            ResourceType=33,
            ResourceSubType="Microsoft:Hyper-V:Ethernet Connection",
            EnabledState=2,
            HostResource=[switch.path(self.server)] if known else None,
            Parent=adapter.path(self.server),
        )

    def checkpoint(self, machine: Machine, one: Checkpoint, system: Instance) -> Iterator[Instance]:
        """Show a checkpoint's settings, and its disks."""
        settings = self.settings(machine, one.id, one.name, SNAPSHOT)
        yield from self.whole(settings, machine, one.id, one.disks)
        yield made("Msvm_SnapshotOfVirtualSystem", Antecedent=system, Dependent=settings)

    def summary(self, machine: Machine) -> Instance:
        """Show a machine in short."""
        status, texts = self.status(machine)
        return made(
            "Msvm_SummaryInformation",
            InstanceID=f"Microsoft:{machine.id.upper()}",
            Name=machine.id.upper(),
            ElementName=machine.name,
            EnabledState=self.enabled(machine),
            HealthState=5,
            OperationalStatus=status,
            StatusDescriptions=texts,
            MemoryUsage=machine.memory // MIB if machine.running else 0,
            NumberOfProcessors=machine.processors,
            Version="10.0",
            Notes="",
        )

    def whole(
        self, settings: Instance, machine: Machine, own_id: str, disks: Sequence[str]
    ) -> Iterator[Instance]:
        """Show settings, with the devices that are parts of them."""
        yield settings
        for one in self.devices(machine, own_id, disks):
            yield one
            link = "Msvm_VirtualSystemSettingDataComponent"
            yield made(link, GroupComponent=settings, PartComponent=one)


def switch_named(name: str) -> Instance:
    """Show a virtual switch; the first one, which all hosts have, has a fixed name."""
    own = SWITCH_ID if name == "External" else str(uuid5(NAMESPACE_OID, name)).upper()
    return made(
        "Msvm_VirtualEthernetSwitch",
        CreationClassName="Msvm_VirtualEthernetSwitch",
        Name=own,
        ElementName=name,
        EnabledState=5,
        HealthState=5,
        RequestedState=12,
    )
