"""VMMS as a job engine: what runs belongs to the host, not to who asked for it.

A job that ended is listed for TimeBeforeRemoval (5 minutes). Jobs do not outlive the process.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

from tests.lab.cim.cim_values import Instance, Stamp
from tests.lab.cim.classes import HYPERV, classes
from tests.lab.cim.view import Outcome
from tests.lab.description import NETBIOS_DOMAIN
from tests.lab.hosts.failures import Failed, Stopped
from tests.lab.hosts.host import Host
from tests.lab.hosts.state import HostState
from tests.lab.hosts.vmms.wording import Trouble, Wording

STARTING, RUNNING, SHUTTING_DOWN, COMPLETED = 3, 4, 6, 7
WITH_WARNINGS = 32768
TERMINATED, KILLED, EXCEPTION = 8, 9, 10
TERMINATE, KILL = 4, 5
DONE, STARTED, FAILED, INVALID_PARAMETER, INVALID_STATE = 0, 4096, 32768, 32773, 32775
CREATING, CHECKING, MOVING = 300, 302, 306
TITLES = {
    CREATING: "Creating Remote Virtual Machine",
    CHECKING: "Checking Virtual Machine and Storage Compatibility",
    MOVING: "Moving Virtual Machine and Storage",
}
IN_SERVICE, OK, STOPPED, COMPLETED_STATUS, ERROR = 11, 2, 10, 17, 6


class Ended(Exception):
    """A job ends with errors that it gives itself."""

    def __init__(self, *troubles: Trouble, code: int = FAILED) -> None:
        super().__init__(troubles)
        self.troubles, self.code = troubles, code


@dataclass
class Job:
    """One job, for who looks at it and for who does it.

    ``owner`` is who asked for it, as Kerberos names him (``vmadmin@CORP.EXAMPLE``); no session of
    his is behind it. ``wish`` is what RequestStateChange asked for, 0 for nothing.
    """

    kind: str
    number: int
    owner: str
    machine_id: str = ""
    destination: str = ""
    migration_type: int | None = None
    id: str = field(default_factory=lambda: str(uuid4()).upper())
    state: int = STARTING
    percent: int = 0
    code: int = 0
    troubles: tuple[Trouble, ...] = ()
    cancellable: bool = True
    wish: int = 0
    stop: threading.Event = field(default_factory=threading.Event)
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    started: float = field(default_factory=time.monotonic)
    ended: float = 0.0

    @property
    def lasted(self) -> float:
        """How many seconds it has run."""
        return (self.ended or time.monotonic()) - self.started

    @property
    def running(self) -> bool:
        """Whether it is not over."""
        return not self.ended

    def check(self) -> None:
        """Raise Stopped once it was stopped."""
        if self.stop.is_set():
            raise Stopped

    def sleep(self, seconds: float) -> None:
        """Wait, or raise Stopped as soon as it is stopped."""
        if self.stop.wait(seconds):
            raise Stopped

    def progress(self, percent: int) -> None:
        """Say how far it is, unless it was stopped."""
        self.check()
        self.percent = max(self.percent, percent)

    def end(self, state: int, code: int = 0, troubles: tuple[Trouble, ...] = ()) -> None:
        """Note how it ended."""
        self.code, self.troubles, self.cancellable = code, troubles, False
        self.percent = 100 if state in {COMPLETED, WITH_WARNINGS} else self.percent
        self.state = state
        self.ended = time.monotonic()

    def shown(self, state: HostState) -> Instance:
        """Show it as CIM does."""
        wording = Wording.of(state)
        kind = classes().find(HYPERV, self.kind)
        title = wording.say(TITLES.get(self.number, "Job is running"))
        seconds = int(state.job_seconds)
        status = [IN_SERVICE] if self.running else [OK, COMPLETED_STATUS]
        if self.troubles:
            status = [ERROR if not self.running else IN_SERVICE, STOPPED]
        values = {
            "InstanceID": self.id,
            "Caption": title,
            "ElementName": title,
            "Name": title,
            "Description": title,
            "JobState": self.state,
            "JobStatus": wording.say("Job is running") if self.running else None,
            "JobType": self.number,
            "PercentComplete": self.percent,
            "ErrorCode": self.code if wording.numbers else 0,
            "ErrorDescription": "\n".join(one.text for one in self.troubles),
            "ErrorSummaryDescription": self.troubles[0].text if self.troubles else "",
            "Owner": f"{NETBIOS_DOMAIN}\\{self.owner.partition('@')[0]}",
            "StartTime": Stamp("Datetime", self.began.isoformat()),
            "TimeSubmitted": Stamp("Datetime", self.began.isoformat()),
            "ElapsedTime": Stamp("Interval", interval(int(self.lasted))),
            "Cancellable": self.cancellable and state.cancelling != "refused",
            "DeleteOnCompletion": False,
            "HealthState": 5 if not self.troubles else 25,
            "OperationalStatus": status,
            "TimeBeforeRemoval": Stamp("Interval", interval(seconds)),
        }
        if self.kind == "Msvm_MigrationJob":
            values |= {
                "VirtualSystemName": self.machine_id.upper(),
                "DestinationHost": self.destination or None,
                "MigrationType": self.migration_type,
            }
        return Instance(kind, values)


def interval(seconds: int) -> str:
    """Write an interval as WMI's plug-in does."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"P0DT{hours}H{minutes}M{rest}S"


