"""Request -> AuditView: drift and risk, compared with the audit before it, and put on record.

Nothing here can write to the directory: the world of an audit opens it to read alone.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from delegation.changes.records import Records
from delegation.changes.run import NewRun
from delegation.errors import Busy, DelegationError
from delegation.events import Teller
from delegation.inventory import Inventory
from delegation.mesh import audits, checks, survey
from delegation.mesh.audit_events import (
    AuditNotRecorded,
    FindingsNotKept,
    NothingToCompareWith,
    UnsettledRuns,
)
from delegation.mesh.audit_view import AuditView
from delegation.mesh.audits import Audited
from delegation.mesh.checks import Severity
from delegation.mesh.findings_view import FindingsView
from delegation.mesh.news import news
from delegation.mesh.seams import Inspector
from delegation.mesh.snapshot import Directory
from delegation.mesh.state import AUDIT


@dataclass(frozen=True, slots=True)
class AuditRequest:
    """What to look at, and what of it fails.

    ``limit`` is an expression of hosts, None all of them; ``operators`` are who run migrations.
    ``fail_on``: findings of this severity and above fail, too. ``new_only``: tell, and fail for,
    only what the last audit of the same did not find.
    """

    limit: str | None = None
    operators: tuple[str, ...] = ()
    fail_on: Severity | None = None
    new_only: bool = False


class AuditWorld(Protocol):
    """What an audit needs: a directory to look at, a journal to add to, a day."""

    @property
    def inventory(self) -> Inventory: ...

    @property
    def teller(self) -> Teller: ...

    @property
    def records(self) -> Records: ...

    @property
    def recorded_as(self) -> str: ...

    def today(self) -> date: ...

    def reading(self) -> AbstractContextManager[Inspector]: ...

    def connection_record(self, directory: Directory) -> Mapping[str, Any]: ...


def audit(
    world: AuditWorld, request: AuditRequest, deliver: Callable[[AuditView], None]
) -> AuditView:
    """Look, compare with the last audit, ``deliver`` what is to be told, put it on record.

    The order is what makes "told once" true. A record that came first would turn an audit whose
    output could not be written into silence for good: the next one would call all of it known.
    Raises Busy where another audit of this state folder is comparing, UsageError for hosts that
    the inventory does not know, DirectoryError.
    """
    directory = world.recorded_as
    scope = survey.limited(request.limit, world.inventory)
    scope_key = audits.scope(scope, request.operators)
    with _comparing_alone(world.records, compares=request.new_only):
        since = _last(world, directory, scope_key, needed=request.new_only)
        with world.reading() as inspector:
            comparison = survey.for_findings(
                world.inventory, inspector, world.today(), scope, request.operators
            )
        findings = checks.findings(comparison, scope)
        before = since.findings if since else ()
        view = AuditView(
            FindingsView.of(comparison, findings),
            news(findings, before),
            since,
            request.new_only,
            request.fail_on,
        )
        deliver(view)
        _record(world, comparison.snapshot.directory, scope_key, view)
    return view


@contextmanager
def _comparing_alone(records: Records, *, compares: bool) -> Iterator[None]:
    """With no other audit --new-only at the same time: both would tell the same news.

    Raises Busy. Where nothing can be recorded there is nothing to be alone with; that is told
    when the audit is to be recorded.
    """
    with ExitStack() as locks:
        if compares:
            try:
                locks.enter_context(audits.alone(records))
            except Busy:
                raise
            except DelegationError:
                pass
        yield


def _last(world: AuditWorld, directory: str, scope_key: str, *, needed: bool) -> Audited | None:
    """The audit to compare with; that there is none to be read matters to ``new_only`` alone."""
    try:
        with world.records.trusting() as journal:
            return audits.last(journal, directory, scope_key)
    except DelegationError as exc:
        if needed:
            world.teller.say(NothingToCompareWith(exc.what))
        return None


def _record(world: AuditWorld, directory: Directory, scope_key: str, view: AuditView) -> None:
    """An audit is a run as well; where it can't be recorded, that is a warning."""
    inventory = world.inventory
    run = NewRun(
        AUDIT,
        world.recorded_as,
        inventory.domain,
        directory.dc,
        world.connection_record(directory),
        inventory.digest,
    )
    try:
        with world.records.adding() as journal:
            # All findings are kept, whatever was told: the next audit compares with the whole.
            kept = audits.record(
                journal, run, scope_key, view.everything.findings, view.record_summary()
            )
            unsettled = [unsettled.id for unsettled in journal.unsettled()]
    except DelegationError as exc:
        world.teller.say(AuditNotRecorded(exc.what))
        return
    if not kept:
        world.teller.say(FindingsNotKept())
    if unsettled:
        world.teller.say(UnsettledRuns(tuple(unsettled)))
