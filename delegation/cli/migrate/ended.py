"""How a migration run ended, or how far it is: for people, and as data."""

from collections.abc import Sequence
from typing import Any

from delegation.changes.journal import Journal
from delegation.changes.run import Run
from delegation.cli import options, terminal
from delegation.errors import DelegationError, JournalError
from delegation.migrations import result
from delegation.migrations.lifecycle import Migration, State
from delegation.migrations.record import recorded
from delegation.migrations.result import Became, MigrationResult
from delegation.migrations.schedule.obstacles import size
from delegation.migrations.words import duration
from delegation.report import migration


def of(run: Run, moves: Sequence[Migration]) -> MigrationResult:
    """What became of a run's machines, as the record says."""
    return MigrationResult(
        run.id,
        run.domain,
        run.who,
        run.started,
        run.finished,
        tuple(result.of_migration(move, fix=move.fix) for move in moves),
        run.ticket,
        run.plan_digest or "",
    )


def tell(given: options.Options, journal: Journal, number: int) -> int:
    """The end of a run, on stdout, and what can be done now; the exit code."""
    moves = recorded.migrations(journal, number)
    found = of(journal.run(number), moves)
    moved = sum(move.size for move in moves if move.state is State.MOVED)
    length = f" in {duration(found.seconds)}" if found.seconds is not None else ""
    terminal.out(f"run {number}: {_counts(found)}; {size(moved)} moved{length}", bold=True)
    unsettled = [move for move in moves if not move.state.ended]
    wrong = [move for move in moves if move.state is not State.MOVED]
    for line in reasons(wrong):
        terminal.out(f"  {line}")
    if unsettled:
        terminal.say(f"next    {given.command('migrate', 'resume', str(number))}   to go on")
    elif wrong:
        terminal.say(f"next    {given.command('migrate', 'run', 'FILE')}   again, for what is left")
    page = f"run-{number}.html"
    terminal.say(f"        {given.command('migrate', 'status', str(number))}   to see it again")
    terminal.say(f"        {given.command('report', 'html', str(number), '-o', page)}   its report")
    return 0 if found.complete else 1


def _counts(found: MigrationResult) -> str:
    words = [
        f"{count:,} {became}" for became in Became if (count := found.count(became)) and became
    ]
    return ", ".join(words) or "nothing was asked for"


def reasons(moves: Sequence[Migration]) -> list[str]:
    """Why machines are not where they should be; those for the same reason together.

    In the words of the counts above them, whatever the record calls the state.
    """
    alike: dict[tuple[str, str, str], list[Migration]] = {}
    for move in moves:
        became = str(result.of_migration(move).became)
        alike.setdefault((became, _why(move), move.fix), []).append(move)
    lines = []
    for (became, reason, fix), found in alike.items():
        named = ", ".join(_named(move) for move in found)
        lines.append(f"{became}: {named}" + (f": {reason}" if reason else ""))
        if fix:
            lines.append(f"  {fix}")
    return lines


def _why(move: Migration) -> str:
    """The reason on record, else what its state says of one that nobody follows."""
    if move.state is State.STOPPING:
        return move.reason or f"it was being stopped on {move.at} when it was left"
    if move.state in {State.STARTING, State.RUNNING}:
        return move.reason or f"it went on, {move.at} to {move.to}, when it was left"
    return move.reason


def _named(move: Migration) -> str:
    """With where it is, where that is neither of the hosts that were named."""
    aside = not move.state.on_the_way and move.at not in {move.source, move.target}
    return f"{move.name} (on {move.at})" if aside else move.name


def unrecorded(
    given: options.Options,
    journal: Journal,
    run: int,
    moves: Sequence[Migration],
    exc: DelegationError,
) -> JournalError:
    """A run was left because its record is gone: what goes on at the hosts, how to settle it."""
    resume = given.command("migrate", "resume", str(run))
    if journal.path.exists():
        what = f"{exc.what}; run {run} was left"
        fix = f"{exc.fix}; then find out what became of these, and go on: {resume}"
    else:
        what = f"{journal.path} was removed while run {run} went on, which was left"
        fix = (
            f"put it back from a backup, then: {resume}; without one nothing remembers the run: "
            "look where each of its machines is before it is moved again"
        )
    going_on = [
        f"{move.name} may go on, without us: {move.at} to {move.to}"
        for move in moves
        if move.state.on_the_way
    ]
    return JournalError(what, fix, going_on or ["no machine was on its way"])


def data(run: Run, moves: Sequence[Migration], *, alive: bool) -> dict[str, Any]:
    """A run as JSON data; ``alive``: somebody is carrying it out."""
    return {
        "run": run.id,
        "status": run.status,
        "alive": alive,
        "moves": [migration.move_data(move) for move in moves],
        "result": result.data(of(run, moves)),
    }


def table(moves: Sequence[Migration]) -> None:
    """Every machine, on stdout."""
    terminal.table(
        ["machine", "from", "to", "state", "%", "size", "on", ""],
        [
            [
                move.name,
                move.source,
                move.target,
                str(move.state),
                _percent(move),
                size(move.size),
                f"{move.at} > {move.to}" if move.state.on_the_way else move.at,
                move.reason,
            ]
            for move in moves
        ],
        right="    rr",
    )
    fixes: dict[str, list[str]] = {}
    for move in moves:
        if move.fix and move.state is not State.MOVED:
            fixes.setdefault(move.fix, []).append(move.name)
    for fix, names in fixes.items():
        terminal.out(f"  {', '.join(names)}: {fix}")


def _percent(move: Migration) -> str:
    return str(move.percent) if move.state.on_the_way or move.state is State.MOVED else ""
