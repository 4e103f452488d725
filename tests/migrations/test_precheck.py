"""Which ways are checked before a run, by what is known of the hosts."""

from dataclasses import replace

from delegation.hosts.hosted import Hosted
from delegation.hosts.machines import HostReading, MachineState, Resources, VirtualMachine
from delegation.migrations.moves.surveyed import Surveyed
from delegation.migrations.moves.terms import Terms
from delegation.migrations.precheck import trips
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
