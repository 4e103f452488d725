"""The product's typed host on the lab's Hyper-V hosts, each in a process of its own."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from delegation.errors import (
    CommandFailed,
    HostError,
    HostRefused,
    HostUnreachable,
    HyperVFailed,
    WrongHost,
)
from delegation.hosts.machines import (
    Disk,
    Ended,
    HostReading,
    MachineState,
    MoveOrder,
    MoveProgress,
    VirtualMachine,
)
from delegation.hosts.places import Account, Place
from delegation.hosts.settings import HostSetting, Value
from delegation.hosts.winrm.host import HyperVHost
from tests.hosts.host_client import HostClient
from tests.lab import byhand, dc
from tests.lab.description import (
    OPERATOR,
    TRUSTED_TO_AUTH_FOR_DELEGATION,
    cifs_values,
    migration_values,
)
from tests.lab.hosts import HostLab
from tests.lab.hosts.state import GIB, MIB, Machine
from tests.lab.wsman.elsewhere import Elsewhere

pytestmark = pytest.mark.lab

SLOW = 200 * 1024
"""Bytes a second: a migration is still under way when one looks."""
STOPPED = "PipelineStopped"
SECONDS = 30.0

Start = Callable[..., Elsewhere]


@pytest.fixture(scope="module")
def spare() -> Iterator[list[Elsewhere]]:
    """Processes of clients that have nothing to do."""
    processes: list[Elsewhere] = []
    yield processes
    for one in processes:
        one.kill()


@pytest.fixture
def client(hosts: HostLab, spare: list[Elsewhere]) -> Iterator[Start]:
    """Start clients of hv01, the operator's, over HTTP, unless told otherwise."""
    used: list[Elsewhere] = []
    lab = hosts.lab
    with ExitStack():

        def start(name: str = "hv01", account: Account | None = None, **others: Any) -> Elsewhere:
            one = spare.pop() if spare else Elsewhere(lab, HostClient)
            used.append(one)
            place = Place(lab.fqdn(name), lab.host_address(name), **others)
            one.call("renew", place, account or Account(OPERATOR, str(lab.keytab(OPERATOR))))
            return one

        yield start
    spare += [one for one in used if one.process.is_alive()]


def delegate(hosts: HostLab, source: str = "hv01", target: str = "hv02") -> None:
    """What `delegation apply` writes for a pair."""
    byhand.add_values(hosts.lab, source, *cifs_values(target), *migration_values(target))
    byhand.set_flags(hosts.lab, source, on=TRUSTED_TO_AUTH_FOR_DELEGATION)


def ready(hosts: HostLab, **machine: Any) -> Machine:
    """hv01 and hv02 set to migrate, and a machine on hv01."""
    for name in ("hv01", "hv02"):
        hosts.host(name).ready()
    return hosts.host("hv01").add_vm("web1", **machine)


def order(machine: Machine, target: str = "hv02.corp.example") -> MoveOrder:
    return MoveOrder(uuid.UUID(machine.id), machine.name, target, "C:\\Moved\\web1")


def error(client: Elsewhere, *arguments: Any) -> HostError:
    found, _ = client.call("timed", *arguments)
    assert isinstance(found, HostError)
    return found


def test_reading(hosts: HostLab, client: Start) -> None:
    host = hosts.host("hv01")
    host.set(enabled=True, authentication="Kerberos", performance="SMB", migrations=3)
    host.set(networks={"10.20.0.0/24": 1, "10.21.0.0/24": 2})
    host.capacity(memory=64 * GIB, disk=GIB)
    host.add_vm("web1", memory=4 * GIB, disk_bytes=2 * MIB)
    found = client().call("ask", "read")
    assert isinstance(found, HostReading)
    assert found.fqdn == "hv01.corp.example"
    assert found.settings == {
        "enabled": True,
        "authentication": "Kerberos",
        "migrations": 3,
        "storage_migrations": 2,
        "performance": "SMB",
        "any_network": False,
        "network 10.20.0.0/24": 1,
        "network 10.21.0.0/24": 2,
    }
    assert (found.vmms, found.clustered) == ("Running", False)
    assert found.resources
    assert (found.resources.migrations, found.resources.storage_migrations) == (3, 2)
    assert found.resources.storage == "C:\\Hyper-V"
    assert found.resources.memory == 60 * GIB
    assert found.resources.disk == host.free_disk()
    assert (found.resources.memory_total, found.resources.disk_total) == (64 * GIB, GIB)


