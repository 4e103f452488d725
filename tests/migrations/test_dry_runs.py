"""The dry runs before a run: each machine once, several at a time at a source, and counted."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID, uuid5

import pytest

from delegation.errors import CommandFailed, HostError, HostUnreachable
from delegation.explain.host_pair import HostPair, Looked
from delegation.hosts.failures import MISSING_SWITCH
from delegation.hosts.hypervisor import Hypervisor
from delegation.hosts.machines import Incompatibility, Landing, MoveOrder
from delegation.migrations import dry_runs
from delegation.migrations.dry_runs import CONNECTIONS, Ends, Trip
from tests.cli.migrate_program import FileHost

FQDNS = {label: f"{label}.corp.example" for label in ("hv01", "hv02", "hv03", "hv04")}
NO_SWITCH = Incompatibility("no switch 'LAN'", MISSING_SWITCH)
NO_TICKET = Incompatibility("no credentials (0x8009030E)", "21024")


class Farm:
    """Hosts that try machines out; ``said`` is what they answer, by the machine's name."""

    def __init__(self) -> None:
        self.said: dict[str, Incompatibility | HostError] = {}
        self.landings: dict[str, Landing | HostError] = {}
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

    def landing(self, machine: UUID) -> Landing:  # noqa: ARG002 - of any
        said = self._farm.landings.get(self._label, Landing((f"at {self._label}",)))
        if isinstance(said, HostError):
            raise said
        return said

    def check(self, order: MoveOrder) -> tuple[Incompatibility, ...]:
        # It was read of that very target, right before.
        assert order.landing.listeners == (f"at {order.target.partition('.')[0]}",)
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
    no_room = Incompatibility("not enough memory", "4711")
    cases: tuple[tuple[Incompatibility, list[Incompatibility]], ...]
    cases = ((no_room, []), (NO_SWITCH, [NO_SWITCH]), (NO_TICKET, [NO_TICKET]))
    for said, expected in cases:
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
    farm.said["hv01-hv03-00"] = NO_TICKET
    tried(farm, *trips("hv01", "hv02", 6), *trips("hv01", "hv03", 4))
    assert shown[0] == (0, 10)
    assert shown[-1] == (10, 10)
    assert [done for done, _ in shown] == sorted({done for done, _ in shown})


def test_where_the_pair_is_to_blame_no_further_machine_is_tried(farm: Farm) -> None:
    farm.said["hv01-hv02-00"] = NO_TICKET
    [(_, pair)] = tried(farm, *trips("hv01", "hv02", 20))
    assert pair.dry_run
    assert list(pair.dry_run.incompatibilities) == [NO_TICKET]


def test_what_a_host_says_of_one_machine_says_nothing_of_the_next(farm: Farm) -> None:
    """As that it is being backed up: the others of the pair are tried, and it is named."""
    farm.said["hv01-hv02-00"] = CommandFailed("it is in use")
    farm.said["hv01-hv02-03"] = Incompatibility("it is backed up", "32774")
    farm.said["hv01-hv02-05"] = CommandFailed("it is in use")
    found = tried(farm, *trips("hv01", "hv02", 20))
    said = [pair.dry_run for _, pair in found if pair.dry_run]
    assert [one.machine for one in said if one.error] == ["hv01-hv02-00", "hv01-hv02-05"]
    assert [one.machine for one in said if one.incompatibilities] == ["hv01-hv02-03"]
    assert len(farm.tried) == 20


def test_a_machine_that_is_busy_is_not_tried(farm: Farm) -> None:
    first, second = trips("hv01", "hv02", 2)
    found = tried(farm, replace(first, busy=True), second)
    assert [pair.dry_run.machine for _, pair in found if pair.dry_run] == [second.name]
    assert farm.tried == [second.name]


def test_a_target_that_is_gone_ends_its_pair_alone(farm: Farm) -> None:
    farm.down = {"hv03"}
    wanted = [*trips("hv01", "hv02", 3), *trips("hv01", "hv03", 3)]
    found = tried(farm, *wanted)
    errors = [ends for ends, pair in found if pair.dry_run and pair.dry_run.error]
    assert errors == [("hv01", "hv03")]
    assert len(farm.tried) == 3


def test_a_target_that_does_not_tell_where_it_listens_is_told(farm: Farm) -> None:
    farm.landings["hv02"] = CommandFailed("hv02 gives joe no access to it", "add joe")
    [(_, pair)] = tried(farm, *trips("hv01", "hv02", 1))
    assert pair.dry_run
    assert pair.dry_run.error is farm.landings["hv02"]
    assert not farm.tried


def test_a_pair_that_fails_does_not_keep_others_from_being_tried(farm: Farm) -> None:
    wanted = [*trips("hv01", "hv02", 30), *trips("hv01", "hv03", 5), *trips("hv04", "hv03", 2)]
    farm.down = {"hv04"}
    farm.said["hv01-hv02-00"] = HostUnreachable("hv02 is gone")
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
    farm.said["hv01-hv02-05"] = HostUnreachable("hv01 is gone")
    found = tried(farm, *wanted)
    assert sum(ends == ("hv01", "hv03") for ends, _ in found) == 40
    assert [
        pair.dry_run.error.what for _, pair in found if pair.dry_run and pair.dry_run.error
    ] == ["hv01 is gone"]
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
