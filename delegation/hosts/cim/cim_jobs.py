"""A host -> its jobs: what they are at, their end, and why one failed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from delegation.errors import CimFailed, HostUnreachable
from delegation.hosts import failures
from delegation.hosts.cim import wql
from delegation.hosts.cim.cim_class import CimClass
from delegation.hosts.cim.cim_classes import CONCRETE_JOB, ERROR, MIGRATION_JOB
from delegation.hosts.cim.cim_client import Cim
from delegation.hosts.cim.cim_instance import CimInstance
from delegation.hosts.cim.cim_reference import Reference
from delegation.hosts.cim.told import NotTold, told
from delegation.hosts.machines import Failure, MovePhase


class JobState(IntEnum):
    """JobState of Msvm_ConcreteJob."""

    NEW = 2
    STARTING = 3
    RUNNING = 4
    SUSPENDED = 5
    SHUTTING_DOWN = 6
    COMPLETED = 7
    TERMINATED = 8
    KILLED = 9
    EXCEPTION = 10
    SERVICE = 11
    COMPLETED_WITH_WARNINGS = 32768


_UNDER_WAY = {
    JobState.NEW,
    JobState.STARTING,
    JobState.RUNNING,
    JobState.SUSPENDED,
    JobState.SHUTTING_DOWN,
    JobState.SERVICE,
}
MOVES: Collection[int] = {305, 306, 307}
"""JobType: a machine is moved, with its storage, its storage alone; others only look or prepare."""

PHASES: Mapping[int, MovePhase] = {
    300: MovePhase.CREATING,
    301: MovePhase.CHECKING,
    302: MovePhase.CHECKING,
    303: MovePhase.CHECKING,
    304: MovePhase.CHECKING,
    305: MovePhase.MACHINE,
    306: MovePhase.MACHINE_AND_STORAGE,
    307: MovePhase.STORAGE,
}
"""JobType of Msvm_MigrationJob; 303 and 304 look at storage."""
_BY_STATE: Mapping[int, MovePhase] = {
    JobState.NEW: MovePhase.WAITING,
    JobState.SUSPENDED: MovePhase.WAITING,
    JobState.SHUTTING_DOWN: MovePhase.CANCELLING,
}
"""Where the state says more than the type. That one beyond the limit is New is not confirmed."""

SOONEST_SECONDS, LATEST_SECONDS = 0.05, 2.0
"""How soon a job is asked again: at first, and in the end. Most are over at once."""


@dataclass(frozen=True, slots=True)
class JobError:
    """One reason why a job failed (Msvm_Error). ``message`` is the host's, in its own language."""

    message: str
    message_id: str
    hresult: str
    error_type: int | None


@dataclass(frozen=True, slots=True)
class CimJob:
    """One job. ``machine`` and ``destination`` are of a migration's.

    ``text`` is why it failed, and ``status`` what it is at, both in the host's own words. ``state``
    and ``kind`` are the host's numbers: a later Windows may have others.
    """

    reference: Reference
    state: int
    kind: int | None
    percent: int | None
    error_code: int | None
    text: str
    owner: str
    can_be_cancelled: bool
    machine: str = ""
    destination: str = ""
    status: str = ""

    @property
    def instance_id(self) -> str:
        return self.reference.key("InstanceID")

    @property
    def is_over(self) -> bool:
        """A state that is not known is none of those under way: it is looked at, not waited for."""
        return self.state not in _UNDER_WAY

    @property
    def phase(self) -> MovePhase | None:
        """What a migration's job is at; None: of another kind, or not known."""
        return None if self.kind is None else PHASES.get(self.kind)

    @property
    def phase_now(self) -> MovePhase | None:
        """The same while it goes on, with what its state says of it."""
        return _BY_STATE.get(self.state, self.phase)

    @property
    def was_stopped(self) -> bool:
        return self.state in {JobState.TERMINATED, JobState.KILLED}

    @property
    def has_succeeded(self) -> bool:
        """With nothing against it: an error code, or warnings, have to be looked at on the host."""
        return self.state == JobState.COMPLETED and not self.error_code


