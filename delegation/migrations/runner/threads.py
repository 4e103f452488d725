"""Errands at the hosts, each in a thread of its own, which has its own connections."""

import threading
import time
from collections.abc import Callable, Collection
from contextlib import closing
from typing import Protocol
from uuid import UUID

from delegation.errors import HostError
from delegation.hosts.hypervisor import Open
from delegation.hosts.machines import MoveOrder
from delegation.hosts.thread_inbox import HeardThread, ThreadInbox
from delegation.migrations.lifecycle import Migration
from delegation.migrations.runner import errands
from delegation.migrations.runner.work import ErrandEvent
from delegation.migrations.smb.traffic import Traffic

LOOKERS = 16
"""Hosts that are looked at, at the same time; migrations are bounded by the hosts' own slots."""
PARTING = 15.0
"""Seconds in which what runs is let go of properly; what takes longer is let go of anyway."""


class Wish(errands.StopWish):
    """Somebody's wish that a migration be stopped, for the thread that follows it."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._kill = threading.Event()

    def ask(self, *, kill: bool) -> None:
        self._stop.set()
        if kill:
            self._kill.set()

    def is_set(self) -> bool:
        return self._stop.is_set()

    def is_to_kill(self) -> bool:
        return self._kill.is_set()


class Threads:
    """Implements work.RunnerCrew. ``next`` raises what a thread did not expect."""

    def __init__(self, open_host: Open, *, with_checkpoints: bool = False) -> None:
        self._open = open_host
        self._with_checkpoints = with_checkpoints
        self._inbox: ThreadInbox[ErrandEvent] = ThreadInbox()
        self._stops: dict[UUID, Wish] = {}
        self._looking = threading.Semaphore(LOOKERS)
        self._leaving = threading.Event()
        self._threads: set[HeardThread[ErrandEvent]] = set()

    def prepare(self, move: Migration, *, counting: bool = False) -> None:
        errand = errands.prepare(
            self._open,
            move,
            self._new_wish(move),
            with_checkpoints=self._with_checkpoints,
            counting=counting,
        )
        self._start(move.name, errand)

    def carry(self, move: Migration, order: MoveOrder, *, counting: bool = False) -> None:
        stop = self._new_wish(move)
        self._start(move.name, errands.carry(self._open, move, order, stop, counting=counting))

    def pursue(self, move: Migration) -> None:
        self._start(move.name, errands.pursue(self._open, move, self._new_wish(move)))

    def _new_wish(self, move: Migration) -> Wish:
        stop = self._stops[move.machine] = Wish()
        return stop

    def visit(self, host: str) -> None:
        self._start(host, self._in_turn(errands.visit(self._open, host)))

    def stop(self, machine: UUID, *, kill: bool = False) -> None:
        self._stops[machine].ask(kill=kill)

    def next(self, seconds: float) -> ErrandEvent | None:
        return self._inbox.wait(seconds)

    def dismiss(self) -> None:
        self._leaving.set()
        until = time.monotonic() + PARTING
        for thread in self._threads:
            thread.join(until - time.monotonic())

    def _start(self, name: str, errand: errands.Errand) -> None:
        self._threads = {thread for thread in self._threads if thread.is_alive}
        thread = self._inbox.thread(name)
        self._threads.add(thread)
        thread.start(lambda: self._run(thread, errand))

    def _run(self, thread: HeardThread[ErrandEvent], errand: errands.Errand) -> None:
        """Tell each event as it comes, until nobody wants to hear more."""
        with closing(errand):
            for event in errand:
                thread.says(event)
                if self._leaving.is_set():
                    break

    def _in_turn(self, errand: errands.Errand) -> errands.Errand:
        with self._looking:
            if not self._leaving.is_set():
                yield from errand


class TargetWatch(Protocol):
    """A target as its SMB server sees it, for the thread that opened it. It raises HostError."""

    def look(self) -> Traffic: ...

    def close(self) -> None: ...


LatestLooks = tuple[tuple[float, Traffic], ...]
"""The last two looks at a target, or the only one, each with its seconds."""


class Watchers:
    """Targets that are looked at again and again, each in a thread, for whoever shows them.

    A target that does not tell is tried again, and shown as nothing: what counts is told by the
    sources.
    """

    def __init__(self, watch: Callable[[str], TargetWatch], seconds: float = 3.0) -> None:
        self._watch = watch
        self._seconds = seconds
        self._ends: dict[str, threading.Event] = {}
        self._seen: dict[str, LatestLooks] = {}

    def towards(self, hosts: Collection[str]) -> None:
        """Look at these from here on, and at no others."""
        for host in self._ends.keys() - set(hosts):
            self._ends.pop(host).set()
            self._seen.pop(host, None)
        for host in set(hosts) - self._ends.keys():
            end = self._ends[host] = threading.Event()
            threading.Thread(target=self._run, args=(host, end), name=host, daemon=True).start()

    def seen(self) -> dict[str, LatestLooks]:
        """The targets that tell, by label."""
        return {host: looks for host, looks in dict(self._seen).items() if host in self._ends}

    def close(self) -> None:
        self.towards(())

    def _run(self, host: str, end: threading.Event) -> None:
        watch: TargetWatch | None = None
        while not end.is_set():
            try:
                watch = watch or self._watch(host)
                looks = (*self._seen.get(host, ())[-1:], (time.monotonic(), watch.look()))
            except HostError:
                if watch is not None:
                    watch.close()
                watch, looks = None, ()
            if not end.is_set():
                self._seen[host] = looks
            end.wait(self._seconds)
        if watch is not None:
            watch.close()
