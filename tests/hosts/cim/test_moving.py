"""Migrations as jobs: what is asked, sent once, ours or not, followed, stopped, and left behind."""

import json
from uuid import uuid4

import pytest

from delegation.errors import CimFailed, HostError, HostUnreachable, MoveRefused, MoveUnsettled
from delegation.hosts.cim import cim_jobs, disk_files, migration_request, moving
from delegation.hosts.cim.cim_classes import SYSTEM_SETTINGS
from delegation.hosts.cim.cim_instance import CimInstance
from delegation.hosts.cim.move_handle import SETTLED_SECONDS, START_SECONDS
from delegation.hosts.machines import Ended, Incompatibility, Landing, MovePhase, MoveProgress
from tests.hosts.cim import farms
from tests.hosts.cim.canned import NO_CLASS, V2, Refusal, embedded
from tests.hosts.cim.source import PARENT, TARGET, VM, Source, job, order

MOVE, CHECK = "MigrateVirtualSystemToHost", "CheckVirtualSystemIsMigratable"
PLANNED = "Msvm_PlannedComputerSystem"
GUID = str(VM).upper()


@pytest.fixture
def source() -> Source:
    return Source()


def handle_of(source: Source, **others: object) -> str:
    return moving.new_handle(source.cim, order(**others))


# --- what is asked ---


def test_the_request_says_all_that_the_target_needs(source: Source) -> None:
    moving.start(source.cim, order(), handle_of(source))
    assert source.count(MOVE) == 1
    assert source.texts(MOVE, "DestinationHost") == [TARGET]
    [how] = source.instances(MOVE, "MigrationSettingData")
    assert how == {
        "MigrationType": ["32771"],
        "TransportType": ["5"],
        "EnableCompression": ["TRUE"],
        "DestinationIPAddressList": ["10.20.0.12"],
    }
    [folders] = source.instances(MOVE, "NewSystemSettingData")
    roots = {name for name, value in folders.items() if value == ["D:\\VMs\\vm1"]}
    assert roots == {
        "ConfigurationDataRoot",
        "SnapshotDataRoot",
        "SuspendDataRoot",
        "SwapFileDataRoot",
        "LogDataRoot",
        "GuestStateDataRoot",
    }
    disks = source.instances(MOVE, "NewResourceSettingData")
    assert [one["HostResource"] for one in disks] == [
        ["D:\\VMs\\vm1\\Virtual Hard Disks\\system.vhdx"],
        ["D:\\VMs\\vm1\\Virtual Hard Disks\\data.vhdx"],
    ]
    assert all(one["PoolID"] == [""] for one in disks)


def test_a_disk_is_sent_whole(source: Source) -> None:
    disks = source.host.related["Msvm_VirtualSystemSettingDataComponent", f"microsoft:{VM}"]
    disks[0] = {**disks[0], "Parent": PARENT, "CachingMode": 2, "AutomaticAllocation": True}
    moving.check(source.cim, order())
    first = source.instances(CHECK, "NewResourceSettingData")[0]
    assert first["Parent"] == [PARENT]
    assert (first["CachingMode"], first["AutomaticAllocation"]) == (["2"], ["TRUE"])
    assert first["InstanceID"] == [str(disks[0]["InstanceID"])]


def test_transport_and_compression_are_the_sources(source: Source) -> None:
    settings = source.host.rows[V2, "Msvm_VirtualSystemMigrationServiceSettingData"]
    settings[0] = {**settings[0], "EnableSmbTransport": True, "EnableCompression": False}
    moving.check(source.cim, order())
    [how] = source.instances(CHECK, "MigrationSettingData")
    assert (how["TransportType"], how["EnableCompression"]) == (["32768"], ["FALSE"])


def test_two_disks_of_one_name_get_two_folders(source: Source) -> None:
    farms.holds(source.host, GUID, farms.disk_of(GUID, 3, "E:\\more\\SYSTEM.vhdx"))
    moving.check(source.cim, order())
    disks = source.instances(CHECK, "NewResourceSettingData")
    assert disks[2]["HostResource"] == ["D:\\VMs\\vm1\\Virtual Hard Disks\\2\\SYSTEM.vhdx"]


