"""``delegation audit``: drift and risk findings, by an edge that has no write."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import click

from delegation import names
from delegation.cli import findings, opening, options
from delegation.cli.findings import FindingLine
from delegation.cli.options import Options
from delegation.mesh.audit_view import REMINDED, UNCOUNTED, AuditVerdict, AuditView, Threshold
from delegation.mesh.auditing import AuditRequest
from delegation.mesh.auditing import audit as audited

_EXIT_CODES = {AuditVerdict.CLEAN: 0, AuditVerdict.UNREAD: 1, AuditVerdict.FAILING: 3}


@click.command()
@options.common()
@options.forms("text", "json", "markdown")
@options.output("Write the findings there instead.")
@options.limit("hosts' objects")
@click.option(
    "--fail-on",
    type=click.Choice(list(map(str, Threshold))),
    help="Exit with 3 for a finding at or above this severity, as for drift.  "
    "[default: high; with --new-only medium]",
)
@click.option(
    "--new-only",
    is_flag=True,
    help="Tell, and fail for, only what the baseline does not have; and what is resolved.",
)
@click.option(
    "--baseline",
    is_flag=True,
    help="Make this audit the one that later ones compare with; a schedule says so.",
)
@click.option(
    "--remind",
    metavar="AGE",
    callback=findings.age,
    help="With --new-only: tell again what is still open AGE after it was told last, as in 7d.",
)
@click.option(
    "--inside-only",
    is_flag=True,
    help="Leave out the search of the whole domain for whoever reaches the hosts from outside.",
)
@findings.operators
@click.pass_context
def audit(  # noqa: PLR0913, PLR0917 - one parameter an option
    ctx: click.Context,
    form: str,
    output: Path | None,
    limit: str | None,
    fail_on: str | None,
    new_only: bool,  # noqa: FBT001 - click's
    baseline: bool,  # noqa: FBT001
    remind: timedelta | None,
    inside_only: bool,  # noqa: FBT001
    operators: tuple[str, ...],
) -> int:
    """Report drift and risks; writes nothing to the directory.

    Drift is where the directory differs from the inventory. --new-only compares each host with the
    last audit --baseline that looked at it by this inventory. Besides the hosts, the whole domain
    is searched for accounts that may delegate to them, which takes a large one some time.

    \b
    Examples:
      delegation audit
      delegation audit --format json -o audit.json
      delegation audit --fail-on medium --as vmadmin
      delegation audit --new-only --baseline --remind 7d    every night, see delegation schedule

    Exit codes: 0 clean, 1 an account is missing or ambiguous, or the domain could not be searched,
    3 drift or findings, 4 another audit --new-only is running. With --new-only the first three go
    by what is new. What the inventory accepts is listed, and fails nothing.
    """
    if remind is not None and not new_only:
        raise click.UsageError("--remind is for --new-only: without it, all is told anyway")
    given = options.given(ctx)
    world = opening.world(given)

    def deliver(view: AuditView) -> None:
        if output is not None:
            from delegation.cli import files, terminal

            files.save(output, _rendered(view, form, given), world.own_files())
            terminal.say(f"wrote   {output}")
        elif form == "text":
            findings.show(_lines(view, verbose=given.verbose))
        else:
            click.echo(_rendered(view, form, given))

    threshold = Threshold[fail_on.upper()] if fail_on else None
    request = AuditRequest(limit, operators, threshold, new_only, baseline, remind, inside_only)
    return _EXIT_CODES[audited(world, request, deliver).verdict]


def _rendered(view: AuditView, form: str, given: Options) -> str:
    if form == "json":
        return json.dumps(view.to_json(), indent=1)
    if form == "markdown":
        from delegation.report import audit_page

        return audit_page.markdown(view)
    return "\n".join(names.inert(line.text) for line in _lines(view, verbose=given.verbose))


def _lines(view: AuditView, *, verbose: bool) -> Iterator[FindingLine]:
    """What is told, and how many there are of it at the end."""
    yield FindingLine(view.title)
    if not view.new_only:
        yield from findings.lines(view.findings, view.accepted, verbose=verbose)
        return
    yield FindingLine(f"  {view.headline}")
    yield from findings.grouped(view.findings, verbose=verbose)
    for title, told in ((REMINDED, view.reminded), (UNCOUNTED, view.uncounted)):
        yield from [FindingLine(f"  {title}:")] if told else []
        yield from findings.grouped(told, verbose=verbose)
    yield from findings.accepted(view.accepted, verbose=verbose)
    yield from findings.resolved(view.resolved, verbose=verbose)
    yield from findings.left_out(view.left_out)
    yield from [findings.counted(view.told)] if view.told else []