def read_migration_jobs(cim: Cim, machine: str = "") -> tuple[CimJob, ...]:
    """Those that a host knows, of one machine's GUID, or of all; it forgets them in minutes."""
    of = {"VirtualSystemName": machine.upper()} if machine else {}
    found = cim.with_references(wql.every(MIGRATION_JOB, **of))
    return tuple(_job(reference, one, MIGRATION_JOB) for reference, one in found)


def read_job(cim: Cim, reference: Reference) -> CimJob:
    """One job, which may be of any class: by the reference that its start gave."""
    kind = class_of(reference)
    return _job(reference, cim.get(kind, reference), kind)


def read_job_errors(cim: Cim, job: CimJob) -> tuple[JobError, ...]:
    """Why it failed; empty where the host gives no reason."""
    kind = class_of(job.reference)
    said = cim.call(job.reference, kind, "GetErrorEx")
    return tuple(_error(one) for one in said.instances("Errors", ERROR))


def followed(cim: Cim, reference: Reference, seconds: float) -> CimJob:
    """A job at its end. Raises HostUnreachable where it is not over in so many seconds."""
    until = cim.now() + seconds
    pause = SOONEST_SECONDS
    while not (job := read_job(cim, reference)).is_over:
        left = until - cim.now()
        if left <= 0:
            raise HostUnreachable(
                f"a job of {cim.host} is not over after {seconds:,.0f} s, and goes on",
                "look at the host: its virtual machine management service may hang",
            )
        cim.rest(min(pause, left))
        pause = min(2 * pause, LATEST_SECONDS)
    return job


def refuse_failure(cim: Cim, job: CimJob, what: str) -> None:
    """Raise CimFailed unless a job that is over has done ``what``.

    With all that the host gives: the job's ErrorCode, MessageID, HRESULT and its own words.
    """
    if job.has_succeeded:
        return
    failed = failure_of(cim, job)
    meant = failures.meaning(failed)
    details = [failed.message] if failed.message and failed.message != meant.what else []
    raise CimFailed(
        f"{what} failed on {cim.host}: {meant.what}",
        meant.fix,
        details,
        hresult=failed.hresult,
        code=job.error_code,
        message_id=failed.message_id,
    )


def failure_of(cim: Cim, job: CimJob) -> Failure:
    """Why a job failed, by what its host tells of it; Msvm_Error says more than the job itself.

    Raises HostError where the host does not answer.
    """
    told_errors = told(lambda: read_job_errors(cim, job))
    errors = () if isinstance(told_errors, NotTold) else told_errors
    texts = [" ".join(one.message.split()) for one in errors if one.message]
    own = " ".join(job.text.split())
    if not any(one in own or own in one for one in texts):
        texts.append(own)
    message = " ".join(dict.fromkeys(texts))
    hresult = failures.hresult_in(message) or failures.hresult_in(job.text)
    return Failure(
        message,
        hresult,
        _message_id(errors, hresult),
        job.error_code,
        job.phase,
        job.was_stopped,
    )


def _message_id(errors: Sequence[JobError], hresult: str) -> str:
    """Of the error that tells the HRESULT, which is the cause; else of the first one."""
    causes = [one.message_id for one in errors if one.hresult == hresult and one.message_id]
    return next(iter(causes or [one.message_id for one in errors]), "")


def class_of(reference: Reference) -> CimClass:
    """Other services' jobs have classes of their own, with all that CONCRETE_JOB has."""
    return MIGRATION_JOB if reference.class_name == MIGRATION_JOB.name else CONCRETE_JOB


def _job(reference: Reference, found: CimInstance, kind: CimClass) -> CimJob:
    is_migration = kind is MIGRATION_JOB
    return CimJob(
        reference,
        found.integer("JobState"),
        found.integer_or_none("JobType"),
        found.integer_or_none("PercentComplete"),
        found.integer_or_none("ErrorCode"),
        found.text("ErrorDescription") or found.text("ErrorSummaryDescription"),
        found.text("Owner"),
        found.boolean_or_none("Cancellable") is True,
        found.text("VirtualSystemName") if is_migration else "",
        found.text("DestinationHost") if is_migration else "",
        found.text("JobStatus"),
    )


def _error(found: CimInstance) -> JobError:
    message = found.text("Message")
    return JobError(
        message,
        found.text("MessageID"),
        failures.hresult_in(message),
        found.integer_or_none("ErrorType"),
    )
