"""A year of a farm on one journal, on a real domain controller; each plan was written by hand.

What a plan is to add and to remove stands here as an admin would say it at a whiteboard, before the
program was asked. Whoever must change it explains why.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest

from tests.lab import Lab, admin
from tests.lab.description import MIGRATION, TRUSTED_FOR_DELEGATION
from tests.story.witness import mesh
from tests.story.workstation import Workstation

pytestmark = pytest.mark.lab

CORP, DC2 = "corp.example", "dc2.corp.example"
ON, OFF = {"protocol_transition": [False, True]}, {"protocol_transition": [True, False]}
YESTERDAY = f"{datetime.now(UTC) - timedelta(days=2):%Y-%m-%d}"


class Expected(NamedTuple):
    """What one account is to gain, to lose, and which flags turn."""

    gains: frozenset[str] = frozenset()
    loses: frozenset[str] = frozenset()
    flags: Mapping[str, list[bool]] = {}


def to(*hosts: str, suffix: str = CORP) -> frozenset[str]:
    """All four values towards each host."""
    services = ("cifs", MIGRATION)
    names = [name for host in hosts for name in (host, f"{host}.{suffix}")]
    return frozenset(f"{service}/{name}" for service in services for name in names)


def full(*hosts: str, suffix: str) -> frozenset[str]:
    """The two values towards each host that have its full name."""
    return frozenset(f"{it}/{host}.{suffix}" for host in hosts for it in ("cifs", MIGRATION))


def on_share(server: str) -> frozenset[str]:
    return frozenset({f"cifs/{server}", f"cifs/{server}.{CORP}"})


Plan = Mapping[str, Expected]


def registered(short: str, fqdn: str) -> list[str]:
    """What a host registers of itself."""
    return [f"{service}/{name}" for service in ("HOST", MIGRATION) for name in (short, fqdn)]


class Year:
    """The folder of one admin, over a year."""

    def __init__(self, desk: Workstation, lab: Lab) -> None:
        self.desk, self.lab = desk, lab

    def plans(self, inventory: str, *words: str) -> Plan:
        """What a plan with that inventory says."""
        self.desk.inventory(inventory)
        said = self.desk.run("plan", *words, "--format", "json")
        assert said.code in {0, 3}, said.text
        return {change["computer"]: expected_of(change) for change in said.data["changes"]}

    def step(self, inventory: str, expected: Plan, *words: str) -> int:
        """Plan, hold the plan against the whiteboard, apply it; gives the run's number."""
        assert self.plans(inventory, *words) == expected
        applied = self.desk.run("apply", *words, "--yes")
        assert applied.code == 0, applied.text
        assert self.plans(inventory) == {}, "a second plan has nothing to do"
        [run] = self.desk.run("history", "--last", "1", "--format", "json").data["runs"]
        number: int = run["run"]
        return number

    def called(self, host: str, short: str, fqdn: str) -> None:
        """A host's account is renamed, and the host registers its new names."""
        admin.set_object(self.lab, f"{host}$", "dNSHostName", fqdn)
        admin.set_object(self.lab, f"{host}$", "servicePrincipalName", *registered(short, fqdn))
        if short != host:
            admin.set_object(self.lab, f"{host}$", "sAMAccountName", f"{short.upper()}$")

    def made_anew(self, host: str) -> None:
        """The machine is replaced: its account is deleted, and joined again."""
        fqdn = f"{host}.{CORP}"
        admin.delete(self.lab, host)
        admin.add_computer(self.lab, host, dns=fqdn, services=registered(host, fqdn))


def expected_of(change: Mapping[str, Any]) -> Expected:
    lost = frozenset(removal["value"] for removal in change["remove"])
    return Expected(frozenset(change["add"]), lost, change["flags"])


def each(*hosts: str) -> dict[str, Expected]:
    """Hosts that are new to each other."""
    return {host: Expected(to(*others(host, hosts)), flags=ON) for host in hosts}


def others(host: str, hosts: Iterable[str]) -> list[str]:
    return [other for other in hosts if other != host]


@pytest.fixture
def year(desk: Workstation, fresh_lab: Lab) -> Year:
    return Year(desk, fresh_lab)


