"""Ways that VMs are to go -> what the hosts say when each source is asked to check them.

Before the first migration, so that what would fail fails before anything has been moved. A check
is a job of the source's migration service (CheckVirtualSystemIsMigratable), which asks the target
whether it would take the VM, in the operator's name and by the source's delegation. It copies
nothing, leaves nothing on the target, and proves nothing of storage.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Self
from uuid import UUID

from delegation import names
from delegation.errors import CommandFailed, HostError, HostUnreachable
from delegation.events import Progress
from delegation.explain.host_pair import DryRun, HostPair
from delegation.hosts import failures
from delegation.hosts.crew import Crew, HostLine, Job, Limits
from delegation.hosts.failures import MISSING_SWITCH, FailureKind
from delegation.hosts.hypervisor import Hypervisor, Open, opened
from delegation.hosts.machines import Incompatibility, MoveOrder

WORKERS = 32
"""Connections at a time, to all sources."""
CONNECTIONS = 4
"""Those to one source: each check is a job that its migration service follows."""
SECONDS = 400.0
"""How long a host may say nothing; the deadline of a check is shorter."""

_OF_PAIR = {FailureKind.DELEGATION, FailureKind.NAME, FailureKind.NETWORK}
"""What a check may say that is so for every VM of the pair."""

Ends = tuple[str, str]
"""A pair by its labels: source, target."""


@dataclass(frozen=True, slots=True)
class Trip:
    """One VM's way from host to host, by label; ``storage`` is a folder of the latter.

    ``fits``: there is room for it now. Where there is not, others make room before it starts, and
    a check of now complains of that in words that can't be told from others. ``busy``: a backup or
    the like has it now, whose end is waited for: a check of now would only say that.
    """

    machine: UUID
    name: str
    source: str
    to: str
    storage: str
    fits: bool = True
    busy: bool = False
    with_checkpoints: bool = False

    @property
    def ends(self) -> Ends:
        return self.source, self.to


@dataclass(frozen=True, slots=True)
class _TripTried:
    """What came of a trip; ``skipped``: how many more of the same pair are not tried after that."""

    trip: Trip
    pair: HostPair
    skipped: int = 0

    @property
    def is_closed(self) -> bool:
        """Whether no VM has a way between the two, so that no other need be tried.

        What a host itself answers of one VM says nothing of the next one.
        """
        dry_run = self.pair.dry_run
        if dry_run is None:
            return False
        if dry_run.error is not None and not isinstance(dry_run.error, CommandFailed):
            return True
        return any(_kind(reason) in _OF_PAIR for reason in dry_run.incompatibilities)


def _kind(reason: Incompatibility) -> FailureKind:
    return failures.meaning(failures.of_check(reason)).kind


def dry_runs(
    open_host: Open,
    fqdns: Mapping[str, str],
    pairs: Mapping[Ends, HostPair],
    trips: Iterable[Trip],
    progress: Progress,
) -> Iterator[tuple[Ends, HostPair]]:
    """Each pair with one VM's check, for every one of the ``trips`` whose VM is not busy.

    ``pairs`` is what is known of them by now, ``fqdns`` are the hosts' full names by label. One VM
    of each pair goes first: where the pair is to blame for what it meets, the others are left out.
    """
    distinct = [trip for trip in dict.fromkeys(trips) if not trip.busy]
    first_of_pair: dict[Ends, Trip] = {}
    for trip in distinct:
        first_of_pair.setdefault(trip.ends, trip)
    others = [trip for trip in distinct if first_of_pair[trip.ends] is not trip]
    counter = _TripCounter(progress, len(distinct))
    known = dict(pairs)
    outcome: dict[Trip, HostPair] = {}
    for round_trips in (list(first_of_pair.values()), others):
        open_trips = [trip for trip in round_trips if trip.ends in known]
        counter.add(len(round_trips) - len(open_trips))
        trials = _Trials(open_host, fqdns, dict(known))
        for tried in _tried(trials, open_trips):
            outcome[tried.trip] = tried.pair
            counter.add(1 + tried.skipped)
            if tried.is_closed:
                known.pop(tried.trip.ends, None)
    for trip in distinct:
        if trip in outcome:
            yield trip.ends, outcome[trip]


class _TripCounter:
    """How many VMs are tried, shown from the first moment on."""

    def __init__(self, show: Progress, total: int) -> None:
        self._show, self._total, self._done = show, total, 0
        self._show(0, total)

    def add(self, count: int) -> None:
        if count:
            self._done += count
            self._show(self._done, self._total)


@dataclass(frozen=True)
class _Trials:
    """What trips are tried with."""

    open_host: Open
    fqdns: Mapping[str, str]
    pairs: Mapping[Ends, HostPair]

    def job(self, trips: Sequence[Trip]) -> Job[_TripTried]:
        """One connection's work: these trips, all from one source."""

        def job(line: HostLine[_TripTried]) -> None:
            left = deque(trips)
            while left:
                # A connection that raised is of no use any more: the next trip gets another one.
                try:
                    with _Connections(self.open_host, left[0].source) as hosts:
                        while left and line.begins(left[0]):
                            line.says(self._try(hosts, left[0]))
                            left.popleft()
                        return
                except HostError as exc:
                    failed = left.popleft()
                    others = [trip for trip in left if trip.ends != failed.ends]
                    line.says(self.failed(failed, exc, skipped=len(left) - len(others)))
                    left = deque(others)

        return job

    def failed(self, trip: Trip, error: HostError, skipped: int) -> _TripTried:
        """One that could not be tried to its end, and so many of its pair that are not, either."""
        dry_run = DryRun(trip.name, error=error)
        return _TripTried(trip, replace(self.pairs[trip.ends], dry_run=dry_run), skipped)

    def _try(self, hosts: "_Connections", trip: Trip) -> _TripTried:
        """One check, of a target as it is right before. Raises HostError, but for a host's own no.

        That is an answer about this VM: the connections that brought it are good for the next one.
        """
        try:
            landing = hosts.target(trip.to).landing(trip.machine)
            order = MoveOrder(
                trip.machine,
                trip.name,
                self.fqdns[trip.to],
                trip.storage,
                landing,
                trip.with_checkpoints,
            )
            reasons = hosts.source.check(order)
        except CommandFailed as exc:
            return self.failed(trip, exc, skipped=0)
        counting = [reason for reason in reasons if trip.fits or _is_lasting(reason)]
        dry_run = DryRun(trip.name, counting)
        return _TripTried(trip, replace(self.pairs[trip.ends], dry_run=dry_run))


