"""A migration run of the past -> what the history tells of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from delegation.changes.history import AccountOf
from delegation.changes.journal import Journal
from delegation.changes.records import Records
from delegation.changes.run import Run
from delegation.errors import Advice, command
from delegation.events import Teller
from delegation.migrations.record.at_work import run_at_work
from delegation.migrations.run_view import MigrationRunView


@dataclass(frozen=True)
class MigrationAccount:
    """Implements changes.history.RunAccount."""

    moved: MigrationRunView
    tells_status: bool = True

    @property
    def is_unsettled(self) -> bool:
        return self.moved.is_unsettled

    @property
    def advice(self) -> str:
        resume = command("migrate", "resume", str(self.moved.run.id))
        return Advice("an unsettled migration may be under way; find out: ", resume)

    @property
    def in_words(self) -> str:
        return self.moved.in_words

    @property
    def hosts(self) -> frozenset[str]:
        """From or to which anything was to move."""
        ends = [(move.source, move.target) for move in self.moved.moves]
        return frozenset(host for pair in ends for host in pair)

    def summary_json(self) -> Mapping[str, Any]:
        return self.moved.summary_json()

    def details_json(self) -> Mapping[str, Any]:
        return {**self.moved.summary_json(), "moves": self.moved.moves_json()}


def migration_accounts(teller: Teller) -> AccountOf:
    """Makes accounts of migration runs; ``teller`` hears where it can't be told who is at work."""

    def account(journal: Journal, run: Run, *, detailed: bool) -> MigrationAccount:  # noqa: ARG001
        current = run_at_work(Records(journal.folder, journal.kinds), journal, teller)
        return MigrationAccount(MigrationRunView.of(journal, run, alive=run.id == current))

    return account
