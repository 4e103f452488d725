"""Jobs of migrations: what they are at, and why one failed."""

import pytest

from delegation.errors import CimFailed, HostUnreachable
from delegation.hosts.cim.cim_classes import CONCRETE_JOB, MIGRATION_JOB
from delegation.hosts.cim.cim_client import Cim
from delegation.hosts.cim.cim_jobs import (
    MOVES,
    failure_of,
    followed,
    read_job,
    read_job_errors,
    read_migration_jobs,
    refuse_failure,
)
from delegation.hosts.cim.cim_reference import Reference
from tests.hosts.cim import farms
from tests.hosts.cim.canned import DENIED, CannedHost, CannedWire, Row, embedded, opened

RUNNING: Row = {
    "InstanceID": "1",
    "JobState": 4,
    "JobType": 306,
    "PercentComplete": 40,
    "ErrorCode": 0,
    "Cancellable": True,
    "Owner": "CORP\\vmadmin",
    "VirtualSystemName": farms.upper("vm0"),
    "DestinationHost": "hv02.corp.example",
}


def host_with(*jobs: Row) -> CannedHost:
    host = farms.host()
    host.has("Msvm_MigrationJob", *jobs)
    return host


def test_jobs_of_one_machine_or_of_all() -> None:
    other = {**RUNNING, "InstanceID": "2", "VirtualSystemName": farms.upper("vm1"), "JobType": 302}
    cim = opened(host_with(RUNNING, other))
    assert len(read_migration_jobs(cim)) == 2
    [found] = read_migration_jobs(cim, str(farms.guid("vm0")))
    assert found.reference == Reference.to(MIGRATION_JOB, InstanceID="1")
    assert (found.percent, found.destination) == (40, "hv02.corp.example")
    assert found.can_be_cancelled
    assert not found.is_over
    assert [one.kind in MOVES for one in read_migration_jobs(cim)] == [True, False]


@pytest.mark.parametrize(
    ("state", "code", "over", "succeeded"),
    [
        (2, 0, False, False),
        (4, None, False, False),
        (7, 0, True, True),
        (7, None, True, True),
        (7, 32768, True, False),
        (32768, 0, True, False),
        (8, 0, True, False),
        (10, 32768, True, False),
        (77, 0, True, False),
    ],
)
def test_what_is_over_and_what_has_succeeded(
    *, state: int, code: int | None, over: bool, succeeded: bool
) -> None:
    cim = opened(host_with({**RUNNING, "JobState": state, "ErrorCode": code}))
    [found] = read_migration_jobs(cim)
    assert (found.is_over, found.has_succeeded) == (over, succeeded)


def test_why_one_failed() -> None:
    failed = {**RUNNING, "JobState": 10, "ErrorCode": 32768, "ErrorDescription": "\u5931\u6557"}
    host = host_with(failed)
    reason: Row = {
        "Message": "Failed to authenticate the connection (0x8009030E).",
        "MessageID": "20413",
        "ErrorType": 7,
    }
    host.methods["GetErrorEx"] = lambda _: (
        f"<p:Errors>{embedded('Msvm_Error', reason)}</p:Errors><p:ReturnValue>0</p:ReturnValue>"
    )
    cim = opened(host)
    [job] = read_migration_jobs(cim)
    assert job.text == "\u5931\u6557"
    [error] = read_job_errors(cim, job)
    assert (error.message_id, error.hresult, error.error_type) == ("20413", "0x8009030E", 7)


def test_a_job_of_another_service_by_its_reference() -> None:
    host = farms.host()
    host.has("Msvm_ConcreteJob", {"InstanceID": "9", "JobState": 7})
    found = read_job(opened(host), Reference.to(CONCRETE_JOB, InstanceID="9"))
    assert found.has_succeeded
    assert (found.machine, found.destination, found.can_be_cancelled) == ("", "", False)


# To its end


