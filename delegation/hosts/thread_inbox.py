"""Threads that are spoken to, for the one thread that waits: what they say, and how they crash.

Whoever has Ctrl-C to handle must be the one who waits, in the main thread, and must never wait for
long: on Windows a wait for a lock can't be interrupted, and Ctrl-C is only seen between two waits.
A thread that crashes alone would leave the others waiting for what it was to say.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

E = TypeVar("E")

TICK = 0.25
"""Seconds that one wait lasts at most."""


@dataclass(frozen=True, slots=True)
class _Crash:
    error: BaseException


class HeardThread(Generic[E]):
    """A thread of which everything is heard, a crash too, until whoever waits has closed it."""

    def __init__(self, name: str, inbox: "SimpleQueue[_Said[E]]") -> None:
        self._name = name
        self._inbox = inbox
        self._thread: threading.Thread | None = None
        self.is_closed = False

    def start(self, work: Callable[[], None]) -> None:
        """Begin ``work``. It can't be stopped from outside, and needs a way to be told to end."""

        def run() -> None:
            try:
                work()
            except BaseException as exc:  # noqa: BLE001 - raised again, in the thread that waits
                self._inbox.put((self, _Crash(exc)))

        # A daemon: a host that hangs must not keep the program from ending.
        self._thread = threading.Thread(target=run, name=self._name, daemon=True)
        self._thread.start()

    def says(self, event: E) -> None:
        self._inbox.put((self, event))

    def close(self) -> None:
        """Hear nothing of it any more, not even what it has said already; it may go on."""
        self.is_closed = True

    @property
    def is_alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def join(self, seconds: float) -> None:
        """Wait for its end, for that long at most."""
        if self._thread is not None:
            self._thread.join(max(seconds, 0))


_Said = tuple[HeardThread[E], E | _Crash]


class ThreadInbox(Generic[E]):
    """Where the events of many threads arrive, in the order in which they were said."""

    def __init__(self) -> None:
        self._inbox: SimpleQueue[_Said[E]] = SimpleQueue()

    def thread(self, name: str) -> HeardThread[E]:
        """A thread that speaks here, to be started."""
        return HeardThread(name, self._inbox)

    def wait(self, seconds: float) -> E | None:
        """The next event; None where there is none in that time.

        Raises what a thread did not expect, and KeyboardInterrupt.
        """
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                thread, event = self._inbox.get(timeout=min(TICK, left))
            except Empty:
                continue
            if thread.is_closed:
                continue
            if isinstance(event, _Crash):
                raise event.error
            return event
        return None
