"""The account of a retired host: an object of the plan, or told in words; what else is gone."""

from contextlib import closing
from pathlib import Path
from uuid import UUID

import pytest

from delegation.changes.journal import Journal
from delegation.changes.run import NewRun
from delegation.inventory import reader
from delegation.migrations import MIGRATE
from delegation.migrations.lifecycle import Migration
from delegation.migrations.record import queue
from delegation.wiring import KINDS
from tests.cli.program import Delegation
from tests.cli.world import (
    BASE,
    CONTROLLER,
    DISABLED,
    INVENTORY,
    MEMBER,
    TRANSITION,
    UNCONSTRAINED,
    Held,
    account,
    directory,
    forms,
    held,
)

HOSTS = ("hv01", "hv02", "hv03")
RETIRED = INVENTORY + "retired: [hv04]\n"
ON = MEMBER | TRANSITION
EMPTIED = Held(frozenset(), MEMBER)
ELSEWHERE = "DC=child,DC=corp,DC=example"


def meshed(*others: str) -> str:
    """HV01 to HV03, each with what leads to its peers and to HV04, and these records."""
    found = []
    for host in HOSTS:
        peers = [peer for peer in (*HOSTS, "hv04") if peer != host]
        found.append(account(host.upper(), *forms(*peers), uac=ON))
    return "".join([*found, *others])


def four(*more: str, uac: int = ON, unit: str = "Hyper-V", fqdn: str | None = None) -> str:
    """HV04 as a mesh of the four has left it."""
    return account("HV04", *forms(*HOSTS), *more, uac=uac, unit=unit, fqdn=fqdn)


def given(here: Path, inventory: str, *others: str) -> None:
    (here / "inventory.yaml").write_text(inventory, encoding="utf-8")
    (here / "directory.ldif").write_bytes(directory(meshed(*others)))


def rules(delegation: Delegation, *words: str) -> list[tuple[str, str, str]]:
    """Each finding's rule, severity and host."""
    found = delegation("audit", "--format", "json", *words).json["findings"]
    return [(one["rule"], one["severity"], one["computer"]) for one in found]


def now(here: Path, name: str = "hv04") -> Held:
    return held(here / "directory.ldif")[name]


def queued(here: Path, source: str, target: str) -> None:
    """A migration that is on record, and has no end."""
    run = NewRun(MIGRATE, "hosts:corp.example", "corp.example", source, {})
    with closing(Journal.writable(here / ".delegation", KINDS)) as journal:
        move = Migration(UUID(int=1), "vm1", source, target, r"D:\VMs", at=source)
        queue.begin(journal, run, [move])


def objects_of(here: Path, name: str) -> list[str]:
    """The records of the export that speak of that account."""
    text = (here / "directory.ldif").read_text(encoding="utf-8")
    return [record for record in text.split("\n\n") if f"sAMAccountName: {name}$" in record]


# What goes


def test_nothing_is_left_on_it_nor_towards_it_and_a_rollback_restores_it(
    delegation: Delegation, here: Path
) -> None:
    given(here, RETIRED, four())
    before = (here / "directory.ldif").read_bytes()
    plan = delegation("plan", "--format", "json").json
    assert plan["summary"]["objects"] == plan["summary"]["changed"] == 4
    [change] = [change for change in plan["changes"] if change["computer"] == "hv04"]
    assert {gone["value"] for gone in change["remove"]} == set(forms(*HOSTS))
    assert {gone["reason"] for gone in change["remove"]} == {"held by a retired host"}
    assert change["flags"] == {"protocol_transition": [True, False]}

    assert delegation("apply", "--yes").code == 0
    found = held(here / "directory.ldif")
    assert found["hv04"] == EMPTIED
    assert not any("hv04" in value for name in HOSTS for value in found[name].values)
    assert rules(delegation) == []
    assert delegation("plan").code == 0

    assert delegation("rollback", "--yes").code == 0
    assert (here / "directory.ldif").read_bytes() == before


def test_an_audit_tells_what_it_still_holds(delegation: Delegation, here: Path) -> None:
    given(here, RETIRED, four(uac=ON | UNCONSTRAINED))
    found = rules(delegation)
    assert found.count(("KCD002", "high", "hv04")) == len(forms(*HOSTS))
    assert ("KCD004", "high", "hv04") in found, "the flag goes with the values"
    assert ("KCD005", "high", "hv04") in found
    assert delegation("audit").code == 3


