"""A shell: a runspace pool that outlives its connections, with its pipelines.

A shell is connected while one of its client's connections stands. When the last one drops it is
disconnected: its pipelines go on, and what they say waits, until the client reconnects, another
client of the same user connects, or the shell has been idle for too long.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import gssapi
import psrpcore

from tests.lab.wsman.outbox import Batch, Outbox
from tests.lab.wsman.pipeline import Pipeline
from tests.lab.wsman.runtime import Cmdlet
from tests.lab.wsman.soap import Code, WSManFault
from tests.lab.wsman.wire import Wire

LOOK = 0.1
"""Seconds between two looks whether the connection of a waiting request still stands."""
CLEANING_SECONDS = 10.0
ASKED = (
    psrpcore.SetMaxRunspacesEvent,
    psrpcore.SetMinRunspacesEvent,
    psrpcore.ResetRunspaceStateEvent,
)


class Connection(Protocol):
    """A client's TCP connection."""

    def gone(self) -> bool:
        """Tell whether the client has left."""


@dataclass(frozen=True)
class Delivery:
    """What a Receive gives: fragments, to be put back if they do not arrive."""

    batch: Batch
    box: Outbox
    done: bool


class Shell:
    """One shell, from Create to Delete."""

    def __init__(
        self, identifier: str, resource: str, owner: str, session: str, idle_seconds: float
    ) -> None:
        self.identifier, self.resource, self.owner = identifier, resource, owner
        self.session, self.idle_seconds = session, idle_seconds
        self.wire = Wire()
        self.pipelines: dict[str, Pipeline] = {}
        self.connections: set[Connection] = set()
        self.connected = True
        self.closed = False
        self.turn = 0
        """Counts the clients, so that a Receive of one before does not take another's output."""

    def use(self, connection: Connection) -> None:
        """Note that a connected client speaks by this connection.

        Raises:
            WSManFault: the shell is disconnected.
        """
        with self.wire.changed:
            if not self.connected:
                raise WSManFault(Code.SHELL_DISCONNECTED)
            self.connections.add(connection)

    def leave(self, connection: Connection) -> bool:
        """Note that a connection dropped; tell whether this disconnected the shell."""
        with self.wire.changed:
            if connection not in self.connections:
                return False
            self.connections.discard(connection)
            if not self.connections and self.connected:
                self.disconnect()
            return not self.connected

    def disconnect(self) -> None:
        """Let the client go; the pipelines go on."""
        with self.wire.changed:
            self.connections.clear()
            self.connected = False
            self.wire.disconnect()

    def reconnect(self, connection: Connection, session: str) -> None:
        """Let the same client come back, though its former connection seems to stand.

        Raises:
            WSManFault: it is not the same.
        """
        with self.wire.changed:
            if session != self.session:
                raise WSManFault(Code.SESSION_MISMATCH)
            self.wire.disconnect()
            self._enter(connection)
            self.wire.reconnect()

    def connect(self, connection: Connection, session: str, data: bytes) -> bytes:
        """Let another client of the owner in, and give the answer for its PSRP.

        Raises:
            WSManFault: a client is there.
        """
        with self.wire.changed:
            for former in [one for one in self.connections if one.gone()]:
                self.leave(former)
            if self.connected:
                raise WSManFault(Code.CONNECTED_TO_DIFFERENT_CLIENT)
            answer = self.wire.connect(data, self._take)
            self._enter(connection)
            self.session = session
            return answer

    def _enter(self, connection: Connection) -> None:
        self.turn += 1
        self.connected = True
        self.connections = {connection}

    def settle(self) -> None:
        """Wait until its stopped pipelines have cleaned up."""
        with self.wire.changed:
            self.wire.changed.wait_for(
                lambda: all(one.done for one in self.pipelines.values()), CLEANING_SECONDS
            )

    def close(self) -> None:
        """Stop the pipelines, and let no request find it any more."""
        with self.wire.changed:
            self.closed = True
            for pipeline in self.pipelines.values():
                pipeline.stop()
            self.wire.changed.notify_all()

    def pipeline(self, identifier: str) -> Pipeline:
        """Give a pipeline.

        Raises:
            WSManFault: there is none.
        """
        if (found := self.pipelines.get(identifier.upper())) is None:
            raise WSManFault(Code.UNEXPECTED_SELECTORS)
        return found

    def add(
        self,
        identifier: str,
        data: bytes,
        evidence: gssapi.Credentials | None,
        cmdlets: Mapping[str, Cmdlet],
        output_bytes: int,
    ) -> None:
        """Add a pipeline, and read the first of its data; it starts when all of it is there."""
        with self.wire.changed:
            if identifier in self.pipelines:
                raise WSManFault(Code.UNEXPECTED_SELECTORS, "The command exists already.")
            self.pipelines[identifier] = Pipeline(
                self.wire,
                uuid.UUID(identifier),
                self.owner,
                evidence,
                cmdlets=cmdlets,
                output_bytes=output_bytes,
            )
            self.feed(data)

    def forget(self, identifier: str) -> None:
        """Stop a pipeline, and drop what it still has to say."""
        pipeline = self.pipelines.pop(identifier.upper())
        pipeline.stop()
        self.wire.close_pipeline(pipeline.identifier)

    def feed(self, data: bytes) -> None:
        """Read PSRP from the client."""
        self.wire.feed(data, self._take)

    def _take(self, event: psrpcore.PSRPEvent[Any, Any]) -> None:
        if isinstance(event, psrpcore.CreatePipelineEvent):
            if event.pipeline.no_input:
                self.pipeline(str(event.pipeline_id)).start()
        elif isinstance(event, psrpcore.PipelineInputEvent):
            self.pipeline(str(event.pipeline_id)).input.append(event.data)
        elif isinstance(event, psrpcore.EndOfPipelineInputEvent):
            self.pipeline(str(event.pipeline_id)).start()
        elif isinstance(event, psrpcore.GetAvailableRunspacesEvent):
            self.wire.pool.runspace_availability_response(event.ci, self.wire.pool.max_runspaces)
        elif isinstance(event, ASKED):
            self.wire.pool.runspace_availability_response(event.ci, True)

    def receive(
        self, connection: Connection, command: str | None, seconds: float, most_bytes: int
    ) -> Delivery:
        """Wait for output, of a pipeline or of the pool.

        Raises:
            WSManFault: none came in time, or the shell or its client went.
        """
        with self.wire.changed:
            pipeline = self.pipeline(command) if command else None
            turn, end = self.turn, time.monotonic() + seconds
            while True:
                box = pipeline.box if pipeline else self.wire.own
                self._still_there(connection, turn)
                if box or (pipeline and pipeline.done):
                    batch = box.take(most_bytes)
                    self.wire.changed.notify_all()
                    done = pipeline is not None and pipeline.done and not box
                    return Delivery(batch, box, done)
                self._wait(end)

    def finish(self, connection: Connection, command: str, seconds: float) -> None:
        """Stop a pipeline and wait until it has cleaned up; raises as ``receive``."""
        with self.wire.changed:
            pipeline = self.pipeline(command)
            pipeline.stop()
            turn, end = self.turn, time.monotonic() + seconds
            while not pipeline.done:
                self._still_there(connection, turn)
                self._wait(end)

    def _still_there(self, connection: Connection, turn: int) -> None:
        if self.closed:
            raise WSManFault(Code.OPERATION_ABORTED)
        if not self.connected or turn != self.turn:
            raise WSManFault(Code.STREAM_DISCONNECTED)
        if connection.gone():
            raise ConnectionResetError

    def _wait(self, end: float) -> None:
        left = end - time.monotonic()
        if left <= 0:
            raise WSManFault(Code.TIMED_OUT)
        self.wire.changed.wait(min(LOOK, left))

    def put_back(self, delivery: Delivery) -> None:
        """Keep for the next Receive what did not arrive."""
        with self.wire.changed:
            delivery.box.put_back(delivery.batch)
            self.wire.changed.notify_all()
