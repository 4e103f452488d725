"""Jobs of migrations: what they are at, and why one failed."""

import pytest

from delegation.hosts.cim.cim_classes import CONCRETE_JOB, MIGRATION_JOB
from delegation.hosts.cim.cim_jobs import (
    MOVES,
    read_job,
    read_job_errors,
    read_migration_jobs,
)
from delegation.hosts.cim.cim_reference import Reference
from tests.hosts.cim import farms
from tests.hosts.cim.canned import CannedHost, Row, embedded, opened

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
