"""The hosts' own settings, from plan to rollback, on lab hosts over real WinRM."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.lab import Lab, admin, dc
from tests.lab.description import OPERATOR
from tests.lab.hosts import HostLab
from tests.story.witness import first
from tests.story.workstation import Answer, Workstation

pytestmark = [pytest.mark.lab, pytest.mark.one_wording("nothing is migrated")]

DECLARED = """\
remoting: {user: vmadmin}
defaults:
  live_migration:
    enabled: true
    authentication: Kerberos
    migrations: 4
    storage_migrations: 3
    performance: SMB
    networks: [10.20.0.0/24, {subnet: 10.21.0.0/24, priority: 2}]
hosts: {'HOSTS': }
"""
WANTED = {
    "enabled": True,
    "authentication": "Kerberos",
    "migrations": 4,
    "storage_migrations": 3,
    "performance": "SMB",
    "any_network": False,
    "networks": {"10.20.0.0/24": 0, "10.21.0.0/24": 2},
}
ANYHOW = ("--allow", "kerberos-before-mesh")
"""For tests in which the hosts' delegation is not the point."""
AS_NEW = {
    "enabled": False,
    "authentication": "CredSSP",
    "migrations": 2,
    "storage_migrations": 2,
    "performance": "Compression",
    "any_network": False,
    "networks": {},
}
IN_TURN = (
    "network 10.20.0.0/24",
    "network 10.21.0.0/24",
    "migrations",
    "storage_migrations",
    "performance",
    "authentication",
    "enabled",
)
LATE = 40.0
"""Seconds after which a lab host carries out what it has not answered: the next look is sooner."""


def at_desk(
    desk: Workstation, hosts: str, remoting: str = "user: vmadmin", **variables: str
) -> Workstation:
    """The workstation of an operator of these hosts."""
    text = DECLARED.replace("HOSTS", hosts).replace("user: vmadmin", remoting)
    desk.inventory(text, dns_servers=f"[{desk.lab.address}]")
    own = {
        "KRB5_CONFIG": str(desk.lab.krb5_conf),
        "KRB5CCNAME": f"FILE:{desk.folder / 'nobody'}",
        "DELEGATION_HOSTS_PASSWORD": desk.lab.accounts[OPERATOR],
    }
    return replace(desk, variables=own | variables)


def found(hosts: HostLab, *names: str) -> dict[str, dict[str, Any]]:
    """What the hosts themselves say, beside the wire."""
    states = {name: hosts.host(name).state for name in names or hosts.names}
    return {label: {name: getattr(s, name) for name in WANTED} for label, s in states.items()}


def unreachable(answer: Answer) -> dict[str, str]:
    return {one["host"]: one["why"] for one in answer.data["unreachable"]}


def alike(settings: Mapping[str, Any], *names: str) -> dict[str, Mapping[str, Any]]:
    return dict.fromkeys(names, settings)


def test_eight_hosts_of_which_one_is_down_and_one_refuses(
    desk: Workstation, many_hosts: HostLab
) -> None:
    there = first(6)
    many_hosts.host("hv02").set(migrations=7, networks={"172.16.0.0/16": 5})
    before = found(many_hosts)
    many_hosts.kill("hv07")
    many_hosts.host("hv08").deny()
    desk = at_desk(desk, "hv[01-08]")
    assert desk.run("apply", "--yes").code == 0

    plan = desk.run("hosts", "plan", "--format", "json")
    assert plan.code == 3, plan.text
    assert {change["host"] for change in plan.data["changes"]} == set(there)
    assert unreachable(plan).keys() == {"hv07", "hv08"}

    apply = desk.run("hosts", "apply", "--yes", "--expect", plan.data["digest"])
    assert apply.code == 1, apply.text
    assert "hv07: " in apply.err
    assert "hv08: " in apply.err
    assert "and read back as intended" in apply.err
    assert "2 hosts not reached: hv[07-08]" in apply.err
    assert found(many_hosts, *there) == alike(WANTED, *there)
    assert found(many_hosts, "hv07", "hv08") == alike(AS_NEW, "hv07", "hv08")

    show = desk.run("hosts", "show", "--format", "json")
    assert show.code == 1
    assert [host["host"] for host in show.data["hosts"]] == list(there)
    assert not any(host["differ"] for host in show.data["hosts"])
    assert unreachable(show).keys() == {"hv07", "hv08"}
    assert desk.run("hosts", "plan").code == 1

    back = desk.run("hosts", "rollback", "--yes")
    assert back.code == 0, back.text
    assert found(many_hosts) == before
    [_, *runs] = desk.runs()
    kinds = [(run["kind"], run["dc"], run["unsettled"]) for run in runs]
    assert kinds == [("hosts apply", "hv[01-06]", False), ("hosts rollback", "hv[01-06]", False)]


