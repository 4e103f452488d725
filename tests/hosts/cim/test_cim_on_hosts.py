"""The CIM client on the lab's hosts: a real socket, real tickets, every message sealed.

The lab's side is made by nobody who made the client, from the same documents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from delegation.errors import CimFailed, HostError, HostRefused, WrongHost
from delegation.hosts.cim.cim_faults import AccessRefused
from delegation.hosts.cim.cim_jobs import MOVES, CimJob, JobState
from delegation.hosts.cim.told import NotTold
from delegation.hosts.places import Account, Place
from tests.hosts.cim.cim_asker import CimAsker
from tests.lab.description import OPERATOR, READER
from tests.lab.elsewhere import Elsewhere
from tests.lab.hosts import HostLab
from tests.lab.hosts.desk import machine_numbered
from tests.lab.hosts.stage import Stage, session_operator, stage
from tests.lab.hosts.state import GIB, MIB, Checkpoint, Machine

pytestmark = pytest.mark.lab
__all__ = ["session_operator", "stage"]

DISK = "C:\\Hyper-V\\web1\\Virtual Hard Disks\\web1.vhdx"
UNKNOWN_TO_WINRM = "0x803380FA"
"""What WinRM makes of an error of WMI's: its own code, which says nothing of it."""
CIMV2, STANDARD = "root/cimv2", "root/standardcimv2"

Ask = Callable[..., Any]


@pytest.fixture
def asker(hosts: HostLab) -> Iterator[Elsewhere]:
    with Elsewhere(hosts.lab, CimAsker) as started:
        meet(started, hosts)
        yield started


def meet(asker: Elsewhere, hosts: HostLab, user: str = OPERATOR, **others: Any) -> None:
    """Turn to hv01 anew."""
    lab = hosts.lab
    place = Place(lab.fqdn("hv01"), lab.host_address("hv01"), **others)
    asker.call("renew", place, Account(user, str(lab.keytab(user))))


def error(asker: Elsewhere, *words: Any) -> HostError:
    with pytest.raises(HostError) as caught:
        asker.call("ask", *words)
    return caught.value


def test_a_whole_host(hosts: HostLab, asker: Elsewhere) -> None:
    host = hosts.host("hv01")
    host.set(enabled=True, authentication="Kerberos", performance="SMB", migrations=3)
    host.set(networks={"10.20.0.0/24": 1, "10.21.0.0/24": 2})
    host.set(memory=64 * GIB, disk=GIB)
    web1 = host.add_vm("web1", memory=4 * GIB, disk_bytes=2 * MIB, disks=2)
    host.add_vm("web2", memory=4 * GIB, running=False)
    asker.call("ask", "recognise", "hv01")
    assert asker.call("ask", "read_settings") == {
        "enabled": True,
        "authentication": "Kerberos",
        "migrations": 3,
        "storage_migrations": 2,
        "performance": "SMB",
        "any_network": False,
        "network 10.20.0.0/24": 1,
        "network 10.21.0.0/24": 2,
    }
    assert asker.call("ask", "read_folder") == "C:\\Hyper-V"
    assert asker.call("ask", "free_memory") == 60 * GIB
    one, two = asker.call("ask", "read_machines")
    assert (str(one.id), one.name) == (web1.id, "web1")
    assert [disk.path for disk in one.disks] == web1.disks
    assert (one.state, two.state) == ("Running", "Off")
    assert (one.memory, one.path) == (4 * GIB, web1.path)
    assert asker.call("ask", "read_size", DISK) == 2 * MIB
    [volume] = asker.call("ask", "read_volumes")
    assert (volume.mounted, volume.size, volume.free) == ("C:\\", GIB, host.free_disk())
    assert asker.call("ask", "read_service_state", "vmms") == "Running"
    # That there is no such namespace is told by a number.
    assert (asker.call("ask", "read_cluster") == "") is hosts.wording.numbers
    host.set(clustered=True)
    assert asker.call("ask", "read_cluster")


def test_an_iso_a_floppy_and_a_checkpoint_are_no_disks(hosts: HostLab, asker: Elsewhere) -> None:
    host = hosts.host("hv01")
    host.add_vm("web1")
    with host.store.change() as state:
        machine: Machine = state.machines[0]
        machine.images, machine.floppies = ["C:\\setup.iso"], ["C:\\a.vfd"]
        base = machine.disks[0]
        child = base.replace(".vhdx", "_1.avhdx")
        host.volume.fill(child, MIB)
        machine.disks, machine.parents = [child], {child: base}
        own = "0b54b0c2-5b1f-4b0e-9a4e-6a3a5b1c0d21"
        machine.checkpoints = [Checkpoint(own, "before", [base])]
    [found] = asker.call("ask", "read_machines")
    assert ([disk.path for disk in found.disks], found.checkpoints) == ([child], 1)
    assert [one.path for one in asker.call("ask", "read_chain", child)] == [child, base]


def test_another_computer_and_a_missing_file(hosts: HostLab, asker: Elsewhere) -> None:
    assert isinstance(error(asker, "recognise", "hv02"), WrongHost)
    missing = error(asker, "read_size", "C:\\nothing.vhdx")
    assert isinstance(missing, CimFailed)
    assert missing.code == 32779


