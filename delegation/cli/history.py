"""``delegation history``: the runs, audits included, or one run's changes."""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import click

from delegation import names
from delegation.changes import history as past
from delegation.changes.history import HistoryView, RunDetails, became_in_words
from delegation.changes.history_filter import EVERY_RUN, RunsWanted, hosts_wanted
from delegation.changes.past_settlements import SettlementAccount
from delegation.changes.run import SETTLE, RecordedChange
from delegation.cli import findings, opening, options, settled, show, telling, terminal
from delegation.cli.migrate import runs_shown
from delegation.cli.options import Options
from delegation.hosts.settings import HOST_SETTINGS, RecordedSetting, shown
from delegation.hosts.settings_view import recorded_setting_to_json
from delegation.mesh import audit_watch
from delegation.mesh.past_runs import AuditAccount, delegation_to_json
from delegation.mesh.state import AUDIT, DELEGATION, RecordedDelegation, added, removed
from delegation.migrations import MIGRATE
from delegation.migrations.past_migrations import MigrationAccount, migration_accounts
from delegation.wiring import KINDS


def _moment(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> datetime | None:
    """``7d`` ago, or a date or time as ISO 8601 has it, in UTC where it does not say."""
    if value is None:
        return None
    with suppress(ValueError):
        return datetime.now(UTC) - findings.age_of(value)
    try:
        moment = datetime.fromisoformat(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except ValueError as exc:
        raise click.BadParameter(f"{value!r} is no time; as in 7d, 12h, 2026-11-30") from exc


@click.command()
@options.common()
@click.argument("run", required=False, type=options.RUN, metavar="[RUN]")
@click.option(
    "--host",
    "hosts",
    metavar="HOSTS",
    help="Only runs that were to change, or tell of, one of these, as in hv[01-08],hv12.",
)
@click.option(
    "--kind",
    type=click.Choice([*chain(*(kind.runs for kind in KINDS.changing)), *KINDS.unchanging]),
    help="Only runs of that kind.",
)
@click.option(
    "--since",
    metavar="TIME",
    callback=_moment,
    help="Only runs that began then or later: 7d, 12h, or a date or time in UTC.",
)
@click.option("--last", type=click.IntRange(1), metavar="N", help="Only the newest N of them.")
@options.text_or_json
@click.pass_context
def history(  # noqa: PLR0913, PLR0917 - its options
    ctx: click.Context,
    run: int | None,
    hosts: str | None,
    kind: str | None,
    since: datetime | None,
    last: int | None,
    form: str,
) -> int:
    """Show the runs, or one run's changes.

    The oldest comes first. Of an audit its findings are shown. It needs no directory.

    \b
    Examples:
      delegation history
      delegation history 12 -v        every value of run 12
      delegation history --host hv07 --since 30d
      delegation history --kind rollback --last 3
      delegation history --format json
    """
    if run is not None and (hosts, kind, since, last) != (None, None, None, None):
        raise click.UsageError("RUN is one run; --host, --kind, --since and --last are for a list")
    given = options.given(ctx)
    about = None if hosts is None else hosts_wanted(hosts)
    wanted = RunsWanted(about, kind, since, last)
    records = opening.records(given)
    with records.reading() as journal:
        view: HistoryView | RunDetails
        if run is None:
            view = past.history(journal, accounts(given), wanted)
        else:
            view = past.run_details(journal, run, accounts(given), CHANGES_JSON)
    if form == "json":
        click.echo(json.dumps(view.to_json(), indent=1))
    elif isinstance(view, RunDetails):
        _details(view, given)
    elif view.runs:
        _runs(view, given)
    elif wanted == EVERY_RUN:
        terminal.say(f"no runs yet in {records.folder}")
    else:
        terminal.say("no such run")
    if run is None:
        audit_watch.tell_late(records, datetime.now(UTC), telling.TerminalTeller(given))
    return 0


def _runs(view: HistoryView, given: Options) -> None:
    rows = []
    for line in view.runs:
        run = line.run
        started = run.started[:19].replace("T", " ")
        ticket = run.ticket or ""
        rows.append([str(run.id), line.kind, started, run.who, run.dc, line.in_words, ticket])
    terminal.table(["run", "kind", "started (UTC)", "who", "on", "result", ""], rows, right="r")
    for remark in view.remarks():
        terminal.say(f"  {given.said(remark)}")


def _details(view: RunDetails, given: Options) -> None:
    terminal.out(f"Run {view.run.id}: {view.run.kind}", bold=True)
    for name, text in view.facts():
        terminal.out(f"  {name:<10}  {text}")
    if view.changes and view.kind is DELEGATION:
        _delegations(view.changes, verbose=given.verbose)
    elif view.changes:
        _settings(view.changes)
    if isinstance(view.account, MigrationAccount):
        terminal.out()
        runs_shown.table(view.account.moved.moves)
    elif isinstance(view.account, AuditAccount):
        _findings(view.account, verbose=given.verbose)
    elif isinstance(view.account, SettlementAccount):
        terminal.out()
        for line in settled.evidence_lines(view.account.evidence):
            terminal.out(line)


def _findings(audit: AuditAccount, *, verbose: bool) -> None:
    if audit.findings is None:
        terminal.say("  what it found is not kept")
        return
    terminal.out()
    findings.show(findings.lines(audit.findings, verbose=verbose))


def _settings(changes: Iterable[RecordedSetting]) -> None:
    """What changed on the hosts themselves; hosts with the same change in one line."""
    alike = names.alike((_setting_words(recorded), _name(recorded)) for recorded in changes)
    terminal.out()
    terminal.table(
        ["hosts", "setting", "before", "after", "became"],
        [[hosts, *words] for words, hosts in alike.items()],
    )


def _setting_words(recorded: RecordedSetting) -> tuple[str, ...]:
    before, after = recorded.change.before, recorded.change.after
    return before.name, shown(before.value), shown(after.value), became_in_words(recorded)


def _delegations(changes: Sequence[RecordedDelegation], *, verbose: bool) -> None:
    alike = names.alike((_delegation_words(recorded), _name(recorded)) for recorded in changes)
    terminal.out()
    terminal.table(
        ["hosts", "add", "remove", "flags", "became"],
        [[hosts, *words] for words, hosts in alike.items()],
        right=" rr",
    )
    if verbose:
        show.every_value([recorded.change for recorded in changes])


def _delegation_words(recorded: RecordedDelegation) -> tuple[str, ...]:
    change = recorded.change
    counts = str(len(added(change))), str(len(removed(change)))
    return *counts, show.flag_words(change), became_in_words(recorded)


def _name(recorded: RecordedChange[Any]) -> str:
    return recorded.change.target.name


def accounts(given: Options) -> Mapping[str, past.AccountOf]:
    """Who tells what a run came to, by its kind, where its page in the journal does not."""
    teller = telling.TerminalTeller(given)
    return {
        AUDIT: AuditAccount.of,
        MIGRATE: migration_accounts(teller),
        SETTLE: SettlementAccount.of,
    }


CHANGES_JSON: Mapping[str, past.ChangeJson] = {
    DELEGATION.name: delegation_to_json,
    HOST_SETTINGS.name: recorded_setting_to_json,
}
"""What a change looks like as JSON data, by its kind."""
