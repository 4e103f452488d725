"""A report on a run of the history, by the record alone: of any kind of run."""

from contextlib import closing
from pathlib import Path

from delegation.changes.journal import Journal
from delegation.changes.run import Run
from delegation.cli import options, wiring
from delegation.cli.migrate import ended
from delegation.cli.migrate.status import at_work
from delegation.cli.report.origin import origin
from delegation.hosts.settings import HOST_SETTINGS
from delegation.mesh import audits
from delegation.mesh.audits import AUDIT
from delegation.mesh.state import DELEGATION
from delegation.migrations.record import recorded
from delegation.migrations.record.recorded import MIGRATE
from delegation.report import host_settings, migration, timeline
from delegation.report.contents import ReportView, RunReport
from delegation.report.readable import TemplateRow
from delegation.wiring import KINDS


def report_of(given: options.Options, number: int) -> tuple[ReportView | TemplateRow, list[Path]]:
    """The data of a report on a run, and what it must not be written over."""
    folder = wiring.usual_state_folder(given)
    with closing(Journal.readable(folder, KINDS)) as journal:
        data = _told(journal, journal.run(number))
    return data, [given.inventory, folder / "journal.sqlite"]


def _told(journal: Journal, run: Run) -> ReportView | TemplateRow:
    if run.kind == MIGRATE:
        return _migration(journal, run)
    which = origin("run")
    settled = run.id not in {one.id for one in journal.unsettled()}
    if run.kind in HOST_SETTINGS.runs:
        changes = journal.changes(run.id, HOST_SETTINGS)
        return host_settings.run(which, run, changes, settled=settled)
    if run.kind == AUDIT:
        return RunReport(which, run, (), True, audits.found_by(journal, run.id))
    return RunReport(which, run, tuple(journal.changes(run.id, DELEGATION)), settled)


def _migration(journal: Journal, run: Run) -> TemplateRow:
    alive = at_work(journal, journal.folder) == run.id
    moves = recorded.migrations(journal, run.id)
    tries = timeline.tries(moves, recorded.steps(journal, run.id))
    return migration.run(origin("run"), run, ended.of(run, moves), moves, tries, alive=alive)
