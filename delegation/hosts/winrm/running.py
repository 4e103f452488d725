"""A command under way on a host: what it says, how it ends, and how it is stopped."""

import math
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pypsrp.complex_objects import PSInvocationState
from pypsrp.powershell import PowerShell
from pypsrp.shell import SignalCode

from delegation.errors import HostError, HostUnreachable
from delegation.hosts import failures
from delegation.hosts.machines import Failure
from delegation.hosts.winrm import answers
from delegation.hosts.winrm.link import HostLink
from delegation.hosts.winrm.output import Output

SHORTEST_WAIT = 0.5
"""Seconds; WinRM takes no smaller OperationTimeout."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What a command last said of itself; ``percent`` is -1 where it said none."""

    percent: int = -1
    status: str = ""
    activity: str = ""


@dataclass(frozen=True, slots=True)
class Finished:
    """A command's end: all its output, and why it failed, if it did."""

    output: tuple[Output, ...] = ()
    failure: Failure | None = None


class Running:
    """A command under way; ``what`` names it."""

    def __init__(self, link: HostLink, command: PowerShell, what: str) -> None:
        self._link = link
        self._command = command
        self._stopping = False
        self.what = what

    @property
    def shell(self) -> UUID:
        return UUID(self._command.runspace_pool.id)

    def wait(self, seconds: float) -> Progress | Finished:
        """Its end, or what it last said when ``seconds`` are over. Raises HostUnreachable."""
        until = time.monotonic() + seconds
        while self._command.state == PSInvocationState.RUNNING:
            left = until - time.monotonic()
            if left <= 0:
                return self._said()
            self._poll(min(max(left, SHORTEST_WAIT), self._link.wsman.operation_timeout))
        return self._ended()

    def _poll(self, seconds: float) -> None:
        """Wait for what it says next, and no longer than ``seconds``."""
        timeout: Any = math.ceil(seconds) if seconds >= 1 else seconds
        try:
            with self._link.asking(self.what):
                self._command.poll_invoke(timeout=timeout)
        except HostError:
            if not (self._stopping and answers.is_gone(self._link.wsman.fault)):
                raise
            self._command.state = PSInvocationState.STOPPED
        if self._link.wsman.done and self._command.state == PSInvocationState.RUNNING:
            raise self._end_lost()

    def _end_lost(self) -> HostUnreachable:
        """Its end went to a connection whose client was dead by then; it is told once only.

        The host forgets the command: whoever reconnects to the shell finds that nothing runs.
        """
        with suppress(HostError), self._link.asking(self.what):
            self._command.runspace_pool.shell.signal(SignalCode.TERMINATE, self._command.id)
        return HostUnreachable(
            f"{self.what} on {self._link.place.host} has ended, and how was told to a connection "
            "that is gone",
            "look at what it was to do",
        )

    def stop(self) -> None:
        """Ask the host to stop it; ``wait`` gives the end. Raises HostUnreachable."""
        if self._command.state != PSInvocationState.RUNNING or self._stopping:
            return
        shell = self._command.runspace_pool.shell
        try:
            with self._link.asking(self.what):
                # pypsrp's own stop() would forget the command, and its end with it.
                shell.signal(SignalCode.PS_CTRL_C, self._command.id)
        except HostError:
            # A host may answer only when all is undone, which can take longer than an answer may.
            if self._link.wsman.fault != answers.NOT_YET:
                raise
        self._stopping = True

    def _said(self) -> Progress:
        records = self._command.streams.progress
        if not records:
            return Progress()
        last = records[-1]
        del records[:-1]
        percent = last.percent_complete
        return Progress(
            percent if isinstance(percent, int) else -1,
            last.description or last.current_operation or "",
            last.activity or "",
        )

    def _ended(self) -> Finished:
        command, state = self._command, self._command.state
        output = tuple(Output(raw, self._link.place.host, self.what) for raw in command.output)
        with suppress(HostError), self._link.asking(self.what):
            # Frees what the host keeps of it; the host may have done so by itself.
            command.close()
        if state == PSInvocationState.STOPPED:
            return Finished(output, failures.stopped())
        if command.streams.error or state == PSInvocationState.FAILED:
            return Finished(output, answers.failure_of(command.streams.error))
        return Finished(output)
