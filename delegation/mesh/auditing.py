"""Request -> AuditView: drift and risk, compared with the audits before it, and put on record.

Nothing here can write to the directory: the world of an audit opens it to read alone.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from delegation.changes.records import Records
from delegation.changes.run import NewRun
from delegation.errors import Busy, DelegationError, DirectoryError
from delegation.events import Teller
from delegation.inventory import Inventory
from delegation.mesh import audits, checks, kept_before, survey
from delegation.mesh.account_records import known_to
from delegation.mesh.audit_events import (
    AuditNotRecorded,
    BaselineAssumed,
    FindingsNotKept,
    NothingKeptBefore,
    NothingToCompareWith,
    OutsideUnread,
    UnsettledRuns,
)
from delegation.mesh.audit_look import Look
from delegation.mesh.audit_pages import AuditPage, PastFinding
from delegation.mesh.audit_view import AuditView, OutsideLook, Threshold
from delegation.mesh.audits import AuditRecord
from delegation.mesh.compare import Comparison
from delegation.mesh.findings_view import FindingsView
from delegation.mesh.kept_before import KeptBefore
from delegation.mesh.known_accounts import accounts_in_reach
from delegation.mesh.news import Baseline, news
from delegation.mesh.seams import Inspector
from delegation.mesh.snapshot import Computer, Directory
from delegation.mesh.state import AUDIT

if TYPE_CHECKING:
    from delegation.mesh.outside import Outside


class AuditRequest(NamedTuple):
    """What to look at, and what of it fails.

    ``limit`` is an expression of hosts, None all of them; ``operators`` are who run migrations.
    ``new_only``: tell, and fail for, only what the baseline does not have. ``fail_on``: findings of
    this severity and above fail as drift does; None: high, or medium of what is new.
    ``moves_baseline``: later ones compare with this one. ``remind``: known findings are told again
    when that long ago they were told last. ``inside_only``: the domain is not searched for whoever
    reaches the hosts from outside the inventory.
    """

    limit: str | None = None
    operators: tuple[str, ...] = ()
    fail_on: Threshold | None = None
    new_only: bool = False
    moves_baseline: bool = False
    remind: timedelta | None = None
    inside_only: bool = False

    @property
    def threshold(self) -> Threshold:
        """What is new at night wakes somebody once; what is known by day is many findings."""
        return self.fail_on or (Threshold.MEDIUM if self.new_only else Threshold.HIGH)


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

    @property
    def audited_as(self) -> str: ...

    def now(self) -> datetime: ...

    def today(self) -> date: ...

    def reading(self) -> AbstractContextManager[Inspector]: ...

    def connection_record(self, directory: Directory) -> Mapping[str, Any]: ...


def audit(
    world: AuditWorld, request: AuditRequest, deliver: Callable[[AuditView], None]
) -> AuditView:
    """Look, compare with the baseline, ``deliver`` what is to be told, put it on record.

    The order is what makes "told once" true. A record that came first would turn an audit whose
    output could not be written into silence for good: the next one would call all of it known.
    Raises Busy where another audit of this state folder is comparing, UsageError for hosts that
    the inventory does not know, DirectoryError.
    """
    scope = survey.limited(request.limit, world.inventory)
    with _comparing_alone(world.records, compares=request.new_only or request.moves_baseline):
        known = known_to(world)
        with world.reading() as inspector:
            comparison = survey.for_findings(
                world.inventory, inspector, world.today(), scope, request.operators, known
            )
            comparison, around = _around(world, request, comparison, inspector)
        before = _kept_before(world, comparison)
        case = checks.MeshCase(comparison, scope, around, before)
        found = checks.judged(case)
        look = Look.of(comparison, scope, outside=around is not None)
        baseline = _baseline(world, look, needed=request.new_only)
        view = AuditView(
            FindingsView.of(comparison, found.open, found.accepted),
            news(found.open, look, baseline, _remind_before(world, request), found.accepted),
            baseline.since,
            request.new_only,
            request.threshold,
            outside=_became_of_outside(request, around),
        )
        deliver(view)
        accounts = tuple(accounts_in_reach(comparison).values())
        directory, kept = comparison.snapshot.directory, _to_remember(world, comparison, before)
        _record(world, request, _Made(directory, look, baseline, view, accounts, kept))
    return view


class _Made(NamedTuple):
    """An audit that has told what it found, of which directory, against what."""

    directory: Directory
    look: Look
    baseline: Baseline
    view: AuditView
    accounts: tuple[Computer, ...]
    kept: tuple[KeptBefore, ...]


def _around(
    world: AuditWorld, request: AuditRequest, comparison: Comparison, inspector: Inspector
) -> "tuple[Comparison, Outside | None]":
    """The domain around the hosts; None where it was not to be looked at, or could not be.

    What was found of the hosts by then is told all the same: of a domain that takes minutes to be
    read through, they would else be left without any audit.
    """
    if request.inside_only:
        return comparison, None
    from delegation.mesh import outside  # not for an audit of the hosts alone

    progress = world.teller.progress(outside.SEARCHED)
    try:
        comparison, around = outside.looked(comparison, inspector, progress)
    except DirectoryError as exc:
        world.teller.say(OutsideUnread(exc.what))
        return comparison, None
    try:
        with world.records.trusting() as journal:
            others = audits.listed_by_others(journal, world.audited_as)
    except DelegationError:
        others = frozenset()  # whoever has to read the journal says that it can't be read
    return comparison, around._replace(listed_elsewhere=others)


def _became_of_outside(request: AuditRequest, around: "Outside | None") -> OutsideLook:
    if around is not None:
        return OutsideLook.SEARCHED
    return OutsideLook.LEFT_OUT if request.inside_only else OutsideLook.UNREAD


def _kept_before(world: AuditWorld, comparison: Comparison) -> tuple[KeptBefore, ...]:
    """What keep rules let stay before; none where the journal can't be read, which is told."""
    objects = {
        str(host.computer.guid): host.label
        for host in comparison.objects
        if kept_before.is_kept_anywhere(comparison, host)
    }
    # Of hosts that this audit does not look at, the record is to be handed on.
    if not comparison.inventory.keep:
        return ()
    try:
        with world.records.trusting() as journal:
            return audits.kept_before(journal, world.audited_as, objects)
    except DelegationError as exc:
        world.teller.say(NothingKeptBefore(exc.what))
        return ()


