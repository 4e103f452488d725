"""The product's requests for migrations at a lab host: taken as they are, and no mutant of them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from delegation.errors import HostError
from delegation.hosts.cim import moving
from delegation.hosts.cim.cim_classes import MIGRATION_JOB
from delegation.hosts.cim.cim_reference import Reference
from delegation.hosts.cim.job_moving import JobMoving
from delegation.hosts.machines import Landing, MoveOrder
from tests.hosts.cim.desk_host import DeskHost
from tests.lab.hosts.desk import FIRST, Desk
from tests.lab.hosts.host_wording import HostWording
from tests.lab.hosts.vmms.jobs import STARTING, Job
from tests.lab.mutants import mutants

BAD = {32773, 5}
"""An invalid parameter, in Hyper-V's numbers and in CIM's."""
ACTION = re.compile(rb"Action[^>]*>[^<]*/(\w+)<")


@pytest.fixture
def host(tmp_path: Path, wording: HostWording) -> DeskHost:
    host = DeskHost(tmp_path)
    host.set(enabled=True, any_network=True, authentication="Kerberos")
    host.set(language=wording.language, numbers=wording.numbers)
    return host


def order() -> MoveOrder:
    return MoveOrder(
        UUID(FIRST), "vm00-hv01", "hv02.corp.example", "C:\\VMs\\vm00", Landing(("127.0.0.2",))
    )


def sent(host: DeskHost) -> list[bytes]:
    """All that the product asks for a migration, from the first look to what is left behind."""
    cim, desk = host.connect(), host.desk
    handle = moving.new_handle(cim, order())
    moving.check(cim, order())
    started = moving.start(cim, order(), handle)
    started.wait(60)
    other = desk.vmms.jobs.add(Job("Msvm_MigrationJob", 306, ""))
    JobMoving(cim, FIRST, "", Reference.to(MIGRATION_JOB, InstanceID=other.id)).stop(kill=True)
    other.state = STARTING
    moving.is_at_work(cim, UUID(FIRST))
    moving.reattach(cim, UUID(FIRST), started.handle)
    moving.read_landing(cim, UUID(FIRST))
    machine = desk.machine()
    desk.set(machines=[], planned=[machine])
    moving.remove_planned(cim, handle)
    desk.set(machines=[machine], planned=[])
    return host.messages


def wrong_in_one_thing(desk: Desk, message: bytes) -> int:
    """Send all mutants of a request; give how many there were."""
    seen, accepted = 0, []
    for label, mutant in mutants(message):
        seen += 1
        told = desk.send(mutant)
        if not told.fault and told.returned not in BAD:
            accepted.append(label)
    assert accepted == []
    return seen


def named(message: bytes) -> str:
    """What a request asks, and of which class."""
    action, query = ACTION.search(message), re.search(rb"FROM (\w+)|AssocClass = (\w+)", message)
    assert action
    return " ".join(one.decode() for one in (action[1], *(query.groups() if query else ())) if one)


def test_every_request_is_refused_when_one_thing_is_wrong(host: DeskHost) -> None:
    desk = host.desk
    messages = {named(one): one for one in sent(host) if b"/Pull<" not in one}
    assert {
        "CheckVirtualSystemIsMigratable",
        "MigrateVirtualSystemToHost",
        "DestroySystem",
        "RequestStateChange",
        "Get",
        "Enumerate Msvm_MigrationJob",
        "Enumerate Msvm_VirtualSystemSettingDataComponent",
    } <= messages.keys()
    machine, begun = desk.machine(), desk.state.moves_begun
    for name, message in messages.items():
        if name == "DestroySystem":
            desk.set(machines=[], planned=[replace(machine, name="planned")])
        assert wrong_in_one_thing(desk, message) >= 4
        desk.set(machines=[machine], planned=[])
    assert desk.state.moves_begun == begun


def test_a_move_without_a_ticket_fails_as_a_job(host: DeskHost) -> None:
    """The lab's host takes the request, and is refused by the domain that is not there."""
    cim = host.connect()
    found = moving.check(cim, order())
    assert found
    started = moving.start(cim, order(), moving.new_handle(cim, order()))
    said = started.wait(60)
    assert said.failure is not None  # type: ignore[union-attr]


def test_a_machine_with_all_that_can_be_hard(host: DeskHost) -> None:
    cim, desk = host.connect(), host.desk
    machine = desk.equip("vm00-hv01")
    [found] = moving.check(cim, order())
    assert "'vm00-hv01 before'" in found.message
    desk.change_vm("vm00-hv01", checkpoints=[])
    [found] = moving.check(cim, order())
    assert machine.disks[0] in found.message
    assert "differencing" in found.message
    started = None
    with pytest.raises(HostError):
        started = moving.start(cim, order(), moving.new_handle(cim, order()))
    assert started is None
    assert desk.state.moves_begun == 0
