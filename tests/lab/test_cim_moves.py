"""Check and move by CIM on lab hosts: tickets of the KDC, real shares, real bytes, jobs.

The requests are written by hand from the documentation, and sent by a client that shares no code
with the product's: what is said here is said of the lab.
"""

from __future__ import annotations

import pytest

from tests.lab import admin, dc
from tests.lab.description import (
    ADMINISTRATOR,
    TRUSTED_TO_AUTH_FOR_DELEGATION,
    Lab,
    cifs_values,
    migration_values,
)
from tests.lab.hosts import HostLab
from tests.lab.hosts.stage import (
    COMPLETED,
    EXCEPTION,
    KILLED,
    SECONDS,
    SHUTTING_DOWN,
    SLOW,
    TERMINATED,
    Stage,
    delegate,
)
from tests.lab.hosts.state import MIB
from tests.lab.requests_of_others import (
    Told,
    captured,
    embedded_values,
    local,
    values,
    written_by_hand,
)

pytestmark = pytest.mark.lab


class TestDelegation:
    def test_refused_before_moved_after(self, stage: Stage, fresh_lab: Lab) -> None:
        before = stage.trees()
        for order in ("check", "move"):
            state, text = stage.run(order)
            assert state == EXCEPTION
            assert "(0x8009030E)" in text
        assert (stage.trees(), stage.owners()) == (before, ["hv01"])
        delegate(fresh_lab, "hv01", "hv02")
        assert stage.run("check") == (COMPLETED, "")
        assert stage.run("move") == (COMPLETED, "")
        assert stage.owners() == ["hv02"]
        assert sorted(stage.trees()[1].values()) == sorted(before[0].values())
        assert stage.target.vms()["web1"].disks == [r"C:\VMs\web1\Virtual Hard Disks\web1.vhdx"]
        assert stage.clean()
        stage.source.add_vm("web2")
        admin.remove_values(fresh_lab, "hv01", *cifs_values("hv02"), *migration_values("hv02"))
        assert stage.run(vm="web2").hresult == "0x8009030E"
        assert stage.owners("web2") == ["hv01"]
        assert stage.clean()

    def test_the_migration_services_value_alone(self, stage: Stage, fresh_lab: Lab) -> None:
        """The check passes, and the move fails where the storage comes."""
        admin.add_values(fresh_lab, "hv01", *migration_values("hv02"))
        admin.set_flags(fresh_lab, "hv01", on=TRUSTED_TO_AUTH_FOR_DELEGATION)
        before = stage.trees()
        assert stage.run("check") == (COMPLETED, "")
        state, text = stage.run("move")
        assert (state, "(0x8009030E)" in text) == (EXCEPTION, True)
        assert "storage" in text
        assert "establish a connection" not in text
        assert (stage.trees(), stage.clean()) == (before, True)

    def test_the_storages_value_alone(self, stage: Stage, fresh_lab: Lab) -> None:
        admin.add_values(fresh_lab, "hv01", *cifs_values("hv02"))
        admin.set_flags(fresh_lab, "hv01", on=TRUSTED_TO_AUTH_FOR_DELEGATION)
        state, text = stage.run("check")
        assert (state, "establish a connection" in text) == (EXCEPTION, True)
        assert "(0x8009030E)" in text

    def test_no_session_of_the_operators_serves(self, stage: Stage, fresh_lab: Lab) -> None:
        """Without protocol transition his own ticket would do, and VMMS has none."""
        delegate(fresh_lab, "hv01", "hv02")
        admin.set_flags(fresh_lab, "hv01", off=TRUSTED_TO_AUTH_FOR_DELEGATION)
        assert stage.run("check")[0] == EXCEPTION


