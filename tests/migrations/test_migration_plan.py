"""What is asked of hosts for a plan: all of them once, and sizes of those VMs alone that move."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from delegation.errors import HostError, HostUnreachable, MachinesNotTold
from delegation.hosts.hypervisor import Hypervisor, Open
from delegation.hosts.machines import Disk, VirtualMachine
from delegation.migrations.migration_plan import PlannedMigrations, plan
from delegation.migrations.moves.terms import Liberties
from delegation.migrations.wanted_moves import DrainedHosts, ListedMoves, WantedMoves
from tests.migrations.memory_world import InstantHost, MemoryWorld, Told


class Watched(MemoryWorld):
    """Hosts that note whose sizes were asked, and may fail in that."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, Told())
        self.measured: list[tuple[str, str]] = []
        self.fails: dict[str, HostError] = {}
        self.cut: dict[str, HostError] = {}
        self.seen: Callable[[VirtualMachine], VirtualMachine] = lambda vm: vm
        self.noting = threading.Lock()

    def hosts(self) -> Open:
        def opened(label: str) -> Hypervisor:
            return WatchedHost(self, label)

        return opened

    def plan(self, wanted: WantedMoves, liberties: Liberties = Liberties()) -> PlannedMigrations:  # noqa: B008
        return plan(self, wanted, Told(), liberties)


class WatchedHost(InstantHost):
    def __init__(self, desk: Watched, label: str) -> None:
        super().__init__(desk, label)
        self._watched, self._own = desk, label

    def machines(self) -> list[VirtualMachine]:
        if self._own in self._watched.cut:
            raise self._watched.cut[self._own]
        return [self._watched.seen(vm) for vm in super().machines()]

    def measured(self, machines: Iterable[VirtualMachine]) -> list[VirtualMachine]:
        asked = list(machines)
        with self._watched.noting:
            self._watched.measured += [(self._own, vm.name) for vm in asked]
        if self._own in self._watched.fails:
            raise self._watched.fails[self._own]
        return super().measured(asked)


@pytest.fixture
def world(tmp_path: Path) -> Watched:
    made = Watched(tmp_path)
    for host, name in (("hv01", "web01"), ("hv01", "web02"), ("hv02", "db01")):
        made.hosts_there.add(host, name)
    return made


def listed(*moves: tuple[str, str]) -> ListedMoves:
    lines = ", ".join(f"{{vm: {vm}, target: {target}}}" for vm, target in moves)
    return ListedMoves(f"moves: [{lines}]".encode(), "moves.yaml")


def test_sizes_are_asked_of_those_that_move_and_of_no_other(world: Watched) -> None:
    planned = world.plan(listed(("web01", "hv02"), ("db01", "hv02"), ("nobody", "hv03")))
    assert world.measured == [("hv01", "web01")], "db01 is there, and nobody is nowhere"
    assert [placed.size for placed in planned.preview.placement.moves] == [110]
    world.measured.clear()
    world.plan(DrainedHosts(("hv01",)))
    assert sorted(world.measured) == [("hv01", "web01"), ("hv01", "web02")]


def test_no_size_is_asked_of_what_can_not_move_anyway(world: Watched) -> None:
    world.seen = lambda vm: replace(vm, checkpoints=1) if vm.name == "web02" else vm
    planned = world.plan(DrainedHosts(("hv01",)))
    assert world.measured == [("hv01", "web01")]
    assert [refused.name for refused in planned.preview.unmovable] == ["web02"]
    world.measured.clear()
    planned = world.plan(DrainedHosts(("hv01",)), Liberties(with_checkpoints=True))
    assert len(world.measured) == 2
    assert not planned.preview.unmovable


def test_of_a_machine_on_a_share_the_size_is_asked_for_it_can_be_told(world: Watched) -> None:
    shared = (Disk(r"\\sofs01\vms\web02.vhdx"),)
    world.seen = lambda vm: replace(vm, disks=shared) if vm.name == "web02" else vm
    planned = world.plan(DrainedHosts(("hv01",)))
    assert sorted(world.measured) == [("hv01", "web01"), ("hv01", "web02")]
    [refused] = planned.preview.unmovable
    assert "100 bytes): that Windows takes them along was never seen" in refused.why


def test_a_host_that_is_lost_while_it_is_measured_was_not_read(world: Watched) -> None:
    world.fails["hv01"] = HostUnreachable("hv01 is gone", "start it")
    planned = world.plan(DrainedHosts(("hv01",)))
    assert not planned.preview.placement.moves
    [refused] = planned.preview.unmovable
    assert (refused.why, refused.fix) == ("hv01 was not read: hv01 is gone", "start it")


@pytest.mark.parametrize("cut", ["hv01", "hv02"])
def test_nothing_is_drained_from_or_to_a_list_that_can_not_be_relied_upon(
    world: Watched, cut: str
) -> None:
    world.cut[cut] = MachinesNotTold(f"{cut} lists no object of its own", "ask for the rights")
    planned = world.plan(DrainedHosts(("hv01",)))
    targets = {placed.move.target for placed in planned.preview.placement.moves}
    assert targets == (set() if cut == "hv01" else {"hv03"})
    assert planned.preview.unread == {cut: f"{cut} lists no object of its own"}
    listing = world.plan(listed(("web01", "hv02")))
    assert len(listing.preview.unmovable) == 1


def test_what_is_not_told_is_taken_for_full_only_where_somebody_says_so(world: Watched) -> None:
    for host in world.hosts_there.hosts.values():
        host.tells_disk = False
    assert not world.plan(DrainedHosts(("hv01",))).preview.unmovable
    full = world.plan(DrainedHosts(("hv01",)), Liberties(assume_full=True))
    assert not full.preview.placement.moves
    assert len(full.preview.unmovable) == 2
