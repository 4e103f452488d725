"""``delegation schedule``: the audit as a unit, a task or a cron line, ready to be installed."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any, TypeVar

import click

from delegation import report
from delegation.cli import files, findings, options, terminal, wiring
from delegation.cli.jobs import escaping, job
from delegation.cli.jobs.job import Job
from delegation.cli.jobs.places import TEMPORARY, places
from delegation.errors import UsageError
from delegation.mesh.checks import Severity

F = TypeVar("F", bound=Callable[..., Any])

AT = "05:30"
"""Not at an hour that is left out, or comes twice, when the clocks change."""
GMSA = "svc-delegation$"

_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,30}")
_CALENDAR = re.compile(r"[A-Za-z0-9*][A-Za-z0-9 *,:./~_+-]*")
_FIELDS = re.compile(r"[A-Za-z0-9*,/-]+(?: [A-Za-z0-9*,/-]+){4}")


@click.group()
@options.common()
def schedule() -> None:
    """Write the units of a scheduled audit; install nothing.

    The audit is `audit --new-only`: it tells, and fails for, what the one before did not find. What
    is written holds no secret, says itself how it is installed and removed, and goes to standard
    output, or to new files with -o.

    \b
    Examples:
      delegation schedule systemd -o units
      delegation schedule cron --fail-on high
    """


def _named(ctx: click.Context, parameter: click.Parameter, name: str) -> str:  # noqa: ARG001
    if not _NAME.fullmatch(name):
        raise click.BadParameter("it is made of a-z, 0-9 and -, 31 of them at most")
    return name


def _shared(command: F) -> F:
    for decorate in reversed(
        (
            options.common(),
            click.option(
                "--at",
                type=click.DateTime(["%H:%M"]),
                metavar="HH:MM",
                help=f"Every day at this time.  [default: {AT}]",
            ),
            click.option(
                "--fail-on",
                type=click.Choice([str(severity) for severity in Severity]),
                help="Fail for any new finding at or above this severity, too.",
            ),
            findings.operators,
            click.option(
                "--name",
                default="delegation-audit",
                show_default=True,
                callback=_named,
                help="What it is called; one for each inventory.",
            ),
            click.option(
                "--program",
                metavar="FILE",
                help="The program on the machine that audits.  [default: this one]",
            ),
            click.option(
                "--folder",
                metavar="DIR",
                help="Where the inventory lies on the machine that audits.  [default: as here]",
            ),
            click.option(
                "-o",
                "--output",
                type=click.Path(path_type=Path),
                metavar="PATH",
                help="A folder, or a new file where there is one.  [default: standard output]",
            ),
            click.option(
                "--template",
                type=click.Path(path_type=Path, exists=True, dir_okay=False),
                metavar="FILE",
                help="A Jinja2 template instead of ours (with systemd: of the service). It is "
                "code, and what it makes is run: use none that you would not run.",
            ),
            click.pass_context,
        )
    ):
        command = decorate(command)
    return command


@schedule.command()
@_shared
@click.option("--calendar", metavar="EXPRESSION", help="When, as systemd.time writes it.")
@click.option(
    "--user",
    metavar="USER",
    help="Run as this user, to whom the state folder belongs: one history for all runs.  "
    "[default: a user made for the run, and a history of its own]",
)
def systemd(ctx: click.Context, calendar: str | None, user: str | None, **given: Any) -> int:  # noqa: ANN401 - as _shared declares them
    """A service and its timer, for Linux.

    The service may do nothing but read; a password or keytab reaches it as a credential.

    \b
    Examples:
      delegation schedule systemd -o units
      delegation schedule systemd --calendar "Mon..Fri 06:00" --fail-on high --as vmadmin
    """
    wanted = _job(ctx, PurePosixPath, given)
    if user is not None and not _USER.fullmatch(user):
        raise UsageError(f"--user {user!r} is no user's name", "name a user of that machine")
    if wanted.places.state_named and user is None:
        raise UsageError(
            "a state folder of yours takes its owner as the user of the unit",
            "add --user NAME, or leave --state away: the unit then has a history of its own",
        )
    when = _when(given["at"], calendar, _CALENDAR) or f"*-*-* {_at(given['at'])}:00"
    data = job.systemd(wanted, user, when)
    service = _made("schedule/service.j2", given["template"], data)
    timer = report.render("schedule/timer.j2", data)
    if user is None and given["folder"] is None:
        for path in wanted.places.closed():
            terminal.warn(f"not every user may read {path}: the unit's user could not")
    for path in wanted.places.below(TEMPORARY):
        terminal.warn(f"{path} is out of the unit's sight, which has a /tmp of its own: move it")
    units = {f"{wanted.name}.service": service, f"{wanted.name}.timer": timer}
    folder: Path | None = given["output"]
    if folder is None or str(folder) == "-":
        click.echo("\n".join(units.values()), nl=False)
    else:
        files.make_folder(folder)
        _save({folder / name: text.encode() for name, text in units.items()})
    return 0


@schedule.command("task-scheduler")
@_shared
@click.option(
    "--user",
    metavar="ACCOUNT",
    default=GMSA,
    show_default=True,
    help="The group-managed service account that audits.",
)
def task_scheduler(ctx: click.Context, user: str, **given: Any) -> int:  # noqa: ANN401
    """A task for Windows, as XML.

    It runs as a group-managed service account, whose password nobody knows, and has a history of
    its own. Made on another machine than the one that audits, it needs --program and --folder.

    \b
    Examples:
      delegation schedule task-scheduler -o audit.xml
      delegation schedule task-scheduler --user "CORP\\svc-audit$" --at 06:00
    """
    wanted = _job(ctx, PureWindowsPath, given)
    account = job.account(user, wanted.inventory.domain)
    if wanted.logon == "password" and wanted.places.password_file is None:
        terminal.warn(
            f"the inventory logs on as {wanted.inventory.directory.user}, whose password the task "
            "does not have: without directory.user it would log on as the service account"
        )
    output = _file(given["output"], f"{wanted.name}.xml")
    shown = str(output) if output else f"{wanted.name}.xml"
    data = job.task(wanted, account, _at(given["at"]), shown)
    steps = report.render("schedule/task-steps.j2", data).splitlines()
    data |= {"steps": steps, "utf16": output is not None}
    made = _made("schedule/task.j2", given["template"], data, html=True)
    text = made.encode("ascii", "xmlcharrefreplace").decode()
    for line in steps:
        terminal.say(line)
    if output is None:
        click.echo(text, nl=False)
    else:
        _save({output: text.replace("\n", "\r\n").encode("utf-16")})
    return 0


@schedule.command()
@_shared
@click.option("--calendar", metavar="FIELDS", help="When, as the five fields of crontab(5).")
def cron(ctx: click.Context, calendar: str | None, **given: Any) -> int:  # noqa: ANN401
    """A line for a crontab.

    For the user to whom the state folder belongs. It says something only where the exit code is
    not 0.

    \b
    Examples:
      delegation schedule cron -o audit.cron
      delegation schedule cron --calendar "0 6 * * 1-5" --fail-on high
    """
    wanted = _job(ctx, PurePosixPath, given)
    if wanted.logon == "keytab":
        terminal.warn("nobody is there to log on: set directory.keytab")
    elif wanted.logon == "password" and wanted.places.password_file is None:
        terminal.warn("nobody is there to log on: add --password-file, or set directory.keytab")
    output = _file(given["output"], f"{wanted.name}.cron")
    hour, minute = map(int, _at(given["at"]).split(":"))
    when = _when(given["at"], calendar, _FIELDS) or f"{minute} {hour} * * *"
    data = job.cron(wanted, when, str(output) if output else f"{wanted.name}.cron")
    text = _made("schedule/cron.j2", given["template"], data)
    if max(map(len, text.splitlines())) > escaping.CRON_LIMIT:
        raise UsageError("the line is longer than cron takes", "use shorter paths, or systemd")
    if output is None:
        click.echo(text, nl=False)
    else:
        _save({output: text.encode()})
    return 0


def _job(ctx: click.Context, kind: type[PurePath], given: Mapping[str, Any]) -> Job:
    shared = options.given(ctx)
    inventory = wiring.load(shared)
    found = places(shared, inventory, kind, program=given["program"], folder=given["folder"])
    if found.foreign:
        what = f"{found.foreign[0]} is no path of the machine that would run this"
        fix = "name --program and --folder as they are there"
        if kind is PurePosixPath:
            raise UsageError(what, fix)
        terminal.warn(f"{what}: {fix}")
    return Job(inventory, found, given["name"], given["fail_on"], given["operators"])


def _at(at: datetime | None) -> str:
    return AT if at is None else f"{at:%H:%M}"


def _when(at: datetime | None, calendar: str | None, form: re.Pattern[str]) -> str | None:
    if calendar is None:
        return None
    if at is not None:
        raise UsageError("--at and --calendar are two answers to one question", "give one of them")
    if not form.fullmatch(calendar):
        raise UsageError(f"--calendar {calendar!r} is no such expression", "see --help")
    return calendar


def _made(template: str, own: Path | None, data: Mapping[str, Any], *, html: bool = False) -> str:
    if own is not None:
        return report.render_own(own, data, html=html)
    return report.render(template, data, html=html)


def _file(output: Path | None, name: str) -> Path | None:
    """The file that ``-o`` means; None is standard output."""
    if output is None or str(output) == "-":
        return None
    return output / name if output.is_dir() else output


def _save(made: Mapping[Path, bytes]) -> None:
    files.create_all(
        made, "move it away, or name another place with -o", "name another place with -o"
    )
    for path in made:
        terminal.say(f"wrote   {path}")
    terminal.say("  nothing is installed yet; the file says how that is done, and undone")