@pytest.mark.usefixtures("delegated")
class TestJobs:
    def test_a_move_is_a_job_of_the_host(self, stage: Stage) -> None:
        stage.source.speed(SLOW)
        job = stage.begin("move")
        shown = stage.job(job)
        assert shown["JobType"] == ["306"]
        assert shown["VirtualSystemName"] == [stage.machine_id]
        assert shown["DestinationHost"] == ["hv02.corp.example"]
        assert shown["TimeBeforeRemoval"] == ["P0DT0H5M0S"]
        assert dc.until(lambda: int(stage.job(job)["PercentComplete"][0]) > 5, SECONDS)
        planned = stage.send("planned", "hv02")
        assert [one.tag for one in planned.items[0]] == ["Name", "ElementName"]
        assert stage.send("move").returned == 32775
        stage.source.speed(64 * MIB)
        assert stage.ended(job).state == COMPLETED

    def test_two_requests_at_once_are_one_move(self, stage: Stage) -> None:
        stage.source.speed(SLOW)
        found = [stage.send("move").returned for _ in range(3)]
        assert (found, stage.source.state.moves_begun) == ([4096, 32775, 32775], 1)

    def test_an_ended_job_is_listed_for_a_while(self, stage: Stage) -> None:
        job = stage.begin("check")
        stage.ended(job)
        assert values(stage.send("jobs").items[0])["InstanceID"] == [job]
        stage.source.set(job_seconds=0.0)
        assert stage.send("job", job=job).code == 0x80338000

    @pytest.mark.parametrize(("order", "end"), [("cancel", TERMINATED), ("kill", KILLED)])
    def test_cancelled_it_leaves_both_as_before(self, stage: Stage, order: str, end: int) -> None:
        before = stage.trees()
        stage.source.speed(SLOW)
        job = stage.begin("move")
        assert dc.until(lambda: len(stage.target.disk_files()) > 0, SECONDS)
        assert stage.send(order, job=job).returned == 0
        assert stage.ended(job).state == end
        assert (stage.trees(), stage.owners()) == (before, ["hv01"])
        assert stage.clean()
        assert stage.send(order, job=job).returned == 32775

    def test_cancelled_in_other_ways(self, stage: Stage) -> None:
        stage.source.speed(SLOW)
        stage.source.set(cancelling="refused")
        job = stage.begin("move")
        assert stage.job(job)["Cancellable"] == ["false"]
        assert stage.send("cancel", job=job).returned == 32775
        stage.source.set(cancelling="ignored", speed=64 * MIB)
        stage.send("cancel", job=job)
        assert stage.ended(job).state == COMPLETED
        assert stage.owners() == ["hv02"]

    def test_a_slow_roll_back(self, stage: Stage) -> None:
        stage.source.set(speed=SLOW, rollback_seconds=1.0)
        job = stage.begin("move")
        stage.send("cancel", job=job)
        assert stage.state(job) == SHUTTING_DOWN
        assert stage.ended(job).state == TERMINATED

    def test_no_slot(self, stage: Stage) -> None:
        """The reason that passes carries no HRESULT."""
        stage.source.limit(0)
        stage.source.set(patience=0.1)
        state, text = stage.run("move")
        assert (state, "limit" in text, "0x" in text) == (EXCEPTION, True, False)

    def test_an_answer_that_is_lost_is_one_move(self, stage: Stage) -> None:
        stage.source.set(lost_answers=["MigrateVirtualSystemToHost"], late=0.5)
        with pytest.raises(Exception, match=r"[Cc]losed|[Aa]bort|[Rr]eset|without"):
            stage.send("move")
        assert stage.source.state.moves_begun == 0
        assert dc.until(lambda: stage.owners() == ["hv02"], SECONDS)
        assert stage.source.state.moves_begun == 1

    def test_jobs_do_not_outlive_a_host_that_dies(self, stage: Stage, hosts: HostLab) -> None:
        before = stage.trees()
        stage.source.speed(SLOW)
        job = stage.begin("move")
        assert dc.until(lambda: len(stage.target.disk_files()) > 0, SECONDS)
        hosts.kill("hv01")
        hosts.start("hv01")
        stage.operator.met = ""
        assert stage.job(job) == {}
        assert dc.until(lambda: stage.trees() == before, SECONDS)