@pytest.mark.parametrize(
    "value",
    ["cifs/hv01", "CIFS/HV02.corp.example", "cifs/sofs01.corp.example", "cifs/hv99", "cifs/hv04"],
)
def test_a_lone_value_of_ours_goes(delegation: Delegation, here: Path, value: str) -> None:
    servers = "meshes: {m: {members: ['hv[01-03]']}}\nfile_servers: {sofs01: {reached_from: [m]}}\n"
    sofs = account("SOFS01", spns=["HOST/SOFS01", "HOST/sofs01.corp.example"])
    given(
        here, f"{INVENTORY}{servers}retired: [hv04, hv99]\n", account("HV04", value, uac=ON), sofs
    )
    assert delegation("apply", "--yes", "--limit", "hv04").code == 0
    assert now(here) == EMPTIED


def test_retiring_several_needs_no_override(delegation: Delegation, here: Path) -> None:
    gone = [f"hv{n:02}" for n in range(10, 20)]
    accounts = [account(name.upper(), *forms(*HOSTS), uac=ON) for name in gone]
    hosts = [account(name.upper(), *forms(*gone), uac=ON) for name in HOSTS]
    (here / "inventory.yaml").write_text(INVENTORY + "retired: ['hv[10-19]']\n", encoding="utf-8")
    (here / "directory.ldif").write_bytes(directory(*hosts, *accounts))
    assert delegation("apply", "--yes").code == 0
    assert {now(here, name) for name in gone} == {EMPTIED}


def test_a_disabled_account_is_emptied_too(delegation: Delegation, here: Path) -> None:
    """Its list counts again on the day that somebody enables it."""
    given(here, RETIRED, four(uac=ON | DISABLED))
    assert delegation("apply", "--yes").code == 0
    assert now(here) == Held(frozenset(), MEMBER | DISABLED)


def test_its_account_is_found_in_any_ou(delegation: Delegation, here: Path) -> None:
    """Where a retired host's account is moved to, no search base of hosts reaches."""
    bounded = RETIRED.replace("hosts:", f"  search_base: ['OU=Hyper-V,{BASE}']\nhosts:", 1)
    given(here, bounded, four(unit="Attic"))
    assert delegation("apply", "--yes").code == 0
    assert now(here) == EMPTIED


def test_the_flag_alone_is_drift(delegation: Delegation, here: Path) -> None:
    given(here, RETIRED, account("HV04", uac=ON))
    assert delegation("apply", "--yes", "--limit", "hv01,hv02,hv03").code == 0
    assert rules(delegation) == [("KCD004", "high", "hv04")]
    assert delegation("apply", "--yes").code == 0
    assert now(here) == EMPTIED


# What stays


def test_values_of_others_stay_and_with_them_the_flag(delegation: Delegation, here: Path) -> None:
    keep = "keep: [{value: HTTP/portal, hosts: [hv04], reason: portal, owner: web team}]\n"
    given(here, RETIRED + keep, four("HTTP/portal"))
    assert delegation("apply", "--yes").code == 0
    assert now(here) == Held(frozenset({"HTTP/portal"}), ON)
    assert [one for one in rules(delegation) if one[1] == "high"] == [("KCD022", "high", "hv04")]


def test_the_flag_goes_where_their_owner_accepts_that(delegation: Delegation, here: Path) -> None:
    keep = "keep: [{value: HTTP/portal, hosts: [hv04], protocol_transition: accept}]\n"
    given(here, RETIRED + keep, four("HTTP/portal"))
    assert delegation("apply", "--yes").code == 0
    assert now(here) == Held(frozenset({"HTTP/portal"}), MEMBER)
    assert "KCD022" not in {rule for rule, *_ in rules(delegation)}


def test_what_nobody_claims_stays_and_is_told(delegation: Delegation, here: Path) -> None:
    given(here, RETIRED, four("MSSQLSvc/db1"))
    foreign = delegation("plan", "--format", "json").json["foreign"]
    assert [(one["computer"], one["value"]) for one in foreign] == [("hv04", "MSSQLSvc/db1")]
    assert delegation("apply", "--yes").code == 0
    assert now(here) == Held(frozenset({"MSSQLSvc/db1"}), ON)
    assert ("KCD003", "medium", "hv04") in rules(delegation)


def test_a_keep_rule_for_all_hosts_holds_there_too(delegation: Delegation, here: Path) -> None:
    given(here, RETIRED + "keep: [{value: cifs/hv01, reason: ISO library}]\n", four())
    assert delegation("apply", "--yes").code == 0
    assert now(here) == Held(frozenset({"cifs/hv01"}), ON)


def test_own_keep_leaves_its_account_alone(delegation: Delegation, here: Path) -> None:
    given(here, INVENTORY + "retired: [{name: hv04, own: keep}]\n", four(uac=ON | UNCONSTRAINED))
    assert delegation("apply", "--yes").code == 0
    found = held(here / "directory.ldif")
    assert found["hv04"].values == set(forms(*HOSTS))
    assert not any("hv04" in value for name in HOSTS for value in found[name].values)
    assert rules(delegation) == []
    refused = delegation("plan", "--limit", "hv04")
    assert refused.code == 2
    assert "names no host" in refused.err


