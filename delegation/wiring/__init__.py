"""The world: opens what the capabilities need, from typed arguments. Only this opens a directory.

A capability gets the narrow part of it that it declares; what reads never gets anything that can
write. Everything is opened for one step, and closed after it. Nothing here knows a command line.
"""

import json
import os
import platform
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from delegation import __version__
from delegation.changes.journal import who
from delegation.changes.kinds import Kinds
from delegation.changes.records import Records
from delegation.changes.run import SETTLE, Run
from delegation.directory import connection, reaching
from delegation.directory.logons import Passwords
from delegation.events import Teller
from delegation.hosts.settings import HOST_SETTINGS
from delegation.inventory import DirectorySettings, Inventory
from delegation.mesh.seams import Inspector, Writer
from delegation.mesh.snapshot import Directory
from delegation.mesh.state import AUDIT, DELEGATION, DelegationPlan
from delegation.migrations import MIGRATE
from delegation.wiring.caller import Places, known_domains, logons, state_folder
from delegation.wiring.hosts_opened import HostsOpener

if TYPE_CHECKING:
    from delegation.changes.journal import Journal
    from delegation.changes.plan_origin import PlanOrigin
    from delegation.directory.trusting import Trusting
    from delegation.mesh.export_plan import ChangeFile
    from delegation.mesh.preflight import Unlocated

__all__ = ["KINDS", "MakeWorld", "Places", "World", "known_domains", "state_folder"]

KINDS = Kinds(changing=(DELEGATION, HOST_SETTINGS), unchanging=(AUDIT, MIGRATE, SETTLE))
"""All kinds of runs that this version knows."""


