"""The product's migrations on the lab's hosts: real tickets, a hidden share, real bytes.

The operator has one connection to each host, his own. What the source does towards the target it
does by its own delegated tickets.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import uuid4

import pytest

from delegation.errors import CimFailed, HostError, HostUnreachable, MoveRefused, MoveUnsettled
from delegation.hosts import failures
from delegation.hosts.failures import FailureKind
from delegation.hosts.machines import Ended, Failure, Incompatibility, MoveOrder, MovePhase
from delegation.hosts.places import Account, Place
from tests.hosts.cim.mover import Mover
from tests.lab import admin, dc
from tests.lab.description import (
    OPERATOR,
    TRUSTED_TO_AUTH_FOR_DELEGATION,
    Lab,
    cifs_values,
    migration_values,
)
from tests.lab.elsewhere import Elsewhere
from tests.lab.hosts import HostLab, LabHost
from tests.lab.hosts.host_wording import HostWording
from tests.lab.hosts.stage import SECONDS
from tests.lab.hosts.state import MIB

pytestmark = pytest.mark.lab

NO_CREDENTIALS = "0x8009030E"
FOLDER = "C:\\VMs\\web1"
START, LATE, SPARE = 1.0, 0.5, 4.5
"""Seconds in place of minutes: so long a handle is good at first, so late a lab host carries out a
request whose answer is lost, and so much longer than both it is looked for."""
SLOW = 64 * 1024
"""Bytes a second: a migration is still under way when another process has begun to look."""
TRIES, MANY_TRIES = 20, 200


@pytest.fixture(scope="module")
def idle(lab: Lab) -> Iterator[list[Elsewhere]]:
    """Processes between two tests: their start takes the time of a test."""
    found: list[Elsewhere] = []
    yield found
    for one in found:
        one.kill()


class Trip:
    """``web1`` from hv01 to hv02, by the product, and a look at both beside the wire."""

    def __init__(self, hosts: HostLab, idle: list[Elsewhere]) -> None:
        self.hosts, self.lab, self.idle = hosts, hosts.lab, idle
        self.source, self.target = hosts.host("hv01"), hosts.host("hv02")
        for host in (self.source, self.target):
            host.ready()
        self.wording = hosts.wording
        self.machine = self.source.add_vm("web1").id
        self.start = SECONDS
        self.mover = self.renewed()

    def renewed(self) -> Elsewhere:
        """A process that knows nothing of what another did."""
        self.mover = self.idle.pop() if self.idle else Elsewhere(self.lab, Mover)
        self.meet()
        return self.mover

    def meet(self) -> None:
        """Have it turn to both hosts anew."""
        places = {
            which: Place(host.fqdn, host.address)
            for which, host in (("source", self.source), ("target", self.target))
        }
        who = Account(OPERATOR, str(self.lab.keytab(OPERATOR)))
        settled = self.start + LATE + SPARE
        self.mover.call("meet", places, who, self.start, settled)

    def order(self, **others: Any) -> MoveOrder:
        found = self.mover.call("order", self.machine, FOLDER, **others)
        assert isinstance(found, MoveOrder)
        return found

    def begin(self, **others: Any) -> str:
        """Begin a migration, and give its handle."""
        order = self.order(**others)
        handle = self.mover.call("start", order, self.mover.call("handle", order))
        assert isinstance(handle, str)
        return handle

    def run(self, **others: Any) -> Ended:
        self.begin(**others)
        found = self.mover.call("end")
        assert isinstance(found, Ended)
        return found

    def kind(self, failed: Failure) -> FailureKind:
        """What a failure is taken for."""
        assert failed.message.isascii() != (self.wording is HostWording.JAPANESE)
        return failures.meaning(failed).kind

    def kinds(self, told: Iterable[Incompatibility]) -> set[FailureKind]:
        """What the reasons of a check are taken for."""
        return {self.kind(failures.of_check(one)) for one in told}

    @property
    def delegation(self) -> FailureKind:
        """What missing delegation is taken for: only a number tells it."""
        return self.wording.verdict(FailureKind.DELEGATION, without=FailureKind.UNKNOWN)

    def copying(self) -> None:
        """Wait until bytes of it are on the target."""
        assert dc.until(lambda: len(self.target.disk_files()) > 0, SECONDS)

    def owners(self) -> list[str]:
        return [host.name for host in (self.source, self.target) if "web1" in host.vms()]

    def trees(self) -> list[dict[str, str]]:
        """The hashes of all files of both."""
        return [host.disk_files() for host in (self.source, self.target)]

    def leavings(self) -> list[object]:
        """Migrations, shares, folders of shares and planned machines that are there."""
        hosts: list[LabHost] = [self.source, self.target]
        found: list[object] = []
        for one in hosts:
            state = one.state
            found += [*state.outgoing, *state.incoming, *state.planned]
            found += [*one.shares(), *one.staging()]
        return found


@pytest.fixture
def trip(hosts: HostLab, idle: list[Elsewhere]) -> Iterator[Trip]:
    made = Trip(hosts, idle)
    yield made
    idle.append(made.mover)


def delegate(lab: Lab, *values: str) -> None:
    admin.add_values(lab, "hv01", *values)
    admin.set_flags(lab, "hv01", on=TRUSTED_TO_AUTH_FOR_DELEGATION)


@pytest.fixture
def delegated(fresh_lab: Lab) -> None:
    delegate(fresh_lab, *cifs_values("hv02"), *migration_values("hv02"))


# --- the proof ---


@pytest.mark.every_wording
def test_refused_before_moved_after(trip: Trip, fresh_lab: Lab) -> None:
    before = trip.trees()
    assert trip.delegation in trip.kinds(trip.mover.call("check", trip.order()))
    failed = trip.run().failure
    assert failed is not None
    assert trip.kind(failed) is trip.delegation
    numbers = (failed.hresult, failed.message_id, failed.error_code)
    assert numbers == trip.wording.verdict((NO_CREDENTIALS, "20413", 32768), without=("", "", 0))
    assert failed.phase is MovePhase.MACHINE_AND_STORAGE
    assert (trip.trees(), trip.owners(), trip.leavings()) == (before, ["hv01"], [])
    delegate(fresh_lab, *cifs_values("hv02"), *migration_values("hv02"))
    assert trip.mover.call("check", trip.order()) == ()
    assert trip.run() == Ended(None)
    assert (trip.owners(), trip.leavings()) == (["hv02"], [])
    assert sorted(trip.trees()[1].values()) == sorted(before[0].values())
    assert trip.trees()[0] == {}
    assert trip.target.vms()["web1"].disks == [f"{FOLDER}\\Virtual Hard Disks\\web1.vhdx"]


@pytest.mark.every_wording
def test_the_migration_services_value_alone(trip: Trip, fresh_lab: Lab) -> None:
    delegate(fresh_lab, *migration_values("hv02"))
    before = trip.trees()
    assert trip.mover.call("check", trip.order()) == ()
    failed = trip.run().failure
    assert failed is not None
    assert trip.kind(failed) is trip.delegation
    assert trip.wording.words("storage") in failed.message
    says_cifs = "cifs/TARGET is missing" in failures.meaning(failed).what
    assert says_cifs is trip.wording.numbers
    assert (trip.trees(), trip.leavings()) == (before, [])


def test_the_storages_value_alone(trip: Trip, fresh_lab: Lab) -> None:
    delegate(fresh_lab, *cifs_values("hv02"))
    assert trip.delegation in trip.kinds(trip.mover.call("check", trip.order()))


@pytest.mark.every_wording
@pytest.mark.usefixtures("delegated")
def test_what_the_target_lacks_is_told_by_message_ids(trip: Trip) -> None:
    trip.target.set(switches=[])
    told = trip.mover.call("check", trip.order())
    ids = trip.wording.verdict(["21024", "33012"], without=["", ""])
    assert [one.id for one in told] == ids
    assert trip.kinds(told) == trip.wording.verdict(
        {FailureKind.UNKNOWN, FailureKind.OTHER}, without={FailureKind.UNKNOWN}
    )


# --- followed, found again ---


@pytest.mark.usefixtures("delegated")
class TestFollowed:
    def test_a_slow_one_is_left_alone(self, trip: Trip) -> None:
        """Percents that stay the same are no news; nor is a connection that ends."""
        trip.source.set(speed=SLOW)
        trip.begin()
        trip.copying()
        assert trip.mover.call("is_at_work", trip.machine)
        for phase in (32774, 32778, 32779):
            trip.source.set(migrating_as=phase)
            assert trip.mover.call("seen", trip.machine).migrating
        trip.mover.call("cut")
        said = trip.mover.call("wait", 0)
        assert said.phase is MovePhase.MACHINE_AND_STORAGE
        assert said.can_be_stopped
        trip.source.speed(64 * MIB)
        assert trip.mover.call("end") == Ended(None)
        assert not trip.mover.call("is_at_work", trip.machine)

    def test_among_foreign_jobs_it_is_found_by_its_own(self, trip: Trip) -> None:
        """A check, one that failed, and somebody else's move of the same machine."""
        order = trip.order()
        trip.target.set(authentication="CredSSP")
        trip.run()
        trip.mover.call("check", order)
        handle = trip.mover.call("handle", order)
        with pytest.raises(MoveUnsettled):
            trip.mover.call("reattach", trip.machine, handle)
        trip.target.set(authentication="Kerberos")
        trip.source.speed(SLOW)
        trip.begin()
        trip.copying()
        other = trip.renewed()
        found = other.call("reattach", trip.machine, handle)
        assert found != handle
        trip.source.speed(64 * MIB)
        assert other.call("end") == Ended(None)

    def test_a_host_that_was_restarted_has_lost_it(self, trip: Trip) -> None:
        before = trip.trees()
        trip.source.speed(SLOW)
        handle = trip.begin()
        trip.copying()
        trip.hosts.kill("hv01")
        trip.hosts.start("hv01")
        with pytest.raises(CimFailed, match="knows nothing of the migration's job any more"):
            trip.mover.call("wait", 1)
        assert trip.mover.call("reattach", trip.machine, handle) is None
        assert dc.until(lambda: trip.trees() == before and not trip.leavings(), SECONDS)

    def test_a_service_that_was_restarted_has_lost_it(self, trip: Trip) -> None:
        before = trip.trees()
        trip.source.speed(SLOW)
        handle = trip.begin()
        trip.copying()
        trip.source.set(vmms="Stopped")
        with pytest.raises(CimFailed):
            trip.mover.call("reattach", trip.machine, handle)
        trip.source.set(vmms="Running")
        with pytest.raises(CimFailed, match="knows nothing of the migration's job any more"):
            trip.mover.call("wait", 1)
        assert trip.mover.call("reattach", trip.machine, handle) is None
        assert dc.until(lambda: trip.trees() == before and not trip.leavings(), SECONDS)
        assert dc.until(lambda: not trip.mover.call("is_at_work", trip.machine), SECONDS)

    def test_one_that_ended_long_ago_is_none(self, trip: Trip) -> None:
        handle = trip.begin()
        assert trip.mover.call("end") == Ended(None)
        assert trip.renewed().call("reattach", trip.machine, handle) is not None
        trip.source.set(job_seconds=0.0)
        assert trip.mover.call("reattach", trip.machine, handle) is None

    def test_a_handle_of_an_older_version_means_what_is_under_way(self, trip: Trip) -> None:
        old = str(uuid4())
        assert trip.mover.call("reattach", trip.machine, old) is None
        trip.source.speed(SLOW)
        trip.begin()
        assert trip.renewed().call("reattach", trip.machine, old) == old
        trip.source.speed(64 * MIB)
        assert trip.mover.call("end") == Ended(None)


