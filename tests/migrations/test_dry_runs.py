"""The dry runs before a run: each machine once, several at a time at a source, and counted."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID, uuid5

import pytest

from delegation.errors import CommandFailed, HostError, HostUnreachable
from delegation.explain.host_pair import HostPair, Looked
from delegation.hosts.hypervisor import Hypervisor
from delegation.hosts.machines import Incompatibility, MoveOrder
from delegation.migrations import dry_runs
from delegation.migrations.dry_runs import CONNECTIONS, Ends, Trip
from tests.cli.migrate_program import FileHost

FQDNS = {label: f"{label}.corp.example" for label in ("hv01", "hv02", "hv03", "hv04")}
NO_SWITCH = Incompatibility("no switch 'LAN'", dry_runs.MISSING_SWITCH, "0x80070002")


class Farm:
    """Hosts that try machines out; ``said`` is what they answer, by the machine's name."""

    def __init__(self) -> None:
        self.said: dict[str, Incompatibility | HostError] = {}
        self.closed: set[tuple[str, str, int]] = set()
        self.down: set[str] = set()
        self.tried: list[str] = []
        self.most = 0
        self.together: Callable[[], None] = lambda: None
        self.counted: list[tuple[int, int]] = []
        self._open = 0
        self._lock = threading.Lock()

    def open(self, label: str) -> Hypervisor:
        if label in self.down:
            raise HostUnreachable(f"{label} does not answer", "start it")
        return _Host(self, label)

    def counts(self, done: int, total: int) -> None:
        self.counted.append((done, total))

    @contextmanager
    def trying(self, order: MoveOrder) -> Iterator[None]:
        with self._lock:
            self.tried.append(order.name)
            self._open += 1
            self.most = max(self.most, self._open)
        try:
            self.together()
            yield
        finally:
            with self._lock:
                self._open -= 1


class _Host(FileHost):
    def __init__(self, farm: Farm, label: str) -> None:
        super().__init__(FQDNS[label], {})
        self._farm, self._label = farm, label

    def reaches(self, target: str, port: int) -> bool:
        return (self._label, target, port) not in self._farm.closed

    def compare(self, order: MoveOrder) -> tuple[Incompatibility, ...]:
        with self._farm.trying(order):
            said = self._farm.said.get(order.name)
            if isinstance(said, HostError):
                raise said
            return (said,) if said else ()


@pytest.fixture
def farm() -> Farm:
    return Farm()


def trips(source: str, to: str, count: int) -> list[Trip]:
    names = [f"{source}-{to}-{n:02}" for n in range(count)]
    return [Trip(uuid5(UUID(int=0), name), name, source, to, "D:\\x") for name in names]


def tried(farm: Farm, *wanted: Trip) -> list[tuple[Ends, HostPair]]:
    pairs = {one.ends: HostPair(Looked(one.source), Looked(one.to)) for one in wanted}
    return list(dry_runs.dry_runs(farm.open, FQDNS, pairs, wanted, farm.counts))


def test_what_a_dry_run_says_of_room_is_no_obstacle_where_others_make_room(farm: Farm) -> None:
    [fits] = trips("hv01", "hv02", 1)
    no_room = Incompatibility("not enough memory", 4711)
    for said, expected in ((no_room, []), (NO_SWITCH, [NO_SWITCH])):
        farm.said[fits.name] = said
        for trip, reasons in ((fits, [said]), (replace(fits, fits=False), expected)):
            [(_, pair)] = tried(farm, trip)
            assert pair.dry_run
            assert list(pair.dry_run.incompatibilities) == reasons


def test_every_machine_is_tried_once_and_told_in_its_order(farm: Farm) -> None:
    wanted = [*trips("hv01", "hv02", 9), *trips("hv01", "hv03", 2), *trips("hv02", "hv03", 1)]
    found = tried(farm, *wanted)
    assert sorted(farm.tried) == sorted(trip.name for trip in wanted)
    told = [pair.dry_run.machine for _, pair in found if pair.dry_run]
    assert told == [trip.name for trip in wanted]
    assert all(pair.ports == {6600: True, 445: True} for _, pair in found)


def test_several_at_a_time_at_a_source_and_never_more(farm: Farm) -> None:
    """They meet: it would not go on if they came one after the other."""
    met = threading.Barrier(CONNECTIONS)
    wanted = trips("hv01", "hv02", 1 + 3 * CONNECTIONS)
    first = wanted[0].name

    def together() -> None:
        if farm.tried != [first]:
            met.wait(timeout=30)

    farm.together = together
    assert len(tried(farm, *wanted)) == len(wanted)
    assert farm.most == CONNECTIONS


def test_the_machines_are_counted_from_the_first_moment_on(farm: Farm) -> None:
    shown = farm.counted
    farm.closed = {("hv01", "hv03.corp.example", 445)}
    tried(farm, *trips("hv01", "hv02", 6), *trips("hv01", "hv03", 4))
    assert shown[0] == (0, 10)
    assert shown[-1] == (10, 10)
    assert [done for done, _ in shown] == sorted({done for done, _ in shown})


def test_where_a_port_is_closed_no_further_machine_is_tried(farm: Farm) -> None:
    farm.closed = {("hv01", "hv02.corp.example", 6600)}
    [(_, pair)] = tried(farm, *trips("hv01", "hv02", 20))
    assert pair.ports == {6600: False, 445: True}


def test_a_pair_that_fails_does_not_keep_others_from_being_tried(farm: Farm) -> None:
    wanted = [*trips("hv01", "hv02", 30), *trips("hv01", "hv03", 5), *trips("hv04", "hv03", 2)]
    farm.down = {"hv04"}
    farm.said["hv01-hv02-00"] = CommandFailed("Compare-VM: no")
    farm.said["hv01-hv03-03"] = NO_SWITCH
    found = tried(farm, *wanted)
    ends = [ends for ends, _ in found]
    assert ends.count(("hv01", "hv02")) == 1
    assert ends.count(("hv01", "hv03")) == 5
    errors = {ends: pair.dry_run.error for ends, pair in found if pair.dry_run}
    assert isinstance(errors["hv04", "hv03"], HostUnreachable)
    said = {
        pair.dry_run.machine: pair.dry_run.incompatibilities for _, pair in found if pair.dry_run
    }
    assert list(said["hv01-hv03-03"]) == [NO_SWITCH]


def test_an_error_in_the_midst_ends_its_pair_alone(farm: Farm) -> None:
    shown = farm.counted
    wanted = [*trips("hv01", "hv02", 40), *trips("hv01", "hv03", 40)]
    farm.said["hv01-hv02-05"] = CommandFailed("Compare-VM: no")
    found = tried(farm, *wanted)
    assert sum(ends == ("hv01", "hv03") for ends, _ in found) == 40
    assert [
        pair.dry_run.error.what for _, pair in found if pair.dry_run and pair.dry_run.error
    ] == ["Compare-VM: no"]
    assert shown[-1] == (80, 80)


def test_a_host_that_says_nothing_is_given_up(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = farm.counted
    monkeypatch.setattr(dry_runs, "SECONDS", 0.5)
    never = threading.Event()

    def together() -> None:
        never.wait(30)

    farm.together = together
    try:
        [(_, pair)] = tried(farm, *trips("hv01", "hv02", 7))
    finally:
        never.set()
    assert pair.dry_run
    assert isinstance(pair.dry_run.error, HostUnreachable)
    assert "has not answered" in pair.dry_run.error.what
    assert shown[-1] == (7, 7)
