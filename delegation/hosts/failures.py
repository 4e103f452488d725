"""Failure -> Meaning: the errors of Hyper-V migrations, by number: texts come in many languages.

A number decides in this order: HRESULT, by the phase in which it came where that matters;
MessageID; ErrorCode. A text never decides anything. The one thing that is looked for in it are the
names of Windows' remote management, which no language translates, and only to say what an error is
not: of the mesh.
"""

import re
from dataclasses import dataclass

from delegation.hosts.failure_words import (
    BY_ERROR_CODE,
    BY_HRESULT,
    BY_MESSAGE_ID,
    IN_CHECK,
    IN_STORAGE,
    MISSING_SWITCH,
    START_AGAIN,
    FailureKind,
    Known,
)
from delegation.hosts.machines import Failure, Incompatibility, MovePhase

__all__ = ["MISSING_SWITCH", "FailureKind", "Meaning", "meaning"]

_REMOTE_MANAGEMENT = re.compile(r"WS-?Management|WSMan|WinRM|0x80338[0-9A-F]{3}", re.IGNORECASE)
"""Words of another hop than the migration's: from whoever asks to a host."""
_MOVING_FILES = {MovePhase.STORAGE, MovePhase.MACHINE_AND_STORAGE}
_LOOKING = {MovePhase.CHECKING, MovePhase.CREATING}


@dataclass(frozen=True, slots=True)
class Meaning:
    """An error in plain words. ``what`` follows the name of what failed; ``fix``: what to do."""

    kind: FailureKind
    what: str
    fix: str
    hresult: str = ""

    @property
    def again(self) -> bool:
        """Whether trying again can help."""
        return self.kind.passes


_HRESULT = re.compile(r"\b0x([89A-Fa-f][0-9A-Fa-f]{7})\b")
_DOT_NET = range(0x80131000, 0x80132000)
"""FACILITY_URT: .NET's own numbers, which say only what class an exception is of."""


def text_of(number: int) -> str:
    """An HRESULT, signed or not, as texts show it: ``0x8009030E``."""
    return f"0x{number % 2**32:08X}"


def hresult_in(message: str, number: int = 0) -> str:
    """The HRESULT of an error: of its message, which is the inner one, else its own ``number``.

    Empty where there is none. The last known one in the message counts: an outer sentence comes
    first, its cause after it. .NET's own numbers count for nothing.
    """
    in_message = [int(digits, 16) for digits in _HRESULT.findall(message)]
    candidates = [text_of(value) for value in in_message if value not in _DOT_NET]
    known = [hresult for hresult in candidates if hresult in BY_HRESULT]
    if known or candidates:
        return (known or candidates)[-1]
    unsigned = number % 2**32
    is_failure = unsigned >= 2**31  # the severity bit (MS-ERREF 2.1)
    return text_of(number) if is_failure and unsigned not in _DOT_NET else ""


def failure(message: str, number: int = 0) -> Failure:
    """A failure from a host's own text, with the HRESULT in it."""
    lines = " ".join(message.split())
    return Failure(lines, hresult_in(message, number))


def stopped() -> Failure:
    """The failure of what ended because it was told to."""
    return Failure("it was stopped", stopped=True)


def of_check(reason: Incompatibility) -> Failure:
    """One reason of a check, as the failure that it would be."""
    message = " ".join(reason.message.split())
    return Failure(message, hresult_in(message), reason.id, phase=MovePhase.CHECKING)


def is_known(hresult: str) -> bool:
    """Whether there are words for it here."""
    return hresult in BY_HRESULT


def meaning(failed: Failure) -> Meaning:
    """What a failure means and what to do; what is not known is said in the host's own words."""
    if failed.stopped:
        return Meaning(FailureKind.STOPPED, "it was stopped", START_AGAIN)
    known = _known(failed)
    if known is not None and known[0] is FailureKind.DELEGATION and _is_of_logon(failed):
        return Meaning(
            FailureKind.RIGHTS,
            f"a logon over remote management failed, which no delegation serves: {failed.message}",
            "look from where it was started: a migration is started by its source, which asks "
            "the target over nothing but the migration's own service",
            failed.hresult,
        )
    if known is not None:
        kind, what, fix = known
        return Meaning(kind, what, fix, failed.hresult)
    return Meaning(
        FailureKind.UNKNOWN,
        failed.message or "it failed, and the host does not say why",
        "look at the host's events: Microsoft-Windows-Hyper-V-VMMS/Admin",
        failed.hresult,
    )


def _known(failed: Failure) -> Known | None:
    hresult = failed.hresult
    if failed.phase in _MOVING_FILES and hresult in IN_STORAGE:
        return IN_STORAGE[hresult]
    if failed.phase in _LOOKING and hresult in IN_CHECK:
        return IN_CHECK[hresult]
    if hresult:
        # What an HRESULT leaves open, a number that says less does not settle.
        return BY_HRESULT.get(hresult) or BY_MESSAGE_ID.get(failed.message_id)
    if failed.message_id in BY_MESSAGE_ID:
        return BY_MESSAGE_ID[failed.message_id]
    return BY_ERROR_CODE.get(failed.error_code or 0)


def _is_of_logon(failed: Failure) -> bool:
    """Whether it is a remote logon that failed, of which the mesh knows nothing."""
    return _REMOTE_MANAGEMENT.search(failed.message) is not None
