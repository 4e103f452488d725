"""``delegation history``: the runs, audits included, or one run's changes."""

import json
from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from delegation import names, report
from delegation.changes.journal import Journal
from delegation.changes.records import Records
from delegation.changes.run import RecordedChange, Run
from delegation.cli import findings, options, show, telling, terminal, wiring
from delegation.hosts.settings import HOST_SETTINGS, RecordedSetting, shown
from delegation.mesh import audits
from delegation.mesh.audits import AUDIT
from delegation.mesh.checks import Finding
from delegation.mesh.state import DELEGATION, RecordedDelegation, added, removed
from delegation.migrations.record.recorded import MIGRATE
from delegation.wiring import KINDS

if TYPE_CHECKING:
    from delegation.migrations.run_view import MigrationRunView


@click.command()
@options.common()
@click.argument("run", required=False, type=options.RUN, metavar="[RUN]")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
@click.pass_context
def history(ctx: click.Context, run: int | None, form: str) -> int:
    """Show the runs, or one run's changes.

    The oldest comes first. Of an audit its findings are shown. It needs no directory.

    \b
    Examples:
      delegation history
      delegation history 12 -v        every value of run 12
      delegation history --format json
    """
    given = options.given(ctx)
    folder = wiring.usual_state_folder(given)
    with closing(Journal.readable(folder, KINDS)) as journal:
        if run is None:
            _runs(given, journal, folder, form)
        else:
            _one(journal, folder, run, form, verbose=given.verbose)
    return 0


def _runs(given: options.Options, journal: Journal, folder: Path, form: str) -> None:
    runs = journal.runs()
    unsettled = {run.id for run in journal.unsettled()}
    migrations = _migrations(journal, folder, runs)
    moving = {run for run, found in migrations.items() if found.is_unsettled}
    if form == "json":
        data = [
            {
                **report.run_data(run),
                "unsettled": run.id in unsettled | moving,
                **(migrations[run.id].summary_json() if run.id in migrations else {}),
            }
            for run in runs
        ]
        click.echo(json.dumps({"runs": data}, indent=1))
        return
    if not runs:
        terminal.say(f"no runs yet in {folder}")
        return
    terminal.table(
        ["run", "kind", "started (UTC)", "who", "on", "result", ""],
        [
            [
                str(run.id),
                run.kind + (f" of {run.reverses}" if run.reverses else ""),
                run.started[:19].replace("T", " "),
                run.who,
                run.dc,
                _result(run, migrations.get(run.id), is_unsettled=run.id in unsettled),
                run.ticket or "",
            ]
            for run in runs
        ],
        right="r",
    )
    if unsettled:
        terminal.say("  an unsettled run may have written; the next apply or rollback settles it")
    if moving:
        command = given.command("migrate", "resume", str(max(moving)))
        terminal.say(f"  an unsettled migration may be under way; find out: {command}")


def _migrations(
    journal: Journal, folder: Path, runs: Sequence[Run]
) -> "dict[int, MigrationRunView]":
    """What the migration runs have come to, by their machines."""
    found = [run for run in runs if run.kind == MIGRATE]
    if not found:
        return {}
    from delegation.migrations.record.at_work import run_at_work
    from delegation.migrations.run_view import MigrationRunView

    # No command stands in what it may tell: it needs none of the options.
    teller = telling.TerminalTeller(options.Options())
    current = run_at_work(Records(folder, KINDS), journal, teller)
    return {run.id: MigrationRunView.of(journal, run, alive=run.id == current) for run in found}


def _result(run: Run, migrations: "MigrationRunView | None", *, is_unsettled: bool) -> str:
    if is_unsettled:
        return "UNSETTLED"
    if came_to := _came_to(run, migrations):
        return came_to
    counts = ", ".join(
        f"{count} {name}" for name, count in run.summary.items() if name != "objects"
    )
    return f"{run.status}: {counts or 'nothing written'}"


def _came_to(run: Run, migrations: "MigrationRunView | None") -> str:
    if migrations is not None:
        return migrations.in_words
    return _audited(run) if run.kind == AUDIT else ""


