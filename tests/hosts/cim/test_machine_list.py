"""The machines of a host; and that a list which may be cut is none."""

from uuid import UUID
from xml.etree.ElementTree import Element

import pytest

from delegation.hosts.cim import host_identity, migration_service, wql
from delegation.hosts.cim.cim_classes import COMPUTER_SYSTEM
from delegation.hosts.cim.cim_client import Cim
from delegation.hosts.cim.machine_list import Wanted, is_machine, is_named, read_machines
from delegation.hosts.cim.surroundings import read_volumes, read_windows
from delegation.hosts.cim.told import NotTold
from delegation.hosts.machines import MachineActivity, MachineState, VirtualMachine
from tests.hosts.cim import farms
from tests.hosts.cim.canned import DENIED, TOO_LARGE, V2, CannedHost, embedded, opened

SYSTEMS = V2, "Msvm_ComputerSystem"
MIB = 1024 * 1024


def machines(host: CannedHost) -> tuple[VirtualMachine, ...]:
    found = read_machines(opened(host))
    assert not isinstance(found, NotTold), found
    return found


def why_not(host: CannedHost) -> NotTold:
    found = read_machines(opened(host))
    assert isinstance(found, NotTold)
    return found


def test_machines_with_disks_and_checkpoints() -> None:
    one, two = machines(farms.host())
    assert (one.id, one.name, one.state) == (farms.guid("vm0"), "vm0", MachineState.RUNNING)
    assert one.memory == 3072 * MIB
    assert one.path == "C:\\VMs\\vm0"
    # The ISO image and the default settings of a disk are no disks of it.
    paths = [disk.path for disk in one.disks]
    assert paths == ["C:\\VMs\\vm0\\system.vhdx", "C:\\VMs\\vm0\\data.vhdx"]
    # Nobody has asked for sizes: they are not known, and not 0.
    assert {disk.size for disk in one.disks} == {None}
    assert (one.checkpoints, two.checkpoints) == (1, 0)
    assert isinstance(two.id, UUID)


ASSOCIATION = V2, "Msvm_SnapshotOfVirtualSystem"
SETTINGS = V2, "Msvm_VirtualSystemSettingData"


def test_a_checkpoint_may_name_its_machine_itself() -> None:
    host = farms.host(machines=1)
    host.rows[ASSOCIATION].clear()
    named = {**host.rows[SETTINGS][-1], "VirtualSystemIdentifier": farms.upper("vm0")}
    host.rows[SETTINGS][-1] = named
    assert machines(host)[0].checkpoints == 1


def test_a_checkpoint_of_nobody_makes_the_list_not_told() -> None:
    host = farms.host(machines=1)
    host.rows[ASSOCIATION].clear()
    found = why_not(host)
    assert "a checkpoint, and not of which virtual machine" in found.why
    assert found.error is not None
    assert "'before the update'" in found.error.fix


def test_checkpoints_of_planned_machines_are_nobodys() -> None:
    host = farms.host(machines=1)
    host.rows[ASSOCIATION].clear()
    planned = {**host.rows[SETTINGS][-1], "VirtualSystemType": "Microsoft:Hyper-V:Snapshot:Planned"}
    host.rows[SETTINGS][-1] = planned
    assert machines(host)[0].checkpoints == 0


@pytest.mark.parametrize(
    ("number", "state"),
    [(3, "Off"), (6, "Saved"), (32769, "Saved"), (9, "Paused"), (32768, "Paused"), (10, "Other")],
)
def test_states_by_number(number: int, state: str) -> None:
    host = farms.host(machines=0)
    farms.machine(host, "web", number)
    [found] = machines(host)
    assert found.state == state
    assert found.memory == 2048 * MIB, "what it starts with"


def test_what_is_under_way_is_told_by_numbers() -> None:
    host = farms.host(machines=0)
    farms.machine(host, "web")
    host.rows[SYSTEMS][-1] = {**host.rows[SYSTEMS][-1], "OperationalStatus": [2, 32774]}
    [found] = machines(host)
    assert (found.status, found.activity) == ((2, 32774), MachineActivity.MIGRATING)