# --- stopped ---


@pytest.mark.usefixtures("delegated")
class TestStopped:
    @pytest.mark.parametrize("kill", [False, True])
    def test_the_machine_is_where_it_was(self, trip: Trip, *, kill: bool) -> None:
        before = trip.trees()
        trip.source.set(speed=SLOW, rollback_seconds=1.0)
        trip.begin()
        trip.copying()
        trip.mover.call("stop", kill=kill)
        assert not isinstance(trip.mover.call("wait", 0), Ended), "it rolls back"
        failed = trip.mover.call("end").failure
        assert failed.stopped
        assert (trip.trees(), trip.owners(), trip.leavings()) == (before, ["hv01"], [])

    def test_not_cancellable(self, trip: Trip) -> None:
        trip.source.set(speed=SLOW, cancelling="refused")
        trip.begin()
        trip.mover.call("stop")
        assert not trip.mover.call("wait", 0).can_be_stopped
        trip.mover.call("stop", kill=True)
        trip.source.speed(64 * MIB)
        assert trip.mover.call("end") == Ended(None)
        assert (trip.owners(), trip.leavings()) == (["hv02"], [])

    def test_accepted_and_completed_all_the_same(self, trip: Trip) -> None:
        trip.source.set(speed=SLOW, cancelling="ignored")
        trip.begin()
        trip.mover.call("stop")
        trip.source.speed(64 * MIB)
        assert trip.mover.call("end") == Ended(None)
        trip.mover.call("stop")
        assert trip.owners() == ["hv02"]


