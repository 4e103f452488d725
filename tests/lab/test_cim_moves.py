"""Check and move by CIM on lab hosts: tickets of the KDC, real shares, real bytes, jobs.

The requests are written by hand from the documentation, and sent by a client that shares no code
with the product's: what is said here is said of the lab.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab import byhand, dc
from tests.lab.by_hand import (
    Told,
    captured,
    embedded_values,
    local,
    values,
    written_by_hand,
)
from tests.lab.description import (
    ADMINISTRATOR,
    OPERATOR,
    TRUSTED_TO_AUTH_FOR_DELEGATION,
    Lab,
    cifs_values,
    migration_values,
)
from tests.lab.hosts.desk import about
from tests.lab.hosts.host import Host
from tests.lab.hosts.hostlab import HostLab
from tests.lab.hosts.labhost import LabHost
from tests.lab.hosts.stage import SLOW, delegate
from tests.lab.hosts.state import MIB
from tests.lab.plain_client import PlainClient
from tests.lab.wsman.elsewhere import Elsewhere

SECONDS = 30.0
NEW, STARTING, RUNNING, SHUTTING_DOWN = 2, 3, 4, 6
COMPLETED, TERMINATED, KILLED, EXCEPTION = 7, 8, 9, 10


@pytest.fixture(scope="module")
def plain(lab: Lab) -> Iterator[Elsewhere]:
    keytab = f"FILE:{lab.keytab(OPERATOR)}"
    variables = {"KRB5_CLIENT_KTNAME": keytab, "KRB5CCNAME": "MEMORY:own"}
    with Elsewhere(lab, PlainClient, **variables) as client:
        yield client


class Operator:
    """Moves ``web1`` of hv01 to hv02, and looks at both."""

    def __init__(self, hosts: HostLab, plain: Elsewhere) -> None:
        self.lab, self.plain = hosts.lab, plain
        self.source, self.target = hosts.host("hv01"), hosts.host("hv02")
        for host in (self.source, self.target):
            host.ready()
        self.source.add_vm("web1")
        self.met, self.machine_id = "", ""

    def send(self, name: str, host: str = "hv01", **blanks: str) -> Told:
        """Send a request that was written by hand."""
        if self.met != host:
            address = self.lab.host_address(host)
            self.plain.call("meet", address, self.lab.fqdn(host), f"{OPERATOR}@CORP.EXAMPLE")
            self.met = host
        document = written_by_hand(name, **{**self.blanks(), **blanks})
        status, answer = self.plain.call("send", document)
        return Told.read(answer, fault=status != 200)

    def blanks(self) -> dict[str, str]:
        """What the request has to know of the machine."""
        if "web1" not in self.source.vms():
            return {"machine": self.machine_id}
        machine = self.source.vms()["web1"]
        self.machine_id = machine.id.upper()
        return about(Host(self.lab, "hv01"), machine)

    def begin(self, name: str, **blanks: str) -> str:
        """Begin a job, and give its identifier."""
        told = self.send(name, **blanks)
        assert told.returned == 4096, told.text("Reason")
        return told.selectors["InstanceID"]

    def job(self, job: str) -> dict[str, Any]:
        """Look at a job."""
        told = self.send("job", job=job)
        return {} if told.fault else values(told.root[1][0])

    def state(self, job: str) -> int:
        """Give a job's JobState."""
        return int(self.job(job)["JobState"][0])

    def ended(self, job: str) -> dict[str, Any]:
        """Wait until a job has ended."""
        assert dc.until(lambda: self.state(job) > SHUTTING_DOWN, SECONDS)
        return self.job(job)

    def run(self, name: str, **blanks: str) -> tuple[int, str]:
        """Have a job done; give its JobState and the text of its errors."""
        shown = self.ended(self.begin(name, **blanks))
        return int(shown["JobState"][0]), shown["ErrorDescription"][0]

    def owners(self) -> list[str]:
        """Name the hosts whose machine it is."""
        return [host.name for host in (self.source, self.target) if "web1" in host.vms()]

    def trees(self) -> list[dict[str, str]]:
        """Give the hashes of all files of both."""
        return [host.disk_files() for host in (self.source, self.target)]

    def is_clean(self) -> bool:
        """Tell whether no share, no folder of one, no migration and no planned machine is left."""
        hosts: list[LabHost] = [self.source, self.target]
        noted = [one.state.outgoing or one.state.incoming or one.state.planned for one in hosts]
        return not any(noted) and not any(one.shares() or one.staging() for one in hosts)


