"""What a migration leaves to see on its target: a hidden share, a session, disks that grow."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from ipaddress import IPv6Address, ip_address

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

    ``opens`` None: the target does not tell how many files are open. ``perhaps_ours``: it may be
    the one through which this program looks, which it can't tell for sure.
    """

    client: str
    user: str
    seconds: int
    idle: int
    opens: int | None = None
    perhaps_ours: bool = False


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A file that is open over SMB, by its path on the target; ``size`` None: not told."""

    path: str
    user: str
    size: int | None = None


@dataclass(frozen=True)
class Traffic:
    """One look at a target. ``untold`` is what it did not tell, and why.

    ``own`` is the session through which it was looked at, which is none of ``sessions``.
    """

    shares: tuple[MigrationShare, ...] = ()
    sessions: tuple[SmbSession, ...] = ()
    files: tuple[OpenFile, ...] = ()
    untold: tuple[str, ...] = ()
    own: SmbSession | None = None

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


NEAR = 3
"""Seconds by which two clocks may tell a session's age differently."""


@dataclass(frozen=True, slots=True)
class Observer:
    """Who looks: the names and addresses of this computer, the user, and for how many seconds."""

    names: frozenset[str]
    user: str
    seconds: float

    def apart(self, sessions: Iterable[SmbSession]) -> tuple[list[SmbSession], SmbSession | None]:
        """The sessions without the observer's own, and that.

        It is one of those of its user from its computer. Where a migration's come from there, too,
        it is the one of its age, with no more open than the pipe through which it asks. The target
        may know the computer by another address: then what has the user and the age is no more
        than perhaps the observer's.
        """
        found = list(sessions)
        of_user = [one for one in found if _user(one.user) == _user(self.user)]
        from_here = [one for one in of_user if _client(one.client) in set(map(_client, self.names))]
        closest = min(from_here or of_user, key=self._unlikeness, default=None)
        if closest is None or (not from_here and self._unlikeness(closest)[0]):
            return found, None
        if from_here:
            found.remove(closest)
            return found, closest
        found[found.index(closest)] = replace(closest, perhaps_ours=True)
        return found, None

    def _unlikeness(self, session: SmbSession) -> tuple[float, int]:
        return max(abs(session.seconds - self.seconds) - NEAR, 0.0), session.opens or 0


def _user(name: str) -> str:
    """Without its domain, however that is written."""
    return name.rpartition("\\")[2].partition("@")[0].casefold()


def _client(name: str) -> str:
    """One spelling of an address; of a name, the computer's."""
    try:
        address = ip_address(name.strip("[]").partition("%")[0])
    except ValueError:
        return name.partition(".")[0].casefold()
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)