# --- left behind ---


@pytest.mark.usefixtures("delegated")
class TestLeftBehind:
    def cancelled(self, trip: Trip) -> str:
        trip.source.speed(SLOW)
        trip.target.set(leaves_planned=True)
        handle = trip.begin()
        trip.copying()
        trip.mover.call("stop")
        trip.mover.call("end")
        return handle

    def test_what_ours_left_is_removed(self, trip: Trip) -> None:
        before = trip.trees()
        handle = self.cancelled(trip)
        assert len(trip.leavings()) == 1
        assert trip.order().landing.has_planned
        assert trip.mover.call("remove_planned", handle)
        assert not trip.mover.call("remove_planned", handle)
        assert (trip.trees(), trip.owners(), trip.leavings()) == (before, ["hv01"], [])

    def test_somebody_elses_survives_our_failure(self, trip: Trip) -> None:
        with trip.target.store.change() as state:
            state.planned = [trip.source.vms()["web1"]]
        before = trip.trees()
        order = trip.order()
        assert order.landing.has_planned
        handle = trip.begin()
        assert trip.mover.call("end").failure is not None
        assert not trip.mover.call("remove_planned", handle)
        assert [one.id for one in trip.target.state.planned] == [trip.machine]
        assert trip.trees() == before

    def test_somebody_elses_survives_our_cancel(self, trip: Trip) -> None:
        with trip.target.store.change() as state:
            state.planned = [trip.source.vms()["web1"]]
        before = trip.trees()
        trip.source.limit(0)
        trip.source.set(patience=60.0)
        handle = trip.begin()
        trip.mover.call("stop")
        assert trip.mover.call("end").failure.stopped
        assert not trip.mover.call("remove_planned", handle)
        assert [one.id for one in trip.target.state.planned] == [trip.machine]
        assert (trip.trees(), trip.owners()) == (before, ["hv01"])


