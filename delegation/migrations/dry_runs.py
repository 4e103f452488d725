"""Ways that VMs are to go -> what the hosts say when they try them: ports, and dry runs.

Before the first migration, so that what would fail fails before anything has been moved. A dry run
is Compare-VM: the source asks the target whether it would take the VM.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from delegation import names
from delegation.errors import HostError, HostUnreachable
from delegation.events import Progress
from delegation.explain.host_links import MIGRATION_PORT, SMB_PORT, DryRun, HostPair
from delegation.hosts.crew import Crew, HostLine, Job, Limits
from delegation.hosts.hypervisor import Hypervisor, Open, opened
from delegation.hosts.machines import MoveOrder

WORKERS = 32
"""Connections at a time, to all sources."""
CONNECTIONS = 4
"""Those to one source: by default WinRM allows one user 30 shells on a host, and 10 users."""
SECONDS = 400.0
"""How long a host may say nothing; the deadline of a dry run is shorter."""

MISSING_SWITCH = 33012
"""MessageId of Compare-VM: the target has no such virtual switch.

The one reason that is confirmed to have nothing to do with room.
"""

Ends = tuple[str, str]
"""A pair by its labels: source, target."""


@dataclass(frozen=True, slots=True)
class Trip:
    """One VM's way from host to host, by label; ``storage`` is a folder of the latter.

    ``fits``: there is room for it now. Where there is not, others make room before it starts, and
    a dry run of now complains of that in words that can't be told from others.
    """

    machine: UUID
    name: str
    source: str
    to: str
    storage: str
    fits: bool = True

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
        """Whether no VM has a way between the two, so that no other need be tried."""
        dry_run = self.pair.dry_run
        has_failed = dry_run is not None and dry_run.error is not None
        has_closed_port = any(reached is False for reached in self.pair.ports.values())
        return has_failed or has_closed_port


def dry_runs(
    open_host: Open,
    fqdns: Mapping[str, str],
    pairs: Mapping[Ends, HostPair],
    trips: Iterable[Trip],
    progress: Progress,
) -> Iterator[tuple[Ends, HostPair]]:
    """Each pair with its ports and one VM's dry run, for every one of the ``trips``.

    ``pairs`` is what is known of them by now, ``fqdns`` are the hosts' full names by label. The
    ports and one VM of each pair go first: where these fail, the others are left out.
    """
    distinct = list(dict.fromkeys(trips))
    first_of_pair: dict[Ends, Trip] = {}
    for trip in distinct:
        first_of_pair.setdefault(trip.ends, trip)
    others = [trip for trip in distinct if first_of_pair[trip.ends] is not trip]
    counter = _TripCounter(progress, len(distinct))
    known = dict(pairs)
    outcome: dict[Trip, HostPair] = {}
    for round_trips, with_ports in ((list(first_of_pair.values()), True), (others, False)):
        open_trips = [trip for trip in round_trips if trip.ends in known]
        counter.add(len(round_trips) - len(open_trips))
        trials = _Trials(open_host, fqdns, dict(known), with_ports=with_ports)
        for tried in _tried(trials, open_trips):
            outcome[tried.trip] = tried.pair
            counter.add(1 + tried.skipped)
            if with_ports:
                known[tried.trip.ends] = tried.pair
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
    """What trips are tried with; ``with_ports``: whether the source reaches the target's, too."""

    open_host: Open
    fqdns: Mapping[str, str]
    pairs: Mapping[Ends, HostPair]
    with_ports: bool

    def job(self, trips: Sequence[Trip]) -> Job[_TripTried]:
        """One connection's work: these trips, all from one source."""

        def job(line: HostLine[_TripTried]) -> None:
            left = deque(trips)
            while left:
                # A connection that raised is of no use any more: the next trip gets another one.
                try:
                    with opened(self.open_host, left[0].source) as source:
                        while left and line.begins(left[0]):
                            line.says(_TripTried(left[0], self._try(source, left[0])))
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

    def _try(self, source: Hypervisor, trip: Trip) -> HostPair:
        pair = self.pairs[trip.ends]
        fqdn = self.fqdns[trip.to]
        if self.with_ports:
            ports = {port: _reaches(source, fqdn, port) for port in (MIGRATION_PORT, SMB_PORT)}
            pair = replace(pair, ports=ports)
        order = MoveOrder(trip.machine, trip.name, fqdn, trip.storage)
        reasons = list(source.compare(order))
        if not trip.fits:
            # Others make room before it starts: what a dry run of now says of that is no obstacle.
            reasons = [reason for reason in reasons if reason.id == MISSING_SWITCH]
        return replace(pair, dry_run=DryRun(trip.name, reasons))


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


def _reaches(source: Hypervisor, fqdn: str, port: int) -> bool | HostError:
    try:
        return source.reaches(fqdn, port)
    except HostError as exc:
        return exc


def _silence(label: str) -> HostUnreachable:
    return HostUnreachable(
        f"{label} has not answered within {SECONDS:,.0f} s",
        "look whether the host is overloaded or hangs",
    )
