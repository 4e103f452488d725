"""A lab host's CIM without its process, and without a network: requests in, answers out."""

from __future__ import annotations

from pathlib import Path, PureWindowsPath

from tests.lab.cim.answering import Cim
from tests.lab.description import OPERATOR, REALM, Lab
from tests.lab.hosts.host import Host
from tests.lab.hosts.labhost import LabHost
from tests.lab.hosts.state import GIB, MACHINES_FOLDER, Machine
from tests.lab.hosts.vmms.moves import hard_disks
from tests.lab.hosts.vmms.vmms import Vmms
from tests.lab.requests_of_others import Told, written_by_hand
from tests.lab.wsman import soap

FIRST, SECOND = "843e67a9-d91f-5ea2-854e-8b2b7a346cb0", "f76260b9-57ab-51ab-8d75-e71c68e13d7d"
"""The machines that libvirt's captured requests are about."""


class Desk(LabHost):
    """hv01 in a folder, with the two machines of the captures."""

    def __init__(self, folder: Path) -> None:
        super().__init__(Lab(folder), "hv01")
        self.vmms = Vmms(self, lambda: None)
        self.cim = Cim(self.vmms, self.fqdn)
        for number, own in enumerate((FIRST, SECOND)):
            self.add_vm(f"vm{number:02}-hv01", disk_bytes=1000, machine_id=own)

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
        return {"server": self.short, **about(self, self.machine())}

    def machine(self, own: str = FIRST) -> Machine:
        """Give a machine."""
        found = self.state.machine(own)
        assert found is not None
        return found


def machine_numbered(number: int) -> Machine:
    """Make one of many machines: of two disks, of which there are no files."""
    name = f"vm{number:03}"
    folder = f"{MACHINES_FOLDER}\\{name}"
    disks = [f"{folder}\\{disk}.vhdx" for disk in ("system", "data")]
    own_id = f"0b54b0c2-5b1f-4b0e-9a4e-{number:012}"
    return Machine(own_id, name, GIB // 4, True, folder, disks)


def about(host: Host, machine: Machine, target: str = "hv02") -> dict[str, str]:
    """Say what a request needs to know of a machine with one disk that moves to another host."""
    own, path = machine.id.upper(), machine.disks[0]
    disks = hard_disks(host, host.state, machine).values()
    disk = next(one for one in disks if one["HostResource"] == [path])
    assert str(disk["InstanceID"]).startswith(f"Microsoft:{own}")
    folder = f"C:\\VMs\\{machine.name}"
    return {
        "machine": own,
        "target": host.lab.fqdn(target),
        "address": host.lab.host_address(target),
        "folder": folder,
        "disk_id": disk["InstanceID"],
        "drive": disk["Parent"],
        "path": path,
        "new_path": f"{folder}\\Virtual Hard Disks\\{PureWindowsPath(path).name}",
    }
