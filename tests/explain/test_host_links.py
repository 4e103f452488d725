"""The links at the hosts: which of them is broken, by what two hosts say."""

from dataclasses import replace
from typing import Any

import pytest

from delegation.errors import (
    CommandFailed,
    HostUnreachable,
    HyperVFailed,
    MachinesNotTold,
    UsageError,
    WrongHost,
)
from delegation.explain import LinkState
from delegation.explain.host_links import links
from delegation.explain.host_pair import DryRun, HostPair, Looked
from delegation.hosts.machines import HostReading, Incompatibility

FINE = HostReading(
    "hv01.corp.example",
    {
        "enabled": True,
        "authentication": "Kerberos",
        "any_network": False,
        "network 10.20.0.0/24": 1,
    },
    listeners=("10.20.0.12",),
)


def host(label: str, **settings: Any) -> Looked:
    """A host in order, but for these settings; None takes one away."""
    found = {name.replace("__", " "): value for name, value in settings.items()}
    merged = {**FINE.settings, **found}
    kept = {name: value for name, value in merged.items() if value is not None}
    listeners = (f"10.20.0.{label[-1]}",)
    return Looked(label, replace(FINE, settings=kept, listeners=listeners))


def pair(source: Looked | None = None, target: Looked | None = None, **more: Any) -> HostPair:
    return HostPair(source or host("hv01"), target or host("hv02"), **more)


def states(found: HostPair) -> dict[str, LinkState]:
    return {link.name: link.state for link in links(found)}


def broken(found: HostPair) -> dict[str, str]:
    """What is broken, with its evidence; each has a fix."""
    bad = [link for link in links(found) if link.state is LinkState.BROKEN]
    assert all(link.fix for link in bad)
    return {link.name: link.evidence for link in bad}


NAMES = [
    "remote management",
    "Hyper-V rights",
    "migration service",
    "migration enabled",
    "authentication",
    "networks",
    "TCP 6600",
    "TCP 445",
]


def test_a_pair_in_order_has_no_broken_link() -> None:
    fine = dict.fromkeys(NAMES, LinkState.OK)
    untried = {"TCP 6600": LinkState.UNKNOWN, "TCP 445": LinkState.UNKNOWN}
    assert states(pair()) == fine | untried
    with_run = pair(dry_run=DryRun("web01"))
    assert states(with_run) == fine | {
        "TCP 445": LinkState.UNKNOWN,
        "migration check": LinkState.OK,
    }
    evidence = {link.name: link.evidence for link in links(with_run)}
    assert "proves nothing of files" in evidence["TCP 445"]
    assert "proves no storage" in evidence["migration check"]


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


def fix(found: HostPair, name: str) -> str:
    return next(link.fix for link in links(found) if link.name == name)


@pytest.mark.parametrize(
    ("settings", "link", "words"),
    [
        ({"enabled": False}, "migration enabled", "it is off"),
        ({"authentication": "CredSSP"}, "authentication", "CredSSP, which needs the operator"),
    ],
)
def test_both_ends_are_named_where_both_are_wrong(
    settings: dict[str, Any], link: str, words: str
) -> None:
    found = pair(host("hv01", **settings), host("hv02", **settings))
    assert broken(found)[link].startswith(f"hv01 and hv02: {words}")
    assert "hv01 and hv02" in fix(found, link)


def test_ends_that_are_wrong_in_different_ways_are_told_apart() -> None:
    found = pair(host("hv01", authentication="CredSSP"), host("hv02", authentication=None))
    first, second = broken(found)["authentication"].split("; ")
    assert first.startswith("hv01: CredSSP")
    assert second.startswith("hv02: unknown")


def test_the_service_has_to_run() -> None:
    stopped = Looked("hv02", replace(FINE, vmms="Stopped"))
    assert broken(pair(target=stopped)) == {"migration service": "hv02: vmms is Stopped"}


def test_a_service_that_is_stopped_is_not_a_host_that_is_silent() -> None:
    """Its cmdlets fail then, as every one of Hyper-V's does."""
    error = HyperVFailed("its cmdlets fail", "start it", hresult="0x80041002", vmms="Stopped")
    stopped = pair(target=Looked("hv02", error=error))
    assert broken(stopped) == {"migration service": "hv02: vmms is Stopped"}
    assert fix(stopped, "migration service").startswith("on hv02: Start-Service vmms")
    found = {link.name: link for link in links(stopped)}
    assert found["remote management"].state is LinkState.OK
    assert found["authentication"].state is LinkState.UNKNOWN
    assert found["authentication"].evidence == "hv02 did not tell its settings"


@pytest.mark.parametrize(
    "error",
    [
        HyperVFailed("denied", "join the group", ["No."], hresult="0x80070005", vmms="Running"),
        CommandFailed("denied", "join the group", ["No."], hresult="0x80070005"),
    ],
)
def test_cmdlets_that_fail_while_the_service_runs(error: CommandFailed) -> None:
    found = pair(Looked("hv01", error=error))
    assert broken(found) == {"Hyper-V rights": "hv01: denied (0x80070005) [No.]"}
    assert states(found)["remote management"] is LinkState.OK


def test_another_computer_is_told_before_all_else() -> None:
    error = WrongHost("hv02.corp.example is the computer HV03", "correct the fqdn")
    assert list(broken(pair(target=Looked("hv02", error=error)))) == ["remote management"]


