"""Migrations by somebody who is no local administrator: what he may, and what he can't be told."""

from __future__ import annotations

import pytest

from tests.lab.description import OPERATOR
from tests.lab.hosts import HostLab
from tests.story.farm import INVENTORY, Farm
from tests.story.workstation import Workstation

pytestmark = pytest.mark.lab


@pytest.fixture
def farm(desk: Workstation, hosts: HostLab) -> Farm:
    found = Farm.ready(desk, hosts)
    for name in hosts.names:
        hosts.host(name).only_hyperv()
    return found


def test_an_operator_who_is_no_administrator_drains_a_host(farm: Farm) -> None:
    """What he can't be told, free space, is said; it is assumed full where he says so."""
    farm.add("hv01", "web01", "web02")
    full = farm.run("drain", "hv01", "--assume-full", "--yes")
    assert full.code == 4, full.text
    assert "no room: it needs" in full.text
    assert set(farm.where().values()) == {"hv01"}
    ran = farm.run("drain", "hv01", "--yes")
    assert ran.code == 0, ran.text
    assert "free is not told" in ran.text
    is_untold = "is a node of a cluster" in ran.text
    assert is_untold is not farm.wording.numbers, "that there is no such namespace has a number"
    assert "hv01" not in farm.where().values()
    farm.check()


@pytest.mark.parametrize("blind", [("hv01",), ("hv02", "hv03", "hv04")])
def test_a_host_that_shows_nothing_is_neither_drained_nor_moved_to(
    farm: Farm, blind: tuple[str, ...]
) -> None:
    """Missing rights look like an empty host: on the source, or on the targets alone."""
    farm.add("hv01", "web01")
    for label in blind:
        farm.hosts.host(label).set(blind=[OPERATOR])
    ran = farm.run("drain", "hv01", "--yes")
    assert ran.code == 4, ran.text
    assert "nothing was moved" in ran.text
    assert "Hyper-V Administrators" in ran.text or "no host that stays and was read" in ran.text
    assert farm.where() == {"web01": "hv01"}
    farm.check()


SHARED = r"\\sofs01\vms\web01.vhdx"
SERVERS = "file_servers: {sofs01: {fqdn: sofs01.corp.example, reached_from: [all]}}\n"


def test_a_disk_on_a_file_server_is_measured_where_the_mesh_has_the_server(farm: Farm) -> None:
    """By the source, in the operator's name: its own delegation to that server decides."""
    farm.add("hv01", "web01")
    host = farm.hosts.host("hv01")
    host.change_vm("web01", disks=[SHARED])
    host.set(shared={SHARED: 7 << 30})
    plan = farm.run("plan", "--drain", "hv01", "--format", "json")
    assert plan.code == 4, plan.text
    [refused] = plan.data["unmovable"]
    assert refused["why"].endswith("and how large they are is not told")
    assert "its host needs cifs/sofs01" in refused["fix"]

    farm.desk.inventory(INVENTORY + SERVERS, dns_servers=f"[{farm.desk.lab.address}]")
    assert farm.desk.run("apply", "--yes").code == 0
    plan = farm.run("plan", "--drain", "hv01", "--format", "json")
    [refused] = plan.data["unmovable"]
    assert ", 7.0 GB): that Windows takes them along was never seen" in refused["why"]
