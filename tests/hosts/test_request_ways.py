"""The ways in which a machine's check is asked: each differs from what is sent in one thing."""

from __future__ import annotations

from delegation.hosts.cim import migration_request
from delegation.hosts.cim.cim_values import Embedded
from delegation.hosts.cim.migration_request import MigrationRequest
from delegation.hosts.probe.request_ways import WAYS, ListedDisk, SentRequest
from tests.hosts.cim.source import Source, order

SYSTEM, DATA = (
    "D:\\VMs\\vm1\\Virtual Hard Disks\\system.vhdx",
    "D:\\VMs\\vm1\\Virtual Hard Disks\\data.vhdx",
)
HERE = "C:\\VMs\\vm1\\"


def sent(disks: int = 2, of_checkpoints: int = 0) -> SentRequest:
    source = Source()
    found = migration_request.read_files(source.cim, order())
    request = migration_request.request(source.cim, order(), found)
    listed = [
        ListedDisk(request.disks[0], f"{HERE}system.vhdx", SYSTEM),
        ListedDisk(request.disks[1], f"{HERE}data.vhdx", DATA),
    ][:disks]
    more = [
        ListedDisk(request.disks[0], f"{HERE}old.avhdx", f"D:\\old{n}.avhdx", of_checkpoint=True)
        for n in range(of_checkpoints)
    ]
    every = tuple(listed + more)
    request = MigrationRequest(
        request.machine,
        request.target,
        request.how,
        request.folders,
        tuple(one.settings for one in every),
    )
    return SentRequest(request, every)


def way(key: str, given: SentRequest | None = None) -> MigrationRequest:
    found = WAYS[key](given or sent())
    assert found is not None
    return found


def places(request: MigrationRequest) -> list[object]:
    return [one.values["HostResource"] for one in request.disks]


def test_each_way_changes_one_argument_and_no_two_are_alike() -> None:
    given = sent(of_checkpoints=1)
    as_sent = way("as_sent", given).arguments
    written: list[str] = []
    for key in WAYS:
        asked = way(key, given).arguments
        differing = [name for name, value in asked.items() if value != as_sent[name]]
        expected = {"as_sent": 0, "to_default_folders": 2}.get(key, 1)
        assert len(differing) == expected, (key, differing)
        written.append(str({name: str(value) for name, value in asked.items()}))
    assert len(set(written)) == len(WAYS)


def test_what_becomes_of_the_last_disk() -> None:
    assert places(way("as_sent")) == [[SYSTEM], [DATA]]
    assert places(way("last_disk_left_out")) == [[SYSTEM]]
    assert places(way("last_disk_stays")) == [[SYSTEM], [f"{HERE}data.vhdx"]]
    assert places(way("two_disks_in_one_place")) == [[SYSTEM], [SYSTEM]]
    renamed = DATA.replace("data.vhdx", "renamed-data.vhdx")
    assert places(way("last_disk_renamed")) == [[SYSTEM], [renamed]]
    assert places(way("no_disks")) == []


def test_a_machine_is_not_asked_about_what_it_does_not_have() -> None:
    lacking = [key for key, vary in WAYS.items() if vary(sent(disks=1)) is None]
    assert lacking == [
        "without_disks_of_checkpoints",
        "last_disk_left_out",
        "last_disk_stays",
        "two_disks_in_one_place",
    ]
    without = way("without_disks_of_checkpoints", sent(of_checkpoints=2))
    assert places(without) == [[SYSTEM], [DATA]]
    assert len(way("last_disk_left_out", sent(of_checkpoints=2)).disks) == 3


def test_a_disk_by_its_id_and_place_alone() -> None:
    for disk in way("only_id_and_place").disks:
        assert set(disk.values) == {"InstanceID", "HostResource"}
    assert set(way("as_sent").disks[0].values) > {"InstanceID", "HostResource"}


def test_how_and_whereto() -> None:
    how = way("as_sent").how.values
    assert how.keys() - way("without_addresses").how.values.keys() == {"DestinationIPAddressList"}
    assert how.keys() - way("without_compression").how.values.keys() == {"EnableCompression"}
    to_default = way("to_default_folders")
    assert to_default.folders is None
    assert isinstance(way("as_sent").folders, Embedded)
    assert places(to_default) == [[f"{HERE}system.vhdx"], [f"{HERE}data.vhdx"]]
    assert way("to_nobody").target.endswith(".invalid")