def test_hosts_that_nobody_can_log_on_to_are_unknown_with_the_reason_and_the_fix() -> None:
    why = UsageError("vmadmin has no ticket", "get one with kinit")
    ends = Looked("hv01"), Looked("hv02")
    unasked = HostPair(*ends, dry_run=DryRun("web01"), unasked=why)
    assert states(unasked) == dict.fromkeys([*NAMES, "migration check"], LinkState.UNKNOWN)
    first = links(unasked)[0]
    assert (first.evidence, first.fix) == (
        "the hosts were not asked: vmadmin has no ticket",
        "get one with kinit",
    )


def test_a_silent_host_is_named_and_nothing_is_guessed() -> None:
    error = HostUnreachable("nobody answers at hv02:5985", "start WinRM", hresult="0x8007274C")
    silent = pair(target=Looked("hv02", error=error))
    assert broken(silent) == {"remote management": "hv02: nobody answers at hv02:5985 (0x8007274C)"}
    found = states(silent)
    assert found["networks"] is found["authentication"] is LinkState.UNKNOWN
    assert found["TCP 6600"] is LinkState.UNKNOWN
    assert found["Hyper-V rights"] is LinkState.UNKNOWN
    source_gone = HostPair(Looked("hv01", error=error), host("hv02"))
    assert states(source_gone)["TCP 445"] is LinkState.UNKNOWN


def test_a_fault_of_the_one_that_answers_counts_though_the_other_is_silent() -> None:
    error = HostUnreachable("nobody answers", "start WinRM")
    silent = pair(host("hv01", enabled=False), Looked("hv02", error=error))
    assert broken(silent)["migration enabled"] == "hv01: it is off"


def test_the_way_from_here_to_a_host_says_nothing_of_a_migration() -> None:
    """A logon of ours that fails may have the very number that a mesh without values has."""
    error = HostUnreachable("no ticket for hv02", "look at its names", hresult="0x8009030E")
    silent = pair(target=Looked("hv02", error=error))
    [link] = [one for one in links(silent) if one.state is LinkState.BROKEN]
    assert (link.name, link.hresult) == ("remote management", "")


def test_a_list_that_is_not_told_is_the_checks_business() -> None:
    error = MachinesNotTold("hv01 lists no object of its own", "add joe to the group")
    found = pair(dry_run=DryRun("web01", error=error))
    assert broken(found) == {"migration check": "hv01 lists no object of its own"}


@pytest.mark.parametrize(
    ("windows", "guard", "said"),
    [
        ("10.0.20348", None, "CredSSP, which needs the operator to be logged on at the source"),
        ("10.0.20348", True, "Credential Guard, which runs there, forbids"),
        ("10.0.26100", None, "Credential Guard forbids, on by default since Windows Server 2025"),
        ("10.0.26100", False, "CredSSP, which needs the operator to be logged on at the source"),
        (None, None, "CredSSP, which needs the operator to be logged on at the source"),
        ("odd", None, "CredSSP, which needs the operator to be logged on at the source"),
    ],
)
def test_credential_guard_is_told_where_it_stands_in_the_way_of_credssp(
    windows: str | None, *, guard: bool | None, said: str
) -> None:
    end = host("hv01", authentication="CredSSP")
    assert end.reading
    reading = replace(end.reading, windows=windows, credential_guard=guard)
    evidence = broken(pair(replace(end, reading=reading)))["authentication"]
    assert evidence.endswith(said)


def test_a_check_tells_what_the_host_says() -> None:
    reasons = [Incompatibility("スイッチ LAN がありません", "33012")]
    found = pair(dry_run=DryRun("web01", reasons))
    assert broken(found) == {"migration check": "web01: スイッチ LAN がありません [33012]"}
    assert fix(found, "migration check") == (
        "make a switch of the same name on the target, or connect the virtual machine to another "
        "one; then check it again"
    )
    assert states(found)["TCP 6600"] is LinkState.UNKNOWN


def test_a_reason_whose_number_is_known_says_what_to_do() -> None:
    denied = Incompatibility("Der Zugriff wurde verweigert (0x80070005).", "21024")
    [link] = [one for one in links(pair(dry_run=DryRun("web01", [denied]))) if one.hresult]
    assert (link.name, link.hresult) == ("migration check", "0x80070005")
    assert link.fix.startswith("add the operator to Hyper-V Administrators on the source and on")
    odd = Incompatibility("The processor lacks a feature.", "24004")
    assert fix(pair(dry_run=DryRun("web01", [odd])), "migration check") == (
        "mend what is said, on web01 or on hv02; then check it again"
    )


def test_a_check_that_fails_tells_the_hosts_error() -> None:
    error = CommandFailed("no credentials", "look at the links", hresult="0x8009030E")
    [link] = [one for one in links(pair(dry_run=DryRun("web01", error=error))) if one.hresult]
    assert (link.name, link.hresult) == ("migration check", "0x8009030E")


def test_a_dry_run_that_could_not_be_is_not_a_broken_link() -> None:
    silent = Looked("hv02", error=HostUnreachable("nobody answers", "start WinRM"))
    run = pair(target=silent, dry_run=DryRun("web01"))
    assert list(broken(run)) == ["remote management"]
    assert states(run)["migration check"] is LinkState.UNKNOWN


def test_what_the_host_itself_says_of_a_failure_is_kept() -> None:
    error = CommandFailed("the check failed: no route", "look", ["Es gibt keine Route."])
    found = broken(pair(dry_run=DryRun("web01", error=error)))
    assert found["migration check"] == "the check failed: no route [Es gibt keine Route.]"