# --- machines with more than disks ---


@pytest.mark.usefixtures("delegated")
class TestMachinesWithMore:
    def test_checkpoints_and_parents_are_refused_by_name(self, trip: Trip) -> None:
        trip.source.equip("web1")
        before = trip.trees()
        with pytest.raises(MoveRefused, match="web1 has checkpoints: 'web1 before'"):
            trip.begin()
        trip.source.change_vm("web1", checkpoints=[])
        with pytest.raises(MoveRefused, match="web1 has differencing disks"):
            trip.begin()
        assert trip.source.state.moves_begun == 0
        assert (trip.trees(), trip.leavings()) == (before, [])

    def test_two_disks_of_one_name(self, trip: Trip) -> None:
        own = trip.source.vms()["web1"].disks[0]
        other = "C:\\more\\WEB1.vhdx"
        trip.source.volume.fill(other, 5000)
        trip.source.change_vm("web1", disks=[own, other])
        before = trip.trees()[0]
        assert trip.run() == Ended(None)
        disks = f"{FOLDER}\\Virtual Hard Disks"
        assert trip.target.vms()["web1"].disks == [f"{disks}\\web1.vhdx", f"{disks}\\2\\WEB1.vhdx"]
        assert sorted(trip.trees()[1].values()) == sorted(before.values())
        assert trip.trees()[0] == {}

    def test_all_of_it_moves_where_that_is_wanted(self, trip: Trip) -> None:
        """Its disks, those of a checkpoint's branch, their parent and the .vmgs; an ISO stays."""
        machine = trip.source.equip("web1")
        before = trip.trees()[0]
        [image, floppy] = [machine.images[0], machine.floppies[0]]
        failed = trip.run(with_checkpoints=True).failure
        assert failed is not None
        assert failed.hresult == trip.wording.verdict("0xC03A0014", without="")
        assert (trip.trees(), trip.leavings()) == ([before, {}], [])
        for file in (image, floppy):
            trip.target.volume.fill(file, 10)
        trip.source.speed(SLOW)
        trip.begin(with_checkpoints=True)
        trip.copying()
        trip.mover.call("stop")
        assert trip.mover.call("end").failure.stopped
        assert trip.trees()[0] == before
        assert trip.trees()[1].keys() == {image, floppy}
        trip.source.speed(64 * MIB)
        assert trip.run(with_checkpoints=True) == Ended(None)
        there = trip.target.vms()["web1"]
        moved = {digest for file, digest in before.items() if file not in {image, floppy}}
        assert {trip.trees()[1][file] for file in there.files} == moved
        assert trip.trees()[0].keys() == {image, floppy}
        assert there.guest_state.startswith(FOLDER)


