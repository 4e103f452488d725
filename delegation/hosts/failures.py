"""Failure -> Meaning: the errors of Hyper-V migrations, by HRESULT: texts come in many languages.

Sources: Microsoft's "Troubleshoot live migration issues" for the first eleven; of the others the
Win32 error codes (MS-ERREF 2.2), whose names say enough of what they mean for a migration.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from delegation.hosts.machines import Failure


class FailureKind(StrEnum):
    """What kind of trouble it is; whether trying again can help depends on it."""

    DELEGATION = "delegation"
    RIGHTS = "rights"
    NAME = "name"
    NETWORK = "network"
    BUSY = "busy"
    SPACE = "space"
    STOPPED = "stopped"
    OTHER = "other"
    UNKNOWN = "unknown"
    """Its numbers say nothing here, or it has none: texts never decide."""

    @property
    def passes(self) -> bool:
        """Whether the same attempt can succeed later with nothing done about it."""
        return self in {FailureKind.NETWORK, FailureKind.BUSY}


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


_DELEGATION_FIX = (
    "look at this pair's links with `delegation explain SOURCE TARGET`; after an apply, wait up to "
    "15 minutes, or purge the source's tickets: klist purge -li 0x3e7"
)
_NETWORK_FIX = (
    "look whether TCP 6600 and 445 of the target are open from the source, and whether both share "
    "a migration network"
)
_NO_CREDENTIALS = (
    "the source has no credentials for the target: delegation or protocol transition is missing, "
    "or CredSSP is set without a logon at the source"
)
_NAME_FIX = (
    "look which account holds the target's names (setspn -Q cifs/TARGET), and at its address in DNS"
)
_LOGON_FIX = (
    "give the target's NT VIRTUAL MACHINE\\Virtual Machines the right to log on as a service, "
    "which Group Policy may have taken"
)
_EXISTS_FIX = (
    "look whose file it is; remove it where an earlier attempt left it, or choose another folder"
)
_STATE = (
    "it is not in the state for that: live migration is off at one end, or the virtual machine is "
    "being migrated already"
)
_START_AGAIN = "start it again where it is still wanted"
_TABLE: Mapping[str, tuple[FailureKind, str, str]] = MappingProxyType(
    {
        "0x8009030E": (
            FailureKind.DELEGATION,
            _NO_CREDENTIALS,
            _DELEGATION_FIX,
        ),
        "0x8009030D": (
            FailureKind.DELEGATION,
            "the source's credentials are not recognised: constrained delegation is not set up",
            _DELEGATION_FIX,
        ),
        "0x80090322": (
            FailureKind.NAME,
            "the target is not who its name says: a wrong service principal name, name or address",
            _NAME_FIX,
        ),
        "0x80090303": (
            FailureKind.NAME,
            "the target is unknown, or can't be reached by that name",
            "look at the target's full DNS name and its service principal names",
        ),
        "0x80070005": (
            FailureKind.RIGHTS,
            "access is denied: the operator is no Hyper-V administrator on one of the two hosts",
            "add the operator to Hyper-V Administrators on the source and on the target",
        ),
        "0x80070569": (
            FailureKind.RIGHTS,
            "the target does not grant this type of logon",
            _LOGON_FIX,
        ),
        "0x8007274C": (FailureKind.NETWORK, "the target did not answer in time", _NETWORK_FIX),
        "0x8007274D": (FailureKind.NETWORK, "the target refused the connection", _NETWORK_FIX),
        "0x80072746": (FailureKind.NETWORK, "the connection was reset", _NETWORK_FIX),
        "0x8007271D": (
            FailureKind.NETWORK,
            "the connection was blocked, by a firewall or another policy",
            _NETWORK_FIX,
        ),
        "0x80072751": (FailureKind.NETWORK, "there is no route to the target", _NETWORK_FIX),
        "0x80070035": (FailureKind.NETWORK, "the target's share was not found", _NETWORK_FIX),
        "0x80070040": (FailureKind.NETWORK, "the target's share is gone", _NETWORK_FIX),
        "0x8007003B": (FailureKind.NETWORK, "an unexpected network error occurred", _NETWORK_FIX),
        "0x80070079": (FailureKind.NETWORK, "the network was too slow (timeout)", _NETWORK_FIX),
        "0x800705B4": (
            FailureKind.BUSY,
            "it waited too long, mostly for one of the migrations that an end allows at a time",
            "let other migrations end first, or raise the limit of both hosts",
        ),
        "0x80072AF9": (
            FailureKind.NAME,
            "the source finds no address of the target in DNS",
            "look at the source's DNS servers and the target's record there",
        ),
        "0x8007139F": (
            FailureKind.OTHER,
            _STATE,
            "look at both hosts with `delegation hosts show`, and at the virtual machine",
        ),
        "0x80070032": (
            FailureKind.OTHER,
            "that is not supported, as for a virtual machine that a cluster manages",
            "move it with the cluster's own tools",
        ),
        "0x80070003": (
            FailureKind.OTHER,
            "a folder was not found",
            "look at the storage path; it is a folder on the target",
        ),
        "0x80070050": (FailureKind.OTHER, "the target holds such a file already", _EXISTS_FIX),
        "0x800700B7": (FailureKind.OTHER, "the target holds such a file already", _EXISTS_FIX),
        "0x80070070": (
            FailureKind.SPACE,
            "the disk is full",
            "make room on the target's volume, or choose another folder",
        ),
        "0x80070027": (
            FailureKind.SPACE,
            "the disk is full",
            "make room on the target's volume, or choose another folder",
        ),
        "0x8007000E": (
            FailureKind.SPACE,
            "there is not enough memory",
            "free memory on the target, or choose another one",
        ),
        "0x800705AA": (
            FailureKind.SPACE,
            "there are not enough resources, mostly memory",
            "free memory on the target, or choose another one",
        ),
        "0x80070020": (
            FailureKind.BUSY,
            "a file is in use by another program",
            "look for a backup or another job on the virtual machine; it can be tried again",
        ),
        "0x800700AA": (
            FailureKind.BUSY,
            "the resource is in use",
            "look for another job on the virtual machine; it can be tried again",
        ),
        "0x800703E3": (
            FailureKind.STOPPED,
            "it was stopped",
            "start it again where it is still wanted",
        ),
        "0x800704C7": (
            FailureKind.STOPPED,
            "it was stopped",
            "start it again where it is still wanted",
        ),
    }
)

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
    known = [hresult for hresult in candidates if hresult in _TABLE]
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


def is_known(hresult: str) -> bool:
    """Whether there are words for it here."""
    return hresult in _TABLE


def meaning(failed: Failure) -> Meaning:
    """What a failure means and what to do; what is not known is said in the host's own words."""
    if failed.stopped:
        return Meaning(FailureKind.STOPPED, "it was stopped", _START_AGAIN)
    if known := _TABLE.get(failed.hresult):
        kind, what, fix = known
        return Meaning(kind, what, fix, failed.hresult)
    return Meaning(
        FailureKind.UNKNOWN,
        failed.message or "it failed, and the host does not say why",
        "look at the host's events: Microsoft-Windows-Hyper-V-VMMS/Admin",
        failed.hresult,
    )
