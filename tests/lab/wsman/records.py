"""Error records as PowerShell makes them of a cmdlet's error (MS-PSRP 2.2.3.15)."""

from __future__ import annotations

from psrpcore.types import ErrorCategoryInfo, ErrorRecord, NETException

from tests.lab.wsman.runtime import CmdletError

COMMANDS = "Microsoft.HyperV.PowerShell.Commands"
NO_CMDLET = ("CommandNotFoundException", "ScriptsNotAllowed", "InternalError")
"""Errors of the shell, before any cmdlet."""


class Failed(Exception):
    """A cmdlet ended its pipeline with this error."""

    def __init__(self, record: ErrorRecord) -> None:
        super().__init__(str(record))
        self.record = record


def error_record(error: CmdletError, cmdlet: str) -> ErrorRecord:
    """Make the record of an error in ``cmdlet``."""
    exception = NETException(Message=error.message, HResult=signed(error.hresult))
    exception.PSObject.type_names = [
        *([error.type_name] if error.type_name != "System.Exception" else []),
        "System.Exception",
        "System.Object",
    ]
    there = error.target is not None
    return ErrorRecord(
        Exception=exception,
        CategoryInfo=ErrorCategoryInfo(
            Category=error.category,
            Activity=cmdlet,
            Reason=error.type_name.rpartition(".")[2],
            TargetName=str(error.target) if there else "",
            TargetType=type(error.target).__name__ if there else "",
        ),
        TargetObject=error.target,
        FullyQualifiedErrorId=qualified(error.error_id, cmdlet),
    )


def qualified(error_id: str, cmdlet: str) -> str:
    """Complete an error's identifier by the class of its cmdlet."""
    if "," in error_id or error_id in NO_CMDLET:
        return error_id
    return f"{error_id},{COMMANDS}.{cmdlet.replace('-', '')}"


def signed(hresult: int) -> int:
    """Give an HRESULT as the signed number that .NET has."""
    return hresult - 2**32 if hresult >= 2**31 else hresult
