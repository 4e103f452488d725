"""A VM moved there and back for a probe: on record, refused where it could not come back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from delegation.errors import DelegationError, HostUnreachable, Refused
from delegation.hosts.cim.cim_client import Cim
from delegation.hosts.hypervisor import Hypervisor, Moving, Open
from delegation.hosts.machines import MoveOrder, VirtualMachine
from delegation.hosts.probe.probe_view import ProbeView
from delegation.migrations.lifecycle import MigrationState
from delegation.migrations.probed_move import ProbedMove, probe_move
from delegation.migrations.record import recorded
from tests.hosts.cim import farms
from tests.hosts.cim.canned import opened
from tests.migrations.memory_world import InstantHost, MemoryWorld, Told
from tests.migrations.world import NETWORK, FakeHypervisor


class Desk(MemoryWorld):
    """Hosts in memory, which tell by CIM what canned ones do; a VM's files are where they say."""

    def __init__(self, folder: Path) -> None:
        self.told = Told()
        super().__init__(folder, self.told)
        self.canned = {label: farms.host(label.upper()) for label in ("hv01", "hv02", "hv03")}
        self.home = "C:\\VMs"
        self.asked: list[ProbedMove] = []

    def cim(self) -> Callable[[str], Cim]:
        return lambda label: opened(self.canned[label])

    def hosts(self) -> Open:
        def opened_host(label: str) -> Hypervisor:
            return Host(self, label)

        return opened_host

    def probe(self, *, yes: bool = True) -> ProbeView:
        def confirm(wanted: ProbedMove) -> bool:
            self.asked.append(wanted)
            return yes

        return probe_move(self, "hv01", "hv02", "web01", confirm)

    def on_record(self) -> list[tuple[int, MigrationState, str]]:
        with self.records.reading() as journal:
            return [
                (run.id, move.state, move.at)
                for run in journal.runs()
                for move in recorded.migrations(journal, run.id)
            ]


class Host(InstantHost):
    def __init__(self, desk: Desk, label: str) -> None:
        super().__init__(desk, label)
        self._probed = desk

    def machines(self) -> list[VirtualMachine]:
        return [replace(vm, path=self._probed.home) for vm in super().machines()]

    def move(self, order: MoveOrder, handle: str) -> Moving:
        if self._probed.hosts_there.fate.get(order.name):
            return FakeHypervisor.move(self, order, handle)  # it fails at once, and is remembered
        return super().move(order, handle)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = Desk(tmp_path)
    made.hosts_there.add("hv01", "web01")
    return made


def test_it_comes_back_to_where_it_was_and_each_move_is_on_record(desk: Desk) -> None:
    view = desk.probe()
    assert view.trouble is None
    # These hosts move at once: what was to be cancelled has arrived by then, and goes back.
    assert [step.key for step in view.steps] == ["check", "ways", "cancel", "back"]
    assert desk.where() == {"web01": "hv01"}
    assert desk.on_record() == [
        (1, MigrationState.MOVED, "hv02"),
        (2, MigrationState.MOVED, "hv01"),
    ]
    assert [order.storage for order in desk.hosts_there.orders] == ["C:\\VMs\\web01", "C:\\VMs"]
    [asked] = desk.asked
    assert (asked.source, asked.target, asked.home) == ("hv01", "hv02", "C:\\VMs")
    data = view.to_json()
    assert data["steps"][2]["facts"]["where"] == "on its target"
    assert "web01" not in str(data)
    open_keys = {one["key"] for one in data["not_asked"]}
    assert {"move", "cancel"} & open_keys == {"cancel"}, "it came too late for that"
    assert set(data["steps"][2]["facts"]["source_after"]) == {"jobs", "planned", "listeners"}


def test_nothing_is_moved_without_a_yes(desk: Desk) -> None:
    with pytest.raises(DelegationError, match="declined; nothing was moved"):
        desk.probe(yes=False)
    assert desk.on_record() == []
    assert desk.hosts_there.starts == []


def test_a_machine_that_would_not_be_as_it_was_is_refused(desk: Desk) -> None:
    desk.home = "C:\\Elsewhere"
    with pytest.raises(Refused, match="in several folders"):
        desk.probe()
    assert desk.asked == []
    assert desk.hosts_there.starts == []


def test_a_pair_without_a_way_back_is_refused(desk: Desk) -> None:
    """The mesh has it; the directory does not, in that direction alone."""
    path = desk.places.inventory.parent / "directory.ldif"
    before, mark, of_hv02 = path.read_text().partition("sAMAccountName: HV02$")
    lines = [line for line in of_hv02.splitlines() if "hv01" not in line.casefold()]
    path.write_text(before + mark + "\n".join(lines) + "\n")
    with pytest.raises(Refused, match="it could not be moved back: values"):
        desk.probe()
    assert desk.hosts_there.starts == []


def test_a_host_that_was_not_asked_moves_nothing(desk: Desk) -> None:
    desk.canned["hv02"] = farms.host("OTHER")
    with pytest.raises(DelegationError, match="could not be asked, so nothing was moved"):
        desk.probe()
    assert desk.hosts_there.starts == []


def test_an_answer_that_is_lost_is_told_and_left_to_resume(desk: Desk) -> None:
    desk.hosts_there.lost["web01"] = [None]
    view = desk.probe()
    assert isinstance(view.trouble, HostUnreachable)
    assert [step.key for step in view.steps] == ["check", "ways"]
    [(run, state, at)] = desk.on_record()
    assert (run, state, at) == (1, MigrationState.UNKNOWN, "hv01")


def test_a_migration_that_fails_twice_is_told_and_tried_no_more(desk: Desk) -> None:
    desk.hosts_there.fate["web01"] = [NETWORK, NETWORK]
    view = desk.probe()
    assert view.trouble is not None
    assert "it is on hv01, as before" in view.trouble.fix
    assert [step.key for step in view.steps] == ["check", "ways", "cancel", "move"]
    failure = view.to_json()["steps"][3]["facts"]["failure"]
    assert failure["hresult"] == NETWORK.hresult
    assert desk.on_record() == [(1, MigrationState.FAILED, "hv01")]
    assert desk.where() == {"web01": "hv01"}
    assert len(desk.hosts_there.starts) == 2
