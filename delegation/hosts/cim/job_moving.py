"""A migration that runs as a job of its source: followed, asked to stop, let go of."""

from contextlib import suppress
from dataclasses import replace

from delegation.errors import CimFailed, HostError
from delegation.hosts.cim import cim_jobs, host_identity
from delegation.hosts.cim.cim_client import Cim
from delegation.hosts.cim.cim_jobs import SOONEST_SECONDS, CimJob
from delegation.hosts.cim.cim_reference import Reference
from delegation.hosts.hypervisor import Moving
from delegation.hosts.machines import Ended, Failure, MoveProgress

_TERMINATE, _KILL = 4, 5
"""RequestedState of CIM_ConcreteJob.RequestStateChange: in order, or at once."""
_LATEST_SECONDS = 4.0
"""How long at most a job is not looked at: hundreds of migrations are followed at once."""
_ASK_AGAIN_SECONDS = 10.0
"""After so long a job that did not let itself be stopped is asked once more, if it says it can."""


def jobs_of(cim: Cim, machine: str) -> tuple[CimJob, ...]:
    """A machine's migration jobs. Raises CimFailed where none may be for want of rights."""
    found = cim_jobs.read_migration_jobs(cim, machine)
    if not found:
        host_identity.own_name(cim)
    return found


class JobMoving(Moving):
    """One migration, over a connection of its own, which is closed at its end or by ``leave``."""

    def __init__(self, cim: Cim, machine: str, handle: str, job: Reference) -> None:
        self._cim = cim
        self._machine = machine
        self._handle = handle
        self._job = job
        self._ended: Ended | None = None
        self._seen: CimJob | None = None
        self._look_at = cim.now()
        self._pause = SOONEST_SECONDS
        self._wish: int | None = None
        """What it is still to be asked for."""
        self._ask_at = 0.0

    @property
    def handle(self) -> str:
        return self._handle

    def wait(self, seconds: float) -> MoveProgress | Ended:
        """The job is looked at often at first, for many fail at once, and later now and then.

        Whoever waits for a moment only, again and again, does not ask the host each time.
        """
        until = self._cim.now() + seconds
        while self._ended is None:
            now = self._cim.now()
            if now >= self._look_at:
                self._look()
            elif now >= until:
                return self._progress()
            else:
                self._cim.rest(min(self._look_at, until) - now)
        return self._ended

    def _progress(self) -> MoveProgress:
        seen = self._seen
        if seen is None:
            return MoveProgress(0)
        percent = min(seen.percent or 0, 100)
        return MoveProgress(percent, seen.phase_now, seen.can_be_cancelled, seen.status)

    def stop(self, *, kill: bool = False) -> None:
        self._wish = _KILL if kill else _TERMINATE
        self._ask_at = self._cim.now()
        if self._ended is None:
            self._look()

    def leave(self) -> None:
        with suppress(HostError):
            self._cim.close()

    def _look(self) -> None:
        """See the job as it is now, once a wish that is open has been told; note its end."""
        job = self._read()
        if self._wish is not None and not job.is_over and self._tell(job, self._wish):
            self._wish = None
            job = self._read()
        self._seen = job
        self._look_at = self._cim.now() + self._pause
        self._pause = min(2 * self._pause, _LATEST_SECONDS)
        if job.is_over:
            self._ended = Ended(None if job.has_succeeded else self._failure(job))
            self.leave()

    def _tell(self, job: CimJob, wish: int) -> bool:
        """Whether the host has accepted it. One that refuses has its reasons, and it goes on.

        It may be handing the machine over, or have ended since it was looked at.
        """
        may_be_asked = job.can_be_cancelled or wish == _KILL
        if not may_be_asked or self._cim.now() < self._ask_at:
            return False
        self._ask_at = self._cim.now() + _ASK_AGAIN_SECONDS
        kind = cim_jobs.class_of(job.reference)
        try:
            self._cim.change(job.reference, kind, "RequestStateChange", RequestedState=wish)
        except CimFailed:
            return False
        return True

    def _read(self) -> CimJob:
        """Raises HostError; CimFailed where the host knows nothing of it any more.

        It forgets its jobs when its service starts anew, and those that have ended after 5 minutes
        (TimeBeforeRemoval): which of both, and how it ended, is told by where the machine is.
        """
        try:
            return cim_jobs.read_job(self._cim, self._job)
        except CimFailed as exc:
            listed = jobs_of(self._cim, self._machine)
            own = self._job.key("InstanceID").casefold()
            found = next((one for one in listed if one.instance_id.casefold() == own), None)
            if found is None:
                raise CimFailed(
                    f"{self._cim.host} knows nothing of the migration's job any more",
                    "its service vmms was started anew, or it ended minutes ago: both hosts tell "
                    "where the virtual machine is",
                    exc.details,
                    hresult=exc.hresult,
                ) from exc
            return found

    def _failure(self, job: CimJob) -> Failure:
        """What succeeded with warnings, or an error code, is to be looked at all the same."""
        failed = cim_jobs.failure_of(self._cim, job)
        if failed.message:
            return failed
        ended = f"its job ended in JobState {job.state}, ErrorCode {job.error_code}"
        return replace(failed, message=ended)