def test_a_cluster_node(hosts: HostLab, client: Start) -> None:
    hosts.host("hv01").set(clustered=True)
    assert client().call("ask", "read").clustered


def test_a_service_that_does_not_run(hosts: HostLab, client: Start) -> None:
    hosts.host("hv01").set(vmms="Stopped")
    failed = error(client(), "ask", "read")
    assert isinstance(failed, HyperVFailed)
    assert failed.what == (
        "the Virtual Machine Management service (vmms) of hv01.corp.example is Stopped (0x80041002)"
    )
    assert failed.vmms == "Stopped"
    assert "Start-Service vmms" in failed.fix
    assert "Get-VMHost" in failed.details[0]


def test_the_host_that_is_meant_is_read_and_set(hosts: HostLab, client: Start) -> None:
    session = client()
    session.call("expects", "hv01")
    assert session.call("ask", "read").fqdn == "hv01.corp.example"
    session.call("ask", "set", HostSetting("migrations", 2), HostSetting("migrations", 5))
    assert hosts.host("hv01").state.migrations == 5


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("read", ()),
        ("machines", ()),
        ("set", (HostSetting("migrations", 2), HostSetting("migrations", 5))),
        ("move", (MoveOrder(uuid.uuid4(), "web1", "hv02", "C:\\"), HyperVHost.new_handle())),
    ],
)
def test_another_computer_is_used_for_nothing(
    hosts: HostLab, client: Start, method: str, arguments: tuple[Any, ...]
) -> None:
    session = client()
    session.call("expects", "hv02")
    failed = error(session, "ask", method, *arguments)
    assert isinstance(failed, WrongHost)
    assert failed.what == "hv01.corp.example is the computer HV01, not hv02"
    assert "fqdn" in failed.fix
    assert hosts.host("hv01").state.migrations == 2


def test_addresses(hosts: HostLab, client: Start) -> None:
    found = client().call("ask", "addresses")
    assert hosts.host("hv01").address in found
    assert "fe80::1" in found


@pytest.mark.parametrize("how", ["its name", "another case", "its id"])
def test_machines_by_name(hosts: HostLab, client: Start, how: str) -> None:
    machine = hosts.host("hv01").add_vm("web1")
    hosts.host("hv01").add_vm("web2")
    name = {"its name": "web1", "another case": "WEB1", "its id": machine.id}[how]
    session = client()
    [found] = session.call("ask", "named", name)
    assert (str(found.id), found.name, found.disks) == (machine.id, "web1", ())
    assert session.call("ask", "named", "web*") == []
    assert session.call("ask", "named", "web3") == []


def test_each_setting_is_made_by_one_command(hosts: HostLab, client: Start) -> None:
    host, session = hosts.host("hv01"), client(https=True, ca_file=str(hosts.lab.ca_file))
    changes: list[tuple[str, Value, Value]] = [
        ("network 10.20.0.0/24", None, 3),
        ("network 10.20.0.0/24", 3, 4),
        ("migrations", 2, 5),
        ("storage_migrations", 2, 6),
        ("performance", "Compression", "SMB"),
        ("authentication", "CredSSP", "Kerberos"),
        ("any_network", False, True),
        ("enabled", False, True),
    ]
    for name, before, after in changes:
        session.call("ask", "set", HostSetting(name, before), HostSetting(name, after))
    state = host.state
    assert (state.migrations, state.storage_migrations, state.performance) == (5, 6, "SMB")
    assert (state.authentication, state.any_network, state.enabled) == ("Kerberos", True, True)
    assert state.networks == {"10.20.0.0/24": 4}
    session.call("ask", "set", HostSetting("enabled", True), HostSetting("enabled", False))
    name = "network 10.20.0.0/24"
    session.call("ask", "set", HostSetting(name, 4), HostSetting(name, None))
    assert (host.state.enabled, host.state.networks) == (False, {})


