"""What cmdlets gave, as values: without a host."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegation.hosts.machines import Disk, MachineState
from delegation.hosts.winrm import reading
from delegation.hosts.winrm.output import Output
from tests.hosts.test_output import output_of

WEB = UUID("0b54b0c2-5b1f-4b0e-9a4e-6a3a5b1c0d21")


def machine(**others: Any) -> Output:
    usual: dict[str, Any] = {
        "Id": WEB,
        "Name": "web1",
        "State": "Running",
        "Status": "Operating normally",
        "MemoryAssigned": 5,
        "MemoryStartup": 4,
        "Path": "C:\\VMs\\web1",
        "IsClustered": False,
    }
    return output_of(**usual | others)


def drive(path: str, owner: UUID = WEB) -> Output:
    return output_of(VMId=owner, Path=path, ControllerNumber=0)


def file(path: str, size: int, parent: str = "") -> Output:
    return output_of(Path=path, FileSize=size, ParentPath=parent, VhdFormat="VHDX")


@pytest.mark.parametrize(
    ("state", "read"),
    [
        ("Running", MachineState.RUNNING),
        ("Saved", MachineState.SAVED),
        ("RunningCritical", MachineState.OTHER),
    ],
)
def test_a_state_that_does_not_matter_here_is_another(state: str, read: MachineState) -> None:
    assert reading.machine(machine(State=state)).state is read


def test_memory_is_what_is_assigned_or_what_it_starts_with() -> None:
    assert reading.machine(machine()).memory == 5
    assert reading.machine(machine(MemoryAssigned=0)).memory == 4


@pytest.mark.parametrize(
    "others",
    [
        {"SecondaryOperationalStatus": reading.MIGRATING},
        {"SecondaryOperationalStatus": None, "OperationalStatus": ["InService", reading.MIGRATING]},
        {"OperationalStatus": ["InService", reading.MIGRATING]},
    ],
)
def test_it_migrates_by_either_status(others: dict[str, Any]) -> None:
    assert reading.machine(machine(**others)).migrating


@pytest.mark.parametrize(
    "others",
    [{}, {"SecondaryOperationalStatus": "CreatingSnapshot"}, {"OperationalStatus": ["Ok", None]}],
)
def test_else_it_does_not(others: dict[str, Any]) -> None:
    assert not reading.machine(machine(**others)).migrating


def test_a_checkpoints_parents_are_copied_too() -> None:
    found = reading.machines(
        [machine(), drive("C:\\a_2.avhdx"), file("c:\\A_2.avhdx", 3, "C:\\a_1.avhdx")]
    )
    assert found.parents() == ["C:\\a_1.avhdx"]
    found.files.update(reading.machines([file("C:\\a_1.avhdx", 20, "C:\\a.vhdx")]).files)
    assert found.parents() == ["C:\\a.vhdx"]
    found.files.update(reading.machines([file("C:\\a.vhdx", 100)]).files)
    assert found.parents() == []
    (whole,) = found.whole()
    assert whole.disk == 123
    assert whole.disks[0] == Disk("C:\\a_2.avhdx", 3)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12))
def test_files_that_are_each_others_parents_come_to_an_end(links: list[tuple[int, int]]) -> None:
    """Each file counts once, whatever is said to build upon what."""
    files = [file(f"C:\\{one}.vhdx", 1, f"C:\\{parent}.vhdx") for one, parent in links]
    drives = [drive(f"C:\\{one}.vhdx") for one in range(6)]
    (whole,) = reading.machines([machine(), *drives, *files]).whole()
    assert len({disk.path for disk in whole.disks}) == len(whole.disks)
    assert whole.disk == len({one for one, _ in links})


def test_drives_belong_to_their_machine_and_those_of_machines_that_went_to_none() -> None:
    other = uuid4()
    outputs = [
        machine(),
        machine(Id=other, Name="web2"),
        drive("C:\\b.vhdx", other),
        drive("C:\\c.vhdx", uuid4()),
        drive(""),
        file("C:\\b.vhdx", 7),
    ]
    web1, web2 = reading.machines(outputs).whole()
    assert web1.disks == ()
    assert web2.disks == (Disk("C:\\b.vhdx", 7),)


def test_incompatibilities_that_came_as_text_are_not_taken_for_none() -> None:
    one = machine(Message="no switch\r\n there", MessageId=33012, Source=None)
    as_objects = output_of(Incompatibilities=[one.raw])
    (found,) = reading.incompatibilities(as_objects) or ()
    assert (found.message, found.id, found.source) == ("no switch there", 33012, "")
    as_text = output_of(Incompatibilities=["Microsoft.HyperV.PowerShell.VMIncompatibility"])
    assert reading.incompatibilities(as_text) is None
    assert reading.incompatibilities(output_of(Incompatibilities=[])) == ()
    assert reading.incompatibilities(output_of(Incompatibilities=None)) == ()


@pytest.mark.parametrize(
    ("path", "letter"),
    [
        ("C:\\ProgramData\\Hyper-V", "C"),
        ("d:\\", "D"),
        ("\\\\sofs01\\vms", None),
        ("\\\\?\\Volume{x}\\vms", None),
        ("", None),
    ],
)
def test_the_drive_of_a_path(path: str, letter: str | None) -> None:
    assert reading.drive(path) == letter


def test_what_is_missing_is_told_from_what_is_there() -> None:
    assert reading.parts([output_of(Subnet="10.0.0.0/24", Priority=1)]) is None


def test_machines_by_name_are_read_though_another_is_odd() -> None:
    odd = output_of(Id="no id", Name="odd", State=7)
    assert [one.name for one in reading.named([odd, machine()], "WEB1")] == ["web1"]
    assert [one.name for one in reading.named([odd, machine()], str(WEB))] == ["web1"]
    assert reading.named([machine()], "web*") == []


@pytest.mark.parametrize(
    ("name", "computer"), [("HV02", "hv02"), ("HV-BRANCH-BERLIN2", "hv-branch-berlin")]
)
def test_a_computer_is_known_by_its_netbios_name(name: str, computer: str) -> None:
    assert reading.is_computer(name, computer)


@pytest.mark.parametrize(("name", "computer"), [("HV03", "hv02"), ("", "hv02"), ("HV021", "hv02")])
def test_another_computer_is_not_taken_for_it(name: str, computer: str) -> None:
    assert not reading.is_computer(name, computer)


def test_the_name_of_a_host_of_itself() -> None:
    assert reading.computer([output_of(CSName="HV02")]) == "HV02"
    assert reading.computer([]) == ""


@pytest.mark.parametrize(
    ("vmms", "what", "fix"),
    [("Stopped", "is Stopped", "Start-Service vmms"), ("", "has no", "Install-WindowsFeature")],
)
def test_a_host_that_does_not_serve(vmms: str, what: str, fix: str) -> None:
    said, do = reading.not_serving("hv01.corp.example", vmms)
    assert what in said
    assert fix in do