def test_what_an_older_windows_lacks_is_not_sent() -> None:
    """A property that a host's class does not have lets the job fail."""
    told = {"InstanceID": (f"Microsoft:{GUID}",), "ConfigurationDataRoot": ("C:\\VMs\\vm1",)}
    settings = CimInstance(SYSTEM_SETTINGS, told, "hv01.corp.example")
    sent = str(migration_request._in_folder(order(), settings))
    assert "ConfigurationDataRoot" in sent
    assert "GuestStateDataRoot" not in sent


@pytest.mark.parametrize(
    ("others", "words"),
    [
        ({"landing": Landing(())}, "hv02.corp.example listens on no address"),
        ({"storage": ""}, "no folder on hv02.corp.example"),
    ],
)
def test_what_this_program_refuses_itself(
    source: Source, others: dict[str, object], words: str
) -> None:
    [found] = moving.check(source.cim, order(**others))
    assert (words in found.message, found.id) == (True, "")
    with pytest.raises(MoveRefused, match=words):
        moving.start(source.cim, order(**others), handle_of(source))
    assert source.calls == []


def test_a_hard_disk_without_a_file(source: Source) -> None:
    empty = {**farms.disk_of(GUID, 3, ""), "HostResource": None}
    farms.holds(source.host, GUID, empty)
    [found] = moving.check(source.cim, order())
    assert "a hard disk without a file" in found.message


def test_a_file_that_two_settings_name_has_one_place() -> None:
    found = disk_files.places("D:\\", ["C:\\a.vhdx", "C:\\A.vhdx", "E:\\a.vhdx"])
    assert found == {
        "c:\\a.vhdx": "D:\\Virtual Hard Disks\\a.vhdx",
        "e:\\a.vhdx": "D:\\Virtual Hard Disks\\2\\a.vhdx",
    }


def test_a_disk_on_a_share_is_refused_by_name(source: Source) -> None:
    farms.holds(source.host, GUID, farms.disk_of(GUID, 3, "\\\\sofs01\\vms\\vm1\\big.vhdx"))
    [found] = moving.check(source.cim, order(with_checkpoints=True))
    assert "\\\\sofs01\\vms\\vm1\\big.vhdx on a share" in found.message
    assert source.calls == []
    asked = source.host.asked.count("GetVirtualHardDiskSettingData")
    assert asked == 2, "the source would make a second hop to the file server"


def test_checkpoints_are_refused_by_name_unless_they_are_wanted(source: Source) -> None:
    farms.checkpoint(source.host, "vm1", "before the update")
    [found] = moving.check(source.cim, order())
    assert "'before the update'" in found.message
    assert source.calls == []
    assert moving.check(source.cim, order(with_checkpoints=True)) == ()
    disks = source.instances(CHECK, "NewResourceSettingData")
    assert disks[2]["HostResource"] == ["D:\\VMs\\vm1\\Virtual Hard Disks\\old.vhdx"]


def test_differencing_disks_are_refused_by_name(source: Source) -> None:
    source.host.methods["GetVirtualHardDiskSettingData"] = lambda _: (
        "<p:SettingData>"
        f"{embedded('Msvm_VirtualHardDiskSettingData', {'ParentPath': 'C:/base.vhdx'})}"
        "</p:SettingData><p:ReturnValue>0</p:ReturnValue>"
    )
    [found] = moving.check(source.cim, order())
    assert "differencing disks: C:\\VMs\\vm1\\system.vhdx, C:\\VMs\\vm1\\data.vhdx" in found.message
    assert moving.check(source.cim, order(with_checkpoints=True)) == ()


def test_a_machine_that_is_gone(source: Source) -> None:
    gone = order(machine=uuid4())
    with pytest.raises(CimFailed, match="tells no settings"):
        moving.check(source.cim, gone)
    with pytest.raises(MoveRefused):
        moving.start(source.cim, gone, handle_of(source))


# --- the check ---


