"""The stage of the hosts' tests: hosts that are set to migrate, and an operator who talks to them.

His requests are written by hand from the documentation, and sent by a client that shares no code
with the product's: what is said by them is said of the lab.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from tests.lab import admin, dc
from tests.lab.description import (
    OPERATOR,
    TRUSTED_TO_AUTH_FOR_DELEGATION,
    Lab,
    cifs_values,
    migration_values,
)
from tests.lab.elsewhere import Elsewhere
from tests.lab.hosts.desk import about
from tests.lab.hosts.hostlab import HostLab
from tests.lab.hosts.state import Machine
from tests.lab.plain_client import PlainClient
from tests.lab.requests_of_others import Told, local, values, written_by_hand

SECONDS = 120.0
"""For what comes in one or two, where nobody else is at work on the machine."""
SLOW = 200 * 1024
"""Bytes a second: a migration of the usual disk is still under way when one looks."""
NEW, STARTING, RUNNING, SHUTTING_DOWN = 2, 3, 4, 6
COMPLETED, TERMINATED, KILLED, EXCEPTION = 7, 8, 9, 10


class End(NamedTuple):
    """How a job ended: its JobState, and the text of its errors."""

    state: int
    text: str

    @property
    def hresult(self) -> str:
        """The last HRESULT of the text, which is the inmost reason's; empty: there is none."""
        return next(reversed(re.findall(r"\((0x[0-9A-F]{8})\)", self.text)), "")


class Operator:
    """An operator with a ticket, at one connection to one host at a time."""

    def __init__(self, lab: Lab, user: str = OPERATOR) -> None:
        variables = {"KRB5_CLIENT_KTNAME": f"FILE:{lab.keytab(user)}", "KRB5CCNAME": "MEMORY:own"}
        self.lab, self.user, self.met = lab, user, ""
        self.plain = Elsewhere(lab, PlainClient, **variables)

    def send(self, name: str, host: str = "hv01", **blanks: str) -> Told:
        """Send a request that was written by hand."""
        status, answer = self.post(written_by_hand(name, **blanks), host)
        return Told.read(answer, fault=status != 200)

    def post(self, document: bytes, host: str = "hv01") -> tuple[int, bytes]:
        """Send any document."""
        if self.met != host:
            who = f"{self.user}@{self.lab.realm}"
            self.plain.call("meet", self.lab.host_address(host), self.lab.fqdn(host), who)
            self.met = host
        try:
            status, answer = self.plain.call("send", document)
        except Exception:
            self.met = ""
            raise
        return status, answer


class Stage:
    """Two hosts that are set to migrate, hv01 with a machine ``web1``, and who works with them."""

    def __init__(self, hosts: HostLab, operator: Operator) -> None:
        self.hosts, self.lab, self.operator = hosts, hosts.lab, operator
        # A host that was made anew knows no connection of before.
        operator.met = ""
        self.source, self.target = hosts.host("hv01"), hosts.host("hv02")
        for host in (self.source, self.target):
            host.ready()
        self.machines: dict[str, Machine] = {}
        self.source.add_vm("web1")

    def send(self, name: str, host: str = "hv01", vm: str = "web1", **blanks: str) -> Told:
        """Send a request about a machine, wherever it is by now."""
        return self.operator.send(name, host, **{**self.blanks(host, vm), **blanks})

    def blanks(self, host: str, vm: str, target: str = "hv02") -> dict[str, str]:
        """What a request has to know of a machine."""
        for name in dict.fromkeys([host, "hv01"]):
            found = self.hosts.host(name).vms().get(vm)
            if found is not None:
                self.machines[vm] = found
                return about(self.hosts.host(name), found, target)
        known = self.machines.get(vm)
        return {"server": host.upper(), **({"machine": known.id.upper()} if known else {})}

    def begin(
        self,
        order: str = "move",
        vm: str = "web1",
        host: str = "hv01",
        to: str = "hv02",
        **more: str,
    ) -> str:
        """Begin a job, and give its identifier."""
        told = self.send(order, host, vm, **{**self.blanks(host, vm, to), **more})
        assert told.returned == 4096, told.text("Reason")
        return told.selectors["InstanceID"]

    def job(self, job: str, host: str = "hv01") -> dict[str, Any]:
        """Look at a job; it is empty if there is none."""
        told = self.send("job", host, job=job)
        return {} if told.fault else values(told.root[1][0])

    def state(self, job: str, host: str = "hv01") -> int:
        """Give a job's JobState."""
        return int(self.job(job, host)["JobState"][0])

    def ended(self, job: str, host: str = "hv01") -> End:
        """Wait until a job has ended."""
        wait(lambda: self.state(job, host) > SHUTTING_DOWN)
        shown = self.job(job, host)
        return End(int(shown["JobState"][0]), shown["ErrorDescription"][0])

    def run(self, order: str = "move", *, host: str = "hv01", **more: str) -> End:
        """Have a job done."""
        return self.ended(self.begin(order, host=host, **more), host)

    def slow_move(self) -> str:
        """Have the machine's move in the middle of its copy, and give its job."""
        self.source.speed(SLOW)
        job = self.begin()
        wait(lambda: any(one.copied > 50_000 for one in self.source.state.outgoing))
        return job

    def statuses(self, host: str = "hv01") -> dict[str, list[str]]:
        """Give the OperationalStatus of a host's machines, by name."""
        told = self.send("summary", host)
        found = [one for one in told.root.iter() if local(one) == "SummaryInformation"]
        shown = map(values, found)
        return {one["ElementName"][0]: one["OperationalStatus"] for one in shown}

    @property
    def machine_id(self) -> str:
        """The identifier of ``web1``, as CIM writes it."""
        self.blanks("hv01", "web1")
        return self.machines["web1"].id.upper()

    def owners(self, name: str = "web1") -> list[str]:
        """Name the hosts whose machine it is."""
        return [host.name for host in (self.source, self.target) if name in host.vms()]

    def trees(self) -> list[dict[str, str]]:
        """Give the hashes of all files of both."""
        return [host.disk_files() for host in (self.source, self.target)]

    def at_rest(self) -> bool:
        """Tell whether no migration is noted anywhere."""
        states = [host.state for host in (self.source, self.target)]
        return not any(one.outgoing or one.incoming for one in states)

    def clean(self) -> bool:
        """Tell whether there is nothing but machines: no share, no folder of one, no other file."""
        return all(
            not host.shares()
            and not host.staging()
            and not host.state.planned
            and set(host.disk_files()) == {file for vm in host.vms().values() for file in vm.files}
            for host in (self.source, self.target)
        )


@pytest.fixture(scope="session")
def session_operator(lab: Lab) -> Iterator[Operator]:
    """One for the whole run: the start of his process takes the time of a test."""
    one = Operator(lab)
    yield one
    one.plain.kill()


@pytest.fixture
def stage(hosts: HostLab, session_operator: Operator) -> Stage:
    return Stage(hosts, session_operator)


@pytest.fixture
def delegated(fresh_lab: Lab) -> None:
    """hv01 may delegate to hv02, by hand."""
    delegate(fresh_lab, "hv01", "hv02")


def delegate(lab: Lab, source: str, target: str) -> None:
    admin.add_values(lab, source, *cifs_values(target), *migration_values(target))
    admin.set_flags(lab, source, on=TRUSTED_TO_AUTH_FOR_DELEGATION)


def wait(condition: Callable[[], bool]) -> None:
    assert dc.until(condition, SECONDS)
