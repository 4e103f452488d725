"""A host as read, with its machines -> the folder that another machine gets there."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from delegation.hosts.machines import HostReading, VirtualMachine

_DEVICES = re.compile(
    r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³]) *(?:\.|\Z)", re.IGNORECASE
)
"""Names that are no files' (Naming Files, Paths, and Namespaces; with an extension neither)."""
_FOLDER_NAME = re.compile(r'[^<>:"/\\|?*]{0,63}[^<>:"/\\|?*. ]\Z')
"""What Windows takes as a folder's name as it is written: at its end, dots and spaces go."""
_SEPARATOR = "\\"


@dataclass(frozen=True, slots=True)
class Hosted:
    """One host as read, with the machines on it."""

    reading: HostReading
    machines: tuple[VirtualMachine, ...]


def folder(hosted: Hosted, machine: VirtualMachine, taken: Collection[str] = ()) -> str:
    """A folder of the machine's own below the host's default folder.

    It is called like the machine, unless that can't be a folder's name or another machine there,
    or one of the folders that are ``taken`` already (in lower case), is called so: then by its id.
    """
    # Of its own, because disks of two machines often have one name (disk.vhdx), and one folder
    # would hold only one of them. Windows compares names without regard to case.
    resources = hosted.reading.resources
    storage = resources.storage if resources else ""
    below = f"{storage.rstrip(_SEPARATOR)}{_SEPARATOR}"
    by_name = f"{below}{machine.name}"
    is_free = by_name.casefold() not in taken and not _has_namesake(hosted, machine)
    if is_free and _can_name_a_folder(machine.name):
        return by_name
    return f"{below}{machine.id}"


def _can_name_a_folder(name: str) -> bool:
    is_plain = name.isprintable() and _FOLDER_NAME.match(name) is not None
    return is_plain and not is_device(name)


def _has_namesake(hosted: Hosted, machine: VirtualMachine) -> bool:
    folded = machine.name.casefold()
    others = (other for other in hosted.machines if other.id != machine.id)
    return any(other.name.casefold() == folded for other in others)


def is_device(name: str) -> bool:
    """Whether Windows takes this part of a path for a device, such as CON."""
    return _DEVICES.match(name) is not None
