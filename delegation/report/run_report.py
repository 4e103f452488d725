"""The journal -> a report on one of its runs, of any kind; the use case. It asks no directory."""

from collections.abc import Mapping

from delegation import __version__
from delegation.changes.history import AccountOf
from delegation.changes.records import Records
from delegation.hosts.settings import HOST_SETTINGS
from delegation.mesh.past_runs import AuditAccount
from delegation.mesh.state import DELEGATION
from delegation.migrations.past_migrations import MigrationAccount
from delegation.migrations.record import recorded
from delegation.migrations.tries import tries
from delegation.report.any_report import AnyReport
from delegation.report.contents import Origin, RunReport
from delegation.report.host_settings import SettingsRunReport
from delegation.report.migration import MigrationRunReport


def run_report(
    records: Records, number: int, generated: str, accounts: Mapping[str, AccountOf]
) -> AnyReport:
    """A report on a run; ``accounts`` tell of audits and migrations, by the kind of run.

    Raises UsageError where there is no run of that number, and JournalError.
    """
    origin = Origin("run", generated, f"delegation {__version__}")
    with records.reading() as journal:
        run = journal.run(number)
        is_settled = run.id not in {one.id for one in journal.unsettled()}
        account_of = accounts.get(run.kind)
        account = account_of(journal, run, detailed=True) if account_of else None
        if isinstance(account, MigrationAccount):
            view = account.moved
            sent = tries(view.moves, recorded.steps(journal, number))
            return MigrationRunReport(origin, view, tuple(sent))
        if isinstance(account, AuditAccount):
            return RunReport(origin, run, (), is_settled=True, findings=account.findings)
        if run.kind in HOST_SETTINGS.runs:
            settings = tuple(journal.changes(number, HOST_SETTINGS))
            done = tuple(journal.as_before(number, HOST_SETTINGS))
            return SettingsRunReport(origin, run, settings, is_settled, done)
        changes = tuple(journal.changes(number, DELEGATION))
        found = tuple(journal.as_before(number, DELEGATION))
        return RunReport(origin, run, changes, is_settled, found=found)