def test_over_https_with_the_certificate_verified(desk: Workstation, hosts: HostLab) -> None:
    https = f"user: vmadmin, https: true, ca_file: {desk.lab.ca_file}"
    desk = at_desk(desk, "hv[01-02]", https)
    assert desk.run("hosts", "apply", "--yes", *ANYHOW).code == 0
    assert found(hosts, "hv01", "hv02") == alike(WANTED, "hv01", "hv02")


def test_a_right_that_is_lost_after_the_plan_costs_the_others_nothing(
    desk: Workstation, hosts: HostLab
) -> None:
    desk = at_desk(desk, "hv[01-03]")
    terminal = desk.at_terminal("hosts", "apply", *ANYHOW)
    terminal.wait_for("[y/N]")
    hosts.host("hv02").deny()
    terminal.type("y\n")
    answer = terminal.end()
    assert answer.code == 1
    assert "hv02: hv02.corp.example gives vmadmin no access" in answer.text
    assert "1 host not reached: hv02" in answer.text
    assert found(hosts, *first(3)) == alike(WANTED, "hv01", "hv03") | {"hv02": AS_NEW}


def test_a_right_that_is_lost_in_a_change_leaves_it_to_be_found_out(
    desk: Workstation, hosts: HostLab
) -> None:
    """What was made when the host began to refuse is undone like the rest."""
    desk = at_desk(desk, "hv[01-03]")
    hosts.host("hv02").set(any_network=True)
    before = found(hosts)
    host = str(hosts.host("hv02").folder), "hv02"
    apply = desk.run_by("tests.story.denied_hosts", "hosts", "apply", "--yes", *ANYHOW, *host)
    assert apply.code == 1, apply.text
    assert "hv02: unknown: any_network: hv02.corp.example gives vmadmin no access" in apply.err
    assert hosts.host("hv02").state.any_network is False
    assert became(desk, 1)["hv02", "any_network"] is None

    back = desk.run("hosts", "rollback", "--yes")
    assert back.code == 1
    assert "1 host not reached: hv02" in back.err
    hosts.host("hv02").set(operators=hosts.host("hv01").state.operators)
    back = desk.run("hosts", "rollback", "1", "--yes")
    assert back.code == 0, back.text
    assert "had been written: hv02 (any_network)" in back.err
    assert found(hosts) == before


def test_a_change_whose_answer_is_lost_is_sent_once_and_found_out(
    desk: Workstation, hosts: HostLab
) -> None:
    """The host carries it out later than that, and nothing more is tried there meanwhile."""
    desk = at_desk(desk, "hv[01-02]")
    hosts.host("hv02").set(lost_answers=["ModifyServiceSettings"], late=0.5)
    apply = desk.run("hosts", "apply", "--yes", *ANYHOW)
    assert apply.code == 1, apply.text
    assert "hv02: unknown: migrations: the connection to hv02.corp.example" in apply.err
    assert became(desk, 1)["hv02", "migrations"] is None
    assert dc.until(lambda: hosts.host("hv02").state.migrations == 4, 30)
    assert hosts.host("hv02").state.enabled is False

    again = desk.run("hosts", "apply", "--yes", *ANYHOW)
    assert again.code == 0, again.text
    assert became(desk, 1)["hv02", "migrations"] == "applied"
    assert found(hosts, *first(2)) == alike(WANTED, *first(2))
    while desk.run("hosts", "rollback", "--yes").code == 0:
        pass
    assert found(hosts, *first(2)) == alike(AS_NEW, *first(2))


def test_what_is_carried_out_after_the_next_look_was_never_called_not_made(
    desk: Workstation, hosts: HostLab
) -> None:
    """That the host shows the old value yet says nothing of a request without an answer."""
    desk = at_desk(desk, "hv[01-02]")
    hosts.host("hv02").set(lost_answers=["ModifyServiceSettings"], late=LATE)
    assert desk.run("hosts", "apply", "--yes", *ANYHOW).code == 1
    look = desk.run("hosts", "apply", "--yes", *ANYHOW)
    assert look.code == 1, look.text
    assert hosts.host("hv02").state.migrations == 2, "the look came before it: LATE is too short"
    assert "can't be told: hv02 (migrations)" in look.err
    assert "hv02: not found made, but its host may still make it" in look.err
    assert became(desk, 1)["hv02", "migrations"] == "unknown"

    assert dc.until(lambda: hosts.host("hv02").state.migrations == 4, 2 * LATE)
    back = desk.run("hosts", "rollback", "--yes")
    assert back.code == 0, back.text
    assert "had been written: hv02 (migrations)" in back.err
    assert found(hosts, *first(2)) == alike(AS_NEW, *first(2))