def test_its_errors_are_the_incompatibilities(source: Source) -> None:
    source.checked = job("CHECK", JobType=302, JobState=10, ErrorCode=32768)
    source.errors = [
        {"Message": "'vm1' could not be moved.", "MessageID": "21024"},
        {"Message": "Could not find switch 'External'.", "MessageID": "33012"},
    ]
    assert moving.check(source.cim, order()) == (
        Incompatibility("'vm1' could not be moved.", "21024"),
        Incompatibility("Could not find switch 'External'.", "33012"),
    )
    source.errors = []
    source.set_job(ErrorDescription="失敗")
    assert moving._speaking_against(
        source.cim, cim_jobs.read_migration_jobs(source.cim, GUID)[0]
    ) == (Incompatibility("失敗"),)


def test_a_check_that_was_stopped_tells_nothing(source: Source) -> None:
    source.checked = job("CHECK", JobType=302, JobState=8)
    with pytest.raises(CimFailed, match="stopped the check"):
        moving.check(source.cim, order())


# --- sent once ---


@pytest.mark.parametrize("code", [32768, 32769, 32773, 32775])
def test_a_number_that_says_that_nothing_begins(source: Source, code: int) -> None:
    source.codes[MOVE] = code
    with pytest.raises(MoveRefused) as caught:
        moving.start(source.cim, order(), handle_of(source))
    assert (caught.value.code, source.count(MOVE)) == (code, 1)


@pytest.mark.parametrize("code", [0, 32771, 32772, 40000])
def test_a_number_after_which_it_may_have_begun(source: Source, code: int) -> None:
    source.codes[MOVE] = code
    with pytest.raises(HostError) as caught:
        moving.start(source.cim, order(), handle_of(source))
    assert not isinstance(caught.value, MoveRefused)


def test_faults(source: Source) -> None:
    source.host.refusals[MOVE] = NO_CLASS
    with pytest.raises(MoveRefused):
        moving.start(source.cim, order(), handle_of(source))
    failing = Refusal("w:InternalError", 2150858817, "Generic failure HRESULT = 0x80041001")
    source.host.refusals[MOVE] = failing
    with pytest.raises(CimFailed) as caught:
        moving.start(source.cim, order(), handle_of(source))
    assert not isinstance(caught.value, MoveRefused)


def test_a_lost_answer_is_not_asked_for_again(source: Source) -> None:
    handle = handle_of(source)
    moving._request(source.cim, order())
    before = len(source.host.messages)
    moving._request(source.cim, order())
    source.host.losing_after = len(source.host.messages) - before
    with pytest.raises(HostUnreachable):
        moving.start(source.cim, order(), handle)
    assert sum(MOVE.encode() + b"_INPUT" in one for one in source.host.messages) == 1


def test_a_handle_is_good_for_a_while_only(source: Source) -> None:
    handle = handle_of(source)
    source.wire.seconds += START_SECONDS + 1
    with pytest.raises(MoveRefused, match="was not sent"):
        moving.start(source.cim, order(), handle)
    with pytest.raises(MoveRefused, match="older version"):
        moving.start(source.cim, order(), str(uuid4()))
    assert source.count(MOVE) == 0


# --- ours, and others' ---


def test_a_handle_is_text_and_says_what_was_there(source: Source) -> None:
    source.jobs.append(job("OLD", JobState=10))
    told = json.loads(handle_of(source, landing=Landing(("1.1.1.1",), has_planned=True)))
    assert (told["machine"], told["target"]) == (GUID, TARGET)
    assert (told["listed"], told["had_planned"], told["job"]) == (["OLD"], True, "")


def test_the_number_of_the_job_comes_with_the_answer(source: Source) -> None:
    started = moving.start(source.cim, order(), handle_of(source))
    assert json.loads(started.handle)["job"] == "NEW"


def test_ours_among_others(source: Source) -> None:
    source.jobs.append(job("BEFORE", JobState=10))
    handle = handle_of(source)
    source.jobs.extend(
        [
            job("CHECKING", JobType=302, JobState=7),
            job("STAGED", JobType=300, JobState=7),
            job("ELSEWHERE", DestinationHost="hv09.corp.example", JobState=10),
            job("FAILED-OF-ANOTHER-VM", VirtualSystemName=farms.upper("vm0")),
            job("OURS"),
        ]
    )
    found = moving.reattach(source.cim, VM, handle)
    assert found is not None
    assert json.loads(found.handle)["job"] == "OURS"
    source.jobs.pop()
    source.wire.seconds += SETTLED_SECONDS
    assert moving.reattach(source.cim, VM, handle) is None


