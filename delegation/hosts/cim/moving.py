"""Migrations: checked, started, found again, and what they leave behind.

A migration is a job of its source's management service, and outlives whoever began it. Nothing of
it is started twice: what was sent without an answer is looked for until it can't begin any more.
"""

from uuid import UUID

from delegation.errors import CimFailed, MoveRefused, MoveUnsettled
from delegation.hosts.cim import cim_jobs, migration_request, wql
from delegation.hosts.cim.cim_classes import (
    COMPUTER_SYSTEM,
    MANAGEMENT_SERVICE,
    MIGRATION_SERVICE,
    PLANNED_SYSTEM,
)
from delegation.hosts.cim.cim_client import Cim
from delegation.hosts.cim.cim_faults import ACCESS_DENIED, NO_CLASS, NO_NAMESPACE, NOT_FOUND
from delegation.hosts.cim.cim_jobs import MOVES, CimJob
from delegation.hosts.cim.cim_reference import Reference
from delegation.hosts.cim.job_moving import JobMoving, jobs_of
from delegation.hosts.cim.machine_activity import activity
from delegation.hosts.cim.migration_service import read_service
from delegation.hosts.cim.move_handle import SETTLED_SECONDS, START_SECONDS, MoveHandle
from delegation.hosts.cim.told import NotTold, told
from delegation.hosts.hypervisor import Moving
from delegation.hosts.machines import Incompatibility, Landing, MoveOrder

CHECK_SECONDS = 300.0
"""For a check: it asks the target, which may be slow."""
DESTROY_SECONDS = 120.0

_UNKNOWN, _TIMED_OUT = 32771, 32772
_CODES = set(range(32768, 32779)) - {_UNKNOWN, _TIMED_OUT}
"""What MigrateVirtualSystemToHost returns when it begins no job."""
_HRESULTS = {
    NOT_FOUND,
    ACCESS_DENIED,
    NO_NAMESPACE,
    NO_CLASS,
    "0x80041008",  # an invalid parameter
    "0x8004100C",  # not supported
    "0x80041013",  # the provider can't be loaded,
    "0x80041014",  # or does not start
    "0x8004102E",  # no such method
    "0x8004102F",  # its parameters are invalid
}
"""Faults of WMI before it has asked VMMS. That it failed, was cancelled or shuts down says nothing
of what VMMS does."""


def _guid(machine: UUID) -> str:
    """As Hyper-V writes it."""
    return str(machine).upper()


def read_landing(cim: Cim, machine: UUID) -> Landing:
    """A target. Its service is there for whoever has rights: without any this raises CimFailed."""
    service = read_service(cim)
    return Landing(service.listeners, bool(_planned(cim, _guid(machine))))


def _planned(cim: Cim, machine: str) -> list[Reference]:
    return cim.references(wql.every(PLANNED_SYSTEM, Name=machine))


def remove_planned(cim: Cim, handle: str) -> bool:
    """Remove what a migration has left on this target. Raises CimFailed where it stays."""
    known = MoveHandle.read(handle)
    if known is None or known.had_planned:
        return False
    if cim.query(wql.every(COMPUTER_SYSTEM, Name=known.machine)):
        # It has arrived: what is planned belongs to another migration of it.
        return False
    left = _planned(cim, known.machine)
    for one in left:
        service = Reference.service(MANAGEMENT_SERVICE)
        job = cim.change(service, MANAGEMENT_SERVICE, "DestroySystem", AffectedSystem=one)
        if job is not None:
            ended = cim_jobs.followed(cim, job, DESTROY_SECONDS)
            cim_jobs.refuse_failure(cim, ended, "removing a planned virtual machine")
    if left and _planned(cim, known.machine):
        raise CimFailed(
            f"{cim.host} says that the planned virtual machine {known.machine} is removed, and "
            "still lists it",
            "look at it there: Get-CimInstance -Namespace root/virtualization/v2 "
            "Msvm_PlannedComputerSystem",
        )
    return bool(left)


def check(cim: Cim, order: MoveOrder) -> tuple[Incompatibility, ...]:
    """What speaks against a migration, for this program or for the hosts.

    Every error of the check's job is one: also that the source gets no ticket for the target.
    """
    found = migration_request.read_files(cim, order)
    own = [f"{one.what}; {one.fix}" for one in migration_request.obstacles(order, found)]
    if own:
        return tuple(map(Incompatibility, own))
    service = Reference.service(MIGRATION_SERVICE)
    asked = migration_request.request(cim, order, found).arguments
    job = cim.change(service, MIGRATION_SERVICE, "CheckVirtualSystemIsMigratable", **asked)
    if job is None:
        return ()
    return _speaking_against(cim, cim_jobs.followed(cim, job, CHECK_SECONDS))


def _speaking_against(cim: Cim, job: CimJob) -> tuple[Incompatibility, ...]:
    if job.has_succeeded:
        return ()
    if job.was_stopped:
        raise CimFailed(f"somebody on {cim.host} has stopped the check", "check once more")
    errors = told(lambda: cim_jobs.read_job_errors(cim, job))
    if not isinstance(errors, NotTold) and errors:
        return tuple(Incompatibility(one.message, one.message_id) for one in errors)
    return (Incompatibility(job.text or f"{cim.host} says that it can't be moved, and not why"),)


