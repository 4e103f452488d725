"""What an SMB server lists -> what of it is a migration's: a hidden share, a session, its files.

While it copies a VM's disks, the source's management service writes them through a temporary hidden
share on the target. The target makes that share for the one migration, and takes it away after it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from ipaddress import IPv6Address, ip_address

_SHARE = re.compile(r"([A-Za-z0-9_-]{1,15})\.[0-9]{1,20}\$\Z")
"""The source's name, and a number (``ZULU.3341302342$``)."""
_STAGING = "\\$vsm$\\"
"""Below this hidden folder of C: the target keeps what such a share stands for."""
_VM_FILE = re.compile(r"\.(?:a?vhdx?|vhds|vmrs|vmcx|vsv|bin)\Z", re.IGNORECASE)


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
    if match is None:
        return None
    # Anybody may name a share like this one; where the target tells the path, that decides.
    is_elsewhere = path and _STAGING not in f"{path}\\".casefold()
    if is_elsewhere:
        return None
    return MigrationShare(name, match[1], path)


def is_of_migration(path: str, shares: Iterable[MigrationShare]) -> bool:
    """Whether an open file is one of a VM, or lies below a migration's share."""
    is_vm_file = _VM_FILE.search(path) is not None
    return is_vm_file or any(lies_below(path, share) for share in shares)


def lies_below(path: str, share: MigrationShare) -> bool:
    """Whether a local path lies in the folder of a share, as far as the target tells that."""
    if not share.path:
        return False
    return path.casefold().startswith(f"{share.path.casefold()}\\")


CLOCK_SKEW = 3
"""Seconds by which two clocks may tell a session's age differently."""


@dataclass(frozen=True, slots=True)
class Observer:
    """Who looks: the names and addresses of this computer, the user, and for how many seconds."""

    names: frozenset[str]
    user: str
    seconds: float

    def set_own_apart(
        self, sessions: Iterable[SmbSession]
    ) -> tuple[list[SmbSession], SmbSession | None]:
        """The sessions without the observer's own, and that.

        It is one of those of its user from its computer. Where a migration's come from there, too,
        it is the one of its age, with no more open than the pipe through which it asks. The target
        may know the computer by another address: then what has the user and the age is no more
        than perhaps the observer's.
        """
        listed = list(sessions)
        of_user = [session for session in listed if self._is_of_user(session)]
        from_here = [session for session in of_user if self._is_from_here(session)]
        closest = min(from_here or of_user, key=self._unlikeness, default=None)
        if closest is None:
            return listed, None
        if from_here:
            listed.remove(closest)
            return listed, closest
        age_differs, _ = self._unlikeness(closest)
        if not age_differs:
            listed[listed.index(closest)] = replace(closest, perhaps_ours=True)
        return listed, None

    def _is_of_user(self, session: SmbSession) -> bool:
        return _user_name(session.user) == _user_name(self.user)

    def _is_from_here(self, session: SmbSession) -> bool:
        here = {_client_address(name) for name in self.names}
        return _client_address(session.client) in here

    def _unlikeness(self, session: SmbSession) -> tuple[float, int]:
        """By how many seconds its age differs from the observer's, and what it has open."""
        difference = abs(session.seconds - self.seconds)
        return max(difference - CLOCK_SKEW, 0.0), session.opens or 0


def _user_name(name: str) -> str:
    """Without its domain, however that is written."""
    return name.rpartition("\\")[2].partition("@")[0].casefold()


def _client_address(name: str) -> str:
    """One spelling of an address; of a name, the computer's."""
    try:
        address = ip_address(name.strip("[]").partition("%")[0])
    except ValueError:
        return name.partition(".")[0].casefold()
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)