class Jobs:
    """All jobs of a host."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.lock = threading.Lock()
        self.all: dict[str, Job] = {}

    def listed(self) -> list[Job]:
        """List those that run, and those that ended a short while ago."""
        oldest = time.monotonic() - self.host.state.job_seconds
        with self.lock:
            for old in [one.id for one in self.all.values() if one.ended and one.ended < oldest]:
                del self.all[old]
            return list(self.all.values())

    def find(self, job_id: str) -> Job:
        """Give a job that is listed."""
        return self.all[job_id]

    def add(self, job: Job) -> Job:
        """List a job."""
        with self.lock:
            self.all[job.id] = job
        return job

    def done(self, owner: str, machine_id: str = "") -> Job:
        """List a job that is over: what a change of settings takes."""
        job = self.add(Job("Msvm_ConcreteJob", 1, owner, machine_id))
        job.end(COMPLETED)
        return job

    def started(self, job: Job) -> Outcome:
        """Answer a call with a job."""
        return Outcome(STARTED, {"Job": job.shown(self.host.state)})

    def over(self, owner: str, machine_id: str = "") -> Outcome:
        """Answer a call that is over with a job that is, too."""
        return self.started(self.done(owner, machine_id))

    def begin(self, job: Job, work: Callable[[], None]) -> Job:
        """Start a job in a thread of its own."""
        self.add(job)
        job.state = RUNNING
        threading.Thread(target=self.run, args=(job, work), name=job.id, daemon=True).start()
        return job

    def run(self, job: Job, work: Callable[[], None]) -> None:
        """Do a job's work, and note what came of it."""
        state = self.host.state
        wording = Wording.of(state)
        try:
            work()
        except Stopped:
            time.sleep(state.rollback_seconds)
            stopped = wording.trouble("13", "The operation was cancelled.")
            job.end(KILLED if job.wish == KILL else TERMINATED, INVALID_STATE, (stopped,))
        except Ended as why:
            job.end(EXCEPTION, why.code, why.troubles)
        except Failed as error:
            job.end(EXCEPTION, FAILED, tuple(wording.troubles(error, state.migrations)))
        except Exception as error:
            job.end(EXCEPTION, FAILED, (wording.trouble("", f"A fault of the lab: {error!r}"),))
            raise
        else:
            self.complete(job, state.move_ends if job.number == MOVING else "", wording)

    def complete(self, job: Job, how: str, wording: Wording) -> None:
        """End a job that succeeded, as it is to be shown."""
        trouble = wording.trouble("", "Some of the source's files could not be removed.")
        match how:
            case "warnings":
                job.end(WITH_WARNINGS, 0, (trouble,))
            case "code":
                job.end(COMPLETED, FAILED, (trouble,))
            case _:
                job.end(COMPLETED)

    def request(self, job_id: str, wanted: int | None) -> int:
        """RequestStateChange: 4 ends a job in order, 5 kills it. Which a move takes none says."""
        job, state = self.find(job_id), self.host.state
        if wanted not in {TERMINATE, KILL}:
            return INVALID_PARAMETER
        if not job.running or not job.cancellable or state.cancelling == "refused":
            return INVALID_STATE
        if state.cancelling == "honoured":
            job.wish, job.state = wanted, SHUTTING_DOWN
            job.stop.set()
        return DONE

    def stop_all(self) -> None:
        """End all jobs: the host goes down."""
        for job in self.listed():
            job.stop.set()

    def forget(self) -> None:
        """List none any more; those that end roll back unseen."""
        with self.lock:
            self.all.clear()
