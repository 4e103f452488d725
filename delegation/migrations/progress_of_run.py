"""Migrations as they change -> how far a run is: how much is done, how fast, what is news."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from delegation import names
from delegation.errors import HostError
from delegation.hosts.machines import MovePhase
from delegation.migrations.lifecycle import Migration, MigrationState
from delegation.migrations.runner import FINISH, LEAVE, STOP
from delegation.migrations.runner.work import Wait
from delegation.migrations.schedule.obstacles import size
from delegation.migrations.words import duration

URGENCY = {
    FINISH: "ending: what runs comes to its end, nothing more is started; "
    "Ctrl-C again stops what runs",
    STOP: "ending: what runs is stopped and taken back; Ctrl-C again leaves at once",
    LEAVE: "leaving",
}
"""What is done once it was asked to end."""
QUIET = 300.0
"""Seconds from which on it is told that a migration has said nothing new."""
ENOUGH = 0.05
"""How much of all has to be moved before the time left goes by the rate of that."""


@dataclass
class VmProgress:
    """One VM's migration as far as it was seen here, to tell its rate."""

    move: Migration
    began: float = 0.0
    percent: int = 0
    """What it had when ``began`` was."""
    changed: float = 0.0
    """When it last said something new."""

    def quiet_for(self, now: float) -> float:
        """Seconds for which it has said nothing new, where it runs."""
        is_running = self.move.state in _RUNNING
        return now - self.changed if is_running else 0.0

    def rate(self, now: float) -> float:
        """Bytes a second, on average; 0 where too little was seen."""
        copied = (self.move.percent - self.percent) / 100 * self.move.size
        seconds = now - self.began
        return copied / seconds if seconds > 0 else 0.0

    def left(self, now: float) -> float | None:
        """Seconds to its end; None where that can't be told."""
        rate = self.rate(now)
        if rate <= 0:
            return None
        return self.move.size * (100 - self.move.percent) / 100 / rate


@dataclass
class RunProgress:
    """The whole of a run. ``clock`` gives seconds; ``expected`` are those that its plan says."""

    clock: Callable[[], float]
    expected: float | None = None
    vms: dict[UUID, VmProgress] = field(default_factory=dict)
    done_before: int = 0
    """Bytes that had been moved when this began."""
    wait: Wait = field(default_factory=lambda: Wait({}))
    _busy: float = 0.0
    _seen: float = 0.0
    _shown_troubles: set[tuple[str, str]] = field(default_factory=set)
    _was_idle: bool = False

    def begin(self, moves: Iterable[Migration]) -> None:
        """What was done before is not counted in the rate of the whole."""
        self._seen = self.clock()
        self.vms = {move.machine: VmProgress(move, changed=self._seen) for move in moves}
        self.done_before = self.bytes_done

    def see(self, move: Migration) -> str:
        """Take it as it is now; what is news of it, in a line, or nothing."""
        self._busy, self._seen = self.busy, self.clock()
        vm = self.vms[move.machine]
        news = news_of(move, vm.move)
        was_running = vm.move.state is MigrationState.RUNNING
        if move.state is MigrationState.RUNNING and not was_running:
            vm.began, vm.percent = self.clock(), move.percent
        if (move.state, move.percent) != (vm.move.state, vm.move.percent):
            vm.changed = self.clock()
        vm.move = move
        return news

    @property
    def moves(self) -> list[Migration]:
        return [vm.move for vm in self.vms.values()]

    @property
    def under_way(self) -> list[VmProgress]:
        return [vm for vm in self.vms.values() if vm.move.state.on_the_way]

    @property
    def is_running(self) -> bool:
        """Whether anything is known to be moved just now."""
        return any(vm.move.state in _RUNNING for vm in self.vms.values())

    @property
    def busy(self) -> float:
        """Seconds in which something was moved, since it began."""
        since_seen = self.clock() - self._seen if self.is_running else 0.0
        return self._busy + since_seen

    @property
    def bytes_wanted(self) -> int:
        given_up = {MigrationState.FAILED, MigrationState.ABORTED}
        return sum(move.size for move in self.moves if move.state not in given_up)

    @property
    def bytes_done(self) -> int:
        return sum(_bytes_done(move) for move in self.moves)

    def left(self) -> float | None:
        """Seconds to the end, where something is moved; None where that can't be told.

        By the plan at first; then at the rate of all by now, while something was moved.
        """
        if not self.is_running:
            return None
        busy = self.busy
        done = self.bytes_done - self.done_before
        wanted = self.bytes_wanted - self.done_before
        if self.expected is not None and done < ENOUGH * wanted:
            # A plan that has run out of time says nothing any more.
            return max(self.expected - busy, 0.0) or None
        if done <= 0 or busy <= 0:
            return None
        rate = done / busy
        return (wanted - done) / rate

    def in_words(self, *, with_phases: bool = False) -> str:
        """``12 of 40 moved, 3 under way, 1 failed, 120.0 GB of 400.0 GB, about 12 min left``.

        ``with_phases``: and what those under way are at.
        """
        counts = Counter(move.state for move in self.moves)
        words = [f"{counts[MigrationState.MOVED]:,} of {len(self.vms):,} moved"]
        under_way = sum(counts[state] for state in _RUNNING)
        if under_way:
            phases = f" ({self._phases()})" if with_phases and self._phases() else ""
            words.append(f"{under_way:,} under way{phases}")
        words += [f"{counts[state]:,} {state}" for state in _COUNTED if counts[state]]
        words.append(f"{size(self.bytes_done)} of {size(self.bytes_wanted)}")
        left = self.left()
        if left is not None:
            words.append(f"about {duration(left)} left")
        words += self._quiet()
        if self._is_idle:
            patience = duration(self._patience)
            words.append(f"waits for {self._unreachable}, for {patience} more")
        return ", ".join(words)

    def _phases(self) -> str:
        """``2 moving machine and storage, 1 waiting at its host``, as far as hosts have told it."""
        phases = Counter(vm.move.phase for vm in self.under_way)
        counts = [(phase, phases[phase]) for phase in MovePhase if phases[phase]]
        return ", ".join(f"{count:,} {phase}" for phase, count in counts)

    def _quiet(self) -> Iterator[str]:
        """What has said nothing new for a while, the longest: that is nothing to act upon."""
        now = self.clock()
        quiet = [vm for vm in self.vms.values() if vm.quiet_for(now) >= QUIET]
        if quiet:
            vm = max(quiet, key=lambda one: one.quiet_for(now))
            others = f" and {len(quiet) - 1:,} more" if len(quiet) > 1 else ""
            spell = duration(vm.quiet_for(now))
            yield f"{vm.move.name} at {vm.move.percent} % for {spell}{others}"

    def waits(self, wait: Wait) -> Iterator[str]:
        """What is news of it, in lines: each trouble once, and that nothing else is left to do."""
        self.wait = wait
        troubles = _troubles(wait.hosts)
        for (what, fix), hosts in troubles.items():
            if (what, fix) in self._shown_troubles:
                continue
            yield f"{names.fold(hosts)} can't be asked: {what}"
            if fix:
                yield f"  {fix}; the run goes on by itself then"
        self._shown_troubles = set(troubles)
        if self._is_idle and not self._was_idle:
            patience = duration(self._patience)
            yield f"nothing else can be done: it waits for {self._unreachable}, for {patience}"
        self._was_idle = self._is_idle

    @property
    def _is_idle(self) -> bool:
        return bool(self.wait.hosts) and self.wait.seconds is not None

    @property
    def _unreachable(self) -> str:
        return names.fold(self.wait.hosts)

    @property
    def _patience(self) -> float:
        return self.wait.seconds or 0.0


