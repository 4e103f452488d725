"""``delegation migrate abort``: give up migrations, from another terminal, too."""

from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

import click

from delegation.changes import store
from delegation.changes.journal import Journal
from delegation.cli import options, terminal, wiring
from delegation.cli.show import counted
from delegation.errors import Busy, DelegationError, UsageError
from delegation.migrations.lifecycle import Migration, MigrationStep
from delegation.migrations.record import queue, recorded
from delegation.migrations.record.queue import Queue
from delegation.migrations.record.recorded import MIGRATE
from delegation.wiring import KINDS

Open = list[tuple[int, Migration]]
"""Migrations without an end, each with its run."""


@click.command()
@options.common()
@click.argument("machines", nargs=-1, metavar="[VM]...")
@click.pass_context
def abort(ctx: click.Context, machines: tuple[str, ...]) -> int:
    """Give up migrations.

    All that have no end, or those of the machines VM, by name or id. What waits is not started;
    what runs is stopped, which leaves the machine where it was. Whoever carries the run out hears
    of it at once. Where nobody does, migrate resume stops what still runs.

    \b
    Examples:
      delegation migrate abort web01
      delegation migrate abort            everything
      delegation migrate status           what has become of it

    Exit codes: 0 asked for, or done, 1 nothing to give up: all of it, or one VM, has its end
    already, 2 a VM is in no run.
    """
    given = options.given(ctx)
    folder = wiring.usual_state_folder(given)
    with closing(Journal.readable(folder, KINDS)) as journal:
        found = _meant(journal, machines)
    try:
        with store.lock(folder, store.MIGRATING):
            _alone(given, folder, found)
    except Busy:
        _ask(folder, found)
        terminal.say(
            f"asked for: {counted(len(found), 'migration')} to be given up; "
            f"see {given.command('migrate', 'status')}"
        )
    return 0


def _meant(journal: Journal, named: Sequence[str]) -> Open:
    """The migrations without an end that these names mean. Raises DelegationError, UsageError."""
    found = [
        (run, move)
        for run in recorded.unfinished(journal)
        for move in recorded.migrations(journal, run)
        if not move.state.ended
    ]
    wanted = {name.casefold() for name in named}
    if strange := wanted - _known(journal):
        raise UsageError(
            f"no run moves {', '.join(sorted(strange))}; nothing was given up",
            "look at the names: delegation migrate status",
        )
    if not found:
        raise DelegationError("there is nothing to give up", "see: delegation migrate status")
    if not named:
        return found
    chosen = [(run, move) for run, move in found if wanted & _names(move)]
    over = wanted - {name for _, move in chosen for name in _names(move)}
    if over:
        raise DelegationError(
            f"the migration of {', '.join(sorted(over))} has ended already; nothing was given up",
            "leave out what has ended; see: delegation migrate status",
        )
    return chosen


def _known(journal: Journal) -> set[str]:
    """Names and ids of all machines that a run was to move."""
    runs = [run.id for run in journal.runs() if run.kind == MIGRATE]
    return {
        name for run in runs for move in recorded.migrations(journal, run) for name in _names(move)
    }


def _names(move: Migration) -> set[str]:
    return {move.name.casefold(), str(move.machine)}


def _ask(folder: Path, found: Open) -> None:
    with closing(Journal.writable(folder, KINDS)) as journal:
        for run, machines in _by_run(found):
            queue.ask(journal, run, [move.machine for move in machines])


def _alone(given: options.Options, folder: Path, found: Open) -> None:
    """Nobody carries it out: give up what waits, and leave the wish for what may run."""
    _ask(folder, [(run, move) for run, move in found if move.state.on_the_way])
    with closing(Journal.writable(folder, KINDS)) as journal:
        for run, moves in _by_run(found):
            queued = Queue(journal, run)
            for move in moves:
                if move.state.pending:
                    queued.step(move.machine, MigrationStep.ABANDONED)
            queued.amend()
    running = sorted({run for run, move in found if move.state.on_the_way})
    waiting = sum(move.state.pending for _, move in found)
    if waiting:
        terminal.say(f"given up: {counted(waiting, 'migration')} that waited")
    for run in running:
        terminal.say(
            f"run {run} has machines that may be on their way, and nobody carries it out; to stop "
            f"them: {given.command('migrate', 'resume', str(run))}"
        )


def _by_run(found: Open) -> Iterable[tuple[int, list[Migration]]]:
    for run in sorted({run for run, _ in found}):
        yield run, [move for number, move in found if number == run]
