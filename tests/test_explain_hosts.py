"""The links at the hosts: which of them is broken, by what two hosts say."""

from dataclasses import replace
from typing import Any

import pytest

from delegation.errors import CommandFailed, HostUnreachable
from delegation.explain import State
from delegation.explain.hosts import BLOCKED, DryRun, HostPair, Looked, links
from delegation.hyperv.machines import HostReading, Incompatibility

FINE = HostReading(
    "hv01.corp.example",
    {
        "enabled": True,
        "authentication": "Kerberos",
        "any_network": False,
        "network 10.20.0.0/24": 1,
    },
)


def host(label: str, **settings: Any) -> Looked:
    """A host in order, but for these settings; None takes one away."""
    found = {name.replace("__", " "): value for name, value in settings.items()}
    merged = {**FINE.settings, **found}
    kept = {name: value for name, value in merged.items() if value is not None}
    return Looked(label, replace(FINE, settings=kept))


def pair(source: Looked | None = None, target: Looked | None = None, **more: Any) -> HostPair:
    ports = more.pop("ports", {6600: True, 445: True})
    return HostPair(source or host("hv01"), target or host("hv02"), ports, **more)


def states(found: HostPair) -> dict[str, State]:
    return {link.name: link.state for link in links(found)}


def broken(found: HostPair) -> dict[str, str]:
    """What is broken, with its evidence; each has a fix."""
    bad = [link for link in links(found) if link.state is State.BROKEN]
    assert all(link.fix for link in bad)
    return {link.name: link.evidence for link in bad}


NAMES = [
    "remote management",
    "migration service",
    "migration enabled",
    "authentication",
    "networks",
    "TCP 6600",
    "TCP 445",
]


def test_a_pair_in_order_has_no_broken_link() -> None:
    assert states(pair()) == dict.fromkeys(NAMES, State.OK)
    with_run = pair(dry_run=DryRun("web01"))
    assert states(with_run) == dict.fromkeys([*NAMES, "Compare-VM"], State.OK)


@pytest.mark.parametrize("end", ["hv01", "hv02"])
@pytest.mark.parametrize(
    ("settings", "link", "evidence"),
    [
        ({"enabled": False}, "migration enabled", "it is off"),
        ({"authentication": "CredSSP"}, "authentication", "CredSSP"),
        ({"authentication": None}, "authentication", "unknown"),
    ],
)
def test_each_end_has_to_be_set(
    end: str, settings: dict[str, Any], link: str, evidence: str
) -> None:
    ends = {"hv01": host("hv01"), "hv02": host("hv02"), end: host(end, **settings)}
    [(name, said)] = broken(pair(ends["hv01"], ends["hv02"])).items()
    assert name == link
    assert said.startswith(f"{end}: {evidence}")
    fix = next(one.fix for one in links(pair(ends["hv01"], ends["hv02"])) if one.name == link)
    assert end in fix
    assert "{" not in fix.replace("live_migration: {", "")


def test_the_service_has_to_run() -> None:
    stopped = Looked("hv02", replace(FINE, vmms="Stopped"))
    assert broken(pair(target=stopped)) == {"migration service": "hv02: vmms is Stopped"}


@pytest.mark.parametrize(
    ("source", "target", "state"),
    [
        ({}, {}, State.OK),
        ({"network__10.20.0.0/24": None, "network__10.20.0.0/16": 1}, {}, State.OK),
        ({"network__10.20.0.0/24": None, "network__10.21.0.0/24": 1}, {}, State.BROKEN),
        ({"network__10.20.0.0/24": None, "network__fd00::/64": 1}, {}, State.BROKEN),
        ({}, {"network__10.20.0.0/24": None}, State.BROKEN),
        ({}, {"network__10.20.0.0/24": None, "any_network": True}, State.OK),
        ({"any_network": True, "network__10.20.0.0/24": None}, {}, State.OK),
    ],
)
def test_networks_have_to_overlap(
    source: dict[str, Any], target: dict[str, Any], state: State
) -> None:
    assert states(pair(host("hv01", **source), host("hv02", **target)))["networks"] is state


def test_a_silent_host_is_named_and_nothing_is_guessed() -> None:
    error = HostUnreachable("nobody answers at hv02:5985", "start WinRM", hresult="0x8007274C")
    silent = pair(target=Looked("hv02", error=error))
    assert broken(silent) == {"remote management": "hv02: nobody answers at hv02:5985"}
    found = states(silent)
    assert found["networks"] is found["authentication"] is State.UNKNOWN
    assert found["TCP 6600"] is State.OK
    source_gone = HostPair(Looked("hv01", error=error), host("hv02"))
    assert states(source_gone)["TCP 445"] is State.UNKNOWN


def test_a_fault_of_the_one_that_answers_counts_though_the_other_is_silent() -> None:
    error = HostUnreachable("nobody answers", "start WinRM")
    silent = pair(host("hv01", enabled=False), Looked("hv02", error=error))
    assert broken(silent)["migration enabled"] == "hv01: it is off"


def test_ports_are_tried_from_the_source() -> None:
    closed = pair(ports={6600: False, 445: CommandFailed("no Test-NetConnection there")})
    assert list(broken(closed)) == ["TCP 6600"]
    assert states(closed)["TCP 445"] is State.UNKNOWN
    [link] = [link for link in links(closed) if link.name == "TCP 6600"]
    assert link.hresult == BLOCKED


def test_a_dry_run_tells_what_the_host_says() -> None:
    reasons = [Incompatibility("the switch LAN is missing", 33012)]
    found = broken(pair(dry_run=DryRun("web01", reasons)))
    assert found == {"Compare-VM": "web01: the switch LAN is missing [33012]"}
    error = CommandFailed("no credentials", "look at the links", hresult="0x8009030E")
    [link] = [one for one in links(pair(dry_run=DryRun("web01", error=error))) if one.hresult]
    assert (link.name, link.hresult) == ("Compare-VM", "0x8009030E")
