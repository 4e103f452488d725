"""One runspace pool's side of PSRP: messages in, fragments out, sorted by who will fetch them."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from typing import Any

import psrpcore
from psrpcore.types import RunspacePoolState

from tests.lab.wsman.outbox import Outbox, split

FRAGMENT = 32 * 1024
VERSION = {"PSVersionTable": {"PSVersion": "5.1.20348.1"}}


class Wire:
    """The state of PSRP for one pool; ``changed`` guards it, and tells of anything new."""

    def __init__(self) -> None:
        self.pool = psrpcore.ServerRunspacePool(VERSION)
        self.changed = threading.Condition(threading.RLock())
        self.own = Outbox()
        """The pool's own messages; those of a pipeline have a box of their own."""
        self.busy = 0
        """Runspaces in use."""
        self._boxes: dict[uuid.UUID, Outbox] = {}

    def open_pipeline(self, identifier: uuid.UUID) -> tuple[psrpcore.ServerPipeline, Outbox]:
        """Add a pipeline, which then takes its messages."""
        with self.changed:
            box = self._boxes[identifier] = Outbox()
            return psrpcore.ServerPipeline(self.pool, identifier), box

    def close_pipeline(self, identifier: uuid.UUID) -> None:
        """Forget a pipeline and what it still has to say."""
        with self.changed:
            self.pool.pipeline_table.pop(identifier, None)
            self._boxes.pop(identifier, None)

    def write(self, *messages: Callable[[], None]) -> None:
        """Let messages be made, and sort their fragments into the boxes."""
        with self.changed:
            for message in messages:
                message()
            self._sort()

    def feed(self, data: bytes, take: Callable[[psrpcore.PSRPEvent[Any, Any]], None]) -> None:
        """Read what the client sent, and hand on each event."""
        with self.changed:
            self.pool.receive_data(psrpcore.PSRPPayload(data, psrpcore.StreamType.default, None))
            while (event := self.pool.next_event()) is not None:
                take(event)
            self._sort()

    def disconnect(self) -> None:
        """Note that the client is away."""
        with self.changed:
            if self.pool.state == RunspacePoolState.Opened:
                self.pool.disconnect()
            self.changed.notify_all()

    def reconnect(self) -> None:
        """Note that the same client is back; it goes on where it was."""
        with self.changed:
            self.pool.reconnect()
            # psrpcore tells the client the state, as a host does not.
            while self.pool.data_to_send() is not None:
                pass
            self.changed.notify_all()

    def connect(self, data: bytes, take: Callable[[psrpcore.PSRPEvent[Any, Any]], None]) -> bytes:
        """Let another client in, and give the answer to its ``connectXml`` (MS-PSRP 3.2.5.3.3).

        It is told of the pool: capability and data at once, the rest by its first Receive. What a
        client before it had half received is sent to it from the beginning.
        """
        with self.changed:
            self.own = Outbox()
            for box in self._boxes.values():
                box.restart()
            # psrpcore would number its fragments anew, though older ones still wait.
            count = self.pool._fragment_count
            self.pool.connect()
            self.pool._fragment_count = count
            self.pool.prepare_message(self.pool.our_capability)
            self.feed(data, take)
            return b"".join(self.own.take(1).fragments + self.own.take(1).fragments)

    def _sort(self) -> None:
        while (payload := self.pool.data_to_send(FRAGMENT)) is not None:
            if payload.pipeline_id is None:
                box: Outbox | None = self.own
            else:
                # Gone, if the client has closed it while it still ran.
                box = self._boxes.get(payload.pipeline_id)
            if box is not None:
                for fragment in split(payload.data):
                    box.put(fragment)
        self.changed.notify_all()
