"""A pipeline: its cmdlets run one after the other in a thread, until they end or are stopped.

Only structured pipelines: script text is refused, and there is no language to run it.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from typing import Any

import gssapi
from psrpcore.types import ErrorCategory, ErrorRecord, ProgressRecordType, PSInvocationState

from tests.lab.wsman.records import Failed, error_record
from tests.lab.wsman.runtime import Cmdlet, CmdletError, PipelineStopped, Runtime
from tests.lab.wsman.wire import Wire

log = logging.getLogger(__name__)

OUTPUT_BYTES = 16 * 1024 * 1024
"""What a pipeline may have waiting; then it waits (WinRM's OutputBufferingMode Block)."""
STOP, IGNORE = ("stop", "1"), ("silentlycontinue", "ignore", "0", "4")
AUTOMATION = "System.Management.Automation"


class Pipeline:
    """One pipeline of a shell. ``done`` once its last message is in its box."""

    def __init__(
        self,
        wire: Wire,
        identifier: uuid.UUID,
        user: str,
        evidence: gssapi.Credentials | None,
        *,
        cmdlets: Mapping[str, Cmdlet],
        output_bytes: int,
    ) -> None:
        self.identifier, self.user, self.evidence = identifier, user, evidence
        self.wire, self.cmdlets, self.output_bytes = wire, cmdlets, output_bytes
        self.psrp, self.box = wire.open_pipeline(identifier)
        self.input: list[Any] = []
        self.stopped = threading.Event()
        self.started = self.done = False

    def start(self) -> None:
        """Run it in a thread of its own."""
        self.started = True
        name = f"pipeline {self.identifier}"
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def stop(self) -> None:
        """Ask it to stop; what it had to clean up is done when it is ``done``."""
        with self.wire.changed:
            self.stopped.set()
            if not self.started:
                self.done = True
            self.wire.changed.notify_all()

    def check(self) -> None:
        """Raise ``PipelineStopped`` once it was stopped."""
        if self.stopped.is_set():
            raise PipelineStopped

    def write(self, message: Callable[[], None]) -> None:
        """Write a message, as soon as there is room for it."""
        with self.wire.changed:
            self.wire.changed.wait_for(
                lambda: self.stopped.is_set() or self.box.bytes < self.output_bytes
            )
            self.check()
            self.wire.write(message)

    def _run(self) -> None:
        wire = self.wire
        with wire.changed:
            # The others wait until a runspace is free.
            wire.changed.wait_for(
                lambda: self.stopped.is_set() or wire.busy < max(1, wire.pool.max_runspaces)
            )
            wire.busy += 1
            self.psrp._change_state(PSInvocationState.Running, emit=False)
        state, record = self._outcome()
        with wire.changed:
            wire.busy -= 1
            if state == PSInvocationState.Stopped:
                wire.write(self.psrp.stop)
            else:
                wire.write(lambda: self.psrp._change_state(state, error=record))
            self.done = True
            wire.changed.notify_all()

    def _outcome(self) -> tuple[PSInvocationState, ErrorRecord | None]:
        try:
            for statement in self._statements():
                self._statement(statement)
        except PipelineStopped:
            return PSInvocationState.Stopped, None
        except Failed as failed:
            return PSInvocationState.Failed, failed.record
        except Exception as error:
            log.exception("a cmdlet of the lab failed")
            ours = CmdletError(repr(error), "InternalError", type_name="System.Exception")
            return PSInvocationState.Failed, error_record(ours, "")
        return PSInvocationState.Completed, None

    def _statements(self) -> list[list[Any]]:
        """Give the commands, by statement."""
        statements: list[list[Any]] = [[]]
        for command in getattr(self.psrp.metadata, "commands", ()):
            statements[-1].append(command)
            if command.end_of_statement:
                statements.append([])
        return [one for one in statements if one]

    def _statement(self, commands: list[Any]) -> None:
        objects = list(self.input)
        *before, last = commands
        for command in before:
            objects = list(self._command(command, objects))
        with closing(self._command(last, objects)) as output:
            for one in output:
                self.write(lambda one=one: self.psrp.write_output(one))  # type: ignore[misc]

    def _command(self, command: Any, objects: list[Any]) -> Generator[Any]:
        name = str(command.command_text)
        try:
            cmdlet = self._find(name, script=bool(command.is_script))
            parameters = named(command.parameters)
            action = str(parameters.pop("erroraction", "Continue")).casefold()
            for one in cmdlet(Running(self, name, action), parameters, objects):
                self.check()
                yield one
        except CmdletError as error:
            raise Failed(error_record(error, name)) from error

    def _find(self, name: str, *, script: bool) -> Cmdlet:
        if script:
            raise CmdletError(
                f"Script text is not run here, only cmdlets and parameters: {name[:60]}",
                "ScriptsNotAllowed",
                ErrorCategory.PermissionDenied,
                type_name=f"{AUTOMATION}.PSSecurityException",
            )
        found = self.cmdlets.get(name.casefold())
        if found is None:
            raise CmdletError(
                f"The term '{name}' is not recognized as the name of a cmdlet, function, script "
                "file, or operable program.",
                "CommandNotFoundException",
                ErrorCategory.ObjectNotFound,
                name,
                type_name=f"{AUTOMATION}.CommandNotFoundException",
            )
        return found


def named(parameters: list[tuple[str | None, Any]]) -> dict[str, Any]:
    """Give parameters by their casefolded names; a switch without a value is True."""
    found = {}
    for name, value in parameters:
        if not name:
            raise CmdletError(
                "Parameters are given by name here.",
                "PositionalParameterNotFound",
                ErrorCategory.InvalidArgument,
                type_name=f"{AUTOMATION}.ParameterBindingException",
            )
        found[str(name).strip("-:").casefold()] = True if value is None else value
    return found


class Running(Runtime):
    """A cmdlet's view of its pipeline."""

    def __init__(self, pipeline: Pipeline, name: str, error_action: str) -> None:
        self.user, self.evidence = pipeline.user, pipeline.evidence
        self._pipeline, self._name, self._error_action = pipeline, name, error_action

    def check(self) -> None:
        self._pipeline.check()

    def sleep(self, seconds: float) -> None:
        self._pipeline.stopped.wait(seconds)
        self.check()

    def progress(
        self,
        activity: str,
        status: str,
        percent: int,
        *,
        done: bool = False,
        operation: str | None = None,
    ) -> None:
        kind = ProgressRecordType.Completed if done else ProgressRecordType.Processing
        self._pipeline.write(
            lambda: self._pipeline.psrp.write_progress(
                activity, 0, status, operation, percent_complete=percent, record_type=kind
            )
        )

    def error(self, error: CmdletError) -> None:
        if self._error_action in STOP:
            raise error
        if self._error_action in IGNORE:
            return
        record = error_record(error, self._name)
        self._pipeline.write(
            lambda: self._pipeline.psrp.write_error(
                record.Exception,
                record.CategoryInfo,
                record.TargetObject,
                record.FullyQualifiedErrorId,
            )
        )

    def warning(self, text: str) -> None:
        self._pipeline.write(lambda: self._pipeline.psrp.write_warning(text))