def test_by_its_number_once_it_is_known(source: Source) -> None:
    started = moving.start(source.cim, order(), handle_of(source))
    source.jobs.insert(0, job("SAME-TARGET"))
    found = moving.reattach(source.cim, VM, started.handle)
    assert found is not None
    assert json.loads(found.handle)["job"] == "NEW"
    source.jobs.pop()
    assert moving.reattach(source.cim, VM, started.handle) is None


def test_unsettled_while_it_may_still_begin(source: Source) -> None:
    handle = handle_of(source)
    with pytest.raises(MoveUnsettled, match="may still begin it"):
        moving.reattach(source.cim, VM, handle)
    source.wire.seconds += SETTLED_SECONDS - 1
    with pytest.raises(MoveUnsettled):
        moving.reattach(source.cim, VM, handle)
    source.wire.seconds += 1
    source.jobs.append(job("SOMEBODYS", DestinationHost="10.20.0.12"))
    with pytest.raises(MoveUnsettled, match="works on that virtual machine"):
        moving.reattach(source.cim, VM, handle)
    source.set_job(JobState=7)
    assert moving.reattach(source.cim, VM, handle) is None


def test_a_source_that_shows_nothing_settles_nothing(source: Source) -> None:
    handle = handle_of(source)
    source.wire.seconds += SETTLED_SECONDS
    source.host.rows.clear()
    for ask in (
        lambda: moving.reattach(source.cim, VM, handle),
        lambda: moving.is_at_work(source.cim, VM),
        lambda: moving.new_handle(source.cim, order()),
    ):
        with pytest.raises(CimFailed, match="does not tell what it is called"):
            ask()


def test_a_handle_of_an_older_version(source: Source) -> None:
    old = str(uuid4())
    source.jobs.append(job("CHECK", JobType=302))
    source.jobs.append(job("OVER", JobState=7))
    assert moving.reattach(source.cim, VM, old) is None
    source.jobs.append(job("UNDER-WAY", DestinationHost="hv03.corp.example"))
    found = moving.reattach(source.cim, VM, old)
    assert found is not None
    assert found.handle == old
    assert isinstance(found.wait(0), MoveProgress)
    assert not moving.remove_planned(source.cim, old)


@pytest.mark.parametrize("text", ['{"format":2}', '{"format":1}', '{"format":1,"listed":3}'])
def test_a_handle_that_is_not_understood(source: Source, text: str) -> None:
    with pytest.raises(HostError, match="in a form that this program does not know"):
        moving.reattach(source.cim, VM, text)


# --- followed ---


@pytest.mark.parametrize(
    ("state", "phase"),
    [
        (2, MovePhase.WAITING),
        (3, MovePhase.MACHINE_AND_STORAGE),
        (4, MovePhase.MACHINE_AND_STORAGE),
        (5, MovePhase.WAITING),
        (6, MovePhase.CANCELLING),
        (11, MovePhase.MACHINE_AND_STORAGE),
    ],
)
def test_under_way(source: Source, state: int, phase: MovePhase) -> None:
    started = moving.start(source.cim, order(), handle_of(source))
    source.set_job(JobState=state, PercentComplete=0, JobStatus="ジョブ")
    for _ in range(3):
        said = started.wait(301)
        assert said == MoveProgress(0, phase, can_be_stopped=True, text="ジョブ")
    assert source.count("RequestStateChange") == 0


def test_who_waits_for_moments_does_not_ask_each_time(source: Source) -> None:
    started = moving.start(source.cim, order(), handle_of(source))
    before = len(source.host.messages)
    for _ in range(600):
        assert isinstance(started.wait(1), MoveProgress)
    assert 140 < len(source.host.messages) - before < 170
    source.set_job(JobState=7)
    assert started.wait(4) == Ended(None)


