"""A lab host's CIM without its process, and without a network: requests in, answers out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.lab.by_hand import Told, written_by_hand
from tests.lab.cim.answering import Cim
from tests.lab.description import OPERATOR, REALM, Lab
from tests.lab.hosts.host import Host
from tests.lab.hosts.labhost import LabHost
from tests.lab.hosts.state import Machine
from tests.lab.hosts.vmms.moves import hard_disks
from tests.lab.hosts.vmms.vmms import Vmms
from tests.lab.wsman import soap

FIRST, SECOND = "843e67a9-d91f-5ea2-854e-8b2b7a346cb0", "f76260b9-57ab-51ab-8d75-e71c68e13d7d"
"""The machines that libvirt's captured requests are about."""


class Desk:
    """hv01 in a folder, with the two machines of the captures."""

    def __init__(self, folder: Path) -> None:
        self.lab = Lab(folder)
        self.beside = LabHost(self.lab, "hv01")
        self.host = Host(self.lab, "hv01")
        self.vmms = Vmms(self.host, lambda: None)
        self.cim = Cim(self.vmms, self.host.fqdn)
        for number, own in enumerate((FIRST, SECOND)):
            self.beside.add_vm(f"vm{number:02}-hv01", disk_bytes=1000, machine_id=own)

    def send(self, document: bytes, user: str = OPERATOR) -> Told:
        """Have a request answered."""
        request = soap.read(document)
        answer, fault = self.cim.answer(request, f"{user}@{REALM}")
        return Told.read(answer, fault=fault)

    def by_hand(self, name: str, user: str = OPERATOR, **values: str) -> Told:
        """Have a request answered that was written by hand."""
        return self.send(written_by_hand(name, **self.blanks(), **values), user)

    def blanks(self) -> dict[str, str]:
        """What fills in the requests that were written by hand."""
        return {"server": self.host.short, **about(self.host, self.machine())}

    def machine(self, own: str = FIRST) -> Machine:
        """Give a machine."""
        found = self.host.store.read().machine(own)
        assert found is not None
        return found

    def set(self, **values: Any) -> None:
        """Set parts of the host's state."""
        with self.host.store.change() as state:
            for name, value in values.items():
                setattr(state, name, value)


def about(host: Host, machine: Machine, target: str = "hv02") -> dict[str, str]:
    """Say what a request needs to know of a machine with one disk that moves to another host."""
    own = machine.id.upper()
    controller = f"Microsoft:{own}"
    from_disk = next(
        one for one in disks_of(host, machine) if one["HostResource"] == [machine.disks[0]]
    )
    assert str(from_disk["InstanceID"]).startswith(controller)
    folder = f"C:\\VMs\\{machine.name}"
    return {
        "machine": own,
        "target": host.lab.fqdn(target),
        "address": host.lab.host_address(target),
        "folder": folder,
        "disk_id": from_disk["InstanceID"],
        "drive": from_disk["Parent"],
        "path": machine.disks[0],
        "new_path": f"{folder}\\Virtual Hard Disks\\{machine.disks[0].rpartition(chr(92))[2]}",
    }


def disks_of(host: Host, machine: Machine) -> list[Any]:
    """Give the settings of a machine's hard disks, as the host shows them."""
    return list(hard_disks(host, host.store.read(), machine).values())
