"""What carries out a migration, or a check, sees of the job that it is."""

from __future__ import annotations

from typing import Protocol


class Stopped(Exception):
    """The job was stopped: whoever works cleans up and lets it pass."""


class Failed(Exception):
    """The job failed: Hyper-V's words, a paragraph a reason, and the HRESULT of the last one."""

    def __init__(self, message: str, hresult: int = 0) -> None:
        super().__init__(message)
        self.message, self.hresult = message, hresult


class Work(Protocol):
    """A job, for who does it."""

    user: str
    """Who asked for it, as Kerberos names him: ``vmadmin@CORP.EXAMPLE``."""

    def check(self) -> None:
        """Raise Stopped once it was stopped."""

    def sleep(self, seconds: float) -> None:
        """Wait, or raise Stopped as soon as it is stopped."""

    def progress(self, percent: int) -> None:
        """Say how far it is; also checks as ``check`` does."""