def test_those_that_are_wanted_and_what_they_are_made_of() -> None:
    host = farms.host(machines=3)
    cim = opened(host)
    [found] = some(cim, is_machine(farms.guid("vm1")))
    assert (found.name, len(found.disks)) == ("vm1", 2)
    assert [one.name for one in some(cim, is_named("VM2"))] == ["vm2"]
    assert [one.name for one in some(cim, is_named(str(farms.guid("vm0"))))] == ["vm0"]
    before = len(host.asked)
    assert some(cim, is_named("nobody")) == ()
    # Where none is wanted, nothing is asked of what machines are made of.
    assert len(host.asked) - before == 2


def some(cim: Cim, wanted: Wanted) -> tuple[VirtualMachine, ...]:
    found = read_machines(cim, wanted)
    assert not isinstance(found, NotTold)
    return found


def test_more_machines_than_one_answer_holds_are_summed_up_in_parts() -> None:
    host = farms.host(machines=250)
    asked: list[int] = []

    def summed_up(given: Element) -> str:
        parts = [one for one in given if one.tag.endswith("}SettingData")]
        asked.append(len(parts))
        if not parts:
            raise TOO_LARGE
        names = {
            (one.text or "").removeprefix("Microsoft:") for part in parts for one in part.iter()
        }
        return farms.summed_up(host, only=names)

    host.methods["GetSummaryInformation"] = summed_up
    found = machines(host)
    assert len(found) == 250
    assert {one.memory for one in found} == {3072 * MIB}
    assert asked == [0, 100, 100, 50]


def test_an_empty_host_that_shows_itself_is_empty() -> None:
    assert machines(farms.host(machines=0)) == ()


def test_without_the_hosts_own_object_nothing_is_told() -> None:
    host = farms.host()
    del host.rows[SYSTEMS][0]
    assert "no object of its own" in why_not(host).why
    host.rows[SYSTEMS].clear()
    assert "may see nothing" in why_not(host).why


def test_without_the_right_to_the_summary_nothing_is_told() -> None:
    host = farms.host()
    host.refusals["GetSummaryInformation"] = DENIED
    found = why_not(host)
    assert found.hresult == "0x80041003"
    assert sum(b"GetSummaryInformation_INPUT" in one for one in host.messages) == 1
    host = farms.host()
    host.methods["GetSummaryInformation"] = lambda _: "<p:ReturnValue>32769</p:ReturnValue>"
    assert "access is denied" in why_not(host).why


def test_a_summary_of_other_machines_is_looked_at_twice_and_then_not_told() -> None:
    host = farms.host()
    host.methods["GetSummaryInformation"] = lambda _: "<p:ReturnValue>0</p:ReturnValue>"
    assert "lists 2 virtual machines and sums up 0" in why_not(host).why
    assert host.asked.count("GetSummaryInformation") == 2


def test_a_machine_that_comes_between_both_lists_is_found() -> None:
    host = farms.host(machines=1)

    def summed_up(_: object) -> str:
        host.methods["GetSummaryInformation"] = lambda _: farms.summed_up(host)
        farms.machine(host, "new")
        return farms.summed_up(host)

    host.methods["GetSummaryInformation"] = summed_up
    assert [one.name for one in machines(host)] == ["vm0", "new"]


def test_summaries_in_cim_xml_are_read_as_well() -> None:
    host = farms.host(machines=1)
    summary = embedded(
        "Msvm_SummaryInformation", {"Name": farms.upper("vm0").lower(), "MemoryUsage": 7}
    )
    host.methods["GetSummaryInformation"] = lambda _: (
        f"<p:SummaryInformation>{summary}</p:SummaryInformation><p:ReturnValue>0</p:ReturnValue>"
    )
    assert machines(host)[0].memory == 7 * MIB


def test_a_host_of_200_machines_with_400_disks_in_few_round_trips() -> None:
    cim = opened(farms.host(machines=200))
    host_identity.recognise(cim, "HV01")
    migration_service.read_settings(cim)
    migration_service.read_service(cim)
    migration_service.read_folder(cim)
    migration_service.free_memory(cim)
    found = read_machines(cim)
    assert not isinstance(found, NotTold)
    assert sum(len(one.disks) for one in found) == 400
    read_windows(cim)
    read_volumes(cim)
    assert cim.trips < 60


def test_nothing_is_asked_of_any_file() -> None:
    host = farms.host()
    machines(host)
    assert not [one for one in host.asked if one.startswith("GetVirtualHardDisk")]


def test_the_list_of_systems_is_asked_as_a_whole() -> None:
    """A query that leaves the host out would leave out the proof as well."""
    host = farms.host()
    machines(host)
    assert wql.every(COMPUTER_SYSTEM).text in host.asked