def test_a_year_of_a_farm(year: Year, fresh_lab: Lab) -> None:
    desk = year.desk

    # January: three hosts.
    year.step("hosts: {'hv[01-03]': }\n", each("hv01", "hv02", "hv03"))

    # February: a fourth one.
    year.step(
        "hosts: {'hv[01-04]': }\n",
        {
            **{host: Expected(to("hv04")) for host in ("hv01", "hv02", "hv03")},
            "hv04": Expected(to("hv01", "hv02", "hv03"), flags=ON),
        },
    )

    # March: it is renamed.
    year.called("hv04", "node4", f"node4.{CORP}")
    year.step(
        "hosts: {'hv[01-03]': , node4: {former: [hv04]}}\n",
        {host: Expected(to("node4"), to("hv04")) for host in ("hv01", "hv02", "hv03")},
    )

    # April: hv02 gets new hardware, and a new account, which inherits nothing unasked.
    year.made_anew("hv02")
    hosts = "hosts: {'hv[01-03]': , node4: {former: [hv04]}}\n"
    desk.inventory(hosts)
    refused = desk.run("apply", "--yes")
    assert refused.code == 4
    assert "--allow new-account=hv02" in refused.text
    replaced = {"hv02": Expected(to("hv01", "hv03", "node4"), flags=ON)}
    year.step(hosts, replaced, "--allow", "new-account=hv02")

    # May: hv03 retires; its account is still there.
    year.step(
        "hosts: {'hv[01-02]': , node4: {former: [hv04]}}\nretired: [hv03]\n",
        {
            **{host: Expected(loses=to("hv03")) for host in ("hv01", "hv02", "node4")},
            "hv03": Expected(loses=to("hv01", "hv02", "node4"), flags=OFF),
        },
    )

    # June: two more come, and the farm is split.
    farm = "hosts: {'hv[01-02]': , 'hv[05-06]': , node4: {former: [hv04]}}\nretired: [hv03]\n"
    year.step(
        f"{farm}meshes:\n  old: {{members: [hv01, hv02]}}\n"
        "  new: {members: [node4, hv05, hv06]}\n",
        {
            "hv01": Expected(loses=to("node4")),
            "hv02": Expected(loses=to("node4")),
            "node4": Expected(to("hv05", "hv06"), to("hv01", "hv02")),
            "hv05": Expected(to("hv06", "node4"), flags=ON),
            "hv06": Expected(to("hv05", "node4"), flags=ON),
        },
    )

    # July: and merged again.
    old, new = ("hv01", "hv02"), ("hv05", "hv06", "node4")
    year.step(
        farm,
        {
            **{host: Expected(to(*new)) for host in old},
            **{host: Expected(to(*old)) for host in new},
        },
    )

    # August: two hosts move to another DNS suffix.
    for host in ("hv05", "hv06"):
        year.called(host, host, f"{host}.{DC2}")
    moved = (
        "hosts: {'hv[01-02]': , 'hv[05-06]': {suffix: dc2.corp.example}, node4: {former: [hv04]}}\n"
        "retired: [hv03]\nformer_suffixes: [corp.example]\n"
    )
    both = Expected(full("hv05", "hv06", suffix=DC2), full("hv05", "hv06", suffix=CORP))
    august = year.step(
        moved,
        {
            **dict.fromkeys(("hv01", "hv02", "node4"), both),
            "hv05": Expected(full("hv06", suffix=DC2), full("hv06", suffix=CORP)),
            "hv06": Expected(full("hv05", suffix=DC2), full("hv05", suffix=CORP)),
        },
    )
    then = mesh(fresh_lab)

    # September: virtual machines on a file server.
    served = f"{moved}file_servers: {{sofs01: {{reached_from: [all]}}}}\n"
    farm_hosts = ("hv01", "hv02", "hv05", "hv06", "node4")
    year.step(served, {host: Expected(on_share("sofs01")) for host in farm_hosts})

    # October: somebody trusted hv06 for any service; it is taken back, on this host alone.
    admin.set_flags(fresh_lab, "hv06", on=TRUSTED_FOR_DELEGATION)
    cleared = served.replace(
        "'hv[05-06]': {suffix: dc2.corp.example}",
        "hv05: {suffix: dc2.corp.example}, hv06: {suffix: dc2.corp.example, unconstrained: clear}",
    )
    year.step(cleared, {"hv06": Expected(flags={"unconstrained": [True, False]})})

    # November: a value of another team's is kept; when its time is over it stays, and is told.
    admin.add_values(fresh_lab, "hv01", "HTTP/portal")
    kept = f"{cleared}keep: [{{value: HTTP/*, hosts: [hv01], owner: web team}}]\n"
    assert year.plans(kept) == {}
    assert year.plans(kept.replace("web team", f"web team, expires: {YESTERDAY}")) == {}
    audit = desk.run("audit", "--format", "json")
    assert audit.code == 3
    expired = [one for one in audit.data["findings"] if one["value"] == "HTTP/portal"]
    # Nobody answers to it either, which is a finding of its own.
    assert sorted(one["severity"] for one in expired) == ["high", "medium"]
    gone = f"{cleared}remove: [{{value: HTTP/portal, hosts: [hv01], reason: moved}}]\n"
    year.step(gone, {"hv01": Expected(loses=frozenset({"HTTP/portal"}))})

    # December: back to how it was in August, in one run.
    back = desk.run("rollback", "--to", str(august), "--yes", "--allow", "unconstrained")
    assert back.code == 0, back.text
    now = mesh(fresh_lab)
    then["hv01"] = (then["hv01"][0], sorted([*then["hv01"][1], "HTTP/portal"]))
    then["hv06"] = (then["hv06"][0] | TRUSTED_FOR_DELEGATION, then["hv06"][1])
    assert {host: (uac, sorted(values)) for host, (uac, values) in now.items()} == {
        host: (uac, sorted(values)) for host, (uac, values) in then.items()
    }
    assert desk.run("rollback", "--to", str(august), "--yes").code in {0, 1}, "nothing is left"
    assert mesh(fresh_lab) == now
