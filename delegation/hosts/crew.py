"""Many hosts at once: a thread for each, which has its own connection; whoever waits hears them.

The one place in ``hyperv/`` with threads. The waiting is done in the thread that called, so that
Ctrl-C works; a host that says nothing for too long is given up, and its thread is let go of.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

E = TypeVar("E")

GRACE = 15.0
"""How long a host may say nothing after Ctrl-C, in seconds, until what is under way is given up."""
_TICK = 0.25
"""How long one wait lasts at most: on Windows, Ctrl-C is only seen between two."""


@dataclass(frozen=True, slots=True)
class Limits:
    """``workers``: hosts that are spoken to at a time; ``seconds``: how long one may say nothing.

    A connection's own deadlines are shorter, and their errors say more.
    """

    workers: int = 32
    seconds: float = 180.0


@dataclass(frozen=True, slots=True)
class Over:
    """The last of a host. ``begun``: all that had begun there, ended or not.

    ``silent``: it was given up, and may still be busy with the last of it.
    """

    begun: tuple[object, ...]
    silent: bool = False


@dataclass(frozen=True, slots=True)
class _Crashed:
    error: BaseException


class Line(Generic[E]):
    """What a host's thread says to whoever waits, until that one has closed the line."""

    def __init__(self, label: str, inbox: "SimpleQueue[_Said[E]]") -> None:
        self.label = label
        self._inbox = inbox
        self._lock = threading.Lock()
        self._begun: list[object] = []
        self._goes_on = True
        self._closed = False

    def begins(self, what: object) -> bool:
        """Whether ``what`` may begin now."""
        with self._lock:
            if self._goes_on:
                self._begun.append(what)
            return self._goes_on

    def says(self, event: E) -> None:
        self._put(event)

    def stop(self) -> None:
        """Nothing new may begin; what is under way is still listened to."""
        with self._lock:
            self._goes_on = False

    def close(self) -> Over:
        """What is said from now on is not heard."""
        with self._lock:
            self._goes_on, self._closed = False, True
            return Over(tuple(self._begun), silent=True)

    def run(self, job: "Job[E]") -> None:
        """The thread: ``job`` and its end, also where it ends in a way that nobody expected."""
        last: Over | _Crashed
        try:
            job(self)
        except BaseException as exc:  # noqa: BLE001 - raised again, in the thread that waits
            last = _Crashed(exc)
        else:
            last = Over(tuple(self._begun))
        self._put(last)

    def _put(self, event: "E | Over | _Crashed") -> None:
        with self._lock:
            if not self._closed:
                self._inbox.put((self, event))


Job = Callable[[Line[E]], None]
_Said = tuple[Line[E], E | Over | _Crashed]


class Crew(Generic[E]):
    """Threads, one a host, at most ``workers`` at a time; ``hear`` gives what they say."""

    def __init__(self, jobs: Mapping[str, Job[E]], limits: Limits) -> None:
        self._jobs = jobs
        self._workers = limits.workers
        self._seconds = limits.seconds
        self._waiting = deque(jobs)
        self._running: dict[Line[E], float] = {}
        self._inbox: SimpleQueue[_Said[E]] = SimpleQueue()

    def hear(self) -> tuple[str, E | Over] | None:
        """The next host and what it says. None: all have ended, or were never begun.

        Raises what a thread did not expect. Ctrl-C may come here: then ``stop`` and go on, or
        ``close``.
        """
        while self._waiting or self._running:
            while self._waiting and len(self._running) < self._workers:
                self._start(self._waiting.popleft())
            try:
                line, event = self._inbox.get(timeout=_TICK)
            except Empty:
                if (silent := self._given_up()) is not None:
                    return silent
                continue
            if line not in self._running:
                continue
            if isinstance(event, Over | _Crashed):
                del self._running[line]
            else:
                self._running[line] = time.monotonic() + self._seconds
            if isinstance(event, _Crashed):
                raise event.error
            return line.label, event
        return None

    def stop(self) -> None:
        """Begin nothing more, and wait less for what is under way."""
        self._waiting.clear()
        soon = time.monotonic() + GRACE
        for line, deadline in self._running.items():
            line.stop()
            self._running[line] = min(deadline, soon)

    def close(self) -> None:
        """Listen to nobody any more, and begin nothing."""
        self._waiting.clear()
        for line in self._running:
            line.close()
        self._running.clear()

    def _start(self, label: str) -> None:
        line = Line(label, self._inbox)
        self._running[line] = time.monotonic() + self._seconds
        # A daemon: a host that hangs must not keep the program from ending.
        threading.Thread(
            target=line.run, args=(self._jobs[label],), name=label, daemon=True
        ).start()

    def _given_up(self) -> tuple[str, Over] | None:
        now = time.monotonic()
        for line, deadline in self._running.items():
            if now > deadline:
                del self._running[line]
                return line.label, line.close()
        return None