def test_an_idle_connection_that_ended(hosts: HostLab, asker: Elsewhere) -> None:
    for _ in range(2):
        assert asker.call("ask", "own_name") == "HV01"
        asker.call("cut")
    assert asker.call("ask", "own_name") == "HV01"


def test_over_https(hosts: HostLab, asker: Elsewhere) -> None:
    meet(asker, hosts, https=True, ca_file=str(hosts.lab.ca_file))
    assert asker.call("ask", "own_name") == "HV01"


def test_an_operator_without_the_rest_of_windows(hosts: HostLab, asker: Elsewhere) -> None:
    host = hosts.host("hv01")
    host.add_vm("web1")
    host.set(refused_namespaces={OPERATOR: [CIMV2, STANDARD]})
    assert len(asker.call("ask", "read_machines")) == 1
    for name in ("read_windows", "read_volumes"):
        found = asker.call("ask", name)
        assert isinstance(found, NotTold)
        assert found.hresult in {"0x80041003", "0x80070005"}
    assert error(asker, "read_addresses").hresult in {"0x80041003", "0x80070005"}


def test_an_operator_who_is_shown_nothing(hosts: HostLab, asker: Elsewhere) -> None:
    host = hosts.host("hv01")
    host.add_vm("web1")
    host.set(blind=[OPERATOR])
    assert isinstance(asker.call("ask", "read_machines"), NotTold)
    assert "does not tell what it is called" in error(asker, "recognise", "hv01").what


def test_somebody_without_any_right(hosts: HostLab, asker: Elsewhere) -> None:
    meet(asker, hosts, READER)
    found = error(asker, "own_name")
    assert isinstance(found, AccessRefused)
    assert isinstance(found, HostRefused)
    assert "Remote Management Users" in found.fix


def test_a_stopped_service(hosts: HostLab, asker: Elsewhere) -> None:
    hosts.host("hv01").set(vmms="Stopped")
    found = error(asker, "own_name")
    assert found.hresult == hosts.wording.verdict("0x80041013", without=UNKNOWN_TO_WINRM)
    assert ("Start-Service vmms" in found.fix) is hosts.wording.numbers
    assert asker.call("ask", "read_service_state", "vmms") == "Stopped"


def test_two_hundred_machines_in_few_round_trips(hosts: HostLab, asker: Elsewhere) -> None:
    host = hosts.host("hv01")
    with host.store.change() as state:
        state.machines = [machine_numbered(number) for number in range(200)]
    for name in ("own_name", "read_settings", "read_service", "read_folder", "free_memory"):
        asker.call("ask", name)
    found = asker.call("ask", "read_machines")
    assert not isinstance(found, NotTold), found
    assert sum(len(one.disks) for one in found) == 400
    assert asker.call("trips") < 60


def test_a_probe_tells_everything(hosts: HostLab, asker: Elsewhere) -> None:
    host = hosts.host("hv01")
    host.add_vm("web1")
    host.set(any_network=True)
    answers = asker.call("answers", "hv01")
    assert [key for key, _, failed in answers if failed] == []
    told = {key: facts for key, facts, _ in answers}
    networks = told["networks"]["networks"]
    assert {tag for one in networks for tag in one["tags"]} == {"Microsoft:UserManagedAllNetworks"}
    refusals = {name: one["refused"] for name, one in told["faults"].items()}
    if not hosts.wording.numbers:
        assert refusals.pop("no_such_object") == "0x80338000"
        assert set(refusals.values()) == {UNKNOWN_TO_WINRM}
        return
    assert refusals == {
        "no_such_class": "0x80041010",
        "no_such_namespace": "0x8004100E",
        "no_such_property": "0x80041017",
        "no_such_object": "0x80041002",
    }


@pytest.mark.every_wording
def test_a_job_that_somebody_else_began(stage: Stage, asker: Elsewhere) -> None:
    """By an envelope written by hand; it fails for want of delegation, and says so in numbers."""
    state, _ = stage.run("move")
    assert state == JobState.EXCEPTION
    [job] = asker.call("ask", "read_migration_jobs", stage.machine_id)
    assert isinstance(job, CimJob)
    assert job.is_over
    assert not job.has_succeeded
    assert (job.kind in MOVES, job.machine) == (True, stage.machine_id)
    assert job.destination == "hv02.corp.example"
    assert bool(job.error_code) is stage.hosts.wording.numbers
    errors = asker.call("ask", "read_job_errors", job)
    wording = stage.hosts.wording
    assert wording.verdict("0x8009030E", without="") in {one.hresult for one in errors}
    assert {bool(one.message_id) for one in errors} == {wording.numbers}
    assert asker.call("ask", "read_job", job.reference).state == job.state
    answers = {key: facts for key, facts, _ in asker.call("answers", "hv01")}
    [told] = answers["jobs"]["migrations"]
    assert wording.verdict("0x8009030E", without="") in {one["hresult"] for one in told["errors"]}
