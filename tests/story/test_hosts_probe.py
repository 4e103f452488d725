"""``hosts probe`` on the lab's hosts: what an operator of theirs is told, and what he sends in."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.lab.description import OPERATOR
from tests.lab.hosts import HostLab
from tests.recordings.desk import VARIABLES
from tests.story.farm import Farm
from tests.story.workstation import Workstation

pytestmark = pytest.mark.lab


@pytest.fixture
def farm(desk: Workstation, hosts: HostLab) -> Farm:
    return Farm.ready(replace(desk, variables={**VARIABLES, **desk.variables}), hosts)


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
    ran = farm.desk.run("hosts", "probe", "hv01", "hv02", "-o", "told.json")
    assert ran.code == 1
    assert "nothing listens on hv02" in ran.err
    data = json.loads(Path(farm.desk.folder / "told.json").read_text())
    [access, *_] = data["hosts"][0]["answers"]
    assert "does not tell what it is called" in access["error"]["what"]
    assert data["hosts"][1]["answers"][0]["error"]["what"].startswith("nothing listens on <target>")


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
    check, cancel, move, back = (step["facts"] for step in data["steps"])
    assert check["target_after"]["planned"] == {"planned": 0}
    assert cancel["where"] == "on its source"
    assert cancel["failure"]["stopped"]
    assert cancel["cancelled_after"]
    assert move["where"] == back["where"] == "on its target"
    assert move["failure"] is None
    assert len(move["percents"]) > 1
    jobs = move["source_after"]["jobs"]["migrations"]
    assert {job["state"] for job in jobs} >= {7, 8}
    assert "move" not in data["not_asked"]
    assert "slots" in data["not_asked"]
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
