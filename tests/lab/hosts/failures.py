"""How a migration fails, in the words of Hyper-V where they are known.

Known from Microsoft's own pages (troubleshoot-live-migration-issues; Use live migration without
Failover Clustering) and from what people report: the first two lines, the reasons with their
HRESULTs. The others say so in their docstrings: the HRESULT is a real one, the words are ours.
"""

from __future__ import annotations

from tests.lab.hosts.state import Machine

NO_CREDENTIALS = 0x8009030E
ACCESS_DENIED = 0x80070005
UNREACHABLE = 0x80090303
NO_AUTHORITY = 0x80090311
REFUSED = 0x8007274D
TIMED_OUT = 0x8007274C
RESET = 0x80072746
NO_SUCH_HOST = 0x80072AF9
WAITED = 0x800705B4
DISK_FULL = 0x80070070
NO_MEMORY = 0x8007000E
EXISTS = 0x80070050
NO_PATH = 0x80070003
NOT_SUPPORTED = 0x80070032
INVALID_STATE = 0x8007139F
NO_IMAGE = 0xC03A0014
"""What a move is refused with whose ISO image the target does not have."""

REASONS = {
    NO_CREDENTIALS: "No credentials are available in the security package",
    ACCESS_DENIED: "General access denied error",
    UNREACHABLE: "The specified target is unknown or unreachable",
    NO_AUTHORITY: "No authority could be contacted for authentication.",
    REFUSED: "No connection could be made because the target machine actively refused it.",
    TIMED_OUT: "A connection attempt failed because the connected party did not properly respond "
    "after a period of time, or established connection failed because connected host has failed "
    "to respond.",
    RESET: "An existing connection was forcibly closed by the remote host.",
    NO_SUCH_HOST: "No such host is known.",
    WAITED: "This operation returned because the timeout period expired.",
    DISK_FULL: "There is not enough space on the disk.",
    NO_MEMORY: "Not enough memory resources are available to complete this operation.",
    EXISTS: "The file exists.",
    NO_PATH: "The system cannot find the path specified.",
    NOT_SUPPORTED: "The request is not supported.",
    NO_IMAGE: "A virtual disk support provider for the specified file was not found.",
    INVALID_STATE: "The group or resource is not in the correct state to perform the requested "
    "operation.",
}


class Stopped(Exception):
    """The job was stopped: whoever works cleans up and lets it pass."""


class Failed(Exception):
    """The job failed: Hyper-V's words, a paragraph a reason, and the HRESULT of the last one."""

    def __init__(self, message: str, hresult: int = 0) -> None:
        super().__init__(message)
        self.message, self.hresult = message, hresult


class Reason(Exception):
    """Why a migration fails: a sentence, and the HRESULT of Windows' own reason."""

    def __init__(self, text: str, hresult: int) -> None:
        super().__init__(f"{text}: {described(hresult)}")
        self.text, self.hresult = text, hresult


class RefusedThere(Reason):
    """The other end gave this reason."""


def described(hresult: int) -> str:
    """Give Windows' words for an HRESULT, with it."""
    return f"{REASONS.get(hresult, 'Unspecified error')} (0x{hresult:08X})"


def at_source(machine: Machine, source: str, *reasons: str, hresult: int) -> Failed:
    """A migration failed at its source."""
    return failed(machine, "source", source, *reasons, hresult=hresult)


def failed(machine: Machine, end: str, host: str, *reasons: str, hresult: int) -> Failed:
    """A migration failed at one of its ends."""
    first = (
        f"Virtual machine migration operation for '{machine.name}' failed at migration {end} "
        f"'{host.upper()}'. (Virtual machine ID {machine.id.upper()})"
    )
    return Failed("\n\n".join([first, *reasons]), hresult)


def no_connection(target: str, hresult: int) -> str:
    """The source does not get through to the target's migration service."""
    return (
        "The Virtual Machine Management Service failed to establish a connection for a Virtual "
        f"Machine migration with host '{target}': {described(hresult)}."
    )


def not_authenticated() -> str:
    """The source has no ticket to the target to show."""
    return (
        "The Virtual Machine Management Service failed to authenticate the connection for a "
        "Virtual Machine migration at the source host: no suitable credentials available."
    )


def disabled(host: str) -> Reason:
    """Migrations are not enabled. The words are ours; a target that has none does not listen."""
    text = f"Virtual machine migrations are not enabled on host '{host.upper()}'"
    return Reason(text, INVALID_STATE)


def no_slot(host: str) -> Reason:
    """All slots of a host stayed taken. The words are ours."""
    text = (
        f"Host '{host.upper()}' is already performing the maximum number of simultaneous migrations"
    )
    return Reason(text, WAITED)


def already_moving(machine: Machine) -> Reason:
    """A machine is in a migration. The words are ours."""
    return Reason(f"The virtual machine '{machine.name}' is already being migrated", INVALID_STATE)


def clustered(machine: Machine) -> Reason:
    """A clustered machine is the cluster's to move. The words are ours."""
    text = (
        f"The virtual machine '{machine.name}' is a clustered virtual machine and cannot be "
        "migrated to a host outside its cluster"
    )
    return Reason(text, NOT_SUPPORTED)


def no_right(host: str) -> Reason:
    """The operator is no administrator of Hyper-V there."""
    text = (
        "You do not have the required permission to complete this task. Contact the administrator "
        f"of the authorization policy for the computer '{host.upper()}'"
    )
    return Reason(text, ACCESS_DENIED)


def bad_parameter(text: str) -> Failed:
    """A parameter that is not taken like this."""
    return Failed(text, 0x80070057)
