"""``delegation audit``: drift and risk findings, by an edge that has no write."""

import json
from pathlib import Path

import click

from delegation import names
from delegation.cli import findings, opening, options
from delegation.mesh.audit_view import AuditVerdict, AuditView
from delegation.mesh.auditing import AuditRequest
from delegation.mesh.auditing import audit as audited
from delegation.mesh.checks import Severity

SEVERITIES = {str(severity): severity for severity in Severity}
_EXIT_CODES = {AuditVerdict.CLEAN: 0, AuditVerdict.UNREAD: 1, AuditVerdict.FAILING: 3}


@click.command()
@options.common()
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    show_default=True,
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the findings there instead.",
)
@options.limit("hosts' objects")
@click.option(
    "--fail-on",
    type=click.Choice(list(SEVERITIES)),
    help="Exit with 3 for any finding at or above this severity, too.",
)
@click.option(
    "--new-only",
    is_flag=True,
    help="Tell, and fail for, only what the last audit did not find; and what is resolved.",
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
    operators: tuple[str, ...],
) -> int:
    """Report drift and risks; writes nothing to the directory.

    Drift is where the directory differs from the inventory. --new-only compares with the last
    audit on record of the same directory, --limit and --as.

    \b
    Examples:
      delegation audit
      delegation audit --format json --output audit.json
      delegation audit --fail-on high --as vmadmin
      delegation audit --new-only --fail-on high    every night, see delegation schedule

    Exit codes: 0 clean, 1 an account is missing or ambiguous, 3 drift or findings, 4 another audit
    --new-only is running. With --new-only the first three go by what is new.
    """
    given = options.given(ctx)
    world = opening.world(given)
    threshold = SEVERITIES[fail_on] if fail_on else None

    def deliver(view: AuditView) -> None:
        text = _rendered(view, form)
        if output is None:
            click.echo(text)
        else:
            from delegation.cli import files

            files.save(output, text, world.own_files())

    request = AuditRequest(limit, operators, threshold, new_only)
    return _EXIT_CODES[audited(world, request, deliver).verdict]


def _rendered(view: AuditView, form: str) -> str:
    if form == "json":
        return json.dumps(view.to_json(), indent=1)
    if form == "markdown":
        from delegation.report import audit_page

        return audit_page.markdown(view)
    lines = [view.title]
    lines += [f"  {view.headline}"] if view.new_only else []
    if view.findings or not view.new_only:
        lines += findings.lines(view.findings)
    lines += findings.resolved(view.resolved)
    return "\n".join(map(names.inert, lines))
