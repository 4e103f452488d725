"""A run of migrations on a terminal: every VM in a table, and how it ended."""

from collections.abc import Sequence

from delegation import names
from delegation.cli import rendering, terminal
from delegation.cli.options import Options
from delegation.migrations.lifecycle import Migration, MigrationState
from delegation.migrations.perform import RunEnd
from delegation.migrations.run_view import MigrationRunView
from delegation.migrations.schedule.obstacles import size


@rendering.rendered.register
def show_end(end: RunEnd, given: Options) -> None:
    """The end of a run, on stdout, and what can be done now."""
    terminal.out(end.view.headline, bold=True)
    for line in end.view.reasons():
        terminal.out(f"  {line}")
    show_details(end.view, given)
    for step in end.view.next_steps():
        terminal.say(given.said(step))


def show_details(view: MigrationRunView, given: Options) -> None:
    """With -v: what is noted of the run, and what hosts gave for each that failed."""
    if given.verbose:
        for line in (*view.notes.in_words(), *view.said_by_hosts()):
            terminal.out(f"  {line}")


def show_and_judge(end: RunEnd, given: Options) -> int:
    """Show it; the exit code. Raises Refused where the rest was not started."""
    show_end(end, given)
    if end.interrupted:
        return 130
    if end.refused is not None:
        raise end.refused
    return 0 if end.view.complete else 1


def table(moves: Sequence[Migration]) -> None:
    """Every VM, on stdout, and what to do about those that are not where they should be."""
    header = ["machine", "from", "to", "state", "%", "size", "on", ""]
    terminal.table(header, [_row(move) for move in moves], right="    rr")
    wrong = [move for move in moves if move.fix and move.state is not MigrationState.MOVED]
    for fix, vms in names.grouped((move.fix, move.name) for move in wrong).items():
        terminal.out(f"  {', '.join(vms)}: {fix}")


def _row(move: Migration) -> list[str]:
    where = f"{move.at} > {move.to}" if move.state.on_the_way else move.at
    return [
        move.name,
        move.source,
        move.target,
        f"{move.state}, {move.phase}" if move.phase is not None else str(move.state),
        _percent(move),
        size(move.size),
        where,
        move.reason,
    ]


def _percent(move: Migration) -> str:
    has_begun = move.state.on_the_way or move.state is MigrationState.MOVED
    return str(move.percent) if has_begun else ""
