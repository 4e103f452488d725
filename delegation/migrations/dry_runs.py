"""Ways that VMs are to go -> what the hosts say when they try them: ports, and dry runs.

Before the first migration, so that what would fail fails before anything has been moved.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

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
"""The one reason of Compare-VM that is confirmed to have nothing to do with room."""

Ends = tuple[str, str]
"""A pair by its labels: source, target."""


@dataclass(frozen=True, slots=True)
class Trip:
    """One machine's way from host to host, by label; ``storage`` is a folder of the latter.

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
        """Whether no machine has a way between the two, so that no other need be tried."""
        failed = self.pair.dry_run is not None and self.pair.dry_run.error is not None
        return failed or any(reached is False for reached in self.pair.ports.values())


def dry_runs(
    open_host: Open,
    fqdns: Mapping[str, str],
    pairs: Mapping[Ends, HostPair],
    trips: Iterable[Trip],
    progress: Progress,
) -> Iterator[tuple[Ends, HostPair]]:
    """Each pair with its ports and one VM's dry run, for every one of the ``trips``.

    ``pairs`` is what is known of them by now, ``fqdns`` are the hosts' full names by label. The
    ports and one machine of each pair go first: where these fail, the others are left out.
    """
    wanted = list(dict.fromkeys(trips))
    first = {trip.ends: trip for trip in reversed(wanted)}
    counter = _Counter(progress, len(wanted))
    known = dict(pairs)
    found: dict[Trip, HostPair] = {}
    for begins in (True, False):
        some = [trip for trip in wanted if (first[trip.ends] is trip) is begins]
        left = [trip for trip in some if trip.ends in known]
        counter.add(len(some) - len(left))
        for one in _asked(_Asking(open_host, fqdns, dict(known), ports=begins), left):
            found[one.trip] = one.pair
            counter.add(1 + one.skipped)
            if begins:
                known[one.trip.ends] = one.pair
            if one.is_closed:
                known.pop(one.trip.ends, None)
    for trip in wanted:
        if trip in found:
            yield trip.ends, found[trip]


class _Counter:
    """How many VMs are tried, shown from the first moment on."""

    def __init__(self, show: Progress, total: int) -> None:
        self._show, self._total, self._done = show, total, 0
        self._show(0, total)

    def add(self, count: int) -> None:
        if count:
            self._done += count
            self._show(self._done, self._total)


@dataclass(frozen=True)
class _Asking:
    """``ports``: the source is asked whether it reaches those of the target, too."""

    open_host: Open
    fqdns: Mapping[str, str]
    pairs: Mapping[Ends, HostPair]
    ports: bool

    def job(self, trips: Sequence[Trip]) -> Job[_TripTried]:
        """One connection's work: these trips, all from one source."""

        def job(line: HostLine[_TripTried]) -> None:
            left = deque(trips)
            while left:
                try:
                    with opened(self.open_host, left[0].source) as source:
                        while left and line.begins(left[0]):
                            line.says(_TripTried(left[0], self._of(source, left[0])))
                            left.popleft()
                        return
                except HostError as exc:
                    trip = left.popleft()
                    pair = replace(self.pairs[trip.ends], dry_run=DryRun(trip.name, error=exc))
                    others = [other for other in left if other.ends != trip.ends]
                    line.says(_TripTried(trip, pair, len(left) - len(others)))
                    left = deque(others)

        return job

    def _of(self, source: Hypervisor, trip: Trip) -> HostPair:
        pair, fqdn = self.pairs[trip.ends], self.fqdns[trip.to]
        if self.ports:
            ports = {port: _reaches(source, fqdn, port) for port in (MIGRATION_PORT, SMB_PORT)}
            pair = replace(pair, ports=ports)
        said = source.compare(MoveOrder(trip.machine, trip.name, fqdn, trip.storage))
        reasons = [one for one in said if trip.fits or one.id == MISSING_SWITCH]
        return replace(pair, dry_run=DryRun(trip.name, reasons))


def _asked(asking: _Asking, trips: Sequence[Trip]) -> Iterator[_TripTried]:
    """What came of each trip, as it comes; where one connection hangs, of none that it had left."""
    shared = _shared(trips)
    crew: Crew[_TripTried] = Crew(
        {label: asking.job(some) for label, some in shared.items()}, Limits(WORKERS, SECONDS)
    )
    told: set[Trip] = set()
    failed: set[tuple[str, Ends]] = set()
    try:
        while (heard := crew.hear()) is not None:
            label, said = heard
            if isinstance(said, _TripTried):
                told.add(said.trip)
                if said.is_closed:
                    failed.add((label, said.trip.ends))
                yield said
            elif said.silent:
                trip, *others = (
                    trip
                    for trip in shared[label]
                    if trip not in told and (label, trip.ends) not in failed
                )
                silent = DryRun(trip.name, error=_silent(trip.source))
                pair = replace(asking.pairs[trip.ends], dry_run=silent)
                yield _TripTried(trip, pair, len(others))
    finally:
        crew.close()


def _shared(trips: Iterable[Trip]) -> dict[str, list[Trip]]:
    """The trips of each connection: as many to a source as it bears, with as much to do each."""
    of_source: dict[str, list[Trip]] = defaultdict(list)
    for trip in trips:
        of_source[trip.source].append(trip)
    return {
        f"{source} {number}": some[number::CONNECTIONS]
        for number in range(CONNECTIONS)
        for source, some in of_source.items()
        if some[number::CONNECTIONS]
    }


def _reaches(source: Hypervisor, fqdn: str, port: int) -> bool | HostError:
    try:
        return source.reaches(fqdn, port)
    except HostError as exc:
        return exc


def _silent(label: str) -> HostUnreachable:
    return HostUnreachable(
        f"{label} has not answered within {SECONDS:,.0f} s",
        "look whether the host is overloaded or hangs",
    )