def test_a_setting_that_the_host_refuses(hosts: HostLab, client: Start) -> None:
    change = HostSetting("network 10.20.0.0/24", 3), HostSetting("network 10.20.0.0/24", None)
    failed = error(client(), "ask", "set", *change)
    assert isinstance(failed, CommandFailed)
    assert failed.what.startswith("Remove-VMMigrationNetwork on hv01.corp.example failed")


def test_machines_with_the_sizes_of_their_disks(hosts: HostLab, client: Start) -> None:
    host = hosts.host("hv01")
    web = host.add_vm("web1", memory=4 * GIB, disk_bytes=2 * MIB, disks=2)
    off = host.add_vm("off", memory=GIB, disk_bytes=MIB, running=False, clustered=True)
    bare = host.add_vm("bare", disks=0)
    found = {one.name: one for one in client().call("ask", "machines")}
    assert set(found) == {"web1", "off", "bare"}
    assert found["web1"] == VirtualMachine(
        id=uuid.UUID(web.id),
        name="web1",
        state=MachineState.RUNNING,
        memory=4 * GIB,
        path=web.path,
        disks=tuple(Disk(path, 2 * MIB) for path in web.disks),
        status="Operating normally",
    )
    assert (found["off"].state, found["off"].memory) == (MachineState.OFF, GIB)
    assert found["off"].clustered
    assert found["off"].disks == (Disk(off.disks[0], MIB),)
    assert found["bare"].disks == ()
    assert bare.disks == []


def test_a_disk_that_cannot_be_read_hides_nothing_else(hosts: HostLab, client: Start) -> None:
    host = hosts.host("hv01")
    web, other = host.add_vm("web1"), host.add_vm("web2")
    host.volume.file(web.disks[0]).unlink()
    found = {one.name: one for one in client().call("ask", "machines")}
    assert found["web1"].disks == (Disk(web.disks[0], 0),)
    assert web.disks[0] in found["web1"].status
    assert found["web2"].disks == (Disk(other.disks[0], 2 * MIB),)


def test_one_machine(hosts: HostLab, client: Start) -> None:
    machine = hosts.host("hv01").add_vm("web1")
    session = client()
    found = session.call("ask", "machine", uuid.UUID(machine.id))
    assert (found.name, found.disk) == ("web1", 2 * MIB)
    assert session.call("ask", "machine", uuid.uuid4()) is None
    hosts.host("hv01").remove_vm("web1")
    assert session.call("ask", "machine", uuid.UUID(machine.id)) is None


def test_no_host_without_machines_says_that_one_is_missing_when_it_cannot_tell(
    hosts: HostLab, client: Start
) -> None:
    machine = hosts.host("hv01").add_vm("web1")
    session = client()
    session.call("ask", "machines")
    hosts.host("hv01").set(vmms="Stopped")
    assert isinstance(error(session, "ask", "machine", uuid.UUID(machine.id)), CommandFailed)


def test_compare_proves_the_delegation(hosts: HostLab, client: Start) -> None:
    machine = ready(hosts)
    session = client()
    failed = error(session, "ask", "compare", order(machine))
    assert isinstance(failed, CommandFailed)
    assert failed.hresult == "0x8009030E"
    assert "Compare-VM on hv01.corp.example failed: the source has no credentials" in failed.what
    assert "delegation explain" in failed.fix
    delegate(hosts)
    assert session.call("ask", "compare", order(machine)) == ()
    assert "web1" in hosts.host("hv01").vms()


def test_compare_says_why_not(hosts: HostLab, client: Start) -> None:
    machine = ready(hosts, switch="Inner")
    delegate(hosts)
    (found,) = client().call("ask", "compare", order(machine))
    assert found.id == 33012
    assert "Inner" in found.message
    assert found.source


def test_what_a_host_reaches(hosts: HostLab, client: Start) -> None:
    session = client()
    assert session.call("ask", "reaches", "hv02.corp.example", 445) is True
    assert session.call("ask", "reaches", "hv02.corp.example", 6601) is False