# --- one move, whatever is lost ---


class Chaos:
    """One migration through a random loss, to its end, by whoever comes after."""

    def __init__(self, trip: Trip, seed: int) -> None:
        self.trip, self.random = trip, random.Random(seed)
        trip.source.set(speed=self.random.choice([MIB, 64 * MIB]), moves_begun=0)

    def send(self) -> str:
        """Have the handle on record, send, and lose something on the way."""
        trip, order = self.trip, self.trip.order()
        handle = trip.mover.call("handle", order)
        lost = self.random.choice(["answer", "answer", "answer", "sender", "both"])
        if lost in {"answer", "both"}:
            late = self.random.choice([0.0, 0.2, LATE])
            trip.source.set(lost_answers=["MigrateVirtualSystemToHost"], late=late)
        if lost == "answer":
            with pytest.raises(HostError):
                trip.mover.call("start", order, handle)
            trip.meet()
        else:
            trip.mover.begin("start", order, handle)
            dc.until(lambda: False, self.random.uniform(0, 0.25))
            trip.mover.kill()
            trip.renewed()
        return str(handle)

    def settle(self, handle: str) -> None:
        """What whoever comes after does: look for it, follow it; else send it anew.

        Nothing was sent at all where the sender died early: then this loses the answer. A machine
        that is so busy that a handle is too old when it could be sent gets more time for the next.
        One so busy that the host begins after all that time refuses the other request.
        """
        trip = self.trip
        while trip.owners() != ["hv02"]:
            try:
                found = trip.mover.call("reattach", trip.machine, handle)
            except MoveUnsettled:
                continue
            if found is not None:
                assert trip.mover.call("end") == Ended(None)
            elif trip.owners() == ["hv01"] and not trip.mover.call("is_at_work", trip.machine):
                order = trip.order()
                handle = trip.mover.call("handle", order)
                try:
                    handle = trip.mover.call("start", order, handle)
                except HostUnreachable:
                    continue
                except MoveRefused as exc:
                    if "was not sent" in exc.what:
                        trip.start *= 2
                        trip.meet()
                    elif not trip.source.state.moves_begun:
                        raise
        # It is there before its files go from the source, where the next one has files so called.
        assert dc.until(lambda: not trip.source.state.outgoing, SECONDS)


@pytest.mark.usefixtures("delegated")
def test_one_move_whatever_is_lost(trip: Trip) -> None:
    """As many as told; with DELEGATION_TEST_FULL ten times that. The lab counts what begins."""
    trip.start = START
    trip.meet()
    is_full = bool(os.environ.get("DELEGATION_TEST_FULL")) and trip.wording is HostWording.ENGLISH
    for seed in range(MANY_TRIES if is_full else TRIES):
        chaos = Chaos(trip, seed)
        chaos.settle(chaos.send())
        assert trip.source.state.moves_begun == 1, f"with the seed {seed}"
        trip.target.remove_vm("web1")
        trip.source.set(lost_answers=[], late=0.0, speed=64 * MIB)
        trip.machine = trip.source.add_vm("web1", disk_bytes=MIB // 2).id