def test_another_limit_leaves_it_alone_and_its_name_means_it(
    delegation: Delegation, here: Path
) -> None:
    given(here, RETIRED, four())
    before = held(here / "directory.ldif")
    assert delegation("apply", "--yes", "--limit", "hv01").code == 0
    between = held(here / "directory.ldif")
    assert {name for name in between if between[name] != before[name]} == {"hv01"}
    assert delegation("apply", "--yes", "--limit", "HV04").code == 0
    after = held(here / "directory.ldif")
    assert {name for name in after if after[name] != between[name]} == {"hv04"}
    assert "retired are hv04" in delegation("plan", "--limit", "hv77").err
    assert "retired" not in delegation("hosts", "plan", "--limit", "hv04").err


def test_no_account_is_nothing_to_do(delegation: Delegation, here: Path) -> None:
    given(here, RETIRED)
    ran = delegation("apply", "--yes")
    assert ran.code == 0
    assert "hv04" not in ran.err
    assert rules(delegation) == []


# What is told in words


@pytest.mark.parametrize(
    ("others", "words"),
    [
        pytest.param([four(fqdn="hv04.lab.example")], "hv04.lab.example", id="a namesake"),
        pytest.param([four(uac=CONTROLLER | UNCONSTRAINED)], "is a domain controller", id="a DC"),
        pytest.param(
            [four(), account("HV04", dn=f"CN=HV04\\0ACNF:1,OU=Hyper-V,{BASE}")],
            "several accounts",
            id="ambiguous",
        ),
        pytest.param(
            [account("HV04", *forms(*HOSTS), uac=ON, base=ELSEWHERE)],
            "another domain",
            id="of another domain",
        ),
        pytest.param(
            [account("HV04", *forms(*HOSTS), uac=ON, spns=["MSClusterVirtualServer/HV04"])],
            "cluster name object",
            id="a cluster's name",
        ),
    ],
)
def test_an_account_that_is_not_surely_its_own_is_left_alone(
    delegation: Delegation, here: Path, others: list[str], words: str
) -> None:
    given(here, RETIRED, *others)
    before = objects_of(here, "HV04")
    assert words in delegation("plan").err
    assert [one for one in rules(delegation) if one[2] == "hv04"] == [("KCD022", "high", "hv04")]
    ran = delegation("apply", "--yes")
    assert words in ran.err
    assert ran.err.count("12 values towards the mesh stay") == 1
    assert objects_of(here, "HV04") == before


def test_a_namesake_that_may_do_nothing_here_is_nobodys_business(
    delegation: Delegation, here: Path
) -> None:
    given(here, RETIRED, account("HV04", "HTTP/x", fqdn="hv04.lab.example"))
    ran = delegation("apply", "--yes")
    assert (ran.code, "hv04.lab" in ran.err) == (0, False)
    assert rules(delegation) == []


def test_the_way_that_a_namesake_is_told_is_one_that_works(
    delegation: Delegation, here: Path
) -> None:
    given(here, RETIRED, four(fqdn="hv04.lab.example"))
    assert "{name: hv04, fqdn: hv04.lab.example}" in delegation("plan").err
    text = INVENTORY + "retired: [{name: hv04, fqdn: hv04.lab.example}]\n"
    (here / "inventory.yaml").write_text(text, encoding="utf-8")
    assert delegation("apply", "--yes", "--limit", "hv04").code == 0
    assert now(here) == EMPTIED


def test_an_explanation_says_retired(delegation: Delegation, here: Path) -> None:
    given(here, RETIRED, four())
    ran = delegation("explain", "HV04.corp.example", "hv01")
    assert "hv04 is retired" in ran.out
    assert "not a pair of the inventory" not in ran.out
    assert "though hv04 is retired" in ran.out
    assert delegation("apply", "--yes").code == 0
    ran = delegation("explain", "hv04", "hv01")
    assert "fix: hv04 is retired: leave it so" in ran.out
    assert "add both hosts" not in ran.out


# A migration that holds it


