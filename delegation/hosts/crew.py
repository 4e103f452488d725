"""Many hosts at once: a thread for each, which has its own connection; whoever waits hears them.

The waiting is done in the thread that called, so that Ctrl-C works. A host that says nothing for
too long is given up, and its thread is let go of: nothing can end a thread that waits for a host.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from delegation.hosts.thread_inbox import TICK, HeardThread, ThreadInbox

E = TypeVar("E")

GRACE = 15.0
"""How long a host may say nothing after Ctrl-C, in seconds, until what is under way is given up."""


@dataclass(frozen=True, slots=True)
class Limits:
    """``workers``: hosts that are spoken to at a time; ``seconds``: how long one may say nothing.

    A connection's own deadlines are shorter, and their errors say more.
    """

    workers: int = 32
    seconds: float = 180.0


USUAL = Limits()


@dataclass(frozen=True, slots=True)
class Over:
    """The last of a host. ``begun``: all that had begun there, ended or not.

    ``silent``: it was given up, and may still be busy with the last of it.
    """

    begun: tuple[object, ...]
    silent: bool = False


class HostLine(Generic[E]):
    """What a host's thread says to whoever waits, until that one has closed the line.

    ``begins`` and ``close`` take one lock: what the thread was told that it may begin is in the
    ``Over`` of a line that is closed at the same moment. A change that might have been begun
    without anybody knowing would be recorded as not tried.
    """

    def __init__(self, label: str, thread: "HeardThread[_Heard[E]]") -> None:
        self.label = label
        self._thread = thread
        self._lock = threading.Lock()
        self._begun: list[object] = []
        self._goes_on = True

    def start(self, job: "Job[E]") -> None:
        self._thread.start(partial(self._run, job))

    def _run(self, job: "Job[E]") -> None:
        job(self)
        self._thread.says((self, Over(tuple(self._begun))))

    def begins(self, what: object) -> bool:
        """Whether ``what`` may begin now."""
        with self._lock:
            if self._goes_on:
                self._begun.append(what)
            return self._goes_on

    def says(self, event: E) -> None:
        self._thread.says((self, event))

    def stop(self) -> None:
        """Nothing new may begin; what is under way is still listened to."""
        with self._lock:
            self._goes_on = False

    def close(self) -> Over:
        """What is said from now on is not heard."""
        self._thread.close()
        with self._lock:
            self._goes_on = False
            return Over(tuple(self._begun), silent=True)


Job = Callable[[HostLine[E]], None]
_Heard = tuple[HostLine[E], E | Over]


class Crew(Generic[E]):
    """Threads, one a host, at most ``workers`` at a time; ``hear`` gives what they say."""

    def __init__(self, jobs: Mapping[str, Job[E]], limits: Limits) -> None:
        self._jobs = jobs
        self._workers = limits.workers
        self._seconds = limits.seconds
        self._waiting = deque(jobs)
        self._deadlines: dict[HostLine[E], float] = {}
        """Until when each host that is at work has to say something."""
        self._inbox: ThreadInbox[_Heard[E]] = ThreadInbox()

    def hear(self) -> tuple[str, E | Over] | None:
        """The next host and what it says. None: all have ended, or were never begun.

        Raises what a thread did not expect. Ctrl-C may come here: then ``stop`` and go on, or
        ``close``.
        """
        while self._waiting or self._deadlines:
            while self._waiting and len(self._deadlines) < self._workers:
                self._start(self._waiting.popleft())
            heard = self._inbox.wait(TICK)
            if heard is None:
                if (silent := self._give_up_one()) is not None:
                    return silent
                continue
            line, event = heard
            if isinstance(event, Over):
                del self._deadlines[line]
            else:
                self._deadlines[line] = time.monotonic() + self._seconds
            return line.label, event
        return None

    def stop(self) -> None:
        """Begin nothing more, and wait less for what is under way."""
        self._waiting.clear()
        soon = time.monotonic() + GRACE
        for line, deadline in self._deadlines.items():
            line.stop()
            self._deadlines[line] = min(deadline, soon)

    def close(self) -> None:
        """Listen to nobody any more, and begin nothing."""
        self._waiting.clear()
        for line in self._deadlines:
            line.close()
        self._deadlines.clear()

    def _start(self, label: str) -> None:
        line: HostLine[E] = HostLine(label, self._inbox.thread(label))
        self._deadlines[line] = time.monotonic() + self._seconds
        line.start(self._jobs[label])

    def _give_up_one(self) -> tuple[str, Over] | None:
        """A host that has said nothing for too long, if there is one."""
        now = time.monotonic()
        for line, deadline in self._deadlines.items():
            if now > deadline:
                del self._deadlines[line]
                return line.label, line.close()
        return None