def test_a_host_that_dies_during_the_question_costs_the_others_nothing(
    desk: Workstation, hosts: HostLab
) -> None:
    desk = at_desk(desk, "hv[01-03]")
    assert desk.run("hosts", "apply", "--yes", *ANYHOW).code == 0
    terminal = desk.at_terminal("hosts", "rollback")
    terminal.wait_for("[y/N]")
    hosts.kill("hv02")
    terminal.type("y\n")
    answer = terminal.end()
    assert answer.code == 1
    assert "1 host not reached: hv02" in answer.text
    assert found(hosts, *first(3)) == alike(AS_NEW, "hv01", "hv03") | {"hv02": WANTED}
    assert [run["status"] for run in desk.runs()] == ["done", "done"]


def test_a_rollback_leaves_to_a_cluster_what_is_its_own(desk: Workstation, hosts: HostLab) -> None:
    desk = at_desk(desk, "hv[01-02]")
    for name in first(2):
        hosts.host(name).set(any_network=True)
    assert desk.run("hosts", "apply", "--yes", *ANYHOW).code == 0
    hosts.host("hv02").set(clustered=True)
    back = desk.run("hosts", "rollback", "--yes")
    assert back.code == 1
    assert "hv02: any_network is off, was on" in back.out
    its_own = {name: AS_NEW[name] for name in ("authentication", "storage_migrations")}
    assert found(hosts, *first(2)) == {
        "hv01": {**AS_NEW, "any_network": True},
        "hv02": {**WANTED, **its_own, "performance": AS_NEW["performance"]},
    }


MOMENTS = [
    f"{when} hv02 {setting}"
    for when, setting in (
        ("before", IN_TURN[0]),
        ("after", IN_TURN[0]),
        ("before", "performance"),
        ("after", "authentication"),
        ("after", "enabled"),
    )
]


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_in_the_middle(desk: Workstation, hosts: HostLab, moment: str) -> None:
    desk = at_desk(desk, "hv[01-03]")
    killed(desk, moment)
    assert "UNSETTLED" in desk.run("history").out
    there = found(hosts, *first(3))

    look = desk.run("hosts", "apply", "--yes", *ANYHOW)
    assert "run 1 had not come to its end" in look.err
    is_all_made = there == alike(WANTED, *first(3))
    assert ("its host may still make it" in look.err) is not is_all_made
    assert found(hosts, *first(3)) == there
    again = minutes_later(desk, "hosts", "apply", "--yes", *ANYHOW)
    assert again.code == 0, again.text
    assert found(hosts, *first(3)) == alike(WANTED, *first(3))
    made = {key for key, result in became(desk, 1).items() if result == "applied"}
    assert made == {
        (host, name) for host, state in there.items() for name in IN_TURN if is_made(state, name)
    }
    assert not any(run["unsettled"] for run in desk.runs())

    while desk.run("hosts", "rollback", "--yes").code == 0:
        pass
    assert found(hosts, *first(3)) == alike(AS_NEW, *first(3))


def test_killed_in_the_middle_and_taken_back(desk: Workstation, hosts: HostLab) -> None:
    desk = at_desk(desk, "hv[01-03]")
    killed(desk, "after hv02 performance")
    look = desk.run("hosts", "rollback", "--yes")
    assert look.code == 1, look.text
    assert "run 1 had not come to its end" in look.err
    back = minutes_later(desk, "hosts", "rollback", "1", "--yes")
    assert back.code == 0, back.text
    assert found(hosts, *first(3)) == alike(AS_NEW, *first(3))


def killed(desk: Workstation, moment: str) -> None:
    lethal = "tests.story.lethal_hosts"
    assert desk.run_by(lethal, "hosts", "apply", "--yes", *ANYHOW, moment).code == -signal.SIGKILL


def minutes_later(desk: Workstation, *command: str) -> Answer:
    return desk.run_by("tests.story.minutes_later", *command)


def became(desk: Workstation, run: int) -> dict[tuple[str, str], str | None]:
    changes = desk.run("history", str(run), "--format", "json").data["changes"]
    return {(change["host"], change["setting"]): change["result"] for change in changes}


def is_made(state: Mapping[str, Any], name: str) -> bool:
    if name.startswith("network "):
        return name.removeprefix("network ") in state["networks"]
    return bool(state[name] == WANTED[name])