@pytest.fixture
def operator(hosts: HostLab, plain: Elsewhere) -> Operator:
    return Operator(hosts, plain)


@pytest.fixture
def delegated(fresh_lab: Lab) -> None:
    delegate(fresh_lab, "hv01", "hv02")


class TestDelegation:
    def test_refused_before_moved_after(self, operator: Operator, fresh_lab: Lab) -> None:
        before = operator.trees()
        for order in ("check", "move"):
            state, text = operator.run(order)
            assert state == EXCEPTION
            assert "(0x8009030E)" in text
        assert (operator.trees(), operator.owners()) == (before, ["hv01"])
        delegate(fresh_lab, "hv01", "hv02")
        assert operator.run("check") == (COMPLETED, "")
        assert operator.run("move") == (COMPLETED, "")
        assert operator.owners() == ["hv02"]
        assert sorted(operator.trees()[1].values()) == sorted(before[0].values())
        assert operator.target.vms()["web1"].disks == [r"C:\VMs\web1\Virtual Hard Disks\web1.vhdx"]
        assert operator.is_clean()

    def test_the_migration_services_value_alone(self, operator: Operator, fresh_lab: Lab) -> None:
        """The check passes, and the move fails where the storage comes."""
        byhand.add_values(fresh_lab, "hv01", *migration_values("hv02"))
        byhand.set_flags(fresh_lab, "hv01", on=TRUSTED_TO_AUTH_FOR_DELEGATION)
        before = operator.trees()
        assert operator.run("check") == (COMPLETED, "")
        state, text = operator.run("move")
        assert (state, "(0x8009030E)" in text) == (EXCEPTION, True)
        assert "storage" in text
        assert "establish a connection" not in text
        assert (operator.trees(), operator.is_clean()) == (before, True)

    def test_the_storages_value_alone(self, operator: Operator, fresh_lab: Lab) -> None:
        byhand.add_values(fresh_lab, "hv01", *cifs_values("hv02"))
        byhand.set_flags(fresh_lab, "hv01", on=TRUSTED_TO_AUTH_FOR_DELEGATION)
        state, text = operator.run("check")
        assert (state, "establish a connection" in text) == (EXCEPTION, True)
        assert "(0x8009030E)" in text

    def test_no_session_of_the_operators_serves(self, operator: Operator, fresh_lab: Lab) -> None:
        """Without protocol transition his own ticket would do, and VMMS has none."""
        delegate(fresh_lab, "hv01", "hv02")
        byhand.set_flags(fresh_lab, "hv01", off=TRUSTED_TO_AUTH_FOR_DELEGATION)
        assert operator.run("check")[0] == EXCEPTION


