"""A request that is wrong in one thing is refused by a lab host, and changes nothing there.

The lab was written by those whose product it is to prove: it proves what it refuses.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.lab.hosts.desk import Desk
from tests.lab.hosts.vmms.jobs import STARTING, Job
from tests.lab.mutants import mutants
from tests.lab.requests_of_others import BY_HAND, CAPTURES, Told, captured, written_by_hand

BY_NAME = sorted(file.stem for file in BY_HAND.glob("*.xml"))
OF_OTHERS = {27, 33, 35, 36, 37, 38}
"""What libvirt asked of machines and jobs that it had made."""
LIBVIRTS = sorted(
    number
    for file in CAPTURES.glob("*-request.xml")
    if "Pull" not in file.name and (number := int(file.name[:2])) not in OF_OTHERS
)
PLANNED = "11111111-2222-4333-8444-555555555555"
BAD = {32773, 5}
"""An invalid parameter, in Hyper-V's numbers and in CIM's."""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    planned = replace(desk.machine(), id=PLANNED, name="planned")
    desk.set(networks={"10.30.0.0/16": 0}, planned=[planned], enabled=True)
    return desk


def refused(told: Told) -> bool:
    """Whether it came to nothing, by a fault or by a number."""
    return told.fault or told.returned in BAD


def hold(desk: Desk, document: bytes) -> int:
    """Send all mutants; give how many there were."""
    before, seen, accepted = desk.state, 0, []
    for label, wrong in mutants(document):
        seen += 1
        if not refused(desk.send(wrong)):
            accepted.append(label)
    assert accepted == []
    assert desk.state == before
    assert not refused(desk.send(document)), "the request itself is right"
    return seen


@pytest.mark.parametrize("name", BY_NAME)
def test_a_request_written_by_hand(desk: Desk, name: str) -> None:
    job = desk.vmms.jobs.add(Job("Msvm_MigrationJob", 306, "")).id
    assert desk.vmms.jobs.find(job).state == STARTING
    network = desk.by_hand("networks").selectors["InstanceID"]
    blanks = {**desk.blanks(), "job": job, "network": network}
    if "planned" in name:
        blanks["machine"] = PLANNED
    assert hold(desk, written_by_hand(name, **blanks)) >= 5


@pytest.mark.parametrize("number", LIBVIRTS)
def test_a_request_of_libvirts(desk: Desk, number: int) -> None:
    assert hold(desk, captured(number)) >= 5
