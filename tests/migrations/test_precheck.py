"""Which ways are checked before a run, by what is known of the hosts."""

from dataclasses import replace

from delegation.hosts.hosted import Hosted
from delegation.hosts.machines import (
    HostReading,
    MachineActivity,
    MachineState,
    Resources,
    VirtualMachine,
)
from delegation.migrations.moves.surveyed import Surveyed
from delegation.migrations.moves.terms import Liberties, Terms
from delegation.migrations.precheck import has_known_room, trips
from tests.migrations.in_progress import move

WEB1 = replace(move(1), to="", memory=4, disk=10)
TERMS = Terms("corp.example", {"hv01": frozenset({"hv02"})})


def hosted(*vms: VirtualMachine) -> Hosted:
    resources = Resources(
        migrations=2, storage_migrations=2, memory=50, disk=500, storage="D:\\VMs"
    )
    return Hosted(HostReading("hv.corp.example", {}, resources), vms)


def test_a_vm_that_is_not_where_it_was_is_left_to_the_runner() -> None:
    vm = VirtualMachine(WEB1.machine, "web1", MachineState.RUNNING, 4)
    there = Surveyed({"hv01": hosted(vm), "hv02": hosted()}, {})
    [trip] = trips([WEB1], there, TERMS)
    assert (trip.ends, trip.fits) == (("hv01", "hv02"), True)
    assert trips([WEB1], Surveyed({"hv01": hosted(), "hv02": hosted()}, {}), TERMS) == []
    silent = Surveyed({"hv02": hosted()}, {"hv01": "it does not answer"})
    assert [trip.ends for trip in trips([WEB1], silent, TERMS)] == [("hv01", "hv02")]


def test_a_vm_that_is_busy_is_not_checked_before_that_is_over() -> None:
    for activity, is_busy in ((MachineActivity.BUSY, True), (MachineActivity.MIGRATING, False)):
        vm = VirtualMachine(WEB1.machine, "web1", MachineState.RUNNING, 4, activity=activity)
        [trip] = trips([WEB1], Surveyed({"hv01": hosted(vm), "hv02": hosted()}, {}), TERMS)
        assert trip.busy is is_busy


def test_a_check_is_of_the_move_as_it_will_be_sent() -> None:
    vm = VirtualMachine(WEB1.machine, "web1", MachineState.RUNNING, 4, checkpoints=1)
    there = Surveyed({"hv01": hosted(vm), "hv02": hosted()}, {})
    for said in (False, True):
        terms = replace(TERMS, liberties=Liberties(with_checkpoints=said))
        assert trips([WEB1], there, terms)[0].with_checkpoints is said


def test_no_vm_is_put_aside_on_a_host_that_is_taken_for_full() -> None:
    untold = hosted()
    resources = untold.reading.resources
    assert resources
    reading = replace(untold.reading, resources=replace(resources, disk=None))
    read = Surveyed({"hv01": hosted(), "hv02": Hosted(reading, ())}, {})
    full = replace(TERMS, liberties=Liberties(assume_full=True))
    assert has_known_room(read, "hv02", TERMS)
    assert has_known_room(read.taken_for_full(), "hv01", full)
    assert not has_known_room(read.taken_for_full(), "hv02", full)
