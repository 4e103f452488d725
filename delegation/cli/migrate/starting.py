"""What is asked for -> the question whether to move it now, the run, and its exit code.

For ``migrate run`` and ``migrate drain``.
"""

from delegation import names
from delegation.cli import telling, terminal
from delegation.cli.migrate import runs_shown
from delegation.cli.migrate.attending import TerminalAttendant
from delegation.cli.options import Options
from delegation.migrations.migration_plan import PlannedMigrations
from delegation.migrations.start_run import RunRequest, start
from delegation.wiring import World


def start_and_show(given: Options, world: World, request: RunRequest, *, yes: bool) -> int:
    """Carry out what is asked for; the exit code.

    Raises what start_run.start raises, and Refused where the rest was not started.
    """

    def confirm(planned: PlannedMigrations) -> bool:
        machines = names.counted(len(planned.preview.placement.moves), "machine")
        return terminal.confirm(f"Move {machines} now?", yes=False)

    teller = telling.TerminalTeller(given)
    attendant = TerminalAttendant(given, world)
    end = start(world, request, teller, None if yes else confirm, attendant)
    if end is None:
        terminal.say(request.wanted.nothing_words, fg="green")
        return 0
    return runs_shown.show_and_judge(end, given)