def _to_remember(
    world: AuditWorld, comparison: Comparison, before: tuple[KeptBefore, ...]
) -> tuple[KeptBefore, ...]:
    now = world.now().isoformat(timespec="milliseconds")
    return tuple(kept_before.to_remember(comparison, before, now))


def _remind_before(world: AuditWorld, request: AuditRequest) -> str:
    """What was told before that is told again; nothing comes before the empty text."""
    if request.remind is None:
        return ""
    # A timer starts a little earlier or later every night: a week is over after six days and
    # 23 hours, or each reminder would come a day late.
    almost = request.remind - min(request.remind / 10, timedelta(hours=1))
    return (world.now() - almost).isoformat(timespec="milliseconds")


@contextmanager
def _comparing_alone(records: Records, *, compares: bool) -> Iterator[None]:
    """With no other audit at the same time that compares: both would tell the same news.

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


def _baseline(world: AuditWorld, look: Look, *, needed: bool) -> Baseline:
    """What to compare with; that nothing is to be read matters to ``new_only`` alone."""
    directory, digest = world.recorded_as, world.inventory.digest
    try:
        with world.records.trusting() as journal:
            return audits.baseline(journal, world.audited_as, look, directory, digest)
    except DelegationError as exc:
        if needed:
            world.teller.say(NothingToCompareWith(exc.what))
        return Baseline()


def _record(world: AuditWorld, request: AuditRequest, made: _Made) -> None:
    """An audit is a run as well; where it can't be recorded, that is a warning."""
    directory = made.directory
    run = NewRun(
        AUDIT,
        world.recorded_as,
        world.inventory.domain,
        directory.dc,
        world.connection_record(directory),
        world.inventory.digest,
    )
    # A unit of a version that knew no --baseline goes on telling each thing once.
    is_assumed = request.new_only and not (request.moves_baseline or made.baseline.is_declared)
    record = AuditRecord(
        world.audited_as,
        made.look,
        _page(world, made),
        made.view.record_summary(is_baseline=request.moves_baseline),
        moves=request.moves_baseline or is_assumed,
        is_declared=request.moves_baseline,
        accounts=made.accounts,
    )
    try:
        with world.records.adding() as journal:
            kept = audits.record(journal, run, record)
            unsettled = [unsettled.id for unsettled in journal.unsettled()]
    except DelegationError as exc:
        world.teller.say(AuditNotRecorded(exc.what))
        return
    if not kept:
        world.teller.say(FindingsNotKept())
    elif is_assumed:
        world.teller.say(BaselineAssumed())
    if unsettled:
        world.teller.say(UnsettledRuns(tuple(unsettled)))


def _page(world: AuditWorld, made: _Made) -> AuditPage:
    """All findings, whatever was told: the next audit compares with the whole."""
    now = world.now().isoformat(timespec="milliseconds")
    view = made.view
    found: list[PastFinding] = []
    for past in view.news.page:
        was_told = past.told if view.new_only else ""
        # What was told by a clock that ran ahead would not be told again before that day comes.
        found.append(past._replace(told=min(was_told or now, now)))
    accepted = view.news.accepted_page
    return AuditPage(tuple(found), checks.RULE_IDS, accepted=accepted, kept=made.kept)