def _audited(run: Run) -> str:
    told = [
        "drift" if run.summary.get("drift") else "no drift",
        show.counted(int(run.summary.get("findings", 0)), "finding"),
    ]
    if run.summary.get("since"):
        told.append(f"{run.summary.get('new', 0):,} new since run {run.summary['since']}")
    return ", ".join(told)


def _one(journal: Journal, folder: Path, number: int, form: str, *, verbose: bool) -> None:
    run = journal.run(number)
    migrations = _migrations(journal, folder, [run]).get(number)
    of_hosts = run.kind in HOST_SETTINGS.runs
    changes = [] if of_hosts else journal.changes(number, DELEGATION)
    settings = journal.changes(number, HOST_SETTINGS) if of_hosts else []
    found = audits.found_by(journal, number) if run.kind == AUDIT else ()
    if form == "json":
        recorded = [report.recorded_data(c) for c in changes]
        recorded += [report.recorded_setting_data(c) for c in settings]
        data = {**report.run_data(run), "changes": recorded}
        if run.kind == AUDIT:
            data["findings"] = found and [report.finding_data(one) for one in found]
        if migrations is not None:
            data |= {**migrations.summary_json(), "moves": migrations.moves_json()}
        click.echo(json.dumps(data, indent=1))
        return
    terminal.out(f"Run {run.id}: {run.kind}", bold=True)
    for name, text in (
        ("started", f"{run.started} by {run.who} on {run.machine}"),
        ("finished", run.finished or "never"),
        ("status", "" if migrations else run.status),
        ("directory", f"{run.domain}, {run.dc}"),
        ("inventory", run.inventory_digest or ""),
        ("plan", run.plan_digest or ""),
        ("ticket", run.ticket or ""),
        ("undoes run", str(run.reverses or "")),
        ("result", _came_to(run, migrations)),
    ):
        if text:
            terminal.out(f"  {name:<10}  {text}")
    _changes(changes, verbose=verbose)
    _settings(settings)
    if migrations is not None:
        terminal.out()
        from delegation.cli.migrate import runs_shown

        runs_shown.table(migrations.moves)
    if run.kind == AUDIT:
        _findings(found)


def _findings(found: Sequence[Finding] | None) -> None:
    if found is None:
        terminal.say("  what it found is not kept")
        return
    terminal.out()
    for line in findings.lines(found):
        terminal.out(line)


def _settings(changes: list[RecordedSetting]) -> None:
    """What changed on the hosts themselves; hosts with the same change in one line."""
    alike: dict[tuple[str, str, str, str], list[str]] = defaultdict(list)
    for recorded in changes:
        before, after = recorded.change.before, recorded.change.after
        key = (before.name, shown(before.value), shown(after.value), _became(recorded))
        alike[key].append(recorded.change.target.name)
    if alike:
        terminal.out()
        terminal.table(
            ["hosts", "setting", "before", "after", "became"],
            [[names.fold(hosts), *key] for key, hosts in alike.items()],
        )


def _became(recorded: RecordedChange[Any]) -> str:
    if recorded.unsettled:
        return "unsettled"
    became = recorded.result.value if recorded.result else "not written"
    return f"{became}: {recorded.reason}" if recorded.reason else became


def _changes(changes: list[RecordedDelegation], *, verbose: bool) -> None:
    if not changes:
        return
    alike: dict[tuple[int, int, str, str], list[str]] = defaultdict(list)
    for recorded in changes:
        change = recorded.change
        key = (len(added(change)), len(removed(change)), show.flag_words(change), _became(recorded))
        alike[key].append(change.target.name)
    terminal.out()
    terminal.table(
        ["hosts", "add", "remove", "flags", "became"],
        [
            [names.fold(hosts), str(plus), str(minus), words, became]
            for (plus, minus, words, became), hosts in alike.items()
        ],
        right=" rr",
    )
    if verbose:
        show.every_value([recorded.change for recorded in changes])
