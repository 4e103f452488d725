"""Migrations that are queued, on record -> carried out to their end, and what they came to.

It knows no terminal: whoever calls hands in who shows the run while it goes on, and who may press
it to end.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from typing import Protocol

from delegation.changes.journal import Journal
from delegation.errors import Advice, Busy, DelegationError, JournalError, Refused, command
from delegation.events import Teller, warning
from delegation.hosts.hypervisor import Open
from delegation.inventory import Inventory
from delegation.migrations.lifecycle import Migration
from delegation.migrations.migration_plan import PastRuns, learnt_rates
from delegation.migrations.precheck import HostsRead, PrecheckWorld
from delegation.migrations.progress_of_run import RunProgress
from delegation.migrations.record.queue import Queue
from delegation.migrations.run_view import MigrationRunView, going_on
from delegation.migrations.runner import Runner
from delegation.migrations.runner.patience import Patience
from delegation.migrations.runner.threads import Threads
from delegation.migrations.runner.work import Display, Wait
from delegation.migrations.schedule.bypass import Via


class RunRecords(PastRuns, Protocol):
    """The state folder, for the one run that may migrate."""

    def migrating(self) -> AbstractContextManager[Journal]: ...


class MigratingWorld(PrecheckWorld, Protocol):
    """The inventory, the directory to look at, hosts to migrate between, the record, a clock."""

    @property
    def inventory(self) -> Inventory: ...

    @property
    def records(self) -> RunRecords: ...

    def hosts(self) -> Open: ...

    def seconds(self) -> float:
        """A clock that only grows."""

    def ticket_seconds(self, label: str) -> float | None:
        """How long the ticket by which that host is asked lasts; None: it is got as needed."""


class RunDisplay(Protocol):
    """Shows a run that goes on; what there is to know of it is in its RunProgress."""

    def move(self, move: Migration, news: str) -> None:
        """Something has become of it; ``news`` says so in a line, or is empty."""

    def pulse(self, urgency: int) -> None:
        """Time has gone by. ``urgency``: how urgently the run was asked to end, 0 not at all."""

    def waits(self, news: Iterable[str]) -> None:
        """What is news of what it waits for, in lines."""

    def close(self) -> None: ...


class RunAttendant(Protocol):
    """Who is there while a run goes on."""

    def display(self, progress: RunProgress, slots: Mapping[str, int]) -> RunDisplay:
        """Show it from here on; ``slots`` are those of each host that can take part, by label."""

    def heeding(self, press: Callable[[int], None]) -> AbstractContextManager[None]:
        """Let somebody ask for its end: ``press(0)``, more urgently each time, or ``press(n)``."""


class Unattended:
    """A run that nobody looks at: it ends when all is done. Implements RunAttendant, RunDisplay."""

    def display(self, progress: RunProgress, slots: Mapping[str, int]) -> RunDisplay:  # noqa: ARG002
        return self

    @contextmanager
    def heeding(self, press: Callable[[int], None]) -> Iterator[None]:  # noqa: ARG002
        yield

    def move(self, move: Migration, news: str) -> None:
        """Let it pass."""

    def pulse(self, urgency: int) -> None:
        """Let it pass."""

    def waits(self, news: Iterable[str]) -> None:
        """Let it pass."""

    def close(self) -> None:
        """There is nothing to close."""


class FollowedRun(Display):
    """Keeps a run's progress, whoever shows it, and tells the display what is news."""

    def __init__(self, progress: RunProgress, display: RunDisplay) -> None:
        self._progress = progress
        self._display = display

    def move(self, move: Migration) -> None:
        news = self._progress.see(move)
        self._display.move(move, news)

    def pulse(self, urgency: int) -> None:
        self._display.pulse(urgency)

    def waits(self, wait: Wait) -> None:
        self._display.waits(list(self._progress.waits(wait)))


@dataclass(frozen=True)
class RunEnd:
    """How a run that was carried out here ended.

    ``interrupted``: somebody asked for its end. ``refused``: why what waits was not started, while
    what was on its way was followed to its end.
    """

    view: MigrationRunView
    interrupted: bool = False
    refused: Refused | None = None


@dataclass(frozen=True)
class QueuedRun:
    """A run on record that is to be carried out, and on what terms.

    ``urgency`` is that with which it begins: FINISH starts nothing. ``expected`` are the seconds
    that it should take, where a plan says so.
    """

    journal: Journal
    queue: Queue
    via: Via
    patience: Patience
    urgency: int = 0
    expected: float | None = None


def perform(
    world: MigratingWorld,
    hosts: HostsRead,
    run: QueuedRun,
    teller: Teller,
    attendant: RunAttendant,
) -> RunEnd:
    """Carry out what is queued.

    Raises JournalError, with what goes on at the hosts, where it can't be recorded any more.
    """
    queued = run.queue
    liberties = hosts.terms.liberties
    progress = RunProgress(world.seconds, run.expected)
    progress.begin(queued.moves())
    display = attendant.display(progress, _slots(hosts))
    runner = Runner(
        queued,
        Threads(hosts.open_host, with_checkpoints=liberties.with_checkpoints),
        hosts.surveyed.hosts,
        display=FollowedRun(progress, display),
        clock=world.seconds,
        rates=learnt_rates(world.records, teller),
        slots=hosts.terms.slots,
        via=run.via,
        patience=run.patience,
        assume_full=liberties.assume_full,
    )
    if run.urgency:
        runner.press(run.urgency)
    try:
        with closing(display), attendant.heeding(runner.press):
            runner.run()
    except (JournalError, Busy) as exc:
        raise _unrecorded(run.journal, queued.run, progress.moves, exc) from exc
    except BaseException:
        # Whatever it was: the run gets its end, as far as it came, and can be resumed.
        _finish(queued, teller, interrupted=runner.urgency > run.urgency)
        raise
    interrupted = runner.urgency > run.urgency
    _finish(queued, teller, interrupted=interrupted)
    recorded = run.journal.run(queued.run)
    return RunEnd(MigrationRunView.of(run.journal, recorded, alive=False), interrupted)


def _slots(hosts: HostsRead) -> dict[str, int]:
    capacities = hosts.surveyed.capacities()
    return {host: capacity.slots(hosts.terms.slots) for host, capacity in capacities.items()}


def _finish(queued: Queue, teller: Teller, *, interrupted: bool) -> None:
    """Close the run's page; where even that fails, it can be resumed all the same."""
    try:
        queued.finish(interrupted=interrupted)
    except DelegationError as exc:
        teller.say(warning(f"the end of run {queued.run} could not be recorded: {exc.what}"))


def _unrecorded(
    journal: Journal, run: int, moves: Sequence[Migration], exc: DelegationError
) -> JournalError:
    """A run was left because its record is gone: what goes on at the hosts, how to settle it."""
    resume = command("migrate", "resume", str(run))
    if journal.path.exists():
        what = f"{exc.what}; run {run} was left"
        fix = Advice(exc.fix, "; then find out what became of these, and go on: ", resume)
    else:
        what = f"{journal.path} was removed while run {run} went on, which was left"
        fix = Advice(
            "put it back from a backup, then: ",
            resume,
            "; without one nothing remembers the run: look where each of its machines is before it "
            "is moved again",
        )
    return JournalError(what, fix, going_on(moves))