@pytest.mark.parametrize(
    ("state", "code", "stopped"),
    [
        (7, 32768, False),
        (32768, 0, False),
        (8, 32775, True),
        (9, 32775, True),
        (10, 32768, False),
        (77, 0, False),
    ],
)
def test_ends_that_are_looked_at(source: Source, *, state: int, code: int, stopped: bool) -> None:
    started = moving.start(source.cim, order(), handle_of(source))
    source.set_job(JobState=state, ErrorCode=code, JobType=307)
    said = started.wait(60)
    assert isinstance(said, Ended)
    assert said.failure is not None
    assert (said.failure.error_code, said.failure.stopped) == (code, stopped)
    assert said.failure.phase is MovePhase.STORAGE
    assert said.failure.message == f"its job ended in JobState {state}, ErrorCode {code}"
    assert started.wait(60) is said


def test_success_closes_its_connection(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[bool] = []
    monkeypatch.setattr(source.wire, "close", lambda: closed.append(True))
    started = moving.start(source.cim, order(), handle_of(source))
    source.set_job(JobState=7)
    assert started.wait(60) == Ended(None)
    assert closed == [True]


def test_a_failure_keeps_all_that_the_host_says(source: Source) -> None:
    started = moving.start(source.cim, order(), handle_of(source))
    source.set_job(JobState=10, ErrorCode=32768, ErrorDescription="移行できません。")
    source.errors = [
        {"Message": "操作に失敗しました。", "MessageID": "21024"},
        {"Message": "認証できません (0x8009030E)。", "MessageID": "20413"},
    ]
    said = started.wait(60)
    assert isinstance(said, Ended)
    assert said.failure is not None
    assert said.failure.message == (
        "操作に失敗しました。 認証できません (0x8009030E)。 移行できません。"
    )
    assert (said.failure.hresult, said.failure.message_id) == ("0x8009030E", "20413")
    assert (said.failure.error_code, said.failure.phase) == (32768, MovePhase.MACHINE_AND_STORAGE)


def test_a_job_that_its_host_has_lost(source: Source) -> None:
    started = moving.start(source.cim, order(), handle_of(source))
    source.jobs.clear()
    with pytest.raises(CimFailed, match="knows nothing of the migration's job any more"):
        started.wait(60)
    source.host.rows.clear()
    with pytest.raises(CimFailed, match="does not tell what it is called"):
        started.wait(60)


def test_a_job_that_is_listed_is_not_lost(source: Source) -> None:
    """Whatever a host says against a look at one object."""
    started = moving.start(source.cim, order(), handle_of(source))
    source.host.refusals["Get"] = NO_CLASS
    assert isinstance(started.wait(0), MoveProgress)


# --- stopped ---


def test_cancelled_in_order(source: Source) -> None:
    started = moving.start(source.cim, order(), handle_of(source))
    started.stop()
    assert source.texts("RequestStateChange", "RequestedState") == ["4"]
    source.set_job(JobState=6)
    assert isinstance(started.wait(600), MoveProgress), "a roll-back takes its time"
    assert source.count("RequestStateChange") == 1
    source.set_job(JobState=8)
    said = started.wait(60)
    assert isinstance(said, Ended)
    assert said.failure is not None
    assert said.failure.stopped


def test_killed_only_when_told_so(source: Source) -> None:
    started = moving.start(source.cim, order(), handle_of(source))
    source.set_job(Cancellable=False)
    started.stop(kill=True)
    assert source.texts("RequestStateChange", "RequestedState") == ["5"]


def test_not_cancellable_is_asked_when_it_is(source: Source) -> None:
    started = moving.start(source.cim, order(), handle_of(source))
    source.set_job(Cancellable=False)
    started.stop()
    said = started.wait(60)
    assert isinstance(said, MoveProgress)
    assert not said.can_be_stopped
    assert source.count("RequestStateChange") == 0
    source.set_job(Cancellable=True)
    started.wait(60)
    assert source.count("RequestStateChange") == 1


@pytest.mark.parametrize("code", [32775, 4097, 5])
def test_refused_it_goes_on_to_its_end(source: Source, code: int) -> None:
    source.codes["RequestStateChange"] = code
    started = moving.start(source.cim, order(), handle_of(source))
    started.stop()
    source.set_job(JobState=7)
    assert started.wait(60) == Ended(None)
    started.stop()
    assert source.count("RequestStateChange") == 1


def test_refused_it_is_asked_again_after_a_while(source: Source) -> None:
    source.codes["RequestStateChange"] = 32775
    started = moving.start(source.cim, order(), handle_of(source))
    started.stop()
    started.wait(9)
    assert source.count("RequestStateChange") == 1
    started.wait(9)
    assert source.count("RequestStateChange") == 2


def test_after_its_end_nothing_is_asked_any_more(source: Source) -> None:
    started = moving.start(source.cim, order(), handle_of(source))
    source.set_job(JobState=7)
    started.wait(60)
    before = len(source.host.messages)
    started.stop(kill=True)
    started.wait(60)
    assert len(source.host.messages) == before


# --- left behind ---


def planned(source: Source) -> None:
    source.host.has(PLANNED, {"Name": GUID, "ElementName": "vm1"})


def as_target(source: Source) -> Source:
    """The same host without the machine."""
    source.host.rows[V2, "Msvm_ComputerSystem"] = [
        one for one in source.host.rows[V2, "Msvm_ComputerSystem"] if one["Name"] != GUID
    ]
    return source


def test_a_target_as_a_migration_finds_it(source: Source) -> None:
    assert moving.read_landing(source.cim, VM) == Landing(("10.20.0.11", "fd00::11"))
    source.host.has(PLANNED, {"Name": farms.upper("vm9"), "ElementName": "vm9"})
    assert not moving.read_landing(source.cim, VM).has_planned
    planned(source)
    assert moving.read_landing(source.cim, VM).has_planned
    source.host.rows.clear()
    with pytest.raises(CimFailed):
        moving.read_landing(source.cim, VM)


def test_what_a_migration_left_is_removed(source: Source) -> None:
    handle = handle_of(source)
    as_target(source)
    source.codes["DestroySystem"] = 0
    assert not moving.remove_planned(source.cim, handle)
    planned(source)
    assert moving.remove_planned(source.cim, handle)
    given = source.calls[-1][1]["AffectedSystem"][0]
    assert PLANNED in "".join(given.itertext())
    assert source.count("DestroySystem") == 1


def test_somebody_elses_stays(source: Source) -> None:
    handle = handle_of(source, landing=Landing(("10.20.0.12",), has_planned=True))
    as_target(source)
    planned(source)
    assert not moving.remove_planned(source.cim, handle)
    assert source.count("DestroySystem") == 0


def test_where_the_machine_has_arrived_nothing_is_removed(source: Source) -> None:
    handle = handle_of(source)
    planned(source)
    assert not moving.remove_planned(source.cim, handle)
    assert source.count("DestroySystem") == 0


@pytest.mark.parametrize("code", [5, 4096])
def test_one_that_stays_is_told(source: Source, code: int) -> None:
    handle = handle_of(source)
    as_target(source)
    planned(source)
    source.codes["DestroySystem"] = code
    with pytest.raises(HostError):
        moving.remove_planned(source.cim, handle)


def test_one_that_is_said_to_be_gone_and_is_not(source: Source) -> None:
    handle = handle_of(source)
    as_target(source)
    planned(source)
    source.codes["DestroySystem"] = 0
    source.host.methods["DestroySystem"] = lambda _: "<p:ReturnValue>0</p:ReturnValue>"
    with pytest.raises(CimFailed, match="still lists it"):
        moving.remove_planned(source.cim, handle)


# --- at work ---


@pytest.mark.parametrize(
    ("jobs", "status", "expected"),
    [
        ([], 2, False),
        ([job("A", JobState=7)], 2, False),
        ([job("A", JobType=302)], 2, True),
        ([job("A", DestinationHost="hv09")], 2, True),
        ([], 32776, True),
        ([], 32779, True),
    ],
)
def test_whether_it_is_at_work(
    source: Source, *, jobs: list[dict[str, str]], status: int, expected: bool
) -> None:
    source.jobs.extend(jobs)
    systems = source.host.rows[V2, "Msvm_ComputerSystem"]
    systems[:] = [
        {**one, "OperationalStatus": [11, status]} if one["Name"] == GUID else one
        for one in systems
    ]
    assert moving.is_at_work(source.cim, VM) is expected