class Aging(CannedWire):
    """A host whose job ends after so many seconds."""

    def __init__(self, host: CannedHost, ends_after: float) -> None:
        super().__init__(host)
        self._at, self._ends_after, self.rests = host, ends_after, 0

    def rest(self, seconds: float) -> None:
        super().rest(seconds)
        self.rests += 1
        if self.now() >= self._ends_after:
            key = "root/virtualization/v2", "Msvm_MigrationJob"
            self._at.rows[key] = [{**RUNNING, "JobState": 7, "PercentComplete": 100}]


THE_JOB = Reference.to(MIGRATION_JOB, InstanceID="1")


def test_a_job_is_followed_to_its_end_ever_more_seldom() -> None:
    wire = Aging(host_with(RUNNING), ends_after=600)
    found = followed(Cim(wire), THE_JOB, 1_000)
    assert found.has_succeeded
    assert 600 <= wire.now() < 603
    assert wire.rests < 320


def test_a_job_that_does_not_end_in_time_goes_on() -> None:
    wire = Aging(host_with(RUNNING), ends_after=600)
    with pytest.raises(HostUnreachable, match="is not over after 60 s, and goes on"):
        followed(Cim(wire), THE_JOB, 60)
    assert wire.now() == 60


def reasons(*rows: Row) -> str:
    errors = "".join(f"<p:Errors>{embedded('Msvm_Error', one)}</p:Errors>" for one in rows)
    return f"{errors}<p:ReturnValue>0</p:ReturnValue>"


FAILED: Row = {
    **RUNNING,
    "JobState": 10,
    "ErrorCode": 32768,
    "ErrorDescription": "It failed. \u5931\u6557",
}
OUTER: Row = {"Message": "Virtual machine migration failed.", "MessageID": "21024"}
INNER: Row = {"Message": "No credentials (0x8009030E).", "MessageID": "20413", "ErrorType": 7}


def test_a_failure_is_told_with_all_its_numbers_and_the_hosts_own_words() -> None:
    host = host_with(FAILED)
    host.methods["GetErrorEx"] = lambda _: reasons(OUTER, INNER)
    cim = opened(host)
    [job] = read_migration_jobs(cim)
    failed = failure_of(cim, job)
    words = "Virtual machine migration failed. No credentials (0x8009030E)."
    assert failed.message == f"{words} {FAILED['ErrorDescription']}"
    # The message's number is the one of the error that has the HRESULT.
    assert (failed.hresult, failed.message_id) == ("0x8009030E", "20413")
    assert (failed.error_code, failed.stopped) == (32768, False)
    assert failed.phase == "moving machine and storage"
    with pytest.raises(CimFailed) as caught:
        refuse_failure(cim, job, "moving it")
    error = caught.value
    assert (error.hresult, error.message_id, error.code) == ("0x8009030E", "20413", 32768)
    assert "moving it failed on hv01" in error.what
    assert failed.message in error.details


def test_a_failure_without_numbers_has_its_words() -> None:
    host = host_with(FAILED)
    host.methods["GetErrorEx"] = lambda _: reasons()
    cim = opened(host)
    [job] = read_migration_jobs(cim)
    failed = failure_of(cim, job)
    assert (failed.message, failed.hresult, failed.message_id) == (
        "It failed. \u5931\u6557",
        "",
        "",
    )
    # A host that refuses to tell more is a failure of the job all the same.
    host.refusals["GetErrorEx"] = DENIED
    assert failure_of(cim, job) == failed


@pytest.mark.parametrize("state", [8, 9])
def test_one_that_was_told_to_end(state: int) -> None:
    host = host_with({**RUNNING, "JobState": state, "ErrorCode": 32775})
    host.methods["GetErrorEx"] = lambda _: reasons()
    cim = opened(host)
    [job] = read_migration_jobs(cim)
    assert failure_of(cim, job).stopped


def test_warnings_are_a_failure_to_be_looked_at() -> None:
    host = host_with({**RUNNING, "JobState": 32768})
    host.methods["GetErrorEx"] = lambda _: reasons()
    cim = opened(host)
    [job] = read_migration_jobs(cim)
    with pytest.raises(CimFailed, match="moving it failed on hv01"):
        refuse_failure(cim, job, "moving it")
    done = {**RUNNING, "JobState": 7}
    [well] = read_migration_jobs(opened(host_with(done)))
    refuse_failure(cim, well, "moving it")