_RUNNING = (MigrationState.STARTING, MigrationState.RUNNING, MigrationState.STOPPING)
_COUNTED = (
    MigrationState.WAITING,
    MigrationState.FAILED,
    MigrationState.ABORTED,
    MigrationState.UNKNOWN,
)
"""The states that are named in a run's progress, where there are any."""


def _troubles(hosts: Mapping[str, HostError]) -> dict[tuple[str, str], list[str]]:
    """The hosts by what is wrong with them, and what to do."""
    return names.grouped(((error.what, error.fix), host) for host, error in hosts.items())


def _bytes_done(move: Migration) -> int:
    """Of what its move to its target copies; the way aside brings it no nearer."""
    if move.state is MigrationState.MOVED:
        return move.size
    is_on_last_leg = move.state.on_the_way and move.final
    return move.size * move.percent // 100 if is_on_last_leg else 0


def news_of(move: Migration, before: Migration) -> str:
    """What has become of a VM, in one line; empty where that is nothing to tell."""
    if (before.state, before.reason) == (move.state, move.reason):
        return _news_of_phase(move, before)
    because = f": {move.reason}" if move.reason else ""
    aside = "" if move.final else ", aside to make room"
    if before.state is MigrationState.STOPPING and move.state is MigrationState.MOVED:
        return f"{move.name}: moved to {move.at} before it could be stopped"
    if before.state is MigrationState.STOPPING and move.state is MigrationState.QUEUED:
        return f"{move.name}: stopped, it is on {move.at}"
    if before.state is MigrationState.UNKNOWN and move.state is MigrationState.RUNNING:
        return f"{move.name}: still runs, {move.at} to {move.to}"
    if move.state is MigrationState.QUEUED and move.started:
        return f"{move.name}: on {move.at}, waits for its turn{because}"
    news = {
        MigrationState.STARTING: f"{move.at} to {move.to}{aside}",
        MigrationState.MOVED: f"moved to {move.at}",
        MigrationState.WAITING: f"not moved, is tried again{because}",
        MigrationState.FAILED: f"failed{because}",
        MigrationState.ABORTED: f"given up{because}",
        MigrationState.UNKNOWN: f"unknown{because}",
        MigrationState.STOPPING: "is being stopped",
    }
    return f"{move.name}: {news[move.state]}" if move.state in news else ""


def _news_of_phase(move: Migration, before: Migration) -> str:
    """That its job is at something else than before, or has not begun; the first usual one is none.

    A host that waits does so in silence: nothing else would tell it from a slow one.
    """
    if move.phase is None or move.phase is before.phase:
        return ""
    is_news = before.phase is not None or move.phase is MovePhase.WAITING
    return f"{move.name}: {move.phase}" if is_news else ""
