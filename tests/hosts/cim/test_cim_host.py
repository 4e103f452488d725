"""One host over CIM, at a lab host's desk: what is read, what is set, and who is shown nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import UUID

import pytest

from delegation.errors import (
    CimFailed,
    HostUnreachable,
    HyperVFailed,
    MachinesNotTold,
    WrongHost,
)
from delegation.hosts import settings
from delegation.hosts.cim.cim_client import Cim
from delegation.hosts.cim.cim_host import CimHost
from delegation.hosts.machines import MachineState, UnderWay
from delegation.hosts.settings import HostSetting, Value
from tests.hosts.cim import canned, farms
from tests.hosts.cim.canned import Row
from tests.hosts.cim.desk_host import DeskHost
from tests.lab.description import OPERATOR
from tests.lab.hosts.desk import machine_numbered
from tests.lab.hosts.state import GIB, Checkpoint

CIMV2, STANDARD, CLUSTER = "root/cimv2", "root/standardcimv2", "root/mscluster"
NOBODY = UUID(int=1)
NETWORK = "network 10.20.0.0/24"


@pytest.fixture
def at(tmp_path: Path) -> DeskHost:
    return DeskHost(tmp_path)


@pytest.fixture
def host(at: DeskHost) -> Iterator[CimHost]:
    opened = at.open()
    yield opened
    opened.close()
    assert at.open_now == 0


# What is read


def test_a_host_in_one_go(at: DeskHost, host: CimHost) -> None:
    at.set(enabled=True, authentication="Kerberos", any_network=True, migrations=3)
    at.desk.set(memory=64 * GIB, disk=GIB)
    found = host.read()
    assert found.fqdn == "hv01.corp.example"
    assert found.settings == {
        settings.ENABLED: True,
        settings.AUTHENTICATION: "Kerberos",
        settings.MIGRATIONS: 3,
        settings.STORAGE_MIGRATIONS: 2,
        settings.PERFORMANCE: "Compression",
        settings.ANY_NETWORK: True,
    }
    assert found.listeners == (at.desk.address,), "without the link-local one"
    assert (found.clustered, found.vmms, found.windows) == (False, "Running", "10.0.20348")
    assert found.under_way == UnderWay()
    assert found.not_told == {}
    resources = found.resources
    assert resources is not None
    assert (resources.migrations, resources.storage_migrations) == (3, 2)
    assert (resources.memory_total, resources.disk_total) == (64 * GIB, GIB)
    assert resources.storage == "C:\\Hyper-V"
    assert resources.disk == at.desk.free_disk()
    assert resources.memory == at.desk.state.memory_free()


def test_what_an_operator_may_not_ask_is_not_told_and_nothing_is_zero(at: DeskHost) -> None:
    at.set(refused_namespaces={OPERATOR: [CIMV2, STANDARD]})
    found = at.open().read()
    assert found.resources is not None
    assert found.resources.disk is None
    assert found.windows is None
    assert found.not_told.keys() == {"disk", "windows"}
    assert "gives vmadmin no access to root/cimv2" in found.not_told["disk"]
    # Hyper-V's own namespace tells memory, and that there is none of clusters tells this.
    assert found.resources.memory is not None
    assert found.clustered is False


def test_a_node_is_one_by_its_service_and_not_told_where_nobody_may_ask(at: DeskHost) -> None:
    at.set(clustered=True)
    assert at.open().read().clustered is True
    at.set(refused_namespaces={OPERATOR: [CIMV2]})
    assert at.open().read().clustered is True
    at.set(refused_namespaces={OPERATOR: [CIMV2, CLUSTER]})
    found = at.open().read()
    assert found.clustered is None
    assert "root/cimv2" in found.not_told["clustered"]


def test_addresses_are_an_error_where_they_are_refused(at: DeskHost, host: CimHost) -> None:
    assert at.desk.address in host.addresses()
    at.set(refused_namespaces={OPERATOR: [STANDARD]})
    with pytest.raises(CimFailed, match="no access to root/standardcimv2"):
        host.addresses()


def test_machines_and_the_files_of_those_that_are_measured(at: DeskHost, host: CimHost) -> None:
    one, two = host.machines()
    assert (one.name, one.state) == ("vm00-hv01", MachineState.RUNNING)
    assert one.disk is None, "nobody has asked"
    before = len(at.messages)
    [whole] = host.measured([one])
    assert whole.disk == 1000
    assert whole.disks[0].parent == ""
    assert len(at.messages) - before == 2
    assert not [one for one in at.messages[before:] if b"vm01-hv01" in one]
    assert host.machine(two.id) == two
    assert host.named("VM01-hv01") == [two]
    with at.desk.store.change() as state:
        state.machines.pop()
    assert host.machine(two.id) is None


def test_a_disk_and_all_that_it_builds_upon(at: DeskHost, host: CimHost) -> None:
    with at.desk.store.change() as state:
        machine = state.machines[0]
        base = machine.disks[0]
        child = base.replace(".vhdx", "_1.avhdx")
        at.desk.volume.fill(child, 500)
        machine.disks, machine.parents = [child], {child: base}
        machine.checkpoints = [Checkpoint("0b54b0c2-5b1f-4b0e-9a4e-6a3a5b1c0d21", "before", [base])]
    [found] = host.measured(host.named("vm00-hv01"))
    [disk] = found.disks
    assert (disk.path, disk.size, disk.parent) == (child, 1500, base)
    assert (found.checkpoints, found.is_chained) == (1, True)


def test_a_file_that_can_not_be_opened_is_not_told(at: DeskHost, host: CimHost) -> None:
    one, two = host.machines()
    at.desk.volume.file(one.disks[0].path).unlink()
    measured = host.measured([one, two])
    assert [machine.disk for machine in measured] == [None, 1000]


def machines_on(at: DeskHost, count: int) -> None:
    """So many of two disks each; the first has files."""
    with at.desk.store.change() as state:
        of_a_file = state.machines[0]
        state.machines = [machine_numbered(number) for number in range(count - 1)]
        state.machines.append(of_a_file)


def test_two_hundred_machines_and_the_files_of_those_that_move(at: DeskHost) -> None:
    machines_on(at, 200)
    connections: list[Cim] = []

    def connect() -> Cim:
        connections.append(at.connect())
        return connections[-1]

    host = CimHost(connect, "HV01")
    host.read()
    machines = host.machines()
    assert sum(len(one.disks) for one in machines) == 399
    [cim] = connections
    assert cim.trips == len(at.messages) < 60
    before = cim.trips
    assert host.measured(machines[-1:])[0].disk == 1000
    assert cim.trips - before == 2


def test_more_machines_than_one_answer_holds(at: DeskHost, host: CimHost) -> None:
    machines_on(at, 500)
    assert len(host.machines()) == 500
    asked = [one for one in at.messages if b"GetSummaryInformation_INPUT" in one]
    assert len(asked) == 6, "once for all, which is too much, and five times for a hundred"


# Who is shown nothing


def test_empty_lists_for_want_of_rights_are_refused(at: DeskHost, host: CimHost) -> None:
    at.set(blind=[OPERATOR])
    for ask in (host.machines, lambda: host.named("x"), lambda: host.machine(NOBODY)):
        with pytest.raises(MachinesNotTold, match="does not tell its virtual machines") as caught:
            ask()
        assert "Hyper-V Administrators" in caught.value.fix


def test_an_unknown_host_shows_what_its_service_is_at(at: DeskHost) -> None:
    at.set(vmms="Stopped")
    with pytest.raises(HyperVFailed, match=r"\(vmms\) of hv01.* is Stopped") as caught:
        at.open()
    assert (caught.value.vmms, caught.value.hresult) == ("Stopped", "0x80041013")
    at.set(refused_namespaces={OPERATOR: [CIMV2]})
    with pytest.raises(CimFailed) as failed:
        at.open()
    assert failed.value.hresult == "0x80041013"
    assert at.open_now == 0


def test_a_service_that_stops_later(at: DeskHost, host: CimHost) -> None:
    at.set(vmms="Stopped")
    with pytest.raises(HyperVFailed, match="is Stopped"):
        host.read()


def test_another_computer_is_left_at_once(at: DeskHost) -> None:
    with pytest.raises(WrongHost, match="is the computer HV01, not hv02"):
        at.open("hv02")
    assert (len(at.messages), at.open_now) == (1, 0)


# What is set


def change(host: CimHost, name: str, before: Value, after: Value) -> None:
    host.set(HostSetting(name, before), HostSetting(name, after))


CHANGES: list[tuple[str, Value, Value]] = [
    (settings.ENABLED, False, True),
    (settings.ENABLED, True, False),
    (settings.AUTHENTICATION, "CredSSP", "Kerberos"),
    (settings.AUTHENTICATION, "Kerberos", "CredSSP"),
    (settings.MIGRATIONS, 2, 7),
    (settings.STORAGE_MIGRATIONS, 2, 1),
    (settings.PERFORMANCE, "Compression", "SMB"),
    (settings.PERFORMANCE, "SMB", "TCPIP"),
    (settings.PERFORMANCE, "TCPIP", "Compression"),
    (settings.ANY_NETWORK, False, True),
    (settings.ANY_NETWORK, True, False),
    (NETWORK, None, 3),
    (NETWORK, 3, 0),
    (NETWORK, 0, None),
    ("network fd00:20::/64", None, 4),
    ("network 10.9.9.9", None, 1),
    ("network 10.9.9.9", 1, 2),
    ("network 10.9.9.9", 2, None),
]


def by_key(found: Mapping[str, Value]) -> dict[str, Value]:
    """Settings, however a host spells them."""
    return {settings.key(name): value for name, value in found.items()}


def test_every_setting_there_and_back(at: DeskHost, host: CimHost) -> None:
    at.set(networks={"10.30.0.0/16": 5})
    before = host.read().settings
    for name, old, new in CHANGES:
        wanted = by_key(host.read().settings)
        change(host, name, old, new)
        wanted[settings.key(name)] = new
        if new is None:
            del wanted[settings.key(name)]
        assert by_key(host.read().settings) == wanted, name
    assert before["network 10.30.0.0/16"] == 5


def test_a_network_without_a_priority_gets_the_hosts_own(at: DeskHost, host: CimHost) -> None:
    change(host, NETWORK, None, settings.PRESENT)
    assert NETWORK in host.read().settings
    [sent] = [one for one in at.messages if b"AddNetworkSettings_INPUT" in one]
    assert b"Metric" not in sent


def test_any_network_is_that_of_either_family(at: DeskHost, host: CimHost) -> None:
    change(host, settings.ANY_NETWORK, False, True)
    [sent] = [one for one in at.messages if b"AddNetworkSettings_INPUT" in one]
    assert sent.count(b"Microsoft:UserManagedAllNetworks") == 2
    assert b"<VALUE>::</VALUE>" in sent.replace(b"&lt;", b"<").replace(b"&gt;", b">")


def test_a_change_is_sent_once_also_where_its_answer_is_lost(at: DeskHost, host: CimHost) -> None:
    at.losing = {"ModifyServiceSettings"}
    with pytest.raises(HostUnreachable):
        change(host, settings.MIGRATIONS, 2, 5)
    sent = [one for one in at.messages if b"ModifyServiceSettings_INPUT" in one]
    assert len(sent) == 1
    # What became of it is for a look to tell: here it was carried out.
    assert host.read().settings[settings.MIGRATIONS] == 5


def test_a_refusal_has_the_hosts_number(at: DeskHost, host: CimHost) -> None:
    at.set(blind=[])
    change(host, NETWORK, None, 1)
    with pytest.raises(CimFailed, match="a parameter is invalid") as caught:
        change(host, NETWORK, None, 2)
    assert caught.value.code == 32773


def test_a_network_that_is_gone_is_not_asked_for(at: DeskHost, host: CimHost) -> None:
    with pytest.raises(CimFailed, match=r"does not list network 10\.20\.0\.0/24 any more"):
        change(host, NETWORK, 3, None)
    with pytest.raises(CimFailed, match="does not list any_network any more"):
        change(host, settings.ANY_NETWORK, True, False)
    assert not [one for one in at.messages if b"RemoveNetworkSettings_INPUT" in one]


def test_a_host_that_says_done_and_changes_nothing_has_failed() -> None:
    deaf = farms.host()
    deaf.methods["ModifyServiceSettings"] = lambda _: "<p:ReturnValue>0</p:ReturnValue>"
    host = CimHost(lambda: canned.opened(deaf), "hv01")
    with pytest.raises(CimFailed, match="has answered that migrations is 9, and tells 4"):
        change(host, settings.MIGRATIONS, 4, 9)


def test_a_change_is_a_job_whose_failure_is_told() -> None:
    slow = farms.host()
    job = canned.parameters(canned.V2, canned.Ref("Msvm_ConcreteJob", "InstanceID", "7"))
    begun = f"<p:Job>{job}</p:Job><p:ReturnValue>4096</p:ReturnValue>"
    slow.methods["ModifyServiceSettings"] = lambda _: begun
    slow.methods["GetErrorEx"] = lambda _: "<p:ReturnValue>0</p:ReturnValue>"
    failed: Row = {"InstanceID": "7", "JobState": 10, "ErrorCode": 32769}
    slow.has("Msvm_ConcreteJob", {**failed, "ErrorDescription": "Zugriff verweigert 0x80070005"})
    host = CimHost(lambda: canned.opened(slow), "hv01")
    with pytest.raises(CimFailed, match="setting migrations failed on hv01") as caught:
        change(host, settings.MIGRATIONS, 4, 9)
    assert (caught.value.code, caught.value.hresult) == (32769, "0x80070005")


def test_a_change_sends_all_that_was_read(at: DeskHost, host: CimHost) -> None:
    change(host, settings.MIGRATIONS, 2, 5)
    [sent] = [one for one in at.messages if b"ModifyServiceSettings_INPUT" in one]
    for name in (b"InstanceID", b"ElementName", b"AuthenticationType", b"EnableCompression"):
        assert b'NAME="%s"' % name in sent


def test_what_is_no_setting_of_a_host_is_a_mistake_of_ours(host: CimHost) -> None:
    for name, value in (("nothing", 1), (settings.MIGRATIONS, True), (settings.ENABLED, None)):
        with pytest.raises(ValueError, match="can be set to"):
            change(host, name, 1, value)