def test_a_migration(hosts: HostLab, client: Start) -> None:
    machine = ready(hosts, disk_bytes=MIB)
    delegate(hosts)
    hosts.host("hv01").speed(SLOW)
    before = hosts.host("hv01").disk_files()
    session, handle = client(), HyperVHost.new_handle()
    assert session.call("move", order(machine), handle) == handle
    said = session.call("moves", 2.0)
    assert isinstance(said, MoveProgress)
    assert 0 < said.percent < 100
    assert session.call("ask", "machine", uuid.UUID(machine.id)).migrating
    hosts.host("hv01").speed(64 * MIB)
    assert session.call("ended") == Ended()
    session.call("done")
    assert session.call("reattach", handle) is False, "nothing is left of its shell"
    assert session.call("ask", "machine", uuid.UUID(machine.id)) is None
    there = client("hv02").call("ask", "machine", uuid.UUID(machine.id))
    assert there.name == "web1"
    after = hosts.host("hv02").disk_files()
    assert sorted(before.values()) == sorted(after.values())


def test_a_migration_without_the_delegation(hosts: HostLab, client: Start) -> None:
    machine = ready(hosts)
    session = client()
    session.call("move", order(machine), HyperVHost.new_handle())
    failure = session.call("ended").failure
    assert failure.hresult == "0x8009030E"
    assert "web1" in failure.message
    assert session.call("ask", "machine", uuid.UUID(machine.id)).name == "web1"


def test_a_migration_of_a_machine_that_is_not_there(hosts: HostLab, client: Start) -> None:
    machine = ready(hosts)
    hosts.host("hv01").remove_vm("web1")
    session = client()
    session.call("move", order(machine), HyperVHost.new_handle())
    assert session.call("ended").failure


def test_a_migration_is_stopped_and_rolled_back(hosts: HostLab, client: Start) -> None:
    machine = ready(hosts, disk_bytes=MIB)
    delegate(hosts)
    hosts.host("hv01").speed(SLOW)
    session = client()
    session.call("move", order(machine), HyperVHost.new_handle())
    assert isinstance(session.call("moves", 1.0), MoveProgress)
    session.call("halt")
    assert session.call("ended").failure.error_id == STOPPED
    session.call("done")
    assert "web1" in hosts.host("hv01").vms()
    # The target cleans up by itself.
    assert dc.until(lambda: hosts.host("hv02").disk_files() == {}, SECONDS)
    assert dc.until(lambda: hosts.host("hv02").shares() == [], SECONDS)


@pytest.mark.parametrize("how", ["left", "killed"])
def test_a_migration_goes_on_without_us(hosts: HostLab, client: Start, how: str) -> None:
    machine = ready(hosts, disk_bytes=MIB)
    delegate(hosts)
    hosts.host("hv01").speed(SLOW)
    first, second, handle = client(), client(), HyperVHost.new_handle()
    first.call("move", order(machine), handle)
    assert isinstance(first.call("moves", 1.0), MoveProgress)
    if how == "killed":
        first.kill()
    else:
        first.call("leave")
    assert second.call("reattach", handle) is True
    hosts.host("hv01").speed(64 * MIB)
    assert second.call("ended") == Ended()
    second.call("done")
    assert "web1" in hosts.host("hv02").vms()
    assert second.call("reattach", handle) is False


def test_reading_again_over_another_connection(hosts: HostLab, client: Start) -> None:
    session = client()
    before = session.call("ask", "read")
    shell = session.call("shell")
    session.call("cut")
    assert session.call("ask", "read") == before
    assert client().call("reconnect", shell) is None, "the shell of before is gone"
    session.call("cut")
    session.call("ask", "set", HostSetting("migrations", 2), HostSetting("migrations", 4))
    assert hosts.host("hv01").state.migrations == 4


def test_a_host_that_died_and_came_back(hosts: HostLab, client: Start) -> None:
    session = client()
    before = session.call("ask", "read")
    hosts.kill("hv01")
    assert isinstance(error(session, "ask", "read"), HostUnreachable)
    hosts.start("hv01")
    assert session.call("ask", "read") == before


def test_no_rights(hosts: HostLab, client: Start) -> None:
    hosts.host("hv01").deny(OPERATOR)
    assert isinstance(error(client(), "ask", "read"), HostRefused)


def test_a_frozen_host(hosts: HostLab, client: Start) -> None:
    session = client()
    session.call("hurry")
    session.call("ask", "read")
    hosts.host("hv01").freeze()
    try:
        failed = error(session, "ask", "read")
        assert isinstance(failed, HostUnreachable)
        assert "does not answer" in failed.what
    finally:
        hosts.host("hv01").thaw()
