"""Two hosts asked what only real ones can tell, and what of it leaves the house."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from delegation.errors import HostRefused, HostUnreachable, UsageError, WrongHost
from delegation.events import Silence
from delegation.hosts.cim.cim_client import Cim
from delegation.hosts.probe import open_questions, probe_questions
from delegation.hosts.probe.probe_facts import family_of, form_of
from delegation.hosts.probe.probe_view import ProbeView
from delegation.hosts.probe.probing import probe_pair
from delegation.inventory import Inventory, reader
from tests.hosts.cim import farms
from tests.hosts.cim.canned import (
    CIMV2,
    DENIED,
    NO_ACCESS,
    V2,
    CannedHost,
    Refusal,
    Row,
    embedded,
    opened,
)

INVENTORY = b"""\
domain: corp.example
remoting: {user: vmadmin@CORP.EXAMPLE}
hosts: {'hv[01-02]': }
"""


class World:
    """Two canned hosts."""

    def __init__(self) -> None:
        self.hosts = {label: farms.host(label.upper()) for label in ("hv01", "hv02")}
        self.inventory: Inventory = reader.parse(INVENTORY, "inventory.yaml")
        self.teller = Silence()
        self.down: str | None = None

    def cim(self) -> Callable[[str], Cim]:
        return self._open

    def _open(self, label: str) -> Cim:
        if label == self.down:
            raise HostUnreachable(f"{label}.corp.example does not answer", "start it")
        return opened(self.hosts[label])

    def asked(self) -> ProbeView:
        return probe_pair(self, "hv01", "HV02$")


def facts(view: ProbeView, key: str) -> Mapping[str, Any]:
    """What the source told, as it is in the file."""
    [found] = [one for one in view.to_json()["hosts"][0]["answers"] if one["key"] == key]
    told: Mapping[str, Any] = found["facts"]
    return told


def test_every_question_is_asked_of_both() -> None:
    world = World()
    view = world.asked()
    for host in view.hosts:
        assert [one.key for one in host.answers] == list(probe_questions.QUESTIONS)
        assert [one.key for one in host.answers if one.error] == []
        assert host.was_asked
    data = view.to_json()
    assert [one["role"] for one in data["hosts"]] == ["source", "target"]
    all_open = [one.key for one in open_questions.QUESTIONS]
    assert [one["key"] for one in data["not_asked"]] == all_open
    assert all(one["question"] and one["attempt"] for one in data["not_asked"])


def test_nothing_is_called_that_could_change_anything() -> None:
    world = World()
    world.hosts["hv01"] = private_host("HV01")
    world.asked()
    called = {one for host in world.hosts.values() for one in host.asked if " " not in one}
    assert called <= {
        *("GetSummaryInformation", "GetVirtualHardDiskState", "GetVirtualHardDiskSettingData"),
        "GetErrorEx",
    }
    assert {one.split()[0] for one in world.hosts["hv01"].asked if " " in one} == {"SELECT"}
    sent = b"".join(message for host in world.hosts.values() for message in host.messages)
    assert b"transfer/Put" not in sent
    assert b"transfer/Delete" not in sent
    assert b"transfer/Create" not in sent


JOB: Row = {
    "InstanceID": "1",
    "JobState": 10,
    "JobType": 306,
    "ErrorCode": 32768,
    "Owner": "CORP\\secretadmin",
    "VirtualSystemName": farms.upper("vm0"),
    "DestinationHost": "hv02.corp.example",
}


def private_host(name: str) -> CannedHost:
    """A host with names everywhere."""
    host = farms.host(name)
    farms.machine(host, "payroll-db")
    host.has("Msvm_MigrationJob", JOB)
    reason = {"Message": "payroll-db could not move to hv02", "MessageID": "21024"}
    host.methods["GetErrorEx"] = lambda _: (
        f"<p:Errors>{embedded('Msvm_Error', reason)}</p:Errors><p:ReturnValue>0</p:ReturnValue>"
    )
    words = (
        "HV01.corp.example refuses CORP\\vmadmin (S-1-5-21-1-2-3-500) at 10.20.0.11, fe80::1:2, "
        "C:\\VMs\\payroll-db\\system.vhdx, \\\\sofs01\\vms$ for "
        f"{farms.upper('vm0')}: 0x80041001"
    )
    host.refusals["Msvm_NoSuchClass"] = Refusal("w:InternalError", 2150858817, words)
    host.refusals["root/standardcimv2"] = Refusal("w:AccessDenied", 5, words)
    return host


def test_no_name_and_no_place_is_in_the_file() -> None:
    world = World()
    world.hosts = {label: private_host(label.upper()) for label in world.hosts}
    text = json.dumps(world.asked().to_json(), ensure_ascii=False).casefold()
    secrets = (
        *("payroll", "secretadmin", "vmadmin", "hv01", "hv02", "corp", "10.20.0", "sofs01"),
        *("fe80:", "s-1-5", "\\\\vms", "system.vhdx", "vm0", "setup.iso", str(farms.guid("vm0"))),
    )
    assert [one for one in secrets if one in text] == []
    for kept in ("<source>", "<user>", "<path>", "<address>", "<sid>", "0x80041001", "21024"):
        assert kept in text, kept


def test_numbers_and_forms_are_kept() -> None:
    world = World()
    host = world.hosts["hv01"]
    host.has("Msvm_VirtualSystemMigrationNetworkSettingData", farms.EVERYWHERE)
    host.refusals[CIMV2] = DENIED
    view = world.asked()
    assert facts(view, "networks")["networks"][1] == {
        "subnet": "0.0.0.0",  # noqa: S104
        "prefix": 0,
        "metric": 0,
        "tags": ["Microsoft:UserManagedAllNetworks"],
    }
    refused = facts(view, "namespaces")[f"{CIMV2} Win32_Volume"]
    assert refused["refused"] == "0x80041003"
    assert refused["said"][1].startswith("AccessDenied: 0x80041003")
    assert facts(view, "windows")["windows"]["refused"] == "0x80041003"
    assert facts(view, "machines")["places"] == {"drive, vhdx": 4}
    assert facts(view, "faults")["no_such_namespace"]["refused"] == "0x8004100E"
    assert facts(view, "faults")["no_such_property"]["refused"] == "0x80041017"


def test_what_makes_no_sense_is_told_without_a_name() -> None:
    world = World()
    world.hosts["hv01"].rows[V2, "Msvm_SnapshotOfVirtualSystem"].clear()
    view = world.asked()
    assert facts(view, "machines")["list"] == {
        "refused": "without a number",
        "said": ["<source> tells a checkpoint, and not of which virtual machine"],
    }
    assert "before the update" not in json.dumps(view.to_json())


def test_of_many_jobs_those_of_moves_are_told() -> None:
    world = World()
    completed: Row = {**JOB, "JobState": 7, "ErrorCode": 0}
    for number in range(probe_questions.MOST_JOBS + 5):
        check: Row = {**completed, "InstanceID": f"c{number}", "JobType": 302}
        world.hosts["hv01"].has("Msvm_MigrationJob", check)
    world.hosts["hv01"].has("Msvm_MigrationJob", {**completed, "InstanceID": "m"})
    told = facts(world.asked(), "jobs")["migrations"]
    assert len(told) == probe_questions.MOST_JOBS
    assert [one["type"] for one in told[:2]] == [306, 302]


def test_both_languages_are_asked_and_the_usual_one_again() -> None:
    world = World()
    world.asked()
    assert world.hosts["hv01"].languages == ["en-US", "ja-JP", "en-US"]


def test_a_host_without_rights_is_asked_on_and_says_so() -> None:
    world = World()
    world.hosts["hv01"].refusals[V2] = NO_ACCESS
    view = world.asked()
    assert view.source.was_asked
    found = {one.key: one.error for one in view.source.answers}
    assert found["access"] is not None
    assert found["access"].hresult == "0x80070005"
    assert facts(view, "namespaces")[f"{CIMV2} Win32_Volume"] == 3
    assert view.target.was_asked


def test_another_computer_is_asked_nothing_more() -> None:
    world = World()
    world.hosts["hv02"] = farms.host("HV77")
    view = world.asked()
    assert isinstance(view.target.failure, WrongHost)
    assert len(world.hosts["hv02"].asked) == 1
    assert len(view.target.answers) == 1


def test_a_refused_logon_is_tried_once() -> None:
    world = World()
    tries = []

    def refuse(message: bytes, **_: object) -> bytes:
        tries.append(message)
        raise HostRefused("hv01 refuses the Kerberos logon of vmadmin")

    world.hosts["hv01"].answer = refuse  # type: ignore[method-assign]
    view = world.asked()
    assert isinstance(view.source.failure, HostRefused)
    assert len(tries) == 1


def test_a_host_that_is_lost_on_its_way_keeps_what_it_told() -> None:
    world = World()
    world.hosts["hv01"].losing_after = 4
    world.hosts["hv01"].losing = 0
    view = world.asked()
    assert view.source.was_asked, "what is lost once is read again"
    world.down = "hv02"
    assert isinstance(world.asked().target.failure, HostUnreachable)
    assert world.asked().to_json()["hosts"][1]["error"]["what"].startswith("<target>")


def test_two_hosts_of_the_inventory_are_needed() -> None:
    world = World()
    with pytest.raises(UsageError, match="the same host"):
        probe_pair(world, "hv01", "HV01.corp.example")
    with pytest.raises(UsageError, match="hv09 is not a host of the inventory"):
        probe_pair(world, "hv01", "hv09")


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("C:\\VMs\\a b\\x.VHDX", "drive, vhdx"),
        ("C:\\ClusterStorage\\Volume1\\x.avhdx", "cluster volume, avhdx"),
        ("\\\\sofs01\\vms$\\x.vhd", "share, vhd"),
        ("\\\\?\\Volume{0}\\x.vhdx", "device path, vhdx"),
        ("x", "device path, no extension"),
    ],
)
def test_a_path_is_told_by_its_kind(path: str, form: str) -> None:
    assert form_of(path) == form


@pytest.mark.parametrize(
    ("address", "family"),
    [
        ("10.0.0.1", "IPv4"),
        ("169.254.0.1", "IPv4, link-local"),
        ("fe80::1%3", "IPv6, link-local"),
        ("::", "::"),
        ("x", "no address"),
    ],
)
def test_an_address_is_told_by_its_kind(address: str, family: str) -> None:
    assert family_of(address) == family


# What stays open


def answered(hosts: list[dict[str, Any]], steps: list[tuple[str, dict[str, Any]]]) -> set[str]:
    """The keys of the questions that these facts answer."""
    told = open_questions.Told(hosts, steps)
    every = {one.key for one in open_questions.QUESTIONS}
    return every - {one.key for one in open_questions.still_open(told)}


REFUSED = {"root/cimv2 Win32_OperatingSystem": {"refused": "0x80041003"}}


@pytest.mark.parametrize(
    ("host", "keys"),
    [
        ({"namespaces": REFUSED, "machines": {"machines": 0}}, {"rights"}),
        ({"namespaces": REFUSED, "machines": {"list": "no"}}, set()),
        (
            {"namespaces": {"root/cimv2 Win32_OperatingSystem": 1}, "machines": {"machines": 0}},
            set(),
        ),
        ({"jobs": {"owners": 2}}, {"owners"}),
        ({"jobs": {"owners": 1}}, set()),
        (
            {"networks": {"networks": ({"tags": ("Microsoft:UserManagedAllNetworks",)},)}},
            {"any_network"},
        ),
        ({"networks": {"networks": ({"tags": ("Microsoft:UserManaged",)},)}}, set()),
        ({"windows": {"vmms": "Stopped"}}, {"stopped"}),
        ({"windows": {"vmms": "Running"}}, set()),
    ],
)
def test_what_a_host_tells_answers(host: dict[str, Any], keys: set[str]) -> None:
    assert answered([{}, host], []) == keys


STAYS = {"last_disk_stays": {"accepted": False}}


@pytest.mark.parametrize(
    ("steps", "keys"),
    [
        ([("cancel", {"where": None, "unsent": {}})], set()),
        ([("move", {"where": "on its target"})], {"move"}),
        ([("move", {"where": "on its source", "failure": {"stopped": False}})], {"move", "failed"}),
        (
            [("cancel", {"where": "x", "cancelled_after": "1 s", "failure": {"stopped": True}})],
            {"move", "cancel", "leftovers"},
        ),
        ([("cancel", {"where": "x", "cancelled_after": "1 s", "failure": None})], {"move"}),
        ([("ways", {"not_checked": "busy"})], set()),
        ([("ways", {"ways": {}, "state": "Running", "disks_of_checkpoints": 0})], {"resources"}),
        (
            [("ways", {"ways": STAYS, "state": "Saved", "disks_of_checkpoints": 1})],
            {"resources", "two_disks", "checkpoints", "saved"},
        ),
    ],
)
def test_what_is_done_answers(steps: list[tuple[str, dict[str, Any]]], keys: set[str]) -> None:
    assert answered([], steps) == keys


def test_what_no_probe_can_tell_stays_open_with_what_to_try() -> None:
    never = {one.key for one in open_questions.QUESTIONS if one.is_answered is None}
    assert never == {"kill", "staying", "special", "compared", "slots", "restart"}
