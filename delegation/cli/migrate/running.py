"""A migration run from the command line: what run, drain and resume share."""

import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING
from uuid import UUID

from delegation import names
from delegation.changes import store
from delegation.changes.journal import Journal
from delegation.changes.run import NewRun
from delegation.cli import options, terminal, wiring
from delegation.cli.migrate import checking, ended, planning, show, ticket_life
from delegation.cli.migrate.lines import Lines
from delegation.cli.migrate.overall import Overall
from delegation.cli.migrate.planning import Planned
from delegation.cli.show import counted
from delegation.errors import Busy, DelegationError, JournalError, Refused
from delegation.hosts.hypervisor import Open
from delegation.inventory import Inventory
from delegation.migrations.lifecycle import Migration
from delegation.migrations.moves.placement import Placed
from delegation.migrations.moves.surveyed import Surveyed
from delegation.migrations.moves.terms import Terms
from delegation.migrations.record import queue, recorded
from delegation.migrations.record.queue import Queue
from delegation.migrations.record.recorded import MIGRATE
from delegation.migrations.runner import FINISH, Runner
from delegation.migrations.runner.board import involved
from delegation.migrations.runner.patience import Patience
from delegation.migrations.runner.threads import Threads, Watchers
from delegation.migrations.schedule import Move
from delegation.migrations.schedule.bypass import Via
from delegation.wiring import KINDS

if TYPE_CHECKING:
    from delegation.cli.migrate.live import Picture


@dataclass(frozen=True)
class Ground:
    """What a run stands on: the hosts as they were read, what the inventory says, who opens."""

    given: options.Options
    inventory: Inventory
    open_host: Open
    surveyed: Surveyed
    terms: Terms


def carry_out(  # noqa: PLR0913
    given: options.Options,
    inventory: Inventory,
    open_host: Open,
    planned: Planned,
    *,
    ticket: str | None,
    yes: bool,
    patience: Patience,
) -> int:
    """Ask, unless ``yes``, and perform a plan as a new run; the exit code.

    After the question the hosts are read again for what has changed since. Raises Refused, with
    nothing started, where that is so or a pair is broken, and DelegationError where declined.
    """
    machines = counted(len(planned.preview.placement.moves), "machine")
    if not terminal.confirm(f"Move {machines} now?", yes=yes):
        raise DelegationError("declined; nothing was moved")
    folder = wiring.state_folder(given, inventory)
    with recording(folder) as journal:
        _refuse_unsettled(given, journal, planned)
        if not yes:
            planned = _again(inventory, open_host, planned, folder)
        moves = [_queued(placed) for placed in planned.preview.placement.moves]
        ground = Ground(given, inventory, open_host, planned.surveyed, planned.terms)
        via = check(ground, moves)
        run = NewRun(
            MIGRATE,
            f"hosts:{inventory.domain.casefold()}",
            inventory.domain,
            names.fold(sorted(involved(moves))),
            {},
            inventory.digest,
            planned.preview.digest,
            ticket,
        )
        expected = planned.preview.timeline.seconds
        ticket_life.warn(ticket_life.left(given, inventory, involved(moves)), expected)
        queued = queue.begin(journal, run, moves)
        return perform(ground, journal, queued, via, patience, expected=expected)


@contextmanager
def recording(folder: Path) -> Iterator[Journal]:
    """The journal for the one that migrates. Raises Busy, JournalError."""
    with store.lock(folder, store.MIGRATING), closing(Journal.writable(folder, KINDS)) as journal:
        yield journal


def check(ground: Ground, moves: Sequence[Migration], *, waiting: bool = False) -> Via:
    """Look at every pair that these use; what it gives says where a machine may be put aside.

    ``waiting``: hosts that do not answer are waited for, and nothing is said against their pairs.
    Raises Refused where a pair is broken.
    """
    wanted = [
        trip
        for trip in checking.trips(moves, ground.surveyed, ground.terms)
        if not waiting or ground.surveyed.hosts.keys() >= set(trip.ends)
    ]
    used = {trip.ends for trip in wanted}
    links = checking.look(ground.given, ground.inventory, ground.surveyed, used)
    checking.refuse_broken(links, ground.open_host, wanted)

    @cache
    def works(source: str, to: str) -> bool:
        return (source, to) in used or links.broken((source, to)) is None

    def via(move: Move, source: str, to: str) -> bool:
        return ground.terms.via(move, source, to) and works(source, to) and works(to, move.target)

    return via


