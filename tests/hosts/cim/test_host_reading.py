"""What a host tells of itself: who it is, its migration service, its files, what lies around."""

import pytest

from delegation.errors import CimFailed, HostUnreachable, WrongHost
from delegation.hosts.cim import (
    disk_files,
    host_identity,
    host_overview,
    migration_service,
    surroundings,
)
from delegation.hosts.cim.cim_client import Cim
from delegation.hosts.cim.told import NotTold, told
from delegation.hosts.machines import UnderWay
from tests.hosts.cim import canned, farms
from tests.hosts.cim.canned import (
    CIMV2,
    DENIED,
    NO_ACCESS,
    V2,
    CannedHost,
    CannedWire,
    Row,
    embedded,
    opened,
)

NETWORKS = V2, "Msvm_VirtualSystemMigrationNetworkSettingData"
SETTINGS = V2, "Msvm_VirtualSystemMigrationServiceSettingData"


# Who it is


def test_the_host_that_is_meant() -> None:
    host = farms.host("AVERYLONGNAME01-AND-MORE")
    host_identity.recognise(opened(host), "averylongname01")
    host_identity.recognise(opened(farms.host("AVERYLONGNAME01")), "averylongname01-and-more")
    assert not [one for one in host.asked if "Win32_" in one]


def test_another_host_is_refused_by_name() -> None:
    with pytest.raises(WrongHost, match="is the computer HV01, not hv02") as caught:
        host_identity.recognise(opened(farms.host()), "hv02")
    assert "nothing was read or changed" in caught.value.fix


def test_a_host_that_shows_nothing_is_not_taken_for_another_one() -> None:
    host = farms.host()
    host.rows.clear()
    with pytest.raises(CimFailed, match="does not tell what it is called") as caught:
        host_identity.recognise(opened(host), "hv01")
    assert "Hyper-V Administrators" in caught.value.fix


# Its migration service


def settings_of(host: CannedHost) -> dict[str, bool | int | str]:
    return migration_service.read_settings(opened(host))


def test_settings_by_their_names_in_the_inventory() -> None:
    assert settings_of(farms.host()) == {
        "enabled": True,
        "authentication": "Kerberos",
        "migrations": 4,
        "storage_migrations": 2,
        "performance": "Compression",
        "any_network": False,
        "network 10.20.0.0/24": 5,
    }


@pytest.mark.parametrize(
    ("compression", "smb", "performance"),
    [
        (True, True, "SMB"),
        (False, True, "SMB"),
        (True, False, "Compression"),
        (False, False, "TCPIP"),
    ],
)
def test_performance_is_two_switches(*, compression: bool, smb: bool, performance: str) -> None:
    host = farms.host()
    switches: Row = {"EnableCompression": compression, "EnableSmbTransport": smb}
    host.rows[SETTINGS] = [{**farms.SETTINGS, **switches}]
    assert settings_of(host)["performance"] == performance


def test_any_network_is_a_tag_and_no_network_of_its_own() -> None:
    host = farms.host()
    host.has(NETWORKS[1], farms.EVERYWHERE)
    found = settings_of(host)
    assert found["any_network"] is True
    assert [name for name in found if name.startswith("network")] == ["network 10.20.0.0/24"]


def test_networks_of_the_system_are_nobodys() -> None:
    host = farms.host()
    host.rows[NETWORKS] = [{**farms.NETWORK, "Tags": ["Microsoft:Cluster"]}]
    assert not [name for name in settings_of(host) if name.startswith("network")]


def test_an_authentication_that_is_not_known_is_an_error() -> None:
    host = farms.host()
    host.rows[SETTINGS] = [{**farms.SETTINGS, "AuthenticationType": 2}]
    with pytest.raises(CimFailed, match="by authentication 2"):
        settings_of(host)


def test_listeners_without_link_local_ones_and_what_is_under_way() -> None:
    found = migration_service.read_service(opened(farms.host()))
    assert found.listeners == ("10.20.0.11", "fd00::11")
    assert found.under_way == UnderWay(migrations=1, storage_migrations=0)


def test_folder_and_memory() -> None:
    cim = opened(farms.host())
    assert migration_service.read_folder(cim) == "C:\\VMs"
    assert migration_service.free_memory(cim) == 1024 * 1024 * 1024
    empty = farms.host()
    del empty.rows[V2, "Msvm_NumaNode"]
    with pytest.raises(CimFailed, match="nothing of its memory"):
        migration_service.free_memory(opened(empty))


# Its files


def chained(**parents: str) -> CannedHost:
    """A host whose disk files build upon each other."""
    host = farms.host()

    def settings(asked: object) -> str:
        path = asked[0].text  # type: ignore[index]
        row: Row = {"ParentPath": parents.get(path, "")}
        inner = embedded("Msvm_VirtualHardDiskSettingData", row)
        return f"<p:SettingData>{inner}</p:SettingData><p:ReturnValue>0</p:ReturnValue>"

    host.methods["GetVirtualHardDiskSettingData"] = settings
    return host


