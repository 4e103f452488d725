"""``delegation report``: the state, an audit, a plan or a run, to be read, sent and filed."""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from delegation import names
from delegation.cli import asking, files, findings, opening, options, terminal
from delegation.cli.history import accounts
from delegation.errors import UsageError, command
from delegation.mesh import plan_document_read
from delegation.report import contents, page, sheet
from delegation.report.any_report import AnyReport
from delegation.report.directory_report import SUBJECTS, directory_report
from delegation.report.run_report import run_report
from delegation.report.templates import TemplateChoice


def _subject(
    ctx: click.Context,  # noqa: ARG001 - click's signature
    parameter: click.Parameter,  # noqa: ARG001
    word: str,
) -> str | int | Path:
    """One of SUBJECTS, the number of a run, or the file of a saved plan."""
    if word in SUBJECTS:
        return word
    if word.isascii() and word.isdecimal() and 0 < int(word[:20]) < 2**63:
        return int(word)
    with suppress(OSError):  # a name that is too long is none of a file
        if Path(word).suffix or Path(word).is_file():
            return Path(word)
    known = ", ".join(SUBJECTS)
    guess = names.did_you_mean([word], SUBJECTS)
    raise click.BadParameter(
        f"{word!r} is neither {known}, nor the number of a run, nor the file of a saved plan"
        + (f"; {guess}" if guess else "")
    )


@click.group()
@options.common()
def report() -> None:
    """Write a report of the state, a plan, an audit or a run.

    Of the state unless told otherwise; of a run of the history by its number, which needs no
    directory and no host: of one that wrote to the directory, set hosts or moved machines. Of a
    saved plan by its FILE, which needs nothing else. It goes to standard output, or to a file with
    -o. All forms tell the same. Nothing is written to the directory or to the history.

    \b
    Examples:
      delegation report html -o mesh.html
      delegation report html 12 -o run-12.html
      delegation report markdown audit

    Exit codes: 0 the report was written, whatever it tells; that is what audit is for. 1, 2 and 4
    as everywhere.
    """


_shared = options.together(
    options.common(),
    click.argument(
        "subject", callback=_subject, default="state", metavar="[state|plan|audit|RUN|FILE]"
    ),
    options.output("Write it there instead."),
    click.option("--limit", metavar="HOSTS", help="Only these hosts' objects as sources."),
    findings.operators,
    click.pass_context,
)


_template = click.option(
    "--template",
    type=options.FILE,
    metavar="FILE",
    help="A Jinja2 template instead of ours, which it may extend. It is code: use none that you "
    "would not run.",
)


@report.command()
@_shared
@_template
def html(ctx: click.Context, template: Path | None, **given: Any) -> int:  # noqa: ANN401 - as _shared declares them
    """One page with the mesh as a picture: for the screen, on paper, as an attachment.

    Of a run that moved machines the picture is a timeline. The file holds all it needs and asks for
    nothing from anywhere.

    \b
    Examples:
      delegation report html -o mesh.html
      delegation report html plan -o plan.html
      delegation report html plan.json -o plan.html
      delegation report html 12 -o run-12.html
      delegation report html --limit hv[01-08] --template ours.html.j2 -o mesh.html
    """
    return _report(
        ctx, lambda report: page.html(report, TemplateChoice(template)), template=template, **given
    )


@report.command()
@_shared
@_template
def markdown(ctx: click.Context, template: Path | None, **given: Any) -> int:  # noqa: ANN401
    """For a ticket or a wiki.

    \b
    Examples:
      delegation report markdown
      delegation report markdown plan -o plan.md
      delegation report markdown 12
    """
    return _report(
        ctx,
        lambda report: page.markdown(report, TemplateChoice(template)),
        template=template,
        **given,
    )


@report.command("json")
@_shared
def json_(ctx: click.Context, **given: Any) -> int:  # noqa: ANN401
    """For programs: the parts of plan, audit and history as JSON, with the matrix.

    Of a run that moved machines: what migrate status tells, and every try with its times.

    \b
    Examples:
      delegation report json -o mesh.json
      delegation report json 12
    """
    return _report(ctx, _json, **given)


@report.command("csv")
@_shared
def csv_(ctx: click.Context, **given: Any) -> int:  # noqa: ANN401
    """For a spreadsheet: one row for each value of each source, no cell a formula.

    Of a run one for each value, setting or machine. A file begins with a byte order mark, as Excel
    wants it; standard output does not.

    \b
    Examples:
      delegation report csv -o mesh.csv
      delegation report csv audit
      delegation report csv 12 -o run-12.csv
    """
    return _report(ctx, sheet.text, mark=sheet.BYTE_ORDER_MARK, **given)


def _report(  # noqa: PLR0913 - one parameter an option
    ctx: click.Context,
    form: Callable[[AnyReport], str],
    *,
    subject: str | int | Path,
    output: Path | None,
    limit: str | None,
    operators: tuple[str, ...],
    template: Path | None = None,
    mark: str = "",
) -> int:
    given = options.given(ctx)
    if template is not None and not template.is_file():
        raise UsageError(f"--template {template}: there is no such file", "name a Jinja2 template")
    now = datetime.now(UTC).isoformat(timespec="seconds")
    told: AnyReport
    if not isinstance(subject, str) and (limit or operators):
        what = "a run" if isinstance(subject, int) else "a saved plan"
        raise UsageError(f"{what} is reported as it was", "leave --limit and --as out")
    if isinstance(subject, Path):
        document = asking.saved(subject, plan_document_read.read, command("plan"))
        told, own = contents.saved_plan(document), [given.inventory, subject]
    elif isinstance(subject, int):
        records = opening.records(given)
        told = run_report(records, subject, now, accounts(given))
        own = [given.inventory, records.folder / "journal.sqlite"]
    else:
        world = opening.world(given)
        told, own = directory_report(world, subject, now, limit, operators), world.own_files()
    text = form(told).rstrip("\n")
    if output is None:
        click.echo(text)
    else:
        files.save(output, mark + text, [*own, *([template] if template else [])])
        terminal.say(f"wrote   {output}")
    return 0


def _json(report: AnyReport) -> str:
    return json.dumps(report.to_json(), indent=1)
