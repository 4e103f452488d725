"""Migration runs as the journal would hold them, with times that are chosen."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from delegation.changes.run import DONE, FAILED, Run
from delegation.migrations import MIGRATE
from delegation.migrations.lifecycle import UNWATCHED, Migration, MigrationStep, after
from delegation.migrations.record.recorded import RecordedStep
from delegation.migrations.run_view import MigrationRunView
from delegation.migrations.tries import tries
from delegation.report.contents import Origin
from delegation.report.migration import MigrationRunReport

BEGIN = datetime(2026, 6, 15, 20, 0, tzinfo=UTC)
GB = 1 << 30
ORIGIN = Origin("run", "2026-06-16T06:00:00+00:00", "delegation")
NO_ROOM = "not enough space on D: (0x80070070)", "make room on the target, or name another storage"
DENIED = (
    "the operation is not allowed on the target (0x8009030E)",
    "delegation explain says which link is broken",
)


def at(seconds: float) -> str:
    """A time of the run, as the journal writes it."""
    return (BEGIN + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


@dataclass
class Past:
    """A run that is written step by step."""

    moves: dict[UUID, Migration] = field(default_factory=dict)
    steps: list[RecordedStep] = field(default_factory=list)

    def asked(self, name: str, source: str, target: str, size: int = GB) -> UUID:
        machine = UUID(int=len(self.moves) + 1)
        self.moves[machine] = Migration(machine, name, source, target, size=size, at=source)
        return machine

    def step(  # noqa: PLR0917 - a row of the journal
        self,
        seconds: float,
        machine: UUID,
        step: MigrationStep,
        reason: str = "",
        fix: str = "",
        to: str = "",
    ) -> None:
        before = self.moves[machine]
        move = replace(before, state=after(before.state, step), reason=reason, fix=fix)
        if step is MigrationStep.INTENDED:
            to = to or move.target
            move = replace(move, to=to, started=before.started or at(seconds))
        if step in {MigrationStep.ARRIVED, MigrationStep.PASSED}:
            move = replace(move, at=move.to)
        if step in {MigrationStep.POSTPONED, MigrationStep.GIVEN_UP} and before.state.on_the_way:
            move = replace(move, attempts=move.attempts + 1)
        if move.state.ended:
            move = replace(move, ended=at(seconds))
        self.moves[machine] = move
        told = RecordedStep(machine, at(seconds), step, move.state, move.at, move.to, reason)
        self.steps.append(told)

    def sent(self, begin: float, machine: UUID, to: str = "") -> None:
        self.step(begin, machine, MigrationStep.INTENDED, to=to)
        self.step(begin + 0.4, machine, MigrationStep.ACCEPTED)

    def moved(self, begin: float, end: float, machine: UUID) -> None:
        self.sent(begin, machine)
        self.step(end, machine, MigrationStep.ARRIVED)

    def report(
        self, seconds: float | None, *, alive: bool = False, ticket: str = "CHG-7"
    ) -> MigrationRunReport:
        """As ``delegation report`` tells it; ``seconds``: when the run ended, if it did."""
        view = self.view(seconds, alive=alive, ticket=ticket)
        steps = sorted(self.steps, key=lambda step: step.time)
        return MigrationRunReport(ORIGIN, view, tuple(tries(view.moves, steps)))

    def view(
        self, seconds: float | None, *, alive: bool = False, ticket: str = "CHG-7"
    ) -> MigrationRunView:
        run = Run(
            MIGRATE,
            "hosts:corp.example",
            "corp.example",
            "hv[01-08]",
            {},
            "sha256:" + "a1" * 32,
            "sha256:" + "b2" * 32,
            ticket,
            id=12,
            status="running" if seconds is None else FAILED,
            started=at(-2),
            finished=None if seconds is None else at(seconds),
            who="CORP\\vmadmin",
            machine="desk01",
        )
        view = MigrationRunView(run, tuple(self.moves.values()), alive)
        return replace(view, run=replace(run, status=DONE)) if view.complete else view


def small() -> MigrationRunReport:
    return small_past().report(592)


def small_past() -> Past:
    """Five machines: three moved, one of them by way of a third host, one failed, one given up."""
    past = Past()
    web1, web2, sql, old, app = (
        past.asked(name, source, target, size * GB)
        for name, source, target, size in (
            ("web01", "hv01", "hv02", 40),
            ("web02", "hv01", "hv03", 64),
            ("sql01", "hv01", "hv02", 220),
            ("legacy", "hv02", "hv01", 12),
            ("app01", "hv01", "hv02", 18),
        )
    )
    past.moved(0, 214, web1)
    past.moved(0.2, 410, web2)
    past.sent(10, old, to="hv03")
    past.step(95, old, MigrationStep.PASSED)
    past.sent(260, old)
    past.step(340, old, MigrationStep.ARRIVED)
    past.sent(215, sql)
    past.step(300, sql, MigrationStep.POSTPONED, "the connection to hv02 was lost")
    past.step(330, sql, MigrationStep.DUE)
    past.sent(412, sql)
    past.step(590, sql, MigrationStep.GIVEN_UP, *NO_ROOM)
    past.step(420, app, MigrationStep.ABANDONED, "given up by CORP\\vmadmin", "")
    return past


def one() -> MigrationRunReport:
    past = Past()
    past.moved(0, 61, past.asked("web01", "hv01", "hv02", 8 * GB))
    return past.report(61.5)


def big(count: int = 300, hosts: int = 16, slots: int = 2) -> MigrationRunReport:
    """Many machines off many hosts, by slots of both ends; every 23rd fails, every 40th twice."""
    past = Past()
    labels = [f"hv{number:02}" for number in range(1, hosts + 1)]
    free = {label: [0.0] * slots for label in labels}
    for number in range(count):
        source = labels[(number * 7) % (hosts // 2)]
        target = labels[hosts // 2 + (number * 5) % (hosts - hosts // 2)]
        size = (8 + (number * 37) % 120) * GB
        machine = past.asked(f"vm{number:03}", source, target, size)
        begin = max(min(free[source]), min(free[target]))
        took = size / GB * 2.5
        if number % 40 == 17:
            past.sent(begin, machine)
            past.step(begin + 20, machine, MigrationStep.POSTPONED, "a slot was taken (0x80041069)")
            past.step(begin + 30, machine, MigrationStep.DUE)
            begin += 31
        past.sent(begin, machine)
        if number % 23 == 11:
            past.step(
                begin + took / 2, machine, MigrationStep.GIVEN_UP, *(NO_ROOM, DENIED)[number % 2]
            )
        else:
            past.step(begin + took, machine, MigrationStep.ARRIVED)
        for host in (source, target):
            free[host].remove(min(free[host]))
            free[host].append(begin + took + 0.5)
    return past.report(max(map(max, free.values())))


def going_on() -> MigrationRunReport:
    """One moved, two under way, of which one was lost for a while, one waits, one is queued."""
    past = _begun()
    return past.report(None, alive=True)


def left() -> MigrationRunReport:
    """The same, and whoever carried it out has died."""
    return _begun().report(None)


def _begun() -> Past:
    past = Past()
    machines = [past.asked(f"web{n:02}", "hv01", f"hv0{n % 2 + 2}", 30 * GB) for n in range(1, 6)]
    past.moved(35_000, 35_400, machines[0])
    past.sent(35_100, machines[1])
    past.step(35_300, machines[1], MigrationStep.LOST)
    past.step(35_700, machines[1], MigrationStep.REATTACHED)
    past.sent(35_500, machines[2])
    past.sent(35_410, machines[3])
    past.step(35_480, machines[3], MigrationStep.POSTPONED, *NO_ROOM)
    return past


def resumed() -> MigrationRunReport:
    """Interrupted in the evening, resumed in the morning."""
    past = Past()
    machines = [past.asked(f"web{n:02}", "hv01", f"hv0{n % 2 + 2}", 30 * GB) for n in range(1, 7)]
    past.moved(0, 700, machines[0])
    past.moved(10, 900, machines[1])
    past.sent(705, machines[2])
    past.step(42_990, machines[2], MigrationStep.LOST, UNWATCHED)
    past.step(43_000, machines[2], MigrationStep.ARRIVED)
    past.sent(902, machines[3])
    past.step(960, machines[3], MigrationStep.RETURNED, "the host was restarted")
    for number, machine in enumerate(machines[3:]):
        past.moved(43_010 + 400 * number, 43_700 + 400 * number, machine)
    return past.report(44_600)


def hostile(texts: Iterable[str], hosts: Sequence[str] = ("hv01", "hv02")) -> MigrationRunReport:
    """Machines that are called so, and failed for it; hosts as well where they are given."""
    past = Past()
    for number, text in enumerate(texts):
        machine = past.asked(text, hosts[0], hosts[1])
        past.sent(number * 20, machine)
        past.step(number * 20 + 300, machine, MigrationStep.GIVEN_UP, text, text)
    return past.report(900, ticket=text)
