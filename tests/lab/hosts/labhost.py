"""A lab host as a test sees it, beside the wire: look at its state, its files and shares; set it.

It works whether the host runs or not.
"""

from __future__ import annotations

import signal
from dataclasses import fields
from typing import Any
from uuid import uuid4

from tests.lab.cim.classes import HYPERV, classes
from tests.lab.description import OPERATOR, LabError
from tests.lab.hosts import control, processes, smbd
from tests.lab.hosts.host import Host
from tests.lab.hosts.state import (
    GIB,
    MACHINES_FOLDER,
    MIB,
    SWITCH,
    Checkpoint,
    HostState,
    Machine,
)
from tests.lab.procfs import tell


class LabHost(Host):
    """A host, and the test's hand on it."""

    def set(self, **values: Any) -> None:
        """Set parts of its state by name (``enabled=True, authentication="Kerberos"``).

        A running host has taken note when this is over.
        """
        known = {one.name for one in fields(HostState)}
        if unknown := values.keys() - known:
            raise LabError(f"a host has no {', '.join(sorted(unknown))}; it has {sorted(known)}")
        with self.store.change() as state:
            for name, value in values.items():
                setattr(state, name, value)
        control.ask(self.folder, "look")

    def ready(self) -> None:
        """Set all that a migration needs of the host: enabled, Kerberos, any network."""
        self.set(enabled=True, authentication="Kerberos", any_network=True)

    def add_vm(
        self,
        name: str,
        *,
        memory: int = 4 * GIB,
        disk_bytes: int = 2 * MIB,
        disks: int = 1,
        running: bool = True,
        switch: str = SWITCH,
        clustered: bool = False,
        machine_id: str = "",
    ) -> Machine:
        """Add a virtual machine, each disk a file of ``disk_bytes`` random bytes."""
        path = f"{MACHINES_FOLDER}\\{name}"
        ends = ["", *(f"-{number}" for number in range(2, disks + 1))][:disks]
        files = [f"{path}\\Virtual Hard Disks\\{name}{end}.vhdx" for end in ends]
        own = machine_id or str(uuid4())
        machine = Machine(own, name, memory, running, path, files, switch, clustered)
        for file in files:
            self.volume.fill(file, disk_bytes)
        with self.store.change() as state:
            state.machines.append(machine)
        return machine

    def change_vm(self, name: str, **values: Any) -> Machine:
        """Set parts of a virtual machine by name (``status=32776``, ``running=False``)."""
        with self.store.change() as state:
            machine = next(one for one in state.machines if one.name == name)
            for key, value in values.items():
                assert hasattr(machine, key), f"a machine has no {key}"
                setattr(machine, key, value)
        return machine

    def equip(self, name: str, *, size: int = 5000) -> Machine:
        """Give a machine all that can make a move hard, each a file of random bytes.

        Its first disk gets a parent, and it gets a checkpoint of that parent with a branch of its
        own, an ISO image, a floppy, and a .vmgs.
        """
        machine = self.vms()[name]
        folder, first = machine.path, machine.disks[0]
        base, branch = f"{folder}\\base.vhdx", f"{folder}\\{name}-branch.avhdx"
        equipped = self.change_vm(
            name,
            parents={first: base, branch: base},
            checkpoints=[Checkpoint(str(uuid4()), f"{name} before", [branch])],
            images=["C:\\iso\\setup.iso"],
            floppies=["C:\\iso\\boot.vfd"],
            guest_state=f"{folder}\\Virtual Machines\\{machine.id.upper()}.vmgs",
        )
        for file in [*equipped.files[1:], *equipped.images, *equipped.floppies]:
            self.volume.fill(file, size)
        return equipped

    def remove_vm(self, name: str) -> None:
        """Remove a virtual machine with its disks."""
        machine = self.vms()[name]
        with self.store.change() as state:
            state.machines = [one for one in state.machines if one.id != machine.id]
        self.volume.remove(machine.files)

    def vms(self) -> dict[str, Machine]:
        """Give the machines that are this host's, by name; never those of another."""
        return {one.name: one for one in self.state.machines}

    def disk_files(self) -> dict[str, str]:
        """Give the SHA-256 of every file on its C:, by Windows path; partial files included."""
        return self.volume.digests()

    def shares(self) -> list[str]:
        """List its shares, as its registry has them."""
        return smbd.shares(self)

    def staging(self) -> list[str]:
        """List the folders below ``$VSM$``, which temporary shares leave none of."""
        folder = self.volume.file("C:\\$VSM$")
        return sorted(one.name for one in folder.iterdir()) if folder.exists() else []

    def deny(self, user: str = OPERATOR) -> None:
        """Take a user's right to administer this host."""
        left = [one for one in self.state.operators if one.casefold() != user.casefold()]
        self.set(operators=left)

    def only_hyperv(self, user: str = OPERATOR) -> None:
        """Leave a user Hyper-V's own namespace alone: Hyper-V and Remote Management, no more."""
        others = sorted(classes().namespaces - {HYPERV})
        self.set(refused_namespaces={**self.state.refused_namespaces, user: others})

    def limit(self, migrations: int | None = None, storage: int | None = None) -> None:
        """Set how many migrations may run at once; ``storage`` defaults to the same."""
        with self.store.change() as state:
            if migrations is not None:
                state.migrations = state.storage_migrations = migrations
            if storage is not None:
                state.storage_migrations = storage

    def free_disk(self) -> int:
        """Count the free bytes of its C:."""
        return self.volume.free(self.state)

    def speed(self, bytes_per_second: int) -> None:
        """Set how fast each migration from here copies; it takes effect at once."""
        self.set(speed=bytes_per_second)

    def running(self) -> bool:
        """Tell whether its process is there, which may not answer yet."""
        return processes.host(self.folder) is not None

    def freeze(self) -> None:
        """Let all its processes hang: connections stay, nothing answers."""
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        self.signal(signal.SIGCONT)

    def signal(self, which: signal.Signals) -> None:
        """Signal all its processes."""
        for pid in processes.everything(self.folder):
            tell(pid, which)

    def log(self) -> str:
        """Give the end of what it logged."""
        file = self.folder / "host.log"
        return file.read_text(errors="replace")[-4000:] if file.exists() else ""
