"""The stage of the hosts' tests: two hosts that are set to migrate, and who works with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.lab import byhand, dc
from tests.lab.description import TRUSTED_TO_AUTH_FOR_DELEGATION, Lab, cifs_values, migration_values
from tests.lab.hosts.client import Cmdlet, HostClient
from tests.lab.hosts.hostlab import HostLab

SECONDS = 30.0
TARGET = "hv02.corp.example"
SLOW = 200 * 1024
"""Bytes a second: a migration of the usual disk is still under way when one looks."""


@pytest.fixture(scope="session")
def idle(lab: Lab) -> Iterator[list[HostClient]]:
    """Clients between two tests: their start takes the time of a test."""
    clients: list[HostClient] = []
    yield clients
    for one in clients:
        one.close()


class Stage:
    """Two hosts that are set to migrate, hv01 with a machine ``web1``, and who works with them."""

    def __init__(self, hosts: HostLab, idle: list[HostClient]) -> None:
        self.hosts, self.lab, self.idle = hosts, hosts.lab, idle
        self.source, self.target = hosts.host("hv01"), hosts.host("hv02")
        self.met: list[HostClient] = []
        for host in (self.source, self.target):
            host.ready()
        self.source.add_vm("web1")

    def client(self, host: str = "hv01") -> HostClient:
        """Give an operator's client of a host."""
        if self.idle:
            one = self.idle.pop()
            one.meet(host)
        else:
            one = HostClient(self.lab, host)
        self.met.append(one)
        return one

    def begin(self, cmdlet: Cmdlet, host: str = "hv01") -> HostClient:
        """Have a client run a cmdlet, and do not wait for it."""
        one = self.client(host)
        one.call("open")
        one.call("begin", cmdlet)
        return one

    def slow_move(self) -> HostClient:
        """Have the machine's move in the middle of its copy."""
        self.source.speed(SLOW)
        mover = self.begin(move())
        wait(lambda: any(one.copied > 50_000 for one in self.source.state.outgoing))
        return mover

    def owners(self, name: str = "web1") -> list[str]:
        """Name the hosts whose machine it is."""
        return [host.name for host in (self.source, self.target) if name in host.vms()]

    def at_rest(self) -> bool:
        """Tell whether no migration is noted anywhere."""
        states = [host.state for host in (self.source, self.target)]
        return not any(one.outgoing or one.incoming for one in states)

    def clean(self) -> bool:
        """Tell whether there is nothing but machines: no share, no folder of one, no other file."""
        return all(
            not host.shares()
            and not host.staging()
            and set(host.disk_files()) == {file for vm in host.vms().values() for file in vm.files}
            for host in (self.source, self.target)
        )


@pytest.fixture
def stage(hosts: HostLab, idle: list[HostClient]) -> Iterator[Stage]:
    one = Stage(hosts, idle)
    yield one
    idle += [client for client in one.met if client.alive()]


@pytest.fixture
def operator(stage: Stage, hosts: HostLab) -> HostClient:
    """A client of hv01, which is as new."""
    one = stage.client()
    hosts.reset("hv01", "hv02")
    return one


@pytest.fixture
def delegated(fresh_lab: Lab) -> None:
    """hv01 may delegate to hv02, by hand."""
    delegate(fresh_lab, "hv01", "hv02")


def delegate(lab: Lab, source: str, target: str) -> None:
    byhand.add_values(lab, source, *cifs_values(target), *migration_values(target))
    byhand.set_flags(lab, source, on=TRUSTED_TO_AUTH_FOR_DELEGATION)


def move(name: str = "web1", target: str = TARGET, **more: Any) -> Cmdlet:
    to = {"DestinationHost": target, "DestinationStoragePath": f"C:\\VMs\\{name}"}
    return ("Move-VM", {"Name": name, "IncludeStorage": True, **to, **more})


def compare(name: str = "web1", target: str = TARGET) -> Cmdlet:
    return ("Compare-VM", move(name, target)[1])


def wait(condition: Callable[[], bool]) -> None:
    assert dc.until(condition, SECONDS)
