"""The scheduled audit on a real domain controller, night by night, by whoever may only read."""

from __future__ import annotations

import re

import pytest

from tests.lab import Lab, byhand
from tests.lab.description import READER
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
    byhand.add_computer(fresh_lab, "gateway")
    byhand.set_rbcd(fresh_lab, "hv02", "gateway")
    found = night(auditor)
    assert (found.code, told(found)) == (3, ["  medium    KCD016  hv02"])
    assert "resource-based: GATEWAY$" in found.out
    byhand.set_object(fresh_lab, "gateway", "sAMAccountName", "ENTRANCE$")
    quiet = night(auditor)
    assert (quiet.code, told(quiet)) == (0, [])
    assert "ENTRANCE$" in auditor.run("audit").out
    byhand.set_rbcd(fresh_lab, "hv02", "entrance", "hv65")
    more = night(auditor)
    assert (more.code, told(more)) == (3, ["  medium    KCD016  hv02"])
    auditor.inventory(HOSTS.replace("01-04", "01,03-04") + "policy: {foreign: ignore}\n")
    left = night(auditor)
    # Nobody retired it, and it still delegates to the others.
    assert (left.code, told(left)) == (3, ["  high      KCD023  HV02", "  left out  hv02"])
    assert told(night(auditor)) == []