class World(HostsOpener):
    """All that an inventory speaks of, to be opened: its directory, its hosts, its journal.

    Without a valid inventory there is still the journal, and what a run in it was made on.
    """

    def __init__(
        self,
        inventory: Inventory | None,
        places: Places,
        passwords: Passwords,
        teller: Teller,
    ) -> None:
        super().__init__(inventory, places, logons(places, passwords))
        self.teller = teller
        self.records = self.records_in(state_folder(places, inventory))

    def records_in(self, folder: Path) -> Records:
        """The journal of a state folder."""
        return Records(folder, KINDS, self.teller)

    @property
    def domain(self) -> str:
        return self.inventory.domain

    def today(self) -> date:
        """The day by which keep rules expire."""
        return today()

    @property
    def settings(self) -> DirectorySettings:
        """How to reach the directory. Raises UsageError for a URL of the caller that is none."""
        return connection.directory_settings(
            self.inventory, self.places.inventory.parent, self.places.directory
        )

    @property
    def recorded_as(self) -> str:
        """What runs on the directory are recorded against."""
        return connection.recorded_as(self.settings, self.domain)

    @property
    def audited_as(self) -> str:
        """The inventory that audits are compared by, whatever stands in it: its domain and path.

        An export is no domain controller: much that is there may not be in it, and what one does
        not tell must not count as resolved.
        """
        path = os.path.normcase(self.inventory_path)
        kind = "export" if (self.settings.url or "").startswith("ldif:") else "domain"
        return json.dumps([self.domain.casefold(), path, kind])

    @property
    def inventory_path(self) -> str:
        """Where the inventory lies, links and all, whichever folder one comes from."""
        return os.path.abspath(self.places.inventory)  # noqa: PTH100 - no links

    def now(self) -> datetime:
        """In UTC."""
        return datetime.now(UTC)

    @property
    def directory_meant(self) -> str | None:
        """The same, as far as inventory and caller tell; None where neither does."""
        url = self.places.directory or ""
        if url.startswith("ldif:"):
            return connection.recorded_as(DirectorySettings(url=url), "")
        return self.recorded_as if self._inventory else None

    def reading(self) -> AbstractContextManager[Inspector]:
        """The directory through an interface that has no write."""
        return reaching.reading(self.settings, self.domain, self._logons, self.teller)

    def writing(self, prefer: Collection[str] = ()) -> AbstractContextManager[Writer]:
        """The directory to change; ``prefer``: domain controllers to try first."""
        return reaching.writing(self.settings, self.domain, self._logons, self.teller, prefer)

    @property
    def elsewhere(self) -> str | None:
        """Another domain controller than a run's, that a person chose to undo it on."""
        return self.places.elsewhere

    def writing_back(self, run: Run) -> AbstractContextManager[Writer]:
        """A run's own domain controller; where it can't be reached, how to do without it."""
        is_chosen = self.elsewhere is not None
        wanted = self._settings_of(run)
        return reaching.writing_back(run, wanted, self._logons, self.teller, is_chosen=is_chosen)

    def _settings_of(self, run: Run) -> DirectorySettings:
        """Raises UsageError and Refused."""
        here = self.places.inventory.parent
        url = self.places.directory
        if self.places.elsewhere is not None:
            url = connection.url_elsewhere(run, self.places.elsewhere)
        return connection.settings_to_undo(run, self._inventory, here, url)

    def connection_record_of(self, run: Run, directory: Directory) -> dict[str, Any]:
        """What a rollback of that run's rollback needs."""
        return connection.connection_record(self._settings_of(run), directory)

    def write_undo_file(self, run: Run, plan: DelegationPlan) -> None:
        """The undo of a run as LDIF beside the journal. Raises JournalError.

        Raises ValueError for a run that was begun without the name of one.
        """
        from delegation.directory import change_file

        if run.undo_file is None:
            raise ValueError(f"run {run.id} has no undo file")
        change_file.write_undo(self.records.folder / run.undo_file, plan, run)

    def change_file(self, plan: DelegationPlan) -> "ChangeFile":
        """The changes of a plan as other programs make them."""
        from delegation.directory import change_file

        return change_file.change_file(plan)

    def unlocated(self) -> "Unlocated":
        """Why no domain controller is to be found; None where one is named, or DNS knows one.

        One that DNS knows and that fails is an error of whoever opens it.
        """
        return reaching.unlocated(self.settings, self.domain)

    def migrating(self, journal: "Journal") -> Mapping[str, int]:
        """The newest run that may still migrate from or to each host, by casefolded label."""
        from delegation.migrations.record import recorded

        holding: dict[str, int] = {}
        for run, move in recorded.without_end(journal):
            hosts = (move.source, move.target, move.at, move.to)
            holding |= {host.casefold(): run for host in hosts if host}
        return holding

    def connection_record(self, directory: Directory) -> dict[str, Any]:
        """What a rollback needs to come back to ``directory``; no secret is in it."""
        return connection.connection_record(self.settings, directory)

    def own_files(self) -> list[Path]:
        """What no output may be written over: the inventory, an export, the journal."""
        journal = self.records.folder / "journal.sqlite"
        return [self.places.inventory, connection.export_file(self.settings), journal]

    def plan_origin(self, limit: str | None, allow: Collection[str]) -> "PlanOrigin":
        """What a plan that is saved now says of itself."""
        from delegation.changes.plan_origin import PlanOrigin

        return PlanOrigin(
            self.now().isoformat(timespec="seconds"),
            f"{who()} on {platform.node()}",
            f"delegation {__version__}",
            os.path.abspath(self.places.inventory),  # noqa: PTH100 - no links
            self.inventory.digest,
            limit,
            tuple(allow),
        )

    def seconds(self) -> float:
        """A clock that only grows."""
        return time.monotonic()


MakeWorld = Callable[[Inventory | None, Places, Passwords, Teller], World]
"""Makes the world of one invocation; World itself is one."""


def today() -> date:
    """The day where this program runs: a keep rule's day is that of whoever wrote the rule."""
    return datetime.now(UTC).astimezone().date()


def load(places: Places) -> Inventory:
    """The inventory. Raises InventoryError with all its problems, UsageError without a file."""
    from delegation.inventory import reader, yaml_text

    data = yaml_text.read_file(str(places.inventory))
    return reader.parse(data, str(places.inventory))


def reading(
    settings: DirectorySettings, domain: str, places: Places, passwords: Passwords, teller: Teller
) -> AbstractContextManager[Inspector]:
    """A directory to look at before there is an inventory."""
    return reaching.reading(settings, domain, logons(places, passwords), teller)


def trusting(places: Places) -> "Trusting":
    """The list of known domains, to be looked at and to be added to."""
    from delegation.directory.trusting import Trusting

    return Trusting(known_domains(places))


def redirect(settings: DirectorySettings, url: str) -> DirectorySettings:
    """The same settings towards another URL. Raises UsageError where it is none."""
    return connection.redirect(settings, url)


def domains_of_export(file: str) -> list[str]:
    """The domains of which an LDIF export holds objects. Raises ExportError."""
    from delegation.directory import filing

    return filing.domains(Path(file))
