"""``delegation audit``: drift and risk findings, by an edge that has no write."""

import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import click

from delegation import checks, compare, names, report
from delegation.checks import Finding, Severity
from delegation.cli import files, findings, options, survey, terminal, wiring
from delegation.errors import DelegationError
from delegation.inventory import DirectorySettings, Inventory
from delegation.journal import Journal
from delegation.run import AUDIT, DONE, NewRun

_SEVERITIES = {str(severity): severity for severity in Severity}


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
@click.option("--limit", metavar="HOSTS", help="Only these hosts' objects, as in hv[01-08],hv12.")
@click.option(
    "--fail-on",
    type=click.Choice(list(_SEVERITIES)),
    help="Exit with 3 for any finding at or above this severity, too.",
)
@findings.operators
@click.pass_context
def audit(  # noqa: PLR0913, PLR0917 - one parameter an option
    ctx: click.Context,
    form: str,
    output: Path | None,
    limit: str | None,
    fail_on: str | None,
    operators: tuple[str, ...],
) -> int:
    """Report drift and risks; writes nothing to the directory.

    Drift is where the directory differs from the inventory.

    \b
    Examples:
      delegation audit
      delegation audit --format json --output audit.json
      delegation audit --fail-on high --as vmadmin

    Exit codes: 0 clean, 1 an account is missing or ambiguous, 3 drift or findings.
    """
    given = options.given(ctx)
    inventory = wiring.load(given)
    wanted = wiring.settings(given, inventory)
    scope = survey.limited(limit, inventory)
    with wiring.reading(given, wanted, inventory.domain) as reader:
        comparison = survey.for_findings(inventory, reader, scope, operators)
    found = checks.findings(comparison, scope)
    data = report.audit_data(comparison, found)
    text = _rendered(data, found, form)
    if output is None:
        click.echo(text)
    else:
        files.save(output, text, wiring.own_files(given, inventory, wanted))
    _record(given, inventory, wanted, comparison, data)
    if any(finding.rule == checks.ACCOUNT_RULE for finding in found):
        return 1
    threshold = _SEVERITIES[fail_on] if fail_on else None
    failing = threshold is not None and any(f.severity >= threshold for f in found)
    return 3 if data["drift"] or failing else 0


def _rendered(data: report.Data, found: Sequence[Finding], form: str) -> str:
    if form == "json":
        return json.dumps(data, indent=1)
    if form == "markdown":
        groups = findings.grouped(found)
        return report.render("audit.md.j2", {**data, "groups": groups}).rstrip("\n")
    head = f"Audit of {data['domain']} on {data['dc']}: {data['summary']['objects']:,} hosts"
    return "\n".join(names.inert(line) for line in [head, *findings.lines(found)])


def _record(
    given: options.Options,
    inventory: Inventory,
    wanted: DirectorySettings,
    comparison: compare.Comparison,
    data: report.Data,
) -> None:
    """An audit is a run as well; where it can't be recorded, that is a warning."""
    run = NewRun(
        AUDIT,
        wiring.identity(wanted, inventory.domain),
        inventory.domain,
        comparison.snapshot.directory.dc,
        wiring.connection_record(wanted, comparison.snapshot.directory),
        inventory.digest,
    )
    try:
        with closing(Journal.writable(wiring.state_folder(given, inventory))) as journal:
            journal.begin(run).finish(DONE, {"drift": data["drift"], **data["summary"]})
            unsettled = [str(r.id) for r in journal.unsettled()]
    except DelegationError as exc:
        terminal.warn(f"this audit is not in the history: {exc.what}")
        return
    if unsettled:
        terminal.warn(f"run {', '.join(unsettled)} has not come to its end; see delegation history")