def perform(  # noqa: PLR0913, PLR0917
    ground: Ground,
    journal: Journal,
    queued: Queue,
    via: Via,
    patience: Patience | None = None,
    urgency: int = 0,
    expected: float | None = None,
) -> int:
    """Carry out what is queued, show it, tell how it ended; the exit code.

    ``expected`` are the seconds that it should take. Raises JournalError, with what goes on at the
    hosts, where it can't be recorded any more.
    """
    overall = Overall(time.monotonic, expected)
    overall.begin(queued.moves())
    display = _picture(ground, overall) if sys.stderr.isatty() else Lines(overall)
    runner = Runner(
        queued,
        Threads(ground.open_host),
        ground.surveyed.hosts,
        display=display,
        clock=time.monotonic,
        new_handle=wiring.world(ground.given, ground.inventory).new_handle,
        rates=planning.rates(journal.folder),
        slots=ground.terms.slots,
        via=via,
        patience=patience or Patience(),
    )
    if urgency:
        runner.press(urgency)
    try:
        with closing(display), _signals(runner):
            runner.run()
    except (JournalError, Busy) as exc:
        raise ended.unrecorded(ground.given, journal, queued.run, overall.moves, exc) from exc
    except BaseException:
        _finish(queued, interrupted=runner.urgency > urgency)
        raise
    _finish(queued, interrupted=runner.urgency > urgency)
    code = ended.tell(ground.given, journal, queued.run)
    return 130 if runner.urgency > urgency else code


def _picture(ground: Ground, overall: Overall) -> "Lines | Picture":
    from delegation.cli.migrate.live import Picture
    from delegation.migrations.smb import SmbWatch

    place = wiring.host_places(ground.given, ground.inventory)
    account = wiring.hosts_account(ground.given, ground.inventory)
    slots = {
        host: capacity.slots(ground.terms.slots)
        for host, capacity in ground.surveyed.capacities().items()
    }
    wire = Watchers(lambda label: SmbWatch(place(label), account))
    return Picture(overall, slots, wire, no_color=ground.given.no_color)


@contextmanager
def _signals(runner: Runner) -> Iterator[None]:
    """Ctrl-C asks for the end, more urgently each time; SIGTERM as the first Ctrl-C does."""

    def pressed(number: int, _frame: FrameType | None) -> None:
        runner.press(0 if number == signal.SIGINT else FINISH)

    numbers = [signal.SIGINT, signal.SIGTERM]
    if sys.platform == "win32":
        numbers.append(signal.SIGBREAK)
    # What is ignored, as in a background job, stays so.
    heeded = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, pressed) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _finish(queued: Queue, *, interrupted: bool) -> None:
    """Close the run's page; where even that fails, it can be resumed all the same."""
    try:
        queued.finish(interrupted=interrupted)
    except DelegationError as exc:
        terminal.warn(f"the end of run {queued.run} could not be recorded: {exc.what}")


def _refuse_unsettled(given: options.Options, journal: Journal, planned: Planned) -> None:
    """What an earlier run may still be moving is not started by another one."""
    wanted = {UUID(placed.move.machine) for placed in planned.preview.placement.moves}
    found = [(run, move) for run, move in recorded.under_way(journal) if move.machine in wanted]
    if found:
        raise Refused(
            "an earlier run may still be moving some of these; nothing was started",
            f"find out first: {given.command('migrate', 'resume', str(found[0][0]))}",
            [f"{move.name}: {move.state} in run {run}" for run, move in found],
        )


def _again(inventory: Inventory, open_host: Open, planned: Planned, folder: Path) -> Planned:
    """The same moves, planned by the hosts as they are now. Raises Refused where it differs."""
    fresh = planning.planned(
        lambda _surveyed, _terms: (planned.asked, ()),
        planning.survey(open_host, inventory),
        planned.terms,
        planning.rates(folder),
    )
    changed = "the hosts have changed since you confirmed; nothing was started"
    if fresh.preview.unmovable:
        raise Refused(changed, "", show.refusals(fresh.preview.unmovable))
    if fresh.preview.digest != planned.preview.digest:
        differences = {_words(one) for one in planned.preview.placement.moves}.symmetric_difference(
            _words(one) for one in fresh.preview.placement.moves
        )
        raise Refused(changed, "run it again, and look at the new plan", sorted(differences))
    return fresh


def _words(placed: Placed) -> str:
    move = placed.move
    return f"{move.name}: {move.source} to {move.target}, {placed.storage}"


def _queued(placed: Placed) -> Migration:
    move = placed.move
    return Migration(
        UUID(move.machine),
        move.name,
        move.source,
        move.target,
        placed.storage,
        move.memory,
        move.disk,
        placed.size,
        move.seconds,
        at=move.source,
    )