@pytest.mark.usefixtures("delegated")
class TestOrders:
    def test_what_speaks_against_it_has_numbers(self, stage: Stage) -> None:
        stage.target.set(switches=[])
        job = stage.begin("check")
        stage.ended(job)
        told = stage.send("job-errors", job=job)
        texts = ["".join(one.itertext()) for one in told.root.iter() if local(one) == "Errors"]
        found = [embedded_values(one)["MessageID"] for one in texts]
        assert found == [["21024"], ["33012"]]

    def test_japanese_and_then_without_numbers(self, stage: Stage) -> None:
        stage.target.set(authentication="CredSSP")
        stage.source.set(language="ja-JP")
        _, text = stage.run("move")
        assert "0x8009030E" in text
        assert "failed" not in text
        stage.source.set(numbers=False)
        assert "0x" not in stage.run("move")[1]

    def test_a_move_without_the_machines_disks_fails(self, stage: Stage) -> None:
        state, text = stage.run("move-without-disks")
        assert (state, "is not listed" in text) == (EXCEPTION, True)
        assert stage.owners() == ["hv01"]

    def test_an_address_at_which_nobody_listens(self, stage: Stage) -> None:
        state, text = stage.run("move", address="10.20.0.99")
        assert (state, "(0x8007274D)" in text) == (EXCEPTION, True)

    def test_what_is_staged_stands_in_the_way_of_all_but_its_own(self, stage: Stage) -> None:
        assert stage.run("stage") == (COMPLETED, "")
        planned = stage.send("planned", "hv02")
        assert planned.text("Name") == stage.machine_id
        assert stage.run("move")[0] == EXCEPTION
        assert [one.id.upper() for one in stage.target.state.planned] == [stage.machine_id]
        assert stage.send("destroy-planned", "hv02").returned == 4096
        assert stage.run("move-staged")[0] == EXCEPTION, "there is none any more"
        assert stage.run("stage") == (COMPLETED, "")
        assert stage.run("move-staged") == (COMPLETED, "")
        assert (stage.owners(), stage.target.state.planned) == (["hv02"], [])

    def test_a_failed_move_may_leave_a_planned_machine(self, stage: Stage) -> None:
        stage.source.speed(SLOW)
        stage.target.set(leaves_planned=True)
        job = stage.begin("move")
        assert dc.until(lambda: len(stage.target.disk_files()) > 0, SECONDS)
        stage.send("kill", job=job)
        stage.ended(job)
        assert [one.name for one in stage.target.state.planned] == ["web1"]

    def test_a_machine_with_more_than_disks(self, stage: Stage) -> None:
        """Its .vmgs and the parents of its disks go with it; an image has to be there."""
        machine = stage.source.equip("web1")
        stage.source.change_vm("web1", checkpoints=[], floppies=[])
        stage.source.volume.remove([*machine.checkpoints[0].disks, *machine.floppies])
        stage.source.change_vm("web1", parents={machine.disks[0]: machine.files[1]})
        before = stage.trees()[0]
        state, text = stage.run("move")
        assert (state, "0xC03A0014" in text) == (EXCEPTION, True)
        stage.target.volume.fill(machine.images[0], 10)
        assert stage.run("move") == (COMPLETED, "")
        arrived = stage.trees()[1]
        assert {arrived[file] for file in stage.target.vms()["web1"].files} == {
            digest for file, digest in before.items() if file not in machine.images
        }
        assert list(stage.trees()[0]) == machine.images

    def test_disks_of_checkpoints_have_to_be_listed(self, stage: Stage) -> None:
        stage.source.equip("web1")
        before = stage.trees()
        state, text = stage.run("move")
        assert (state, "web1-branch.avhdx" in text) == (EXCEPTION, True)
        assert stage.trees() == before


def test_what_libvirt_asks_goes_over_the_wire(stage: Stage) -> None:
    """All of it is held in test_cim.py, without a network."""
    for number in (1, 3, 5, 40, 42):
        status, answer = stage.operator.post(captured(number))
        assert (status, Told.read(answer).text("EnumerationContext")[:5]) == (200, "uuid:")


def test_an_envelope_over_the_limit(stage: Stage) -> None:
    long = written_by_hand("machines").replace(b"</s:Header>", b" " * 520_000 + b"</s:Header>")
    assert stage.operator.post(long) == (413, b"")


def test_a_stranger_is_not_let_in(stage: Stage) -> None:
    stage.source.set(operators=[ADMINISTRATOR])
    told = stage.send("machines")
    assert (told.subcode, told.code) == ("w:AccessDenied", 5)
