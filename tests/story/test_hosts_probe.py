"""``hosts probe`` on the lab's hosts: what an operator of theirs is told, and what he sends in."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.lab.description import OPERATOR
from tests.lab.hosts import HostLab
from tests.recordings.desk import VARIABLES
from tests.story.farm import Farm, wait
from tests.story.workstation import Workstation

pytestmark = pytest.mark.lab

KIB = 1024


@pytest.fixture
def farm(desk: Workstation, hosts: HostLab) -> Farm:
    return Farm.ready(replace(desk, variables={**VARIABLES, **desk.variables}), hosts)


def told(farm: Farm, file: str = "probe.json") -> dict[str, Any]:
    data: dict[str, Any] = json.loads((farm.desk.folder / file).read_text())
    return data


def still_open(farm: Farm) -> set[str]:
    return {one["key"] for one in told(farm)["not_asked"]}


def test_both_hosts_are_asked_and_nothing_is_changed(farm: Farm, hosts: HostLab) -> None:
    farm.add("hv01", "payroll")
    before = [hosts.host(name).state for name in ("hv01", "hv02")]
    history = farm.desk.run("history").out
    ran = farm.desk.run("hosts", "probe", "hv01", "hv02")
    assert ran.code == 0, ran.text
    text = (farm.desk.folder / "probe.json").read_text()
    data = json.loads(text)
    assert [len(one["answers"]) for one in data["hosts"]] == [15, 15]
    assert [one for host in data["hosts"] for one in host["answers"] if "error" in one] == []
    for private in (
        "payroll",
        "hv01",
        "hv02",
        OPERATOR,
        farm.desk.lab.domain,
        "127.",
        *farm.desk.secrets,
    ):
        assert private.casefold() not in text.casefold(), private
    assert [hosts.host(name).state for name in ("hv01", "hv02")] == before
    assert farm.desk.run("history").out == history


def test_one_is_down_and_one_shows_nothing(farm: Farm, hosts: HostLab) -> None:
    hosts.host("hv01").set(blind=[OPERATOR])
    hosts.kill("hv02")
    ran = farm.desk.run("hosts", "probe", "hv01", "hv02", "-o", "told.json", "--check", "payroll")
    assert ran.code == 1
    assert "nothing listens on hv02" in ran.err
    data = json.loads(Path(farm.desk.folder / "told.json").read_text())
    [access, *_] = data["hosts"][0]["answers"]
    assert "does not tell what it is called" in access["error"]["what"]
    assert data["hosts"][1]["answers"][0]["error"]["what"].startswith("nothing listens on <target>")
    assert data["steps"] == []


def test_an_operator_with_few_rights_and_a_stopped_service_are_answers(
    farm: Farm, hosts: HostLab
) -> None:
    farm.add("hv01", "payroll")
    assert farm.desk.run("hosts", "probe", "hv01", "hv02").code == 0
    assert {"rights", "stopped", "any_network"} & still_open(farm) == {"rights", "stopped"}
    hosts.host("hv01").only_hyperv()
    hosts.host("hv02").set(vmms="Stopped")
    assert farm.desk.run("hosts", "probe", "hv01", "hv02").code == 0
    assert not {"rights", "stopped"} & still_open(farm)
    target = {one["key"]: one for one in told(farm)["hosts"][1]["answers"]}
    assert target["windows"]["facts"]["vmms"] == "Stopped"
    number = farm.wording.verdict("0x80041013", without="0x803380FA")
    assert target["settings"]["error"]["hresult"] == number


def test_machines_are_checked_in_every_way_and_stay_where_they_are(
    farm: Farm, hosts: HostLab
) -> None:
    farm.add("hv01", "payroll")
    hosts.host("hv01").equip("payroll")
    hosts.host("hv01").change_vm("payroll", images=[], floppies=[])
    hosts.host("hv01").add_vm("ledger", disks=2, disk_bytes=KIB)
    before = [hosts.host(name).state for name in ("hv01", "hv02")]
    history = farm.desk.run("history").out
    names = ("--check", "PAYROLL", "--check", "ledger")
    ran = farm.desk.run("hosts", "probe", "hv01", "hv02", *names)
    assert ran.code == 0, ran.text
    with_checkpoint, with_two = (step["facts"]["ways"] for step in told(farm)["steps"])
    assert with_checkpoint["as_sent"]["accepted"] is True
    assert with_checkpoint["without_disks_of_checkpoints"]["accepted"] is False
    error = with_two["last_disk_left_out"]["job"]["errors"][0]
    assert bool(error["message_id"]) is farm.wording.numbers
    assert with_two["as_sent"] == {**with_two["as_sent"], "accepted": True, "planned": False}
    assert with_two["to_nobody"]["accepted"] is False
    assert not {"resources", "two_disks", "checkpoints"} & still_open(farm)
    assert {"move", "cancel", "slots", "staying"} <= still_open(farm)
    text = (farm.desk.folder / "probe.json").read_text().casefold()
    assert [one for one in ("payroll", "ledger", "hv01", "127.") if one in text] == []
    assert [hosts.host(name).state for name in ("hv01", "hv02")] == before
    assert farm.desk.run("history").out == history
    missing = farm.desk.run("hosts", "probe", "hv01", "hv02", "--check", "nobody")
    assert missing.code == 1
    assert "has no machine nobody" in missing.err
    assert len(told(farm)["hosts"]) == 2, "what was asked before is kept"


def test_what_checks_leave_is_told_and_removed_but_what_somebody_staged(
    farm: Farm, hosts: HostLab
) -> None:
    farm.add("hv01", "payroll", "ledger")
    farm.stage("hv01", "ledger", "hv02")
    hosts.host("hv01").set(checks_leave_planned=True)
    names = ("--check", "payroll", "--check", "ledger")
    ran = farm.desk.run("hosts", "probe", "hv01", "hv02", *names)
    assert ran.code == 0, ran.text
    of_payroll, of_ledger = (step["facts"] for step in told(farm)["steps"])
    assert of_payroll["ways"]["as_sent"]["planned"] == {"left": True, "removed": True}
    assert of_ledger["planned_before"] is True
    farm.check()


def test_a_machine_is_moved_there_and_back_and_what_was_seen_is_told(
    farm: Farm, hosts: HostLab
) -> None:
    farm.add("hv01", "payroll")
    farm.slow("hv01", "hv02")
    before = hosts.host("hv01").disk_files()
    asked = farm.desk.run("hosts", "probe", "hv01", "hv02", "--vm", "payroll")
    assert asked.code == 2, asked.text
    assert "nobody is at a terminal" in asked.err
    ran = farm.desk.run("hosts", "probe", "hv01", "hv02", "--vm", "payroll", "--yes")
    assert ran.code == 0, ran.text
    assert farm.where() == {"payroll": "hv01"}
    assert hosts.host("hv01").disk_files() == before, "there and back"
    farm.check()
    text = (farm.desk.folder / "probe.json").read_text()
    data = json.loads(text)
    check, ways, cancel, move, back = (step["facts"] for step in data["steps"])
    assert check["target_after"]["planned"] == {"planned": 0}
    assert ways["ways"]["as_sent"]["accepted"] is True
    assert cancel["where"] == "on its source"
    assert cancel["failure"]["stopped"]
    assert cancel["cancelled_after"]
    assert move["where"] == back["where"] == "on its target"
    assert move["failure"] is None
    assert len(move["percents"]) > 1
    jobs = move["source_after"]["jobs"]["migrations"]
    assert {job["state"] for job in jobs} >= {7, 8}
    assert {job["type"] for job in jobs[:2]} == {306}, "checks are many, and come after"
    assert not {"move", "cancel", "leftovers", "resources"} & still_open(farm)
    assert {"slots", "failed", "two_disks"} <= still_open(farm)
    assert "payroll" not in text
    kinds = [run["kind"] for run in farm.desk.runs()]
    assert kinds.count("migrate") == 2, "on record as any other"


def test_no_machine_is_moved_to_a_host_that_shows_nothing(farm: Farm) -> None:
    farm.add("hv01", "payroll")
    farm.hosts.host("hv02").set(blind=[OPERATOR])
    ran = farm.desk.run("hosts", "probe", "hv01", "hv02", "--vm", "payroll", "--yes")
    assert ran.code == 4, ran.text
    assert "nothing was moved" in ran.err
    assert farm.where() == {"payroll": "hv01"}


def test_ctrl_c_in_the_midst_says_what_goes_on_and_resume_takes_it_back(farm: Farm) -> None:
    farm.add("hv01", "payroll")
    farm.slow(speed=16 * KIB)
    # Nothing is cancelled in time, so that it is moved at once.
    farm.hosts.host("hv01").set(cancelling="ignored")
    running = farm.desk.start("hosts", "probe", "hv01", "hv02", "--vm", "payroll", "--yes")
    wait(lambda: "payroll" in farm.copying("hv01"))
    running.interrupt()
    ended = running.end()
    assert ended.code == 130
    assert "goes on at its host until this stops it" in ended.err
    assert "migrate resume 2" in ended.err
    assert not (farm.desk.folder / "probe.json").exists()
    farm.hosts.host("hv01").set(cancelling="honoured")
    resumed = farm.run("resume", "2")
    assert resumed.code == 1, resumed.text
    assert farm.states() == {"payroll": "aborted"}
    assert farm.where() == {"payroll": "hv01"}
    farm.check()


def test_ctrl_c_while_hosts_are_asked_leaves_nothing(farm: Farm) -> None:
    farm.add("hv01", "payroll")
    farm.hosts.host("hv01").set(slow_answer=2.0)
    history = farm.desk.run("history").out
    running = farm.desk.start("hosts", "probe", "hv01", "hv02", "--check", "payroll")
    assert running.process.stderr
    assert any("asking hv01 and hv02" in line for line in running.process.stderr)
    running.interrupt()
    ended = running.end()
    assert ended.code == 130
    assert "nothing was changed on either host, and nothing saved" in ended.err
    assert farm.desk.run("history").out == history
    farm.check()


def test_a_killed_probe_is_on_record_and_is_taken_up(farm: Farm) -> None:
    farm.add("hv01", "payroll")
    farm.slow(speed=16 * KIB)
    running = farm.desk.start("hosts", "probe", "hv01", "hv02", "--vm", "payroll", "--yes")
    wait(lambda: "payroll" in farm.copying("hv01"))
    running.process.kill()
    running.end()
    assert farm.run("abort", "payroll").code == 0
    resumed = farm.run("resume")
    assert resumed.code == 1, resumed.text
    assert farm.where() == {"payroll": "hv01"}
    farm.check()
