"""``delegation report``: the state, an audit, a plan or a run, to be read, sent and filed."""

import json
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import click

from delegation import __version__, checks, compare, names, planning
from delegation.cli import files, findings, options, survey, terminal, wiring
from delegation.cli.plan import hints
from delegation.errors import DelegationError, UsageError
from delegation.inventory import Inventory
from delegation.journal import Journal
from delegation.report import Data, contents, page, sheet
from delegation.run import DELEGATION, HOST_SETTINGS, MIGRATE, RecordedDelegation

F = TypeVar("F", bound=Callable[..., Any])

SUBJECTS = ("state", "plan", "audit")
NEWEST = 20
"""Runs that a report tells of, and looks into for what they did to each host."""


def _subject(
    ctx: click.Context,  # noqa: ARG001 - click's signature
    parameter: click.Parameter,  # noqa: ARG001
    word: str,
) -> str | int:
    """One of SUBJECTS, or the number of a run."""
    if word in SUBJECTS:
        return word
    if not (word.isascii() and word.isdecimal()) or not 0 < int(word[:20]) < 2**63:
        known = ", ".join(SUBJECTS)
        raise click.BadParameter(f"{word!r} is neither {known} nor the number of a run")
    return int(word)


@click.group()
@options.common()
def report() -> None:
    """Write a report of the state, a plan, an audit or a run.

    Of the state unless told otherwise; of a run of the history by its number, which needs no
    directory. It goes to standard output, or to a file with -o. All forms tell the same. Nothing
    is written to the directory or to the history.

    \b
    Examples:
      delegation report html -o mesh.html
      delegation report html 12 -o run-12.html
      delegation report markdown audit

    Exit codes: 0 the report was written, whatever it tells; that is what audit is for. 1, 2 and 4
    as everywhere.
    """


def _shared(command: F) -> F:
    for decorate in reversed(
        (
            options.common(),
            click.argument(
                "subject", callback=_subject, default="state", metavar="[state|plan|audit|RUN]"
            ),
            click.option(
                "-o",
                "--output",
                type=click.Path(path_type=Path, dir_okay=False),
                metavar="FILE",
                help="Write it there instead.",
            ),
            click.option("--limit", metavar="HOSTS", help="Only these hosts' objects as sources."),
            findings.operators,
            click.pass_context,
        )
    ):
        command = decorate(command)
    return command


_template = click.option(
    "--template",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="A Jinja2 template instead of ours, which it may extend. It is code: use none that you "
    "would not run.",
)


@report.command()
@_shared
@_template
def html(ctx: click.Context, template: Path | None, **given: Any) -> int:  # noqa: ANN401 - as _shared declares them
    """One page with the mesh as a picture: for the screen, on paper, as an attachment.

    The file holds all it needs and asks for nothing from anywhere.

    \b
    Examples:
      delegation report html -o mesh.html
      delegation report html plan -o plan.html
      delegation report html --limit hv[01-08] --template ours.html.j2 -o mesh.html
    """
    return _report(ctx, lambda data: page.html(data, template), template=template, **given)


@report.command()
@_shared
@_template
def markdown(ctx: click.Context, template: Path | None, **given: Any) -> int:  # noqa: ANN401
    """For a ticket or a wiki.

    \b
    Examples:
      delegation report markdown
      delegation report markdown plan -o plan.md
    """
    return _report(ctx, lambda data: page.markdown(data, template), template=template, **given)


@report.command("json")
@_shared
def json_(ctx: click.Context, **given: Any) -> int:  # noqa: ANN401
    """For programs: the parts of plan, audit and history as JSON, with the matrix.

    \b
    Examples:
      delegation report json -o mesh.json
      delegation report json 12
    """
    return _report(ctx, lambda data: json.dumps(data, indent=1), **given)


