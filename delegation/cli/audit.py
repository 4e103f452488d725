"""``delegation audit`` and ``delegation check``: findings, by an edge that has no write."""

import json
from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import click

from delegation import checks, compare, names, planning, report
from delegation.checks import Finding, Severity
from delegation.cli import files, options, terminal, wiring
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
@click.pass_context
def audit(
    ctx: click.Context, form: str, output: Path | None, limit: str | None, fail_on: str | None
) -> int:
    """Report drift and risks; writes nothing to the directory.

    Drift is where the directory differs from the inventory.

    \b
    Examples:
      delegation audit
      delegation audit --format json --output audit.json
      delegation audit --fail-on high

    Exit codes: 0 clean, 1 an account is missing or ambiguous, 3 drift or findings.
    """
    given = options.given(ctx)
    inventory = wiring.load(given)
    wanted = wiring.settings(given, inventory)
    scope = wiring.limited(limit, inventory)
    with wiring.reading(given, wanted, inventory.domain) as reader:
        comparison = wiring.inspect(inventory, reader, scope)
    found = _worst_first(
        [*_accounts(comparison, scope), *_refusals(comparison), *checks.findings(comparison)]
    )
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


@click.command()
@options.common()
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
@click.pass_context
def check(ctx: click.Context, form: str) -> int:
    """Look for everything wrong with the inventory and its accounts.

    Every problem of the file comes in one run, as file:line:column. Then the directory, where
    the inventory or --directory names one, with all that a plan would refuse. Nothing is written
    anywhere.

    \b
    Examples:
      delegation check
      delegation -i lab.yaml --directory ldif:export.ldf check

    Exit codes: 0 fine, 1 high findings, 2 the inventory is invalid.
    """
    given = options.given(ctx)
    inventory = wiring.load(given)
    hosts = f"{len(inventory.hosts):,} hosts ({names.fold(inventory.hosts)})"
    terminal.say(f"{given.inventory} is valid: {hosts}", fg="green")
    if given.directory is None and inventory.directory.url is None:
        terminal.say("  no directory was looked at: the inventory names none")
        if form == "json":
            click.echo(json.dumps(report.unread_data(inventory), indent=1))
        return 0
    wanted = wiring.settings(given, inventory)
    with wiring.reading(given, wanted, inventory.domain) as reader:
        comparison = wiring.inspect(inventory, reader)
    found = _worst_first(
        [
            *_accounts(comparison, None),
            *_refusals(comparison),
            *checks.findings(comparison, preflight=True),
        ]
    )
    if form == "json":
        click.echo(json.dumps(report.audit_data(comparison, found), indent=1))
    else:
        for line in _text(found):
            terminal.out(line)
    return 1 if any(finding.severity >= Severity.HIGH for finding in found) else 0


def _worst_first(found: Sequence[Finding]) -> list[Finding]:
    return sorted(found, key=lambda finding: -finding.severity)


def _accounts(comparison: compare.Comparison, scope: frozenset[str] | None) -> list[Finding]:
    return [
        Finding(checks.ACCOUNT_RULE, Severity.HIGH, label, "", what, "join it, or correct its name")
        for label, what in wiring.account_problems(comparison, scope)
    ]


def _refusals(comparison: compare.Comparison) -> list[Finding]:
    """What an apply would refuse, each with its override where it has one."""
    return [
        Finding(
            checks.REFUSAL_RULE,
            Severity.CRITICAL if refusal.why == "domain-controller" else Severity.HIGH,
            refusal.computer,
            "",
            refusal.message,
            f"an apply is refused; --allow {refusal.override} accepts it"
            if refusal.override
            else "an apply is refused until this is settled",
        )
        for refusal in planning.plan(comparison).blocked
    ]


def _rendered(data: report.Data, found: Sequence[Finding], form: str) -> str:
    if form == "json":
        return json.dumps(data, indent=1)
    if form == "markdown":
        return report.render("audit.md.j2", {**data, "groups": _grouped(found)}).rstrip("\n")
    head = f"Audit of {data['domain']} on {data['dc']}: {data['summary']['objects']:,} hosts"
    return "\n".join(names.inert(line) for line in [head, *_text(found)])


def _grouped(found: Sequence[Finding]) -> list[dict[str, str]]:
    """Findings that say the same of several hosts or values, once, hosts folded."""
    alike: dict[tuple[str, str, str, str], list[Finding]] = defaultdict(list)
    for finding in found:
        alike[finding.rule, str(finding.severity), finding.message, finding.fix].append(finding)
    return [
        {
            "rule": rule,
            "severity": severity,
            "hosts": names.fold({finding.computer for finding in group}),
            "value": _values([finding.value for finding in group if finding.value]),
            "message": message,
            "fix": fix,
        }
        for (rule, severity, message, fix), group in alike.items()
    ]


def _values(values: Sequence[str]) -> str:
    """The values where they are few, else how many they are."""
    distinct = sorted(set(values))
    return ", ".join(distinct) if len(distinct) <= FEW else f"{len(values):,} values"


FEW = 6
"""Values that are spelled out in a finding; more are counted, and listed in the JSON."""


def _text(found: Sequence[Finding]) -> list[str]:
    if not found:
        return ["  no findings"]
    lines = []
    for group in _grouped(found):
        value = f": {group['value']}" if group["value"] else ""
        lines += [
            f"  {group['severity']:<8}  {group['rule']}  {group['hosts']}{value}",
            f"            {group['message']}",
            f"            fix: {group['fix']}",
        ]
    return lines


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
        wiring.connection_record(wanted),
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
