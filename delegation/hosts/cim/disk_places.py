"""A folder and files of disks -> where each file goes below it. Names stay as they are.

Whether VMMS takes a disk under another name is not known, so that none is renamed: of two with one
name, the second gets a folder of its own.
"""

from collections.abc import Iterable, Mapping

_DISKS = "Virtual Hard Disks"
"""The folder of disks beside a machine's configuration, as Hyper-V's own tools call it."""


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