@pytest.mark.usefixtures("delegated")
class TestJobs:
    def test_a_move_is_a_job_of_the_host(self, operator: Operator) -> None:
        operator.source.speed(SLOW)
        job = operator.begin("move")
        shown = operator.job(job)
        assert shown["JobType"] == ["306"]
        assert shown["VirtualSystemName"] == [operator.machine_id]
        assert shown["DestinationHost"] == ["hv02.corp.example"]
        assert shown["TimeBeforeRemoval"] == ["P0DT0H5M0S"]
        assert dc.until(lambda: int(operator.job(job)["PercentComplete"][0]) > 5, SECONDS)
        planned = operator.send("planned", "hv02")
        assert [one.tag for one in planned.items[0]] == ["Name", "ElementName"]
        assert operator.send("move").returned == 32775
        operator.source.speed(64 * MIB)
        assert operator.ended(job)["JobState"] == [str(COMPLETED)]

    def test_two_requests_at_once_are_one_move(self, operator: Operator) -> None:
        operator.source.speed(SLOW)
        found = [operator.send("move").returned for _ in range(3)]
        assert (found, operator.source.state.moves_begun) == ([4096, 32775, 32775], 1)

    def test_an_ended_job_is_listed_for_a_while(self, operator: Operator) -> None:
        job = operator.begin("check")
        operator.ended(job)
        assert values(operator.send("jobs").items[0])["InstanceID"] == [job]
        operator.source.set(job_seconds=0.0)
        assert operator.send("job", job=job).code == 0x80338000

    @pytest.mark.parametrize(("order", "end"), [("cancel", TERMINATED), ("kill", KILLED)])
    def test_cancelled_it_leaves_both_as_before(
        self, operator: Operator, order: str, end: int
    ) -> None:
        before = operator.trees()
        operator.source.speed(SLOW)
        job = operator.begin("move")
        assert dc.until(lambda: len(operator.target.disk_files()) > 0, SECONDS)
        assert operator.send(order, job=job).returned == 0
        assert operator.ended(job)["JobState"] == [str(end)]
        assert (operator.trees(), operator.owners()) == (before, ["hv01"])
        assert operator.is_clean()
        assert operator.send(order, job=job).returned == 32775

    def test_cancelled_in_other_ways(self, operator: Operator) -> None:
        operator.source.speed(SLOW)
        operator.source.set(cancelling="refused")
        job = operator.begin("move")
        assert operator.job(job)["Cancellable"] == ["false"]
        assert operator.send("cancel", job=job).returned == 32775
        operator.source.set(cancelling="ignored", speed=64 * MIB)
        operator.send("cancel", job=job)
        assert operator.ended(job)["JobState"] == [str(COMPLETED)]
        assert operator.owners() == ["hv02"]

    def test_a_slow_roll_back(self, operator: Operator) -> None:
        operator.source.set(speed=SLOW, rollback_seconds=1.0)
        job = operator.begin("move")
        operator.send("cancel", job=job)
        assert operator.state(job) == SHUTTING_DOWN
        assert operator.ended(job)["JobState"] == [str(TERMINATED)]

    def test_no_slot(self, operator: Operator) -> None:
        """The reason that passes carries no HRESULT."""
        operator.source.limit(0)
        operator.source.set(patience=0.1)
        state, text = operator.run("move")
        assert (state, "limit" in text, "0x" in text) == (EXCEPTION, True, False)

    def test_an_answer_that_is_lost_is_one_move(self, operator: Operator) -> None:
        operator.source.set(lost_answers=["MigrateVirtualSystemToHost"], late=0.5)
        with pytest.raises(Exception, match=r"[Cc]losed|[Aa]bort|[Rr]eset|without"):
            operator.send("move")
        operator.met = ""
        assert operator.source.state.moves_begun == 0
        assert dc.until(lambda: operator.owners() == ["hv02"], SECONDS)
        assert operator.source.state.moves_begun == 1

    def test_jobs_do_not_outlive_a_host_that_dies(self, operator: Operator, hosts: HostLab) -> None:
        before = operator.trees()
        operator.source.speed(SLOW)
        job = operator.begin("move")
        assert dc.until(lambda: len(operator.target.disk_files()) > 0, SECONDS)
        hosts.kill("hv01")
        hosts.start("hv01")
        operator.met = ""
        assert operator.job(job) == {}
        assert dc.until(lambda: operator.trees() == before, SECONDS)