def test_a_chain_of_files() -> None:
    found = disk_files.read_chain(opened(chained(c="b", b="a")), "c")
    assert [one.path for one in found] == ["c", "b", "a"]
    assert [one.size for one in found] == [4096] * 3


def test_a_chain_that_never_ends() -> None:
    with pytest.raises(CimFailed, match="or upon itself"):
        disk_files.read_chain(opened(chained(c="b", b="C")), "c")
    long = {str(number): str(number + 1) for number in range(100)}
    with pytest.raises(CimFailed, match="more than 64 files"):
        disk_files.read_chain(opened(chained(**long)), "0")


# What lies around


def test_windows_volumes_and_services() -> None:
    cim = opened(farms.host())
    windows = surroundings.read_windows(cim)
    assert not isinstance(windows, NotTold)
    assert (windows.build, windows.memory_free) == ("20348", 1024 * 1024)
    volumes = surroundings.read_volumes(cim)
    assert not isinstance(volumes, NotTold)
    # By mount point; a drive without a medium has no size.
    assert [(one.mounted, one.size, one.free) for one in volumes] == [
        ("C:\\", 100, 50),
        ("C:\\ClusterStorage\\Volume1\\", 900, 450),
    ]
    assert surroundings.read_service_state(cim, "vmms") == "Running"
    assert surroundings.read_service_state(cim, "clussvc") == ""


def test_a_missing_namespace_says_that_it_is_no_node() -> None:
    assert surroundings.read_cluster(opened(farms.host())) == ""


@pytest.mark.parametrize("refusal", [DENIED, NO_ACCESS])
def test_what_may_be_refused_is_not_told_and_says_why(refusal: object) -> None:
    host = farms.host()
    for namespace in (CIMV2, "root/standardcimv2", "root/MSCluster"):
        host.refusals[namespace] = refusal  # type: ignore[assignment]
    cim = opened(host)
    for found in (
        surroundings.read_windows(cim),
        surroundings.read_service_state(cim, "vmms"),
        surroundings.read_volumes(cim),
        told(lambda: surroundings.read_addresses(cim)),
        surroundings.read_cluster(cim),
    ):
        assert isinstance(found, NotTold)
        assert "gives vmadmin no access to root/" in found.why
        assert found.hresult in {"0x80041003", "0x80070005"}


def test_an_empty_list_of_what_every_host_has_is_not_told() -> None:
    host = farms.host()
    host.rows[CIMV2, "Win32_Volume"] = []
    found = surroundings.read_volumes(opened(host))
    assert isinstance(found, NotTold)
    assert "lists no volumes" in found.why


# All in one go


FOLDERS = V2, "Msvm_VirtualSystemManagementServiceSettingData"


def test_of_two_figures_of_free_memory_the_smaller_counts() -> None:
    found = host_overview.read_host(opened(farms.host())).resources
    assert found is not None
    assert found.memory == 1024 * 1024, "Windows has less than Hyper-V would give away"
    host = farms.host()
    host.refusals[CIMV2] = DENIED
    found = host_overview.read_host(opened(host)).resources
    assert found is not None
    assert found.memory == 1024 * 1024 * 1024
    del host.rows[V2, "Msvm_NumaNode"]
    reading = host_overview.read_host(opened(host))
    assert reading.resources is not None
    assert reading.resources.memory is None
    assert "nothing of its memory" in reading.not_told["memory"]


@pytest.mark.parametrize(
    ("folder", "free"),
    [
        ("C:\\VMs", 50),
        ("c:\\clusterstorage\\volume1\\VMs", 450),
        ("C:\\ClusterStorage\\Volume1", 450),
        ("C:\\ClusterStorage\\Volume10\\VMs", 50),
        ("D:\\VMs", None),
        ("\\\\sofs01\\vms", None),
    ],
)
def test_free_space_is_that_of_the_volume_mounted_there(folder: str, free: int | None) -> None:
    host = farms.host()
    host.rows[FOLDERS] = [{**host.rows[FOLDERS][0], "DefaultExternalDataRoot": folder}]
    found = host_overview.read_host(opened(host))
    assert found.resources is not None
    assert found.resources.disk == free
    assert ("disk" in found.not_told) == (free is None)


def test_a_clusters_namespace_that_lists_nothing_is_no_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(canned, "NAMESPACES", {*canned.NAMESPACES, "root/MSCluster"})
    host = farms.host()
    host.refusals[CIMV2] = DENIED
    found = host_overview.read_host(opened(host))
    assert found.clustered is None
    assert "no access to root/cimv2" in found.not_told["clustered"]


def test_a_host_that_is_gone_is_an_error_and_no_answer() -> None:
    host = farms.host()
    host.losing = 9
    cim = Cim(CannedWire(host))
    with pytest.raises(HostUnreachable):
        surroundings.read_volumes(cim)
    assert told(lambda: 1) == 1
