"""A report on a run of the history, by the record alone: of any kind of run."""

from pathlib import Path

from delegation.changes.journal import Journal
from delegation.changes.records import Records
from delegation.changes.run import Run
from delegation.cli import options, telling, wiring
from delegation.cli.report.origin import origin
from delegation.hosts.settings import HOST_SETTINGS
from delegation.mesh import audits
from delegation.mesh.audits import AUDIT
from delegation.mesh.state import DELEGATION
from delegation.migrations.record import recorded
from delegation.migrations.record.at_work import run_at_work
from delegation.migrations.record.recorded import MIGRATE
from delegation.migrations.run_view import MigrationRunView
from delegation.migrations.tries import tries
from delegation.report import Data, contents, host_settings, migration
from delegation.wiring import KINDS


def report_of(given: options.Options, number: int) -> tuple[Data, list[Path]]:
    """The data of a report on a run, and what it must not be written over."""
    folder = wiring.usual_state_folder(given)
    with Records(folder, KINDS, telling.TerminalTeller(given)).reading() as journal:
        data = _told(given, journal, journal.run(number))
    return data, [given.inventory, folder / "journal.sqlite"]


def _told(given: options.Options, journal: Journal, run: Run) -> Data:
    if run.kind == MIGRATE:
        return _migration(given, journal, run)
    which = origin("run")
    settled = run.id not in {one.id for one in journal.unsettled()}
    if run.kind in HOST_SETTINGS.runs:
        changes = journal.changes(run.id, HOST_SETTINGS)
        return host_settings.run(which, run, changes, settled=settled)
    if run.kind == AUDIT:
        return contents.past_audit(which, run, audits.found_by(journal, run.id))
    return contents.run(which, run, journal.changes(run.id, DELEGATION), settled=settled)


def _migration(given: options.Options, journal: Journal, run: Run) -> Data:
    records = Records(journal.folder, KINDS)
    current = run_at_work(records, journal, telling.TerminalTeller(given))
    view = MigrationRunView.of(journal, run, alive=run.id == current)
    sent = tries(view.moves, recorded.steps(journal, run.id))
    return migration.run(origin("run"), view, sent)
