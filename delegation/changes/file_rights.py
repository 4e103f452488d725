"""A security descriptor of Windows -> who else may change or read a file, and what to do about it.

The bytes are those of MS-DTYP 2.4.6, as the file system gives them (changes/windows_owners.py).
Only what is allowed counts: an entry that denies may come after one that allows, or be meant for a
group that somebody has left.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from struct import error as StructError  # noqa: N812 - an exception, named as one
from struct import unpack_from
from typing import NamedTuple

ADMINISTRATORS, SYSTEM, OWNER_RIGHTS = "S-1-5-32-544", "S-1-5-18", "S-1-3-4"
OWNERS = frozenset({ADMINISTRATORS, SYSTEM, OWNER_RIGHTS})
"""Who may do anything anyway, and the SID by which an owner is granted what (MS-DTYP 2.4.2.4)."""
EVERYONE = "S-1-1-0"

_GENERIC_ALL, _GENERIC_WRITE, _GENERIC_READ = 0x1000_0000, 0x4000_0000, 0x8000_0000
_WRITE_DAC, _WRITE_OWNER, _DELETE = 0x4_0000, 0x8_0000, 0x1_0000
_TAKING = _GENERIC_ALL | _WRITE_DAC | _WRITE_OWNER
"""Whoever has one of these gets whatever else they want."""
CHANGING = _TAKING | _GENERIC_WRITE | _DELETE | 0x2 | 0x4 | 0x10 | 0x40 | 0x100
"""Data (in a folder, files) written, appended (folders), extended attributes, children deleted,
attributes: with these a folder becomes a link (MS-FSA 2.1.5.10.37)."""
READING = _TAKING | _GENERIC_READ | 0x1

_DACL_PRESENT = 0x4
_ALLOWED = {0x0, 0x9}
"""Allowed, and allowed on a condition: who meets it can't be told here."""
_DENIED = {0x1, 0x6, 0xA, 0xC}
_INHERIT_ONLY = 0x8


class Distrust(NamedTuple):
    """Why what lies at a path may be somebody else's, and what to do about it."""

    why: str
    fix: str


class FileRights(NamedTuple):
    """``owner`` is a SID, empty where there is none; ``grants`` are those to SIDs, as bits.

    ``unknown`` are the types of entries that grant something in a way that is not known here.
    """

    owner: str
    grants: tuple[tuple[str, int], ...]
    unknown: tuple[int, ...] = ()

    @classmethod
    def of(cls, descriptor: bytes) -> "FileRights":
        """Raises ValueError where ``descriptor`` is none."""
        try:
            control, owner_at, dacl_at = unpack_from("<2xHI8xI", descriptor)
            owner = _sid(descriptor, owner_at) if owner_at else ""
            # No list is not an empty list: the one allows everything, the other nothing.
            if not control & _DACL_PRESENT or not dacl_at:
                return cls(owner, ((EVERYONE, _GENERIC_ALL),))
            entries = list(_entries(descriptor, dacl_at))
        except StructError as exc:
            raise ValueError(f"not a security descriptor: {exc}") from exc
        grants = [(sid, mask) for kind, sid, mask in entries if kind in _ALLOWED]
        unknown = [kind for kind, _, _ in entries if kind not in _ALLOWED]
        return cls(owner, tuple(grants), tuple(unknown))

    def others(self, rights: int, trusted: Collection[str]) -> tuple[str, ...]:
        """Who else has any of ``rights``, each once."""
        found = [sid for sid, mask in self.grants if mask & rights and sid not in trusted]
        return tuple(dict.fromkeys(found))


def _entries(descriptor: bytes, at: int) -> Iterator[tuple[int, str, int]]:
    """Type, SID and bits of every entry that is for the file itself and denies nothing."""
    size, count = unpack_from("<2xHH2x", descriptor, at)
    end, here = at + size, at + 8
    for _ in range(count):
        kind, flags, length = unpack_from("<BBH", descriptor, here)
        if length < 8 or here + length > end:
            raise ValueError("an entry of an access list reaches beyond it")
        if not flags & _INHERIT_ONLY and kind not in _DENIED:
            mask = int(unpack_from("<I", descriptor, here + 4)[0])
            yield kind, _sid(descriptor, here + 8) if kind in _ALLOWED else "", mask
        here += length


def _sid(descriptor: bytes, at: int) -> str:
    """MS-DTYP 2.4.2.1; the authority alone has its highest byte first."""
    revision, count, high, low = unpack_from(">BBHI", descriptor, at)
    parts = unpack_from(f"<{count}I", descriptor, at + 8)
    return "-".join(map(str, ("S", revision, (high << 32) | low, *parts)))


@dataclass(frozen=True)
class WindowsFile:
    """A file or folder, by its descriptor, as the program's own ``account`` (a SID) finds it.

    ``named`` gives the name of a SID.
    """

    path: str
    descriptor: bytes
    account: str
    is_folder: bool = False
    named: Callable[[str], str] = field(default=str)

    @cached_property
    def rights(self) -> FileRights:
        return FileRights.of(self.descriptor)

    def changeable(self) -> Distrust | None:
        """Who else may change it, or what is in it."""
        return self._granted_to_others(CHANGING, "change")

    def readable(self) -> Distrust | None:
        """Who else may read it."""
        return self._granted_to_others(READING, "read")

    def _granted_to_others(self, rights: int, verb: str) -> Distrust | None:
        try:
            found = self.rights
        except ValueError as exc:
            return untold(self.path, verb, str(exc))
        trusted = {*OWNERS, self.account}
        if found.owner not in trusted:
            whom = self.named(found.owner) if found.owner else "none is told"
            return Distrust(
                f"{self.path} belongs to another account ({whom})",
                f'if it is yours: takeown /f "{self.path}"',
            )
        if found.unknown:
            kinds = ", ".join(map(str, found.unknown))
            return untold(self.path, verb, f"its access list has entries of type {kinds}")
        others = found.others(rights, trusted)
        if not others:
            return None
        whom = ", ".join(map(self.named, others))
        return Distrust(f"{whom} may {verb} {self.path}", self._closed_to(others))

    def _closed_to(self, others: Collection[str]) -> str:
        """The command that leaves it to its owners."""
        inherited = "(OI)(CI)" if self.is_folder else ""
        grants = [f'"*{sid}:{inherited}F"' for sid in (self.account, SYSTEM, ADMINISTRATORS)]
        removed = [f'"*{sid}"' for sid in others]
        words = ["/inheritance:r /remove:g", *removed, "/grant:r", *dict.fromkeys(grants)]
        return f'icacls "{self.path}" {" ".join(words)}'


def untold(path: str, verb: str, why: str) -> Distrust:
    """What can't be judged may be anybody's."""
    return Distrust(
        f"who may {verb} {path} can't be told: {why}",
        "have it on a volume with access lists (NTFS) that you may read, or name another place",
    )
