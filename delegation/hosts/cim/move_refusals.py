"""A host's refusal of a migration -> whether that is certain: only then may it be sent again."""

from delegation.errors import CimFailed, MoveRefused
from delegation.hosts.cim.cim_faults import ACCESS_DENIED, NO_CLASS, NO_NAMESPACE, NOT_FOUND

_UNKNOWN, _TIMED_OUT = 32771, 32772
_CODES = set(range(32768, 32779)) - {_UNKNOWN, _TIMED_OUT}
"""What MigrateVirtualSystemToHost returns when it begins no job."""
_HRESULTS = {
    NOT_FOUND,
    ACCESS_DENIED,
    NO_NAMESPACE,
    NO_CLASS,
    "0x80041008",  # an invalid parameter
    "0x8004100C",  # not supported
    "0x80041013",  # the provider can't be loaded,
    "0x80041014",  # or does not start
    "0x8004102E",  # no such method
    "0x8004102F",  # its parameters are invalid
}
"""Faults of WMI before it has asked VMMS. That it failed, was cancelled or shuts down says nothing
of what VMMS does."""


def begins_nothing(exc: CimFailed) -> bool:
    """Whether a host that has answered so has begun nothing, and will not."""
    return exc.code in _CODES or exc.hresult in _HRESULTS


def refused(exc: CimFailed) -> MoveRefused:
    """The same error as one of a migration that does not begin."""
    if isinstance(exc, MoveRefused):
        return exc
    return MoveRefused(
        exc.what,
        exc.fix,
        exc.details,
        hresult=exc.hresult,
        code=exc.code,
        message_id=exc.message_id,
    )