def new_handle(cim: Cim, order: MoveOrder) -> str:
    machine = _guid(order.machine)
    listed = tuple(one.instance_id for one in jobs_of(cim, machine))
    return str(
        MoveHandle(machine, order.target, cim.clock(), listed, order.landing.has_planned),
    )


def is_at_work(cim: Cim, machine: UUID) -> bool:
    """Whether a job of its migrations is under way, a check as well, or anything else that ends."""
    if any(not one.is_over for one in jobs_of(cim, _guid(machine))):
        return True
    found = cim.query(wql.every(COMPUTER_SYSTEM, Name=_guid(machine)))
    return any(activity(one.integers("OperationalStatus")) is not None for one in found)


def start(cim: Cim, order: MoveOrder, handle: str) -> Moving:
    """Start a migration: sent once. The connection becomes that of what is given back.

    Raises MoveRefused where nothing was sent, or the host says that nothing begins.
    """
    known = MoveHandle.read(handle)
    if known is None:
        raise MoveRefused(
            f"the migration of {order.name} is on record by an older version of this program",
            "plan it again; nothing was sent",
        )
    asked = _request(cim, order)
    if known.age(cim.clock()) > START_SECONDS:
        late = MoveRefused(
            f"{cim.host} took so long to tell of {order.name} that its migration was not sent",
            "look at the host; it can be tried again",
        )
        late.passes = True
        raise late
    service = Reference.service(MIGRATION_SERVICE)
    try:
        job = cim.change(service, MIGRATION_SERVICE, "MigrateVirtualSystemToHost", **asked)
    except CimFailed as exc:
        if _begins_nothing(exc):
            raise _refused(exc) from exc
        raise
    if job is None:
        raise CimFailed(
            f"{cim.host} says that {order.name} is moved, and names no job of it",
            "look on which host it is",
        )
    mine = known.of_job(job.key("InstanceID"))
    return JobMoving(cim, known.machine, str(mine), job)


def _request(cim: Cim, order: MoveOrder) -> dict[str, object]:
    """Raises MoveRefused for what is wrong before anything is sent."""
    try:
        found = migration_request.read_files(cim, order)
        for one in migration_request.obstacles(order, found):
            raise MoveRefused(one.what, one.fix)
        return migration_request.request(cim, order, found).arguments
    except CimFailed as exc:
        raise _refused(exc) from exc


def _begins_nothing(exc: CimFailed) -> bool:
    """Whether a host that has answered so has begun nothing, and will not."""
    return exc.code in _CODES or exc.hresult in _HRESULTS


def _refused(exc: CimFailed) -> MoveRefused:
    """The same error as one of a migration that does not begin."""
    if isinstance(exc, MoveRefused):
        return exc
    return MoveRefused(
        exc.what,
        exc.fix,
        exc.details,
        hresult=exc.hresult,
        code=exc.code,
        message_id=exc.message_id,
    )


def reattach(cim: Cim, machine: UUID, handle: str) -> Moving | None:
    """The migration of a handle. The connection becomes that of what is given back.

    Without a job's number on record it is ours that came after the handle, or it may still come.
    """
    known = MoveHandle.read(handle)
    jobs = jobs_of(cim, _guid(machine))
    if known is None:
        found = _latest([one for one in jobs if one.kind in MOVES and not one.is_over])
        return None if found is None else _followed(cim, machine, handle, found)
    found = _latest([one for one in jobs if known.is_ours(one)])
    if found is not None:
        return _followed(cim, machine, str(known.of_job(found.instance_id)), found)
    if known.job:
        return None
    _refuse_unsettled(cim, known, jobs)
    return None


def _followed(cim: Cim, machine: UUID, handle: str, job: CimJob) -> Moving:
    return JobMoving(cim, _guid(machine), handle, job.reference)


def _latest(jobs: list[CimJob]) -> CimJob | None:
    """One that goes on, before one that has ended: a machine is in one migration at a time."""
    return next((one for one in jobs if not one.is_over), next(iter(jobs), None))


def _refuse_unsettled(cim: Cim, known: MoveHandle, jobs: tuple[CimJob, ...]) -> None:
    """Raise MoveUnsettled while a request without an answer may still be carried out.

    A host that has just come back may have it in its queue; and what works on the machine may be
    it, under a destination that the host calls otherwise.
    """
    left = SETTLED_SECONDS - known.age(cim.clock())
    if left > 0:
        raise MoveUnsettled(
            f"{cim.host} has not said whether it takes the migration, and may still begin it",
            f"it is asked again; after {left:,.0f} s it is certain that it won't",
        )
    if any(not one.is_over for one in jobs):
        raise MoveUnsettled(
            f"{cim.host} has not said whether it takes the migration, and works on that virtual "
            "machine",
            "wait until its jobs are over: Get-CimInstance -Namespace root/virtualization/v2 "
            "Msvm_MigrationJob",
        )
