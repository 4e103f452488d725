"""Machine, host -> the folder of its own in which it is to lie there, as Windows takes names."""

import re
from collections.abc import Collection, Iterable

from delegation.hosts.machines import HostReading, VirtualMachine

_SEPARATOR = "\\"
_PLAIN = re.compile(r'[^<>:"/\\|?*]{0,63}[^<>:"/\\|?*. ]\Z')
_DEVICES = re.compile(
    r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³]) *(?:\.|\Z)", re.IGNORECASE
)
"""Names that are no files' (Naming Files, Paths, and Namespaces; with an extension neither)."""


def is_device(name: str) -> bool:
    """Whether Windows takes this part of a path for a device, such as CON."""
    return _DEVICES.match(name) is not None


def machine_folder(
    reading: HostReading,
    there: Iterable[VirtualMachine],
    machine: VirtualMachine,
    taken: Collection[str] = (),
) -> str:
    """A folder of the machine's own below the default folder of the host that was read.

    Of its own, because disks of two machines often have one name. It is called like the machine,
    unless that can't be a folder's name or another machine ``there``, or one of the folders that
    are ``taken`` already (in lower case), is called so: then by its id.
    """
    storage = reading.resources.storage.rstrip(_SEPARATOR) if reading.resources else ""
    by_name = f"{storage}{_SEPARATOR}{machine.name}"
    name = machine.name.casefold()
    namesakes = [other for other in there if other.name.casefold() == name]
    is_free = by_name.casefold() not in taken and all(one.id == machine.id for one in namesakes)
    is_plain = machine.name.isprintable() and _PLAIN.match(machine.name)
    if is_free and is_plain and not is_device(machine.name):
        return by_name
    return f"{storage}{_SEPARATOR}{machine.id}"
