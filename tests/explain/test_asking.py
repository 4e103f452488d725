"""Two hosts asked for ``explain``: what is asked of them, and what a trouble leaves of the rest."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest

from delegation.errors import (
    CommandFailed,
    HostError,
    HostUnreachable,
    HyperVFailed,
    MachinesNotTold,
    NoHostTicket,
)
from delegation.explain import LinkState
from delegation.explain.asking import ask_hosts
from delegation.explain.host_links import links
from delegation.explain.host_pair import HostPair
from delegation.hosts.hypervisor import Hypervisor
from delegation.hosts.machines import (
    HostReading,
    Incompatibility,
    Landing,
    MachineState,
    MoveOrder,
    Resources,
    VirtualMachine,
)
from delegation.hosts.settings import HostSetting
from tests import builders
from tests.hosts.fake_hosts import Untouched

FINE: dict[str, bool | int | str] = {
    "enabled": True,
    "authentication": "Kerberos",
    "any_network": True,
}


def machine(name: str, number: int = 1) -> VirtualMachine:
    return VirtualMachine(UUID(int=number), name, MachineState.RUNNING, 1)


@dataclass
class Host(Untouched):
    """One host, which lists no machines: nobody is to ask for all."""

    label: str
    machines_there: tuple[VirtualMachine, ...] = ()
    fails: dict[str, HostError] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    orders: list[MoveOrder] = field(default_factory=list)

    @property
    def _address(self) -> str:
        return f"10.20.0.{self.label[-1]}"

    @property
    def fqdn(self) -> str:
        return f"{self.label}.corp.example"

    def read(self) -> HostReading:
        self._comes("read")
        resources = Resources(2, 2, 1, 1, "C:\\VMs")
        return HostReading(self.fqdn, FINE, resources, listeners=(self._address,))

    def addresses(self) -> tuple[str, ...]:
        self._comes("addresses")
        return (self._address,)

    def named(self, name: str) -> list[VirtualMachine]:
        self._comes("named")
        return [one for one in self.machines_there if one.name == name]

    def landing(self, machine: UUID) -> Landing:
        self._comes(f"landing {machine.int}")
        return Landing((self._address,))

    def check(self, order: MoveOrder) -> tuple[Incompatibility, ...]:
        self._comes("check")
        self.orders.append(order)
        return ()

    def set(self, before: HostSetting, after: HostSetting) -> None:  # noqa: ARG002
        raise AssertionError("nothing is changed")

    def close(self) -> None:
        pass

    def _comes(self, what: str) -> None:
        self.asked.append(what)
        if what in self.fails:
            raise self.fails[what]


def look(
    source: Host, target: Host, name: str | None = None, *, with_checkpoints: bool = False
) -> HostPair:
    hosts: dict[str, Hypervisor] = {"hv01": source, "hv02": target}
    pair = "hv01", "hv02", name
    return ask_hosts(INVENTORY, hosts.__getitem__, *pair, with_checkpoints=with_checkpoints)


INVENTORY = builders.inventory(builders.host("hv01"), builders.host("hv02"))


def broken(found: HostPair) -> dict[str, str]:
    return {one.name: one.evidence for one in links(found) if one.state is LinkState.BROKEN}


def test_no_machine_is_read_where_none_is_meant() -> None:
    source, target = Host("hv01"), Host("hv02")
    found = look(source, target)
    assert broken(found) == {}
    assert sorted(source.asked) == ["addresses", "read"]
    assert sorted(target.asked) == ["addresses", "read"]
    assert found.target.addresses == ("10.20.0.2",)


def test_of_machines_only_the_one_that_is_meant_is_read() -> None:
    source, target = Host("hv01", (machine("web01"), machine("web02", 2))), Host("hv02")
    assert broken(look(source, target, "web01")) == {}
    [order] = source.orders
    assert (order.machine, order.target) == (UUID(int=1), "hv02.corp.example")
    assert order.storage == "C:\\VMs\\web01"
    assert order.landing == Landing(("10.20.0.2",))
    assert target.asked[-1] == "landing 1"


def test_another_machine_of_that_name_on_the_target_keeps_its_folder() -> None:
    source, target = Host("hv01", (machine("web01"),)), Host("hv02", (machine("web01", 2),))
    look(source, target, "web01")
    assert source.orders[0].storage == f"C:\\VMs\\{UUID(int=1)}"


def test_an_odd_machine_is_the_dry_runs_business_alone() -> None:
    odd = CommandFailed("it tells no state of it", "look at the versions")
    found = look(Host("hv01", fails={"named": odd}), Host("hv02"), "web01")
    assert broken(found) == {"migration check": "it tells no state of it"}


@pytest.mark.parametrize("end", ["hv01", "hv02"])
def test_a_list_that_can_not_be_relied_upon_tells_no_machine(end: str) -> None:
    """On the target, too: a machine of the same name there may be one that is not told."""
    cut = MachinesNotTold("it lists no object of its own", "add joe to Hyper-V Administrators")
    hosts = {label: Host(label, (machine("web01"),)) for label in ("hv01", "hv02")}
    hosts[end].fails["named"] = cut
    found = look(hosts["hv01"], hosts["hv02"], "web01")
    assert broken(found) == {"migration check": "it lists no object of its own"}
    assert not hosts["hv01"].orders


@pytest.mark.parametrize(("end", "what"), [("hv02", "landing 1"), ("hv01", "check")])
def test_a_check_that_can_not_be_says_why(end: str, what: str) -> None:
    failed = CommandFailed("its service says no", "look at it", hresult="0x80070005")
    hosts = {"hv01": Host("hv01", (machine("web01"),)), "hv02": Host("hv02")}
    hosts[end].fails[what] = failed
    found = look(hosts["hv01"], hosts["hv02"], "web01")
    assert broken(found) == {"migration check": "its service says no (0x80070005)"}


@pytest.mark.parametrize(
    ("source", "target", "said"),
    [
        ((), (machine("web01"),), "web01 is not on hv01, it is on hv02"),
        ((), (), "web01 is neither on hv01 nor on hv02"),
        ((machine("web01"), machine("web01", 2)), (), "web01 is 2 machines on hv01"),
    ],
)
def test_a_machine_that_is_not_the_one_on_the_source(
    source: tuple[VirtualMachine, ...], target: tuple[VirtualMachine, ...], said: str
) -> None:
    found = look(Host("hv01", source), Host("hv02", target), "web01")
    assert broken(found) == {"migration check": said}
    [link] = [one for one in links(found) if one.state is LinkState.BROKEN]
    assert link.fix


def test_addresses_that_are_not_told_keep_nothing_from_being_told() -> None:
    odd = CommandFailed("it lists no addresses", "")
    found = look(Host("hv01", fails={"addresses": odd}), Host("hv02"))
    assert found.source.addresses is None
    assert broken(found) == {}


def test_a_source_whose_service_is_stopped_checks_nothing() -> None:
    stopped = HyperVFailed("vmms is Stopped", "start it", vmms="Stopped")
    found = look(Host("hv01", fails={"read": stopped}), Host("hv02"), "web01")
    assert broken(found) == {"migration service": "hv01: vmms is Stopped"}
    assert found.dry_run
    assert found.dry_run.error is None


def test_a_source_that_is_silent_is_not_asked_again() -> None:
    source = Host("hv01", fails={"addresses": HostUnreachable("nobody answers", "start it")})
    found = look(source, Host("hv02"), str(uuid4()))
    assert broken(found) == {"remote management": "hv01: nobody answers"}
    assert source.asked == ["addresses"]


def test_a_logon_without_a_ticket_is_no_broken_host() -> None:
    missing: dict[str, HostError] = {"addresses": NoHostTicket("no ticket here", "kinit")}
    found = look(Host("hv01", fails=missing), Host("hv02", fails=missing), "web01")
    assert {one.state for one in links(found)} == {LinkState.UNKNOWN}
    assert links(found)[0].evidence == "the hosts were not asked: no ticket here"


@pytest.mark.parametrize("said", [False, True])
def test_checkpoints_are_checked_only_where_that_is_said(said: bool) -> None:  # noqa: FBT001
    source = Host("hv01", (machine("web01"),))
    look(source, Host("hv02"), "web01", with_checkpoints=said)
    assert [order.with_checkpoints for order in source.orders] == [said]
