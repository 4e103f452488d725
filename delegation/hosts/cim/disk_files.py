"""A path on a host -> the size of a virtual disk's file, and what its differences build upon."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from delegation.errors import CimFailed
from delegation.hosts.cim.cim_classes import DISK_SETTINGS, DISK_STATE, IMAGE_SERVICE
from delegation.hosts.cim.cim_client import Cim
from delegation.hosts.cim.cim_instance import CimInstance
from delegation.hosts.cim.cim_reference import Reference
from delegation.hosts.cim.told import NotTold, told
from delegation.hosts.machines import Disk, VirtualMachine

LONGEST_CHAIN = 64
"""Files one upon another that are followed; Hyper-V allows 50 checkpoints."""


@dataclass(frozen=True, slots=True)
class DiskFile:
    """One file of a virtual disk; ``size`` is the file's own, in bytes."""

    path: str
    size: int


def read_size(cim: Cim, path: str) -> int:
    """Bytes of one file. Raises CimFailed where the host can't open it: it is not 0 for that."""
    said = cim.call(
        Reference.service(IMAGE_SERVICE), IMAGE_SERVICE, "GetVirtualHardDiskState", Path=path
    )
    return CimInstance.embedded(DISK_STATE, said.text("State"), cim.host).integer("FileSize")


def read_parent(cim: Cim, path: str) -> str:
    """The file that one builds upon; empty: none."""
    said = cim.call(
        Reference.service(IMAGE_SERVICE),
        IMAGE_SERVICE,
        "GetVirtualHardDiskSettingData",
        Path=path,
    )
    return CimInstance.embedded(DISK_SETTINGS, said.text("SettingData"), cim.host).text(
        "ParentPath"
    )


def read_chain(cim: Cim, path: str) -> tuple[DiskFile, ...]:
    """A file and all that it builds upon, in turn. Raises CimFailed; two requests a file."""
    files: list[DiskFile] = []
    while path:
        if len(files) == LONGEST_CHAIN or any(
            one.path.casefold() == path.casefold() for one in files
        ):
            raise CimFailed(
                f"{cim.host}: {files[0].path} builds upon more than {LONGEST_CHAIN} files, or upon "
                "itself",
                "look at its parents on the host: Get-VHD",
            )
        files.append(DiskFile(path, read_size(cim, path)))
        path = read_parent(cim, path)
    return tuple(files)


def measured(cim: Cim, machines: Iterable[VirtualMachine]) -> list[VirtualMachine]:
    """Machines with the sizes of their disks, and what these build upon; two requests a file.

    A disk that the host can't open is not told: one on a share, where the host may not delegate to
    its server. Raises HostError where the host does not answer.
    """
    known: dict[str, Disk] = {}
    found = []
    for machine in machines:
        for disk in machine.disks:
            if disk.path not in known:
                known[disk.path] = _measured(cim, disk)
        found.append(replace(machine, disks=tuple(known[one.path] for one in machine.disks)))
    return found


def _measured(cim: Cim, disk: Disk) -> Disk:
    chain = told(lambda: read_chain(cim, disk.path))
    if isinstance(chain, NotTold):
        return disk
    parent = chain[1].path if len(chain) > 1 else ""
    return Disk(disk.path, sum(one.size for one in chain), parent)