def _is_lasting(reason: Incompatibility) -> bool:
    """Whether it is an obstacle also where others make room first.

    A missing switch is the one reason known that has nothing to do with room; the others are those
    of the pair itself.
    """
    return reason.id == MISSING_SWITCH or _kind(reason) in {*_OF_PAIR, FailureKind.RIGHTS}


class _Connections:
    """Those of one thread: to a source, and to the target of the trip at hand."""

    def __init__(self, open_host: Open, source: str) -> None:
        self._open = open_host
        self._label = source
        self._source = ExitStack()
        self._target = ExitStack()
        self._open_target: tuple[str, Hypervisor] | None = None

    def __enter__(self) -> Self:
        self.source = self._source.enter_context(opened(self._open, self._label))
        return self

    def __exit__(self, *failure: object) -> None:
        self._target.close()
        self._source.close()

    def target(self, label: str) -> Hypervisor:
        """The host of that label; one at a time is open."""
        if self._open_target is None or self._open_target[0] != label:
            self._target.close()
            self._open_target = None
            host = self._target.enter_context(opened(self._open, label))
            self._open_target = label, host
        return self._open_target[1]


def _tried(trials: _Trials, trips: Sequence[Trip]) -> Iterator[_TripTried]:
    """What came of each trip, as it comes; where one connection hangs, of none that it had left."""
    by_connection = _by_connection(trips)
    jobs = {label: trials.job(its_trips) for label, its_trips in by_connection.items()}
    crew: Crew[_TripTried] = Crew(jobs, Limits(WORKERS, SECONDS))
    answered: set[Trip] = set()
    closed: set[tuple[str, Ends]] = set()
    try:
        while (heard := crew.hear()) is not None:
            label, news = heard
            if isinstance(news, _TripTried):
                answered.add(news.trip)
                if news.is_closed:
                    closed.add((label, news.trip.ends))
                yield news
            elif news.silent:
                unanswered = [trip for trip in by_connection[label] if trip not in answered]
                hanging, *others = (trip for trip in unanswered if (label, trip.ends) not in closed)
                yield trials.failed(hanging, _silence(hanging.source), skipped=len(others))
    finally:
        crew.close()


def _by_connection(trips: Iterable[Trip]) -> dict[str, list[Trip]]:
    """The trips of each connection: as many to a source as it bears, with as much to do each."""
    by_source = names.grouped((trip.source, trip) for trip in trips)
    by_connection: dict[str, list[Trip]] = {}
    for number in range(CONNECTIONS):
        for source, its_trips in by_source.items():
            dealt = its_trips[number::CONNECTIONS]
            if dealt:
                by_connection[f"{source} {number}"] = dealt
    return by_connection


def _silence(label: str) -> HostUnreachable:
    return HostUnreachable(
        f"{label} has not answered within {SECONDS:,.0f} s",
        "look whether the host is overloaded or hangs",
    )