@pytest.mark.usefixtures("delegated")
class TestOrders:
    def test_what_speaks_against_it_has_numbers(self, operator: Operator) -> None:
        operator.target.set(switches=[])
        job = operator.begin("check")
        operator.ended(job)
        told = operator.send("job-errors", job=job)
        texts = ["".join(one.itertext()) for one in told.root.iter() if local(one) == "Errors"]
        found = [embedded_values(one)["MessageID"] for one in texts]
        assert found == [["21024"], ["33012"]]

    def test_japanese_and_then_without_numbers(self, operator: Operator) -> None:
        operator.target.set(authentication="CredSSP")
        operator.source.set(language="ja-JP")
        _, text = operator.run("move")
        assert "0x8009030E" in text
        assert "failed" not in text
        operator.source.set(numbers=False)
        assert "0x" not in operator.run("move")[1]

    def test_a_move_without_the_machines_disks_fails(self, operator: Operator) -> None:
        state, text = operator.run("move-without-disks")
        assert (state, "is not listed" in text) == (EXCEPTION, True)
        assert operator.owners() == ["hv01"]

    def test_an_address_at_which_nobody_listens(self, operator: Operator) -> None:
        state, text = operator.run("move", address="10.20.0.99")
        assert (state, "(0x8007274D)" in text) == (EXCEPTION, True)

    def test_what_is_staged_stands_in_the_way_of_all_but_its_own(self, operator: Operator) -> None:
        assert operator.run("stage") == (COMPLETED, "")
        planned = operator.send("planned", "hv02")
        assert planned.text("Name") == operator.machine_id
        assert operator.run("move")[0] == EXCEPTION
        assert [one.id.upper() for one in operator.target.state.planned] == [operator.machine_id]
        assert operator.send("destroy-planned", "hv02").returned == 4096
        assert operator.run("move-staged")[0] == EXCEPTION, "there is none any more"
        assert operator.run("stage") == (COMPLETED, "")
        assert operator.run("move-staged") == (COMPLETED, "")
        assert (operator.owners(), operator.target.state.planned) == (["hv02"], [])

    def test_a_failed_move_may_leave_a_planned_machine(self, operator: Operator) -> None:
        operator.source.speed(SLOW)
        operator.target.set(leaves_planned=True)
        job = operator.begin("move")
        assert dc.until(lambda: len(operator.target.disk_files()) > 0, SECONDS)
        operator.send("kill", job=job)
        operator.ended(job)
        assert [one.name for one in operator.target.state.planned] == ["web1"]

    def test_a_machine_with_more_than_disks(self, operator: Operator) -> None:
        """Its .vmgs and the parents of its disks go with it; an image has to be there."""
        machine = operator.source.equip("web1")
        operator.source.change_vm("web1", checkpoints=[], floppies=[])
        operator.source.volume.remove([*machine.checkpoints[0].disks, *machine.floppies])
        operator.source.change_vm("web1", parents={machine.disks[0]: machine.files[1]})
        before = operator.trees()[0]
        state, text = operator.run("move")
        assert (state, "0xC03A0014" in text) == (EXCEPTION, True)
        operator.target.volume.fill(machine.images[0], 10)
        assert operator.run("move") == (COMPLETED, "")
        arrived = operator.trees()[1]
        assert {arrived[file] for file in operator.target.vms()["web1"].files} == {
            digest for file, digest in before.items() if file not in machine.images
        }
        assert list(operator.trees()[0]) == machine.images

    def test_disks_of_checkpoints_have_to_be_listed(self, operator: Operator) -> None:
        operator.source.equip("web1")
        before = operator.trees()
        state, text = operator.run("move")
        assert (state, "web1-branch.avhdx" in text) == (EXCEPTION, True)
        assert operator.trees() == before


def test_what_libvirt_asks_goes_over_the_wire(hosts: HostLab, plain: Elsewhere) -> None:
    """Beside PowerShell, on its port; all of it is held in test_cim.py, without a network."""
    operator = Operator(hosts, plain)
    operator.send("machines")
    for number in (1, 3, 5, 40, 42):
        status, answer = plain.call("send", captured(number))
        assert (status, Told.read(answer).text("EnumerationContext")[:5]) == (200, "uuid:")


def test_an_envelope_over_the_limit(hosts: HostLab, plain: Elsewhere) -> None:
    operator = Operator(hosts, plain)
    operator.send("machines")
    long = written_by_hand("machines").replace(b"</s:Header>", b" " * 520_000 + b"</s:Header>")
    assert plain.call("send", long) == (413, b"")


def test_a_stranger_is_not_let_in(hosts: HostLab, plain: Elsewhere) -> None:
    operator = Operator(hosts, plain)
    operator.source.set(operators=[ADMINISTRATOR])
    told = operator.send("machines")
    assert (told.subcode, told.code) == ("w:AccessDenied", 5)
