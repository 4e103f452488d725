"""Files of virtual disks on a host: their sizes, what they build upon, and where a move puts them.

Whether VMMS takes a disk under another name is not known, so that none is renamed: of two with one
name, the second gets a folder of its own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from delegation.errors import CimFailed
from delegation.hosts.cim.cim_classes import DISK_SETTINGS, DISK_STATE, IMAGE_SERVICE
from delegation.hosts.cim.cim_client import Cim
from delegation.hosts.cim.cim_instance import CimInstance
from delegation.hosts.cim.cim_reference import Reference
from delegation.hosts.cim.told import NotTold, told
from delegation.hosts.machines import Disk, VirtualMachine

_DISKS = "Virtual Hard Disks"
"""The folder of disks beside a machine's configuration, as Hyper-V's own tools call it."""
LONGEST_CHAIN = 64
"""Files one upon another that are followed; Hyper-V allows 50 checkpoints."""


@dataclass(frozen=True, slots=True)
class DiskFile:
    """One file of a virtual disk; ``size`` is the file's own, in bytes."""

    path: str
    size: int


def read_size(cim: Cim, path: str) -> int:
    """Bytes of one file. Raises CimFailed where the host can't open it: it is not 0 for that."""
    said = _told_of(cim, path, "GetVirtualHardDiskState").text("State")
    return CimInstance.embedded(DISK_STATE, said, cim.host).integer("FileSize")


def read_parent(cim: Cim, path: str) -> str:
    """The file that one builds upon; empty: none."""
    said = _told_of(cim, path, "GetVirtualHardDiskSettingData").text("SettingData")
    return CimInstance.embedded(DISK_SETTINGS, said, cim.host).text("ParentPath")


def _told_of(cim: Cim, path: str, method: str) -> CimInstance:
    return cim.call(Reference.service(IMAGE_SERVICE), IMAGE_SERVICE, method, Path=path)


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


def is_on_share(path: str) -> bool:
    r"""``\\server\share\…``: the file lies on no host that a migration could take it from."""
    return path.startswith("\\\\")


def places(folder: str, files: Iterable[str]) -> Mapping[str, str]:
    """The new path of each file, by its old one in lower case; a file that is named twice has one.

    Windows compares names without case.
    """
    disks = below(folder, _DISKS)
    names: dict[str, int] = {}
    found: dict[str, str] = {}
    for file in files:
        if file.casefold() in found:
            continue
        name = file.rpartition("\\")[2]
        number = names[name.casefold()] = names.get(name.casefold(), 0) + 1
        here = disks if number == 1 else below(disks, str(number))
        found[file.casefold()] = below(here, name)
    return found


def below(folder: str, name: str) -> str:
    """A path of Windows; the root of a drive ends with a backslash by itself."""
    return f"{folder.rstrip(chr(92))}\\{name}"
