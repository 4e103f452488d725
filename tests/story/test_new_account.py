"""A host's whole life on a real domain: joined again, renamed, moved to another DNS suffix."""

from __future__ import annotations

import pytest

from tests.lab import Lab, admin
from tests.lab.description import MIGRATION
from tests.story.witness import holding, mesh, towards
from tests.story.workstation import Workstation

pytestmark = pytest.mark.lab

NEW_NAMES = ("node44", "node44.corp.example")
FOUR = "hosts: {'hv[01-04]': }\n"


def joined_again(lab: Lab, host: str) -> None:
    admin.delete(lab, host)
    called = (host, f"{host}.corp.example")
    names = [f"{service}/{name}" for service in ("HOST", MIGRATION) for name in called]
    admin.add_computer(lab, host, dns=called[1], services=names)


def rules(desk: Workstation) -> list[tuple[str, str]]:
    found = desk.run("audit", "--inside-only", "--format", "json").data["findings"]
    return sorted({(one["rule"], one["computer"]) for one in found})


def test_a_host_that_was_joined_again_is_refused_until_somebody_allows_it(
    desk: Workstation, fresh_lab: Lab
) -> None:
    desk.inventory(FOUR)
    assert desk.run("apply", "--yes").code == 0
    joined_again(fresh_lab, "hv04")
    assert ("KCD025", "hv04") in rules(desk)
    before = mesh(fresh_lab)
    for words in (["plan"], ["apply", "--yes"], ["export", "ldif", "-o", "change.ldif"]):
        refused = desk.run(*words)
        assert refused.code == 4, refused.text
        [line] = [one for one in refused.text.splitlines() if "[new-account]" in one][:1]
        assert "by whom is not known (its owner is Domain Admins)" in line
        assert "delegation apply --allow new-account=hv04" in line
    assert desk.run("apply", "--yes", "--allow", "new-account=hv03").code == 4
    assert mesh(fresh_lab) == before
    # An audit that has seen it does not make it the known one.
    assert ("KCD025", "hv04") in rules(desk)
    allowed = desk.run("apply", "--yes", "--allow", "new-account=hv04")
    assert allowed.code == 0, allowed.text
    assert set(mesh(fresh_lab)["hv04"][1]) == towards("hv01", "hv02", "hv03")
    assert rules(desk) == []
    assert desk.run("plan").code == 0


def test_it_can_be_allowed_where_nothing_is_to_be_written(
    desk: Workstation, fresh_lab: Lab
) -> None:
    """Targets alone hold no values: what their peers hold names the new object already."""
    desk.inventory(FOUR + "meshes: {one: {sources: ['hv[01-03]'], targets: [hv04]}}\n")
    assert desk.run("apply", "--yes").code == 0
    joined_again(fresh_lab, "hv04")
    assert desk.run("plan").code == 4
    allowed = desk.run("apply", "--yes", "--allow", "new-account=hv04")
    assert allowed.code == 0, allowed.text
    assert "another account of hv04 is allowed" in allowed.err
    assert desk.run("plan").code == 0
    assert "1 new account allowed" in desk.run("history").out


def test_a_renamed_host_takes_one_line_and_its_rollback_finds_it(
    desk: Workstation, fresh_lab: Lab
) -> None:
    desk.inventory(FOUR)
    assert desk.run("apply", "--yes").code == 0
    admin.set_attribute(fresh_lab, "hv04", "sAMAccountName", "NODE44$")
    admin.set_attribute(fresh_lab, "node44", "dNSHostName", "node44.corp.example")
    names = [f"{service}/{name}" for service in ("HOST", MIGRATION) for name in NEW_NAMES]
    admin.set_attribute(fresh_lab, "node44", "servicePrincipalName", *names)
    lost = desk.run("plan")
    assert (lost.code, "is NODE44$ now" in lost.err) == (1, True)
    desk.inventory("hosts: {'hv[01-03]': , node44: }\n")
    assert "was hv04$ (hv04.corp.example): the same account" in desk.run("plan").err
    desk.inventory("hosts: {'hv[01-03]': , node44: {former: [hv04]}}\n")
    plan = desk.run("plan", "--format", "json").data
    assert {one["computer"] for one in plan["changes"]} == {"hv01", "hv02", "hv03"}
    for one in plan["changes"]:
        assert set(one["add"]) == towards("node44")
        assert {gone["value"] for gone in one["remove"]} == towards("hv04")
    before = mesh(fresh_lab)
    assert desk.run("apply", "--yes").code == 0
    assert (desk.run("plan").code, rules(desk)) == (0, [])
    assert desk.run("rollback", "--yes").code == 0
    assert mesh(fresh_lab) == before
    undone = desk.run("rollback", "1", "--yes")
    assert undone.code == 0, undone.text
    assert "NODE44 (CN=HV04,OU=Hyper-V,DC=corp,DC=example) is what the journal calls hv04" in (
        undone.text
    )
    assert holding(fresh_lab) == {}


def test_the_suffix_of_ten_hosts_takes_one_line(desk: Workstation, fresh_lab: Lab) -> None:
    """And one that says what it was: the plan adds and removes exactly theirs."""
    ten, twelve = [f"hv{n:02}" for n in range(1, 11)], [f"hv{n:02}" for n in range(1, 13)]
    desk.inventory("hosts: {'hv[01-12]': }\n")
    assert desk.run("apply", "--yes").code == 0
    for host in ten:
        fqdn = f"{host}.dc2.corp.example"
        admin.set_attribute(fresh_lab, host, "dNSHostName", fqdn)
        names = [f"{s}/{n}" for s in ("HOST", MIGRATION) for n in (host, fqdn)]
        admin.set_attribute(fresh_lab, host, "servicePrincipalName", *names)
    desk.inventory(
        "hosts:\n  hv[01-10]: {suffix: dc2.corp.example}\n  hv[11-12]:\n"
        "former_suffixes: [corp.example]\n"
    )
    plan = desk.run("plan", "--format", "json").data
    assert plan["blocked"] == []
    services = ("cifs", MIGRATION)
    for one in plan["changes"]:
        peers = [host for host in ten if host != one["computer"]]
        added = {f"{s}/{peer}.dc2.corp.example" for s in services for peer in peers}
        gone = {f"{s}/{peer}.corp.example" for s in services for peer in peers}
        assert {value.casefold() for value in one["add"]} == {it.casefold() for it in added}
        assert {it["value"].casefold() for it in one["remove"]} == {it.casefold() for it in gone}
    assert {one["computer"] for one in plan["changes"]} == set(twelve)
    # One of them answers to its old name still: what names it so is alive.
    alive = "hv10.corp.example"
    admin.set_attribute(fresh_lab, "hv10", "msDS-AdditionalDnsHostName", alive)
    plan = desk.run("plan", "--format", "json").data
    assert not [gone for one in plan["changes"] for gone in one["remove"] if alive in gone["value"]]
    assert len([one for one in plan["kept"] if alive in one["value"]]) == 11 * len(services)
    admin.set_attribute(fresh_lab, "hv10", "msDS-AdditionalDnsHostName")
    assert desk.run("apply", "--yes").code == 0
    assert desk.run("plan").code == 0
    assert rules(desk) == []
