"""``delegation explain`` at the hosts themselves, and hosts that are not who the inventory says."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lab import admin
from tests.lab.description import OPERATOR, cifs_values
from tests.lab.hosts import HostLab
from tests.story.farm import INVENTORY, Farm
from tests.story.workstation import Workstation

pytestmark = pytest.mark.lab


@pytest.fixture
def farm(desk: Workstation, hosts: HostLab) -> Farm:
    return Farm.ready(desk, hosts)


def links(farm: Farm, *words: str) -> dict[str, Any]:
    data = farm.desk.run("explain", "hv01", "hv02", *words, "--format", "json").data
    return {link["name"]: link for link in data["links"]}


def broken(farm: Farm, *words: str) -> dict[str, str]:
    found = links(farm, *words)
    return {name: one["evidence"] for name, one in found.items() if one["state"] == "broken"}


def test_a_pair_in_order_with_a_dry_run(farm: Farm) -> None:
    farm.add("hv01", "web01")
    assert broken(farm, "--vm", "web01") == {}
    assert broken(farm, "--vm", "WEB01") == {}


def test_a_machine_with_checkpoints_is_checked_where_that_is_said(farm: Farm) -> None:
    farm.add("hv01", "web01")
    farm.hosts.host("hv01").equip("web01")
    farm.hosts.host("hv01").change_vm("web01", images=[], floppies=[])
    refused = broken(farm, "--vm", "web01")
    assert "web01 has checkpoints" in refused["migration check"]
    assert "--with-checkpoints" in refused["migration check"]
    assert broken(farm, "--vm", "web01", "--with-checkpoints") == {}


def test_a_service_that_is_stopped_is_named(farm: Farm) -> None:
    farm.hosts.host("hv02").set(vmms="Stopped")
    found = links(farm)
    assert next(iter(broken(farm))) == "migration service"
    assert found["remote management"]["state"] == "ok"
    assert found["migration service"]["evidence"] == "hv02: vmms is Stopped"
    assert "on hv02: Start-Service vmms" in found["migration service"]["fix"]
    show = farm.desk.run("hosts", "show")
    assert show.code == 1
    # Without WMI's number the code that WinRM has for all of its errors is left.
    number = farm.wording.verdict("0x80041013", without="0x803380FA")
    assert f"(vmms) of hv02.corp.example is Stopped ({number})" in show.err
    assert "Start-Service vmms" in show.err


@pytest.mark.parametrize(
    ("networks", "said"),
    [
        ({}, "hv02 listens nowhere: no network is listed, and any network is off"),
        ({"10.9.0.0/16": 1}, "hv02 listens nowhere: it has no address in 10.9.0.0/16"),
    ],
)
def test_networks_are_broken_where_the_target_listens_nowhere(
    farm: Farm, networks: dict[str, int], said: str
) -> None:
    farm.add("hv01", "web01")
    farm.hosts.host("hv02").set(any_network=False, networks=networks)
    found = broken(farm, "--vm", "web01")
    assert next(iter(found)) == "networks"
    assert found["networks"] == said
    assert "migration check" in found


def test_a_source_needs_no_network_of_its_own(farm: Farm) -> None:
    farm.add("hv01", "web01")
    theirs = farm.hosts.host("hv02").address
    farm.hosts.host("hv01").set(any_network=False, networks={})
    farm.hosts.host("hv02").set(any_network=False, networks={f"{theirs}/32": 1})
    found = links(farm, "--vm", "web01")
    assert {one["state"] for one in found.values()} <= {"ok", "unknown"}
    assert found["networks"]["evidence"] == f"hv02 listens at {theirs}"
    assert found["TCP 6600"]["state"] == "ok"
    assert found["TCP 445"]["state"] == "unknown", "no check comes as far as the files"


def test_with_the_migration_services_values_alone_the_check_passes_and_cifs_is_named(
    farm: Farm,
) -> None:
    """No check tells that the move would fail once files are copied: the directory does."""
    farm.add("hv01", "web01")
    admin.remove_values(farm.desk.lab, "hv01", *cifs_values("hv02"))
    found = links(farm, "--vm", "web01")
    first = next(name for name, one in found.items() if one["state"] == "broken")
    assert first == "values"
    assert "cifs/" in found["values"]["evidence"]
    assert found["migration check"]["state"] == "ok"
    assert "proves no storage" in found["migration check"]["evidence"]


def test_rights_that_show_an_empty_host_are_told_in_the_check(farm: Farm) -> None:
    farm.add("hv01", "web01")
    farm.hosts.host("hv01").set(blind=[OPERATOR])
    found = links(farm, "--vm", "web01")
    assert "broken" in {one["state"] for one in found.values()}
    assert found["migration check"]["state"] != "ok"


def test_a_right_that_is_missing_has_its_number(farm: Farm) -> None:
    farm.hosts.host("hv02").deny()
    found = broken(farm)
    assert "(0x80070005)" in found["remote management"]
    assert "(0x80070005)" in farm.desk.run("hosts", "show").err


def test_a_machine_on_the_other_host_is_found_there(farm: Farm) -> None:
    farm.add("hv02", "web02")
    found = links(farm, "--vm", "web02")["migration check"]
    assert found["evidence"] == "web02 is not on hv01, it is on hv02"
    assert "explain hv02 hv01" in found["fix"]


WRONG = """\
hosts:
  hv01:
  hv02: {fqdn: hv03.corp.example}
"""
DECLARED = "defaults: {live_migration: {migrations: 7, storage_migrations: 7}}\n"
TOLD = "hv03.corp.example is the computer HV03, not hv02"


def test_another_computer_is_read_and_changed_by_nothing(farm: Farm) -> None:
    farm.add("hv03", "web03")
    remoting = INVENTORY.splitlines(keepends=True)[0]
    farm.desk.inventory(remoting + DECLARED + WRONG, dns_servers=f"[{farm.desk.lab.address}]")
    before = farm.hosts.host("hv03").state

    apply = farm.desk.run("hosts", "apply", "--limit", "hv02", "--yes")
    assert apply.code == 1, apply.text
    assert TOLD in apply.err
    assert "correct the fqdn" in apply.err
    assert farm.hosts.host("hv03").state == before
    assert len(farm.desk.runs()) == 1, "nothing but the mesh's own"

    assert TOLD in broken(farm)["remote management"]
    plan = farm.run("plan", farm.moves({"web03": "hv01"}))
    assert plan.code == 4, plan.text
    assert f"hv02: {TOLD}" in plan.text
    assert "no host that was read has it" in plan.text


def test_a_host_that_is_changed_into_another_after_the_plan(farm: Farm) -> None:
    """Its name leads elsewhere by the time of the writing: each opening asks who is there."""
    remoting = INVENTORY.splitlines(keepends=True)[0]
    right = f"{remoting}{DECLARED}hosts: {{hv01: , hv02: }}\n"
    farm.desk.inventory(right, dns_servers=f"[{farm.desk.lab.address}]")
    assert farm.desk.run("hosts", "apply", "--yes").code == 0
    assert farm.hosts.host("hv02").state.migrations == 7
    farm.desk.inventory(remoting + DECLARED + WRONG, dns_servers=f"[{farm.desk.lab.address}]")
    before = farm.hosts.host("hv03").state
    back = farm.desk.run("hosts", "rollback", "--yes")
    assert "hv02" in back.err
    assert farm.hosts.host("hv03").state == before
    assert farm.hosts.host("hv02").state.migrations == 7
