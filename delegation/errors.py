"""Everything this program refuses or fails at, as one tree.

DelegationError                1   what, and what to do about it
├── UsageError                 2   options that make no sense together
├── InventoryError             2   every problem of an inventory file
├── DirectoryError             1   the directory could not be read or written
│   ├── ConnectionFailed       1   nobody there, wrong certificate, link lost
│   ├── CredentialsRefused     1   the directory does not accept the account
│   │   └── NoTicket           1   this logon has no Kerberos ticket, or one that has expired
│   └── ExportError            1   an LDIF export that can't be trusted
├── AccountsError              1   hosts without exactly one account in the domain
├── HostError                  1   a Hyper-V host could not be asked or changed
│   ├── HostUnreachable        1   nobody there, no answer in time, link lost, wrong certificate
│   ├── HostRefused            1   the host does not accept the logon, or gives no right to it
│   │   └── NoHostTicket       1   this logon has no Kerberos ticket any more; no host was asked
│   ├── WrongHost              1   another computer answers by the name that the inventory gives
│   └── CommandFailed          1   what was asked of the host failed there
│       ├── HyperVFailed       1   its Hyper-V does not answer, though the host itself does
│       └── CimFailed          1   its WMI refuses what is asked, or a method of it fails
├── JournalError               1   the record of runs can't be read or written
│   └── JournalDistrusted      4   somebody else may have changed it; nothing was written
└── Refused                    4   unsafe, stale or in conflict; nothing was written
    └── Busy                   4   another run holds the state folder

The number is the exit code of the command that ends with it (README, exit codes).
"""

import shlex
from collections.abc import Callable, Sequence
from typing import NamedTuple, Self


class Command(NamedTuple):
    """A command of this program for somebody to type: its words alone.

    Whoever shows it adds what the user has to repeat, such as ``--inventory``: only the front end
    knows with which options it was called.
    """

    words: tuple[str, ...]

    def __str__(self) -> str:
        return shlex.join(("delegation", *self.words))


class Advice(str):
    """A sentence to a user with commands to type in it; as plain text these have no options."""

    __slots__ = ("parts",)
    parts: tuple["str | Command", ...]

    def __new__(cls, *parts: "str | Command") -> Self:
        sentence = super().__new__(cls, "".join(map(str, parts)))
        flat: list[str | Command] = []
        for part in parts:
            flat.extend(part.parts if isinstance(part, Advice) else (part,))
        sentence.parts = tuple(flat)
        return sentence

    def typed(self, line: Callable[[Command], str]) -> str:
        """The sentence, each command as ``line`` writes it."""
        return "".join(line(part) if isinstance(part, Command) else part for part in self.parts)


def command(*words: str) -> Command:
    """``delegation`` and these words, to be typed."""
    return Command(words)


class Interrupted(KeyboardInterrupt):
    """Ctrl-C after a run had begun: the journal tells how far it came. No error of the tree."""


class DelegationError(Exception):
    """``what`` went wrong and where; ``fix`` is what the reader can do about it.

    ``details`` are further lines, such as the objects that are meant.
    """

    exit_code = 1

    def __init__(self, what: str, fix: str = "", details: Sequence[str] = ()) -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix
        self.details = tuple(details)


class UsageError(DelegationError):
    """Nothing was read, sent or written: the command itself can't be meant so."""

    exit_code = 2


class Problem(NamedTuple):
    """One thing wrong with an inventory; ``line`` and ``column`` count from 1."""

    line: int
    column: int
    what: str
    fix: str

    def __str__(self) -> str:
        return f"{self.line}:{self.column}: {self.what}; {self.fix}"


class InventoryError(DelegationError):
    """All problems of one inventory file, in the order of the file."""

    exit_code = 2

    def __init__(self, file: str, problems: Sequence[Problem]) -> None:
        count = "1 problem" if len(problems) == 1 else f"{len(problems):,} problems"
        super().__init__(f"{file} has {count}", "nothing was read or written")
        self.file = file
        self.problems = tuple(sorted(problems))


class DirectoryError(DelegationError):
    pass


class ConnectionFailed(DirectoryError):
    pass


class CredentialsRefused(DirectoryError):
    pass


class NoTicket(CredentialsRefused):
    pass


class ExportError(DirectoryError):
    pass


class AccountsError(DelegationError):
    pass


class HostError(DelegationError):
    """``hresult`` is the host's own error (``0x80070005``), empty where it gave none.

    ``what`` ends with it unless it says it already: it is what people look errors up by.
    """

    def __init__(
        self, what: str, fix: str = "", details: Sequence[str] = (), *, hresult: str = ""
    ) -> None:
        is_said = hresult.casefold() in what.casefold()
        super().__init__(what if is_said else f"{what} ({hresult})", fix, details)
        self.hresult = hresult


class HostUnreachable(HostError):
    pass


class HostRefused(HostError):
    pass


class NoHostTicket(HostRefused):
    pass


class WrongHost(HostError):
    pass


class CommandFailed(HostError):
    pass


class HyperVFailed(CommandFailed):
    """``vmms`` is what its service, Virtual Machine Management, is at; empty: there is none."""

    def __init__(
        self,
        what: str,
        fix: str = "",
        details: Sequence[str] = (),
        *,
        hresult: str = "",
        vmms: str = "",
    ) -> None:
        super().__init__(what, fix, details, hresult=hresult)
        self.vmms = vmms


class CimFailed(CommandFailed):
    """``code`` is what a method returned, ``message_id`` the host's own number of its message.

    Both are empty where the host gave none; its own text is in the details.
    """

    def __init__(  # noqa: PLR0913 - all that a host says of one failure
        self,
        what: str,
        fix: str = "",
        details: Sequence[str] = (),
        *,
        hresult: str = "",
        code: int | None = None,
        message_id: str = "",
    ) -> None:
        super().__init__(what, fix, details, hresult=hresult)
        self.code = code
        self.message_id = message_id


class MachinesNotTold(HostError):
    """A host's list of virtual machines can't be relied upon: it may be a part of them, or none."""


class MoveRefused(CimFailed):
    """A host has answered that a migration does not begin: nothing of it runs.

    ``passes``: what was in the way passes by itself, and it can be tried again.
    """

    passes = False


class MoveUnsettled(HostError):
    """A migration was sent, its answer was lost, and its host may still carry it out."""


class JournalError(DelegationError):
    pass


class JournalDistrusted(JournalError):
    exit_code = 4


class Refused(DelegationError):
    exit_code = 4


class Busy(Refused):
    pass
