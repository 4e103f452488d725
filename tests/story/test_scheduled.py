"""The scheduled audit on a real domain controller, night by night, by whoever may only read."""

from __future__ import annotations

import re

import pytest

from tests.lab import Lab, admin, independent
from tests.lab.description import READER, TRUSTED_TO_AUTH_FOR_DELEGATION
from tests.lab.ldif import addition
from tests.story.test_rules import HOSTS, applied
from tests.story.workstation import Answer, Workstation

pytestmark = pytest.mark.lab


def night(desk: Workstation) -> Answer:
    """With the options that ``schedule`` writes, in the state folder of the unit."""
    unit = desk.run("schedule", "cron")
    [options] = re.findall(r"audit (--new-only --baseline --fail-on medium)", unit.out)
    return desk.run("--state", str(desk.folder / "unit"), "audit", *options.split())


def told(answer: Answer) -> list[str]:
    return re.findall(r"^  (?:\w+|left out) +(?:KCD.*|hv.*)$", answer.out, re.MULTILINE)


def test_what_a_stranger_gets_is_told_the_next_night_and_once(
    desk: Workstation, fresh_lab: Lab
) -> None:
    """By the SIDs on the list: what an account is called changes, and is no news."""
    applied(fresh_lab)
    auditor = Workstation(desk.folder, fresh_lab, READER)
    auditor.inventory(HOSTS)
    assert night(auditor).code == 0
    admin.add_computer(fresh_lab, "gateway")
    admin.set_rbcd(fresh_lab, "hv02", "gateway")
    found = night(auditor)
    assert (found.code, told(found)) == (3, ["  medium    KCD016  hv02"])
    assert "resource-based: GATEWAY$" in found.out
    admin.set_object(fresh_lab, "gateway", "sAMAccountName", "ENTRANCE$")
    quiet = night(auditor)
    assert (quiet.code, told(quiet)) == (0, [])
    assert "ENTRANCE$" in auditor.run("audit").out
    admin.set_rbcd(fresh_lab, "hv02", "entrance", "hv65")
    more = night(auditor)
    assert (more.code, told(more)) == (3, ["  medium    KCD016  hv02"])
    auditor.inventory(HOSTS.replace("01-04", "01,03-04") + "policy: {foreign: ignore}\n")
    left = night(auditor)
    # Nobody retired it, and it still delegates to the others.
    assert (left.code, told(left)) == (3, ["  high      KCD023  HV02", "  left out  hv02"])
    assert told(night(auditor)) == []


def test_whoever_comes_from_outside_fails_the_night(desk: Workstation, fresh_lab: Lab) -> None:
    """A list of a stranger's own, a host's names taken over, a stranger on a host's list."""
    applied(fresh_lab)
    auditor = Workstation(desk.folder, fresh_lab, READER)
    auditor.inventory(HOSTS)
    assert night(auditor).code == 0

    admin.add_computer(fresh_lab, "gateway")
    admin.set_flags(fresh_lab, "gateway", on=TRUSTED_TO_AUTH_FOR_DELEGATION)
    admin.add_values(fresh_lab, "gateway", "cifs/hv01")
    of_its_own = night(auditor)
    assert (of_its_own.code, told(of_its_own)) == (3, ["  high      KCD029  hv01: GATEWAY$"])
    assert "with protocol transition it may act as any user there" in of_its_own.out

    managed = addition(
        f"CN=svc-vm,CN=Managed Service Accounts,{fresh_lab.base_dn}",
        {
            "objectClass": ["msDS-GroupManagedServiceAccount"],
            "sAMAccountName": ["svc-vm$"],
            "dNSHostName": ["svc-vm.corp.example"],
            "msDS-ManagedPasswordInterval": ["30"],
        },
    )
    admin.modify(fresh_lab, managed)
    spns = independent.computer(fresh_lab, "hv02").texts("servicePrincipalName")
    hosts = [spn for spn in spns if spn.casefold().startswith("host/")]
    admin.set_attribute(fresh_lab, "hv02", "servicePrincipalName", *(set(spns) - set(hosts)))
    admin.set_object(fresh_lab, "svc-vm", "servicePrincipalName", *hosts)
    taken_over = night(auditor)
    assert taken_over.code == 3
    assert "  critical  KCD011  hv02" in told(taken_over)
    assert "registered on another account (svc-vm$)" in taken_over.out

    admin.set_rbcd(fresh_lab, "hv03", "gateway")
    on_a_list = night(auditor)
    assert (on_a_list.code, told(on_a_list)) == (3, ["  medium    KCD016  hv03"])
    assert night(auditor).code == 0
