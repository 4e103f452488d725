"""``delegation audit``: drift and risk findings, by an edge that has no write."""

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from delegation import names, report
from delegation.changes import store
from delegation.changes.journal import Journal
from delegation.changes.run import NewRun
from delegation.cli import files, findings, options, terminal, wiring
from delegation.errors import Busy, DelegationError
from delegation.inventory import DirectorySettings, Inventory
from delegation.mesh import audits, checks, compare, survey
from delegation.mesh import news as comparing
from delegation.mesh.audits import AUDIT
from delegation.mesh.checks import Finding, Severity
from delegation.mesh.news import News
from delegation.wiring import KINDS, today

SEVERITIES = {str(severity): severity for severity in Severity}


@dataclass(frozen=True)
class _Told:
    """What was found, and how it compares with ``since``, the last audit of the same."""

    found: Sequence[Finding]
    news: News
    since: audits.Audited | None


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
    inventory = wiring.load(given)
    wanted = wiring.settings(given, inventory)
    scope = survey.limited(limit, inventory)
    key = audits.scope(scope, operators)
    folder = wiring.state_folder(given, inventory)
    with _alone(folder, wanted=new_only):
        since = _last(folder, wiring.identity(wanted, inventory.domain), key, needed=new_only)
        with wiring.reading(given, wanted, inventory.domain) as reader:
            comparison = survey.for_findings(inventory, reader, today(), scope, operators)
        found = checks.findings(comparison, scope)
        told = _Told(found, comparing.news(found, since.findings if since else ()), since)
        data = report.audit_data(comparison, found)
        text = _rendered(data, told, form, new_only=new_only)
        if output is None:
            click.echo(text)
        else:
            files.save(output, text, wiring.own_files(given, inventory, wanted))
        _record(folder, _run(inventory, wanted, comparison), key, told, data)
    return _exit_code(told.news.new if new_only else found, fail_on)


def _exit_code(told: Collection[Finding], fail_on: str | None) -> int:
    if any(finding.rule == checks.ACCOUNT_RULE for finding in told):
        return 1
    drift = any(finding.rule in checks.DRIFT for finding in told)
    threshold = SEVERITIES[fail_on] if fail_on else None
    failing = threshold is not None and any(f.severity >= threshold for f in told)
    return 3 if drift or failing else 0


@contextmanager
def _alone(folder: Path, *, wanted: bool) -> Iterator[None]:
    """With no other audit --new-only at the same time: both would tell the same news.

    Raises Busy. Where nothing can be recorded there is nothing to be alone with; that is told
    when the audit is to be recorded.
    """
    with ExitStack() as held:
        if wanted:
            try:
                held.enter_context(store.lock(folder, store.AUDITING))
            except Busy:
                raise
            except DelegationError:
                pass
        yield


def _last(folder: Path, directory: str, key: str, *, needed: bool) -> audits.Audited | None:
    try:
        with closing(Journal.readable(folder, KINDS)) as journal:
            return audits.last(journal, directory, key)
    except DelegationError as exc:
        if needed:
            terminal.warn(f"nothing to compare with, all findings are told as new: {exc.what}")
        return None


def _rendered(data: report.Data, told: _Told, form: str, *, new_only: bool) -> str:
    shown = told.news.new if new_only else told.found
    if new_only:
        data = _compared(data, told)
    if form == "json":
        return json.dumps(data, indent=1)
    if form == "markdown":
        page = {
            **data,
            "groups": findings.grouped(shown),
            "headline": _headline(told) if new_only else "",
            "resolved": findings.grouped(told.news.resolved) if new_only else (),
        }
        return report.render("audit.md.j2", page).rstrip("\n")
    hosts = names.counted(data["summary"]["objects"], "host")
    lines = [f"Audit of {data['domain']} on {data['dc']}: {hosts}"]
    if not new_only:
        lines += findings.lines(shown)
    else:
        lines.append(f"  {_headline(told)}")
        lines += findings.lines(shown) if shown else ()
        lines += findings.resolved(told.news.resolved)
    return "\n".join(names.inert(line) for line in lines)


def _compared(data: report.Data, told: _Told) -> report.Data:
    """An audit's data with --new-only; ``drift`` and ``summary`` stay those of all findings."""
    since, rules = told.since, {finding.rule for finding in told.news.new}
    return {
        **data,
        "findings": [report.finding_data(finding) for finding in told.news.new],
        "rules": {rule: text for rule, text in data["rules"].items() if rule in rules},
        "summary": {**data["summary"], **_counts(told)},
        "since": {"run": since.run, "started": since.started} if since else None,
        "resolved": [report.finding_data(finding) for finding in told.news.resolved],
    }


def _counts(told: _Told) -> report.Data:
    return {
        "new": len(told.news.new),
        "known": len(told.news.known),
        "resolved": len(told.news.resolved),
    }


def _headline(told: _Told) -> str:
    if told.since is None:
        return "no earlier audit of the same is on record: all of it is new"
    new, known = len(told.news.new), len(told.news.known)
    since = f"since run {told.since.run} ({told.since.started[:19].replace('T', ' ')} UTC)"
    return f"{f'{new:,}' if new else 'nothing'} new {since}, {known:,} known"


def _run(inventory: Inventory, wanted: DirectorySettings, comparison: compare.Comparison) -> NewRun:
    return NewRun(
        AUDIT,
        wiring.identity(wanted, inventory.domain),
        inventory.domain,
        comparison.snapshot.directory.dc,
        wiring.connection_record(wanted, comparison.snapshot.directory),
        inventory.digest,
    )


def _record(folder: Path, run: NewRun, key: str, told: _Told, data: report.Data) -> None:
    """An audit is a run as well; where it can't be recorded, that is a warning."""
    summary = {"drift": data["drift"], **data["summary"]}
    if told.since:
        summary |= {**_counts(told), "since": told.since.run}
    try:
        with closing(Journal.writable(folder, KINDS)) as journal:
            kept = audits.record(journal, run, key, told.found, summary)
            unsettled = [str(r.id) for r in journal.unsettled()]
    except DelegationError as exc:
        terminal.warn(f"this audit is not in the history: {exc.what}")
        return
    if not kept:
        terminal.warn("the findings are too many to be kept: no later audit compares with this one")
    if unsettled:
        terminal.warn(f"run {', '.join(unsettled)} has not come to its end; see delegation history")