@report.command("csv")
@_shared
def csv_(ctx: click.Context, **given: Any) -> int:  # noqa: ANN401
    """For a spreadsheet: one row for each value of each source, no cell a formula.

    A file begins with a byte order mark, as Excel wants it; standard output does not.

    \b
    Examples:
      delegation report csv -o mesh.csv
      delegation report csv audit
    """
    return _report(ctx, sheet.text, mark=sheet.BYTE_ORDER_MARK, **given)


def _report(  # noqa: PLR0913 - one parameter an option
    ctx: click.Context,
    form: Callable[[Data], str],
    *,
    subject: str | int,
    output: Path | None,
    limit: str | None,
    operators: tuple[str, ...],
    template: Path | None = None,
    mark: str = "",
) -> int:
    given = options.given(ctx)
    if template is not None and not template.is_file():
        raise UsageError(f"--template {template}: there is no such file", "name a Jinja2 template")
    if isinstance(subject, int):
        if limit or operators:
            raise UsageError("a run is reported as it was", "leave --limit and --as out")
        data, own = _run(given, subject)
    else:
        data, own = _surveyed(given, subject, limit, operators)
    text = form(data).rstrip("\n")
    if output is None:
        click.echo(text)
    else:
        files.save(output, mark + text, [*own, *([template] if template else [])])
    return 0


def _origin(subject: str, limit: str | None = None) -> contents.Origin:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return contents.Origin(subject, now, f"delegation {__version__}", limit)


def _surveyed(
    given: options.Options, subject: str, limit: str | None, operators: tuple[str, ...]
) -> tuple[Data, list[Path]]:
    """The data of a report on the directory as it is now, and what it must not be written over."""
    inventory = wiring.load(given)
    wanted = wiring.settings(given, inventory)
    scope = survey.limited(limit, inventory)
    own = wiring.own_files(given, inventory, wanted)
    origin = _origin(subject, names.fold(scope) if scope else None)
    with wiring.reading(given, wanted, inventory.domain) as reader:
        if subject == "plan":
            comparison = survey.for_plan(inventory, reader, scope)
        else:
            comparison = survey.for_findings(inventory, reader, scope, operators)
    past = _past(given, inventory, comparison)
    if subject == "plan":
        return contents.plan(origin, comparison, planning.plan(comparison), past), own
    told = contents.audit if subject == "audit" else contents.state
    return told(origin, comparison, checks.findings(comparison, scope), past), own


def _past(
    given: options.Options, inventory: Inventory, comparison: compare.Comparison
) -> contents.Past:
    """What the journal tells; one that can't be read is a warning."""
    here = {host.computer.guid for host in comparison.hosts}
    touched: dict[UUID, list[tuple[int, RecordedDelegation]]] = defaultdict(list)
    try:
        with closing(Journal.readable(wiring.state_folder(given, inventory))) as journal:
            runs = journal.runs()[-NEWEST:]
            for run in runs:
                for recorded in (
                    journal.changes(run.id, DELEGATION) if run.kind in DELEGATION.runs else ()
                ):
                    if recorded.change.target.guid in here and recorded.intended:
                        touched[recorded.change.target.guid].append((run.id, recorded))
    except DelegationError as exc:
        terminal.warn(f"the report is without runs: {exc.what}")
        return contents.Past()
    return contents.Past(tuple(runs), hints(given, inventory, comparison), touched)


def _run(given: options.Options, number: int) -> tuple[Data, list[Path]]:
    folder = wiring.usual_state_folder(given)
    with closing(Journal.readable(folder)) as journal:
        run = journal.run(number)
        if run.kind in HOST_SETTINGS.runs:
            raise UsageError(
                f"run {number} changed settings of hosts, of which there is no report yet",
                f"see: {given.command('history', str(number))}",
            )
        if run.kind == MIGRATE:
            command = given.command("migrate", "status", str(number), "--format", "markdown")
            raise UsageError(f"run {number} moved virtual machines", f"its report: {command}")
        changes = journal.changes(number, DELEGATION)
        settled = number not in {one.id for one in journal.unsettled()}
    own = [given.inventory, folder / "journal.sqlite"]
    return contents.run(_origin("run"), run, changes, settled=settled), own