def test_a_cluster_node_is_left_to_its_cluster(desk: Workstation, hosts: HostLab) -> None:
    hosts.host("hv02").set(clustered=True, networks={"172.16.0.0/16": 1})
    desk = at_desk(desk, "hv[01-02]")
    plan = desk.run("hosts", "plan")
    assert "the cluster's own, left alone:" in plan.out
    assert "hv02: enabled is off, declared on" in plan.out
    assert desk.run("hosts", "apply", "--yes", *ANYHOW).code == 0
    assert found(hosts, "hv01", "hv02") == {
        "hv01": WANTED,
        "hv02": {
            **WANTED,
            "enabled": False,
            "migrations": 2,
            "networks": {"172.16.0.0/16": 1},
        },
    }
    assert desk.run("hosts", "plan").code == 0


def test_kerberos_waits_for_the_mesh(desk: Workstation, hosts: HostLab, fresh_lab: Lab) -> None:
    """Of those that migrate today, and of those that are to."""
    for name in first(2):
        hosts.host(name).set(enabled=True)
    before = found(hosts, *first(3))
    desk = at_desk(desk, "hv[01-03]")
    refused = desk.run("hosts", "apply", "--yes")
    assert refused.code == 4
    assert "hv[01-03]: it would migrate by Kerberos, and could not" in refused.err
    assert "[kerberos-before-mesh]" in refused.err
    assert desk.runs() == []
    assert found(hosts, *first(3)) == before

    assert desk.run("apply", "--yes").code == 0
    admin.remove_values(fresh_lab, "hv02", "cifs/hv03.corp.example")
    refused = desk.run("hosts", "apply", "--yes")
    assert refused.code == 4
    assert "hv02: it would migrate by Kerberos, and could not" in refused.err
    assert "lacks 1 of its 8 values" in refused.err
    forced = desk.run("hosts", "apply", "--yes", *ANYHOW)
    assert forced.code == 0
    assert found(hosts, *first(3)) == alike(WANTED, *first(3))


def test_with_the_mesh_in_place_it_is_not_in_the_way(desk: Workstation, hosts: HostLab) -> None:
    hosts.host("hv01").set(enabled=True)
    desk = at_desk(desk, "hv[01-02]")
    assert desk.run("apply", "--yes").code == 0
    assert desk.run("hosts", "apply", "--yes").code == 0
    assert found(hosts, *first(2)) == alike(WANTED, *first(2))


def test_an_operator_with_no_right_but_hyper_vs_sets_all_of_it(
    desk: Workstation, hosts: HostLab
) -> None:
    """What lies outside Hyper-V's namespace is not told, and said to be so."""
    desk = at_desk(desk, "hv[01-02]")
    for name in first(2):
        hosts.host(name).only_hyperv()
    show = desk.run("hosts", "show", "--format", "json")
    assert show.code == 0, show.text
    for host in show.data["hosts"]:
        assert host["clustered"] is False
        assert "no access to root/cimv2" in host["not_told"]["disk"]
    assert desk.run("hosts", "apply", "--yes", *ANYHOW).code == 0
    assert found(hosts, *first(2)) == alike(WANTED, *first(2))
    assert desk.run("hosts", "rollback", "--yes").code == 0
    assert found(hosts, *first(2)) == alike(AS_NEW, *first(2))


def test_whether_it_is_a_node_is_not_told_and_nothing_of_a_cluster_is_written(
    desk: Workstation, hosts: HostLab
) -> None:
    hosts.host("hv02").set(clustered=True)
    for name in first(2):
        hosts.host(name).set(refused_namespaces={OPERATOR: ["root/cimv2", "root/MSCluster"]})
    desk = at_desk(desk, "hv[01-02]")
    apply = desk.run("hosts", "apply", "--yes", *ANYHOW)
    assert apply.code == 4
    assert "whether a cluster sets its enabled is not told" in apply.err
    assert found(hosts, *first(2)) == alike(AS_NEW, *first(2))


def test_one_who_is_shown_nothing_reads_and_sets_nothing(desk: Workstation, hosts: HostLab) -> None:
    hosts.host("hv01").set(blind=[OPERATOR])
    desk = at_desk(desk, "hv[01-02]")
    show = desk.run("hosts", "show", "--format", "json")
    assert show.code == 1
    assert unreachable(show).keys() == {"hv01"}
    assert "does not tell what it is called" in unreachable(show)["hv01"]
    assert desk.run("hosts", "apply", "--yes", *ANYHOW).code == 1
    assert found(hosts, *first(2)) == {"hv01": AS_NEW, "hv02": WANTED}


def test_a_host_that_hangs_costs_the_others_nothing(desk: Workstation, hosts: HostLab) -> None:
    desk = at_desk(desk, "hv[01-02]")
    hosts.host("hv02").freeze()
    try:
        show = desk.run_by("tests.story.impatient", "hosts", "show", "--format", "json")
    finally:
        hosts.host("hv02").thaw()
    assert show.code == 1
    assert [host["host"] for host in show.data["hosts"]] == ["hv01"]
    assert unreachable(show).keys() == {"hv02"}