@pytest.mark.parametrize("ends", [("hv04", "hv01"), ("hv01", "HV04"), ("hv01", "hv02")])
def test_a_recorded_migration_holds_it(
    delegation: Delegation, here: Path, ends: tuple[str, str]
) -> None:
    given(here, RETIRED, four())
    before = (here / "directory.ldif").read_bytes()
    queued(here, *ends)
    holds_it = "hv04" in {end.lower() for end in ends}
    ran = delegation("apply", "--yes")
    assert ran.code == (4 if holds_it else 0)
    assert ("[migrating]" in ran.err and "run 1" in ran.err) is holds_it
    assert ((here / "directory.ldif").read_bytes() == before) is holds_it
    if holds_it:
        # Its peers' values are what a migration to it rests on.
        assert delegation("apply", "--yes", "--limit", "hv01").code == 4
        text = "retired: [{name: hv04, own: keep}]"
        (here / "inventory.yaml").write_text(f"{INVENTORY}{text}\n", encoding="utf-8")
        assert delegation("apply", "--yes").code == 4


def test_a_migration_holds_no_host_that_loses_nothing(delegation: Delegation, here: Path) -> None:
    given(here, RETIRED)
    assert delegation("apply", "--yes").code == 0
    queued(here, "hv04", "hv01")
    assert delegation("apply", "--yes").code == 0
    assert delegation("rollback", "--yes").code == 0


# Dropped, and not retired


def test_a_host_that_was_dropped_is_found_and_the_line_is_right(
    delegation: Delegation, here: Path
) -> None:
    five = account("HV05", *forms("hv01"), uac=ON, fqdn="hv05.lab.example")
    given(here, INVENTORY, four(), five)
    found = delegation("audit", "--format", "json").json["findings"]
    dropped = [one for one in found if one["rule"] == "KCD023"]
    assert [(one["computer"], one["severity"]) for one in dropped] == [
        ("HV04", "high"),
        ("HV05", "high"),
    ]
    [fix] = {one["fix"] for one in dropped}
    line = fix.partition("add to the inventory: ")[2].partition(";")[0]
    reader.parse(f"{INVENTORY}{line}\n".encode(), "inventory.yaml")
    (here / "inventory.yaml").write_text(f"{INVENTORY}{line}\n", encoding="utf-8")
    assert delegation("apply", "--yes").code == 0
    assert (now(here), now(here, "hv05")) == (EMPTIED, EMPTIED)
    assert rules(delegation) == []


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(account("WAC01", *forms("hv01"), spns=["HOST/WAC01"]), id="no Hyper-V host"),
        pytest.param(account("HV77", "cifs/hv01"), id="a share alone"),
        pytest.param(account("HV77", *forms("hv66")), id="towards others"),
        pytest.param(account("HV77", *forms("hv01"), base=ELSEWHERE), id="elsewhere"),
    ],
)
def test_others_are_not_called_dropped(delegation: Delegation, here: Path, other: str) -> None:
    given(here, RETIRED, other)
    assert delegation("apply", "--yes").code == 0
    assert [rule for rule, *_ in rules(delegation) if rule == "KCD023"] == []


def test_a_dropped_host_is_told_where_its_targets_are_looked_at(
    delegation: Delegation, here: Path
) -> None:
    given(here, INVENTORY, account("HV04", *forms("hv01"), uac=ON))
    assert ("KCD023", "high", "HV04") in rules(delegation, "--limit", "hv01")
    assert ("KCD023", "high", "HV04") not in rules(delegation, "--limit", "hv02")
    assert "KCD023" not in delegation("check").out, "it is no mistake of a first inventory"


def test_a_dropped_host_that_is_disabled_is_less_urgent(delegation: Delegation, here: Path) -> None:
    given(here, INVENTORY, account("HV04", *forms("hv01"), uac=ON | DISABLED))
    assert ("KCD023", "medium", "HV04") in rules(delegation)


# Silent


@pytest.mark.parametrize("seen", ["133000000000000000", "0", "never", None])
def test_a_listed_host_that_was_not_seen_for_long(
    delegation: Delegation, here: Path, seen: str | None
) -> None:
    others = [account(n.upper(), *forms(*sorted({*HOSTS} - {n})), uac=ON) for n in HOSTS[:2]]
    quiet = account("HV03", *forms("hv01", "hv02"), uac=ON)
    if seen is not None:
        quiet = quiet.replace("\n\n", f"\nlastLogonTimestamp: {seen}\n\n")
    (here / "directory.ldif").write_bytes(directory(*others, quiet))
    is_silent = seen == "133000000000000000"
    assert rules(delegation) == ([("KCD024", "low", "hv03")] if is_silent else [])
    ran = delegation("audit")
    assert (ran.code, "2022-06-18" in ran.out) == (0, is_silent)


def test_an_export_says_what_it_leaves_alone(delegation: Delegation, here: Path) -> None:
    given(here, RETIRED, four(fqdn="hv04.lab.example"))
    ran = delegation("export", "ldif", "-o", "changes")
    assert ran.code == 0
    assert "12 values towards the mesh stay" in ran.err
