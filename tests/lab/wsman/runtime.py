"""What a cmdlet of the lab sees: its caller, its streams, and whether it has been stopped."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import gssapi
from psrpcore.types import ErrorCategory

COR_E_EXCEPTION = 0x80131500
"""The HRESULT of a .NET exception that names no other."""
VIRTUALIZATION_EXCEPTION = "Microsoft.HyperV.PowerShell.VirtualizationException"


class PipelineStopped(Exception):
    """The pipeline was stopped: a cmdlet cleans up and lets it pass."""


class CmdletError(Exception):
    """An error record; raised, it ends the pipeline, given to ``Runtime.error`` it does not.

    ``hresult`` may be given as documented (0x8009030E) or signed; it travels as the exception's
    signed HResult. ``error_id`` is completed by the cmdlet's class, as PowerShell does, unless it
    holds a comma. ``type_name`` is the exception's .NET type.
    """

    def __init__(
        self,
        message: str,
        error_id: str = "OperationFailed",
        category: ErrorCategory = ErrorCategory.NotSpecified,
        target: object = None,
        *,
        hresult: int = COR_E_EXCEPTION,
        type_name: str = VIRTUALIZATION_EXCEPTION,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.error_id = error_id
        self.category = category
        self.target = target
        self.hresult = hresult
        self.type_name = type_name


class Runtime(ABC):
    """What a cmdlet sees of the pipeline that it runs in."""

    user: str
    """The caller as Kerberos names him: ``vmadmin@CORP.EXAMPLE``."""
    evidence: gssapi.Credentials | None
    """The caller's ticket to this host, for S4U2Proxy; whether it may be passed on says the KDC."""

    @abstractmethod
    def check(self) -> None:
        """Raise ``PipelineStopped`` once the pipeline was stopped."""

    @abstractmethod
    def sleep(self, seconds: float) -> None:
        """Wait, or raise ``PipelineStopped`` as soon as the pipeline is stopped."""

    @abstractmethod
    def progress(
        self,
        activity: str,
        status: str,
        percent: int,
        *,
        done: bool = False,
        operation: str | None = None,
    ) -> None:
        """Write a progress record; also checks as ``check`` does."""

    @abstractmethod
    def error(self, error: CmdletError) -> None:
        """Write an error record and go on; with ``-ErrorAction Stop`` it is raised instead."""

    @abstractmethod
    def warning(self, text: str) -> None:
        """Write a warning record."""


Cmdlet = Callable[[Runtime, Mapping[str, Any], list[Any]], Iterator[Any]]
"""(runtime, parameters by casefolded name, pipeline input) -> the objects of its output."""
