"""What run and drain share: the question, and the end."""

from delegation import names
from delegation.cli import telling, terminal
from delegation.cli.migrate import runs_shown
from delegation.cli.migrate import show as _shows_plans  # noqa: F401 - it registers how
from delegation.cli.migrate.attending import TerminalAttendant
from delegation.cli.options import Options
from delegation.migrations.migration_plan import PlannedMigrations
from delegation.migrations.start_run import RunRequest, start
from delegation.wiring import World


def started(given: Options, world: World, request: RunRequest, *, yes: bool) -> int:
    """Carry out what is asked for; the exit code."""

    def confirm(planned: PlannedMigrations) -> bool:
        machines = names.counted(len(planned.preview.placement.moves), "machine")
        return terminal.confirm(f"Move {machines} now?", yes=False)

    teller, attendant = telling.TerminalTeller(given), TerminalAttendant(given, world)
    end = start(world, request, teller, None if yes else confirm, attendant)
    if end is None:
        terminal.say(request.wanted.nothing_words, fg="green")
        return 0
    return runs_shown.show_and_judge(end, given)
