"""What a migration leaves to see on its target: a hidden share, a session, disks that grow."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_SHARE = re.compile(r"([A-Za-z0-9_-]{1,15})\.[0-9]{1,20}\$\Z")
"""The source's name, and a number (``ZULU.3341302342$``)."""
_STAGING = "\\$vsm$\\"
_DISK = re.compile(r"\.(?:a?vhdx?|vhds|vmrs|vmcx|vsv|bin)\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class MigrationShare:
    """A temporary share. ``source`` is the short name of the host that migrates through it.

    ``path`` is local to the target; empty where the target does not tell.
    """

    name: str
    source: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class SmbSession:
    """Who has a session: ``client`` is a name or an address. Times are in seconds.

    ``opens`` None: the target does not tell how many files are open.
    """

    client: str
    user: str
    seconds: int
    idle: int
    opens: int | None = None


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A file that is open over SMB, by its path on the target; ``size`` None: not told."""

    path: str
    user: str
    size: int | None = None


@dataclass(frozen=True)
class Traffic:
    """One look at a target. ``untold`` is what it did not tell, and why."""

    shares: tuple[MigrationShare, ...] = ()
    sessions: tuple[SmbSession, ...] = ()
    files: tuple[OpenFile, ...] = ()
    untold: tuple[str, ...] = ()

    @property
    def is_quiet(self) -> bool:
        """Whether nothing migrates to it, as far as it tells."""
        return not self.shares and not self.files


def migration_share(name: str, path: str = "") -> MigrationShare | None:
    """The share as one of a migration; None for any other, which is nobody's business here."""
    match = _SHARE.match(name)
    if match is None or (path and _STAGING not in f"{path}\\".casefold()):
        return None
    return MigrationShare(name, match[1], path)


def is_of_migration(path: str, shares: Iterable[MigrationShare]) -> bool:
    """Whether an open file is one of a machine, or lies below a migration's share."""
    folded = path.casefold()
    below = any(one.path and folded.startswith(f"{one.path.casefold()}\\") for one in shares)
    return below or _DISK.search(path) is not None
