"""The command line: parse, wire the parts, call, render, exit. The only place that prints."""

import gc
import sys
from typing import TYPE_CHECKING, Any

import click

from delegation import __version__, names
from delegation.cli import options, terminal
from delegation.cli.groups import LazyGroup
from delegation.errors import DelegationError, Interrupted, InventoryError

if TYPE_CHECKING:
    from delegation.wiring import MakeWorld

SUMMARIES = {
    "init": "Find the Hyper-V hosts in the directory; write an inventory.",
    "check": "Look for everything wrong with the inventory and its accounts.",
    "plan": "Show what an apply would change.",
    "apply": "Write the plan to the directory.",
    "rollback": "Undo one run exactly, or all after one.",
    "settle": "Say what no look can tell: made, or not made.",
    "history": "Show the runs, or one run's changes.",
    "audit": "Report drift and risks; writes nothing to the directory.",
    "explain": "Explain why one pair works or not, link by link.",
    "hosts": "Show, plan, apply and undo the hosts' own live-migration settings.",
    "migrate": "Plan and perform migrations; watch, resume and stop them.",
    "report": "Write a report of the state, a plan, an audit or a run.",
    "export": "Write the plan as a change file, and its undo beside it.",
    "schedule": "Write the units of a scheduled audit; install nothing.",
    "trust": "Make a domain known, so that a password may go to it.",
    "schema": "Print the inventory's JSON Schema, for editors.",
    "demo": "Show the whole story on an embedded sample directory.",
}
"""Each command, in the order of the help; a test holds these against the commands' own words."""

_EPILOG = """
\b
Exit codes:
  0    clean, or done
  1    failure: an account missing, something not written, declined
  2    wrong usage or invalid inventory
  3    plan: changes pending; audit: drift or findings
  4    refused as unsafe, stale or in conflict; nothing was written
  130  interrupted
"""


@click.group(
    cls=LazyGroup,
    package=__name__,
    summaries=SUMMARIES,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="delegation")
@options.common(with_environment=True)
def cli() -> None:
    """Kerberos constrained delegation for Hyper-V Shared Nothing Live Migration.

    Expands an inventory of hosts into the exact msDS-AllowedToDelegateTo values of every
    computer object, shows the difference, writes it, records it and can undo it.

    \b
    First steps:
      delegation demo                 the whole story, no server needed
      delegation init                 write inventory.yaml from what is there
      delegation check                is inventory.yaml right?
      delegation plan                 what would change?
      delegation apply                do it
      delegation rollback             undo it
    """


_NO_ARGUMENTS = getattr(click.exceptions, "NoArgsIsHelpError", ())
"""What click 8.2 and later raise to show the help."""


def main() -> None:
    """Run the program and exit with its code."""
    arguments = sys.argv[1:]
    # A command is short, and makes millions of values that live as long as it does: looking at
    # them for cycles again and again costs a fifth of a large plan.
    if not _may_take_hours(arguments):
        gc.disable()
    code = run(arguments)
    # Python looks for cycles a last time as it ends: a tenth of an audit, for memory that goes with
    # the process. What is frozen is not looked at.
    gc.freeze()
    sys.exit(code)


def _may_take_hours(arguments: list[str]) -> bool:
    """Whether these words may begin what goes on all night, where garbage has to be collected."""
    return "migrate" in arguments and not {"run", "resume", "drain", "watch"}.isdisjoint(arguments)


def run(arguments: list[str], make_world: "MakeWorld | None" = None) -> int:
    """Run one command line; the exit code. Whatever goes wrong ends as a line on stderr."""
    terminal.prepare()
    known: dict[str, Any] = {"make_world": make_world} if make_world else {}
    try:
        result = cli.main(arguments, prog_name="delegation", standalone_mode=False, obj=known)
    except (Exception, KeyboardInterrupt) as exc:  # noqa: BLE001 - no traceback reaches a user
        return _ended_by(exc, options.remembered(known))
    return result if isinstance(result, int) else 0


def _ended_by(exc: BaseException, given: options.Options) -> int:
    """Tell what ended a command, and give its exit code."""
    if isinstance(exc, DelegationError):
        if isinstance(exc, InventoryError):
            for problem in exc.problems:
                terminal.say(f"{exc.file}:{problem}")
        terminal.error(exc.what, given.said(exc.fix), map(given.said, exc.details))
        return exc.exit_code
    if isinstance(exc, click.ClickException):
        if isinstance(exc, click.UsageError) and not isinstance(exc, _NO_ARGUMENTS):
            click.UsageError(names.inert(exc.format_message()), exc.ctx).show()
        else:
            exc.show()
        return exc.exit_code
    if isinstance(exc, KeyboardInterrupt | click.Abort):
        begun = isinstance(exc.__cause__, Interrupted)  # click's Abort is made of Ctrl-C
        terminal.error("interrupted", "delegation history shows what was done" if begun else "")
        return 130
    if isinstance(exc, BrokenPipeError):
        terminal.discard_output()
        return 1
    if isinstance(exc, OSError) and exc.filename is None:
        terminal.discard_output()
        terminal.error(
            f"the output can't be written: {exc.strerror or exc}", "make room, or send it elsewhere"
        )
        return 1
    return _bug(exc)


def _bug(exc: BaseException) -> int:
    import traceback

    where = traceback.extract_tb(exc.__traceback__)[-1]
    terminal.error(
        f"internal error: {type(exc).__name__}: {exc} ({where.name}, line {where.lineno})",
        "this is a bug in delegation: please report it with the command line",
    )
    return 1
