"""``delegation schedule``: the audit as a unit, a task or a cron line, ready to be installed."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, time
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any, TypeVar

import click

from delegation import wiring
from delegation.cli import files, findings, opening, options, terminal
from delegation.cli.jobs import cron as crontab
from delegation.cli.jobs.cron import CronLine
from delegation.cli.jobs.job import AT, Job
from delegation.cli.jobs.places import places
from delegation.cli.jobs.systemd import SystemdUnits
from delegation.cli.jobs.task import GMSA, ScheduledTask
from delegation.cli.options import Options
from delegation.errors import UsageError
from delegation.mesh.audit_view import Threshold
from delegation.report.templates import TemplateChoice

F = TypeVar("F", bound=Callable[..., Any])

_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")


@click.group()
@options.common()
def schedule() -> None:
    """Write the units of a scheduled audit; install nothing.

    The audit is `audit --new-only --baseline`: it tells, and fails for, what the one before did not
    find: drift, and findings that are medium or worse unless --fail-on says otherwise. What is
    written holds no secret, says itself how it is installed and removed, and goes to standard
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


def _checked_age(ctx: click.Context, parameter: click.Parameter, text: str | None) -> str | None:
    findings.age(ctx, parameter, text)
    return text


_shared = options.together(
    options.common(),
    click.option(
        "--at",
        type=click.DateTime(["%H:%M"]),
        metavar="HH:MM",
        help=f"Every day at this time.  [default: {AT:%H:%M}]",
    ),
    click.option(
        "--fail-on",
        type=click.Choice(list(map(str, Threshold))),
        default=str(Threshold.MEDIUM),
        show_default=True,
        help="Fail for a new finding at or above this severity, as for drift.",
    ),
    click.option(
        "--remind",
        metavar="AGE",
        callback=_checked_age,
        help="Tell again what is still open AGE after it was told last, as in 7d.",
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
    options.output(
        "A folder, or a new file where there is one.  [default: standard output]",
        type=click.Path(path_type=Path),
        metavar="PATH",
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
    job = _job(ctx, PurePosixPath, given)
    units = SystemdUnits.of(job, user, _at(given), calendar)
    made = units.files(_template(given))
    for warning in units.warnings(is_here=given["folder"] is None):
        terminal.warn(warning)
    folder: Path | None = given["output"]
    if folder is None or str(folder) == "-":
        click.echo("\n".join(made.values()), nl=False)
    else:
        files.make_folder(folder)
        _save([(folder / name, text.encode()) for name, text in made.items()])
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
    job = _job(ctx, PureWindowsPath, given)
    output = _file(given["output"], f"{job.name}.xml")
    task = ScheduledTask.of(job, user, _at(given), str(output or f"{job.name}.xml"))
    for warning in task.warnings():
        terminal.warn(warning)
    text = task.text(_template(given), is_file=output is not None)
    for line in task.steps():
        terminal.say(line)
    if output is None:
        click.echo(text, nl=False)
    else:
        _save([(output, text.replace("\n", "\r\n").encode("utf-16"))])
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
    job = _job(ctx, PurePosixPath, given)
    for warning in crontab.warnings(job):
        terminal.warn(warning)
    output = _file(given["output"], f"{job.name}.cron")
    line = CronLine.of(job, _at(given), calendar, str(output or f"{job.name}.cron"))
    text = line.text(_template(given))
    if output is None:
        click.echo(text, nl=False)
    else:
        _save([(output, text.encode())])
    return 0


def _job(ctx: click.Context, kind: type[PurePath], given: Mapping[str, Any]) -> Job:
    shared = options.given(ctx)
    inventory = opening.load(shared)
    there = places(shared, inventory, kind, program=given["program"], folder=given["folder"])
    if there.foreign:
        what = f"{there.foreign[0]} is no path of the machine that would run this"
        fix = "name --program and --folder as they are there"
        if kind is PurePosixPath:
            raise UsageError(what, fix)
        terminal.warn(f"{what}: {fix}")
    options_of_audit = (given["fail_on"], given["operators"], given["remind"])
    job = Job(inventory, there, given["name"], *options_of_audit)
    _warn_unknown(shared, job, is_here=not there.foreign and given["folder"] is None)
    return job


def _warn_unknown(shared: Options, job: Job, *, is_here: bool) -> None:
    """Tell today what would refuse the logon tonight, with the command that lets it go."""
    if job.known_domains is None:
        return
    list_there = shared.places._replace(known_domains=Path(job.known_domains))
    wanted = job.inventory.directory
    if shared.directory is not None:
        wanted = wiring.redirect(wanted, shared.directory)
    if wanted.ca_file is not None:
        wanted = wanted._replace(ca_file=str((shared.inventory.parent / wanted.ca_file).resolve()))
    trusting = wiring.trusting(list_there if is_here else shared.places)
    lacking = trusting.lacking(wanted, job.inventory.domain, is_asked=is_here)
    if lacking is None:
        return
    line = Options(known_domains=Path(job.known_domains)).typed(lacking)
    how = "is not known enough" if is_here else "has to be known, on that machine,"
    terminal.warn(
        f"{job.inventory.domain} {how} in {job.known_domains}; without that its password goes "
        "nowhere, and the audit fails"
    )
    terminal.say(f"  as root or administrator, where it is right: {line}")


def _at(given: Mapping[str, Any]) -> time | None:
    at: datetime | None = given["at"]
    return None if at is None else at.time()


def _template(given: Mapping[str, Any]) -> TemplateChoice:
    return TemplateChoice(given["template"])


def _file(output: Path | None, name: str) -> Path | None:
    """The file that ``-o`` means; None is standard output."""
    if output is None or str(output) == "-":
        return None
    return output / name if output.is_dir() else output


def _save(made: Sequence[tuple[Path, bytes]]) -> None:
    files.create_all(
        made, "move it away, or name another place with -o", "name another place with -o"
    )
    for path, _ in made:
        terminal.say(f"wrote   {path}")
    terminal.say("  nothing is installed yet; the file says how that is done, and undone")
