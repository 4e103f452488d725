"""``accept``: findings that are known; still counted and listed, and never what an apply mends."""

from pathlib import Path

import pytest

from tests.cli.program import Delegation, Ran
from tests.cli.test_nights import STRANGER, Night, acting, mesh, night, told
from tests.cli.world import (
    INVENTORY,
    MEMBER,
    TRANSITION,
    UNCONSTRAINED,
    account,
    directory,
    finished,
    forms,
)

__all__ = ["night"]
ON = MEMBER | TRANSITION
ISO = ["cifs/iso"]
"""A foreign value, which nobody answers to: KCD003 and KCD012."""


def accepting(*rules: str, more: str = "") -> None:
    lines = "".join(f"  - {{{rule}}}\n" for rule in rules)
    Path("inventory.yaml").write_text(f"{INVENTORY}{more}accept:\n{lines}", encoding="utf-8")


def rules(ran: Ran, kind: str = "findings") -> list[tuple[str, str, str, str]]:
    return [(one["rule"], one["severity"], one["computer"], one["value"]) for one in ran.json[kind]]


@pytest.fixture
def drifted(here: Path) -> Path:
    """HV01 holds a value of somebody else."""
    (here / "directory.ldif").write_bytes(mesh("hv01", "hv02", "hv03", hv01=ISO))
    return here / "directory.ldif"


def audited(delegation: Delegation, *words: str) -> Ran:
    return delegation("audit", "--format", "json", *words)


BOTH = ("rule: KCD003, hosts: [hv01], reason: ISO library, owner: web", "rule: KCD012")


def test_it_fails_nothing_and_is_counted_and_listed(delegation: Delegation, drifted: Path) -> None:
    assert drifted.is_file()
    accepting(BOTH[0] + ", expires: 2999-01-01", BOTH[1])
    ran = audited(delegation, "--fail-on", "low")
    assert (ran.code, ran.json["drift"], ran.json["findings"]) == (0, False, [])
    assert rules(ran, "accepted") == [
        ("KCD003", "medium", "hv01", "cifs/iso"),
        ("KCD012", "medium", "hv01", "cifs/iso"),
    ]
    terms = {"reason": "ISO library", "owner": "web", "expires": "2999-01-01"}
    assert ran.json["accepted"][0]["accepted"] == terms
    assert ran.json["summary"]["accepted"] == 2
    assert set(ran.json["rules"]) == {"KCD003", "KCD012"}
    text = delegation("audit")
    assert "  accepted  KCD003  hv01: cifs/iso\n" in text.out
    assert "accepted until 2999-01-01 (owner: web): ISO library" in text.out
    assert text.out.endswith("  no findings; 2 accepted\n")
    markdown = delegation("audit", "--format", "markdown").out
    assert "No findings.\n\nAccepted:\n" in markdown
    assert "ISO library |\n" in markdown
    assert "no drift, 0 findings, 2 accepted" in delegation("history").out


@pytest.mark.parametrize(
    "rule",
    [
        "rule: KCD003",
        "rule: KCD003, hosts: [hv01, hv02]",
        "rule: KCD003, value: cifs/*",
        "rule: KCD003, value: CIFS/ISO",
        "rule: KCD003, hosts: [hv01], value: '*/is?'",
    ],
)
def test_what_a_rule_is_about(delegation: Delegation, drifted: Path, rule: str) -> None:
    assert drifted.is_file()
    accepting(rule)
    assert ("KCD003", "medium", "hv01", "cifs/iso") in rules(audited(delegation), "accepted")


@pytest.mark.parametrize(
    "rule",
    [
        "rule: KCD012",
        "rule: KCD003, hosts: [hv02]",
        "rule: KCD003, value: cifs/is",
        "rule: KCD003, value: cifs/iso2",
        "rule: KCD003, value: 'cifs/[i]so'",
        "rule: KCD003, expires: 2020-01-01",
    ],
)
def test_and_what_it_is_not(delegation: Delegation, drifted: Path, rule: str) -> None:
    assert drifted.is_file()
    accepting(rule)
    ran = audited(delegation)
    assert [one for one in rules(ran, "accepted") if one[0] == "KCD003"] == []
    assert [one[0] for one in rules(ran) if one[0] == "KCD003"] == ["KCD003"]
    assert ran.code == 3


def test_one_that_has_ended_comes_back_one_higher(delegation: Delegation, drifted: Path) -> None:
    assert drifted.is_file()
    accepting("rule: KCD003, owner: web, expires: 2020-01-01", "rule: KCD012")
    ran = audited(delegation)
    assert rules(ran) == [("KCD003", "high", "hv01", "cifs/iso")]
    assert "; was accepted until 2020-01-01 (owner: web)" in ran.json["findings"][0]["message"]
    # While another rule holds, nothing has ended.
    accepting("rule: KCD003, expires: 2020-01-01", "rule: KCD003, value: cifs/iso")
    assert [one[0] for one in rules(audited(delegation), "accepted")] == ["KCD003"]


def test_never_what_an_apply_mends(delegation: Delegation, drifted: Path) -> None:
    every = ["rule: KCD003", "rule: KCD012"]
    accepting(*every, more="policy: {foreign: remove}\n")
    ran = audited(delegation)
    assert {one[0] for one in rules(ran)} >= {"KCD003", "KCD012"}
    assert (rules(ran, "accepted"), ran.code) == ([], 3)
    accepting(*every, more="remove: [{value: cifs/iso, hosts: [hv01]}]\n")
    ran = audited(delegation)
    assert ("KCD012", "medium", "hv01", "cifs/iso") in rules(ran)
    assert rules(ran, "accepted") == []

    loose = account("HV02", *forms("hv01", "hv03"), uac=ON | UNCONSTRAINED)
    others = [
        account(one.upper(), *forms(*(set(HOSTS) - {one})), uac=ON) for one in ("hv01", "hv03")
    ]
    drifted.write_bytes(directory(*others, loose))
    accepting("rule: KCD005, hosts: [hv02]")
    assert rules(audited(delegation)) == []
    accepting("rule: KCD005, hosts: [hv02]", more="policy: {unconstrained: clear}\n")
    assert next(one[0] for one in rules(audited(delegation))) == "KCD005"


HOSTS = ("hv01", "hv02", "hv03")


def test_a_critical_one_by_its_host_and_very_value(delegation: Delegation, drifted: Path) -> None:
    lethal = ["cifs/dc1", "ldap/dc1"]
    drifted.write_bytes(mesh(*HOSTS, hv01=lethal, hv02=["cifs/dc1"]))
    more = "policy: {foreign: ignore}\n"
    accepting("rule: KCD015, hosts: [hv01], value: CIFS/dc1", more=more)
    ran = audited(delegation)
    assert rules(ran, "accepted") == [("KCD015", "critical", "hv01", "cifs/dc1")]
    assert [one[2:] for one in rules(ran) if one[0] == "KCD015"] == [
        ("hv01", "ldap/dc1"),
        ("hv02", "cifs/dc1"),
    ]
    accepting("rule: KCD015, hosts: [hv01]", more=more)
    assert rules(audited(delegation), "accepted") == []
    for broad in ("rule: KCD015", "rule: KCD015, hosts: [hv01], value: '*'"):
        accepting(broad)
        refused = delegation("audit")
        assert refused.code == 2
        assert "KCD015 is critical" in refused.err


def test_whoever_takes_a_name_is_accepted_by_no_pattern(delegation: Delegation, here: Path) -> None:
    """A rule whose findings are critical now and then."""
    thief = account("THIEF", spns=["cifs/hv02"])
    (here / "directory.ldif").write_bytes(finished() + thief.encode())
    accepting("rule: KCD011")
    ran = audited(delegation)
    assert [one for one in rules(ran) if one[0] == "KCD011"] == [("KCD011", "critical", "hv02", "")]
    accepting("rule: KCD011, hosts: [hv02]")
    assert rules(audited(delegation), "accepted") == [("KCD011", "critical", "hv02", "")]


def test_accounts_outside_the_inventory_are_named_by_value(
    delegation: Delegation, here: Path
) -> None:
    gateway = account("WAC01", "cifs/hv01", "cifs/hv02", spns=[], uac=ON)
    stranger = account("EVIL", "cifs/hv01", spns=[], uac=ON)
    export = finished() + (gateway + stranger + account("HV20") + account("HV21")).encode()
    (here / "directory.ldif").write_bytes(export)
    accepting("rule: KCD029, value: 'WAC01$'", "rule: KCD030, value: HV20")
    ran = audited(delegation)
    assert rules(ran, "accepted") == [
        ("KCD029", "high", "hv01", "WAC01$"),
        ("KCD029", "high", "hv02", "WAC01$"),
        ("KCD030", "low", "HV20", ""),
    ]
    assert rules(ran) == [("KCD029", "high", "hv01", "EVIL$"), ("KCD030", "low", "HV21", "")]


@pytest.mark.parametrize(
    ("rule", "is_idle"),
    [
        ("rule: KCD003", False),
        ("rule: KCD003, hosts: [hv02]", True),
        ("rule: KCD099", True),
        ("rule: KCD008, hosts: [hv01, hv02], expires: 2020-01-01", True),
        ("rule: KCD017", False),
        ("rule: KCD029", True),
    ],
)
def test_a_rule_that_accepts_nothing_is_told(
    delegation: Delegation,
    drifted: Path,
    rule: str,
    is_idle: bool,  # noqa: FBT001
) -> None:
    assert drifted.is_file()
    accepting(rule)
    assert ("KCD033" in {one[0] for one in rules(audited(delegation))}) is is_idle
    assert "KCD033" not in {one[0] for one in rules(audited(delegation, "--limit", "hv01"))}
    inside = {one[0] for one in rules(audited(delegation, "--inside-only"))}
    assert ("KCD033" in inside) is (is_idle and rule != "rule: KCD029")


def test_it_holds_for_a_check_as_well(delegation: Delegation, drifted: Path) -> None:
    drifted.write_bytes(mesh(*HOSTS, hv01=["cifs/dc1"]))
    assert delegation("check").code == 1
    accepting("rule: KCD015, hosts: [hv01], value: cifs/dc1")
    checked = delegation("check")
    assert checked.code == 0
    assert "  accepted  KCD015  hv01: cifs/dc1\n" in checked.out


# Night by night


def test_to_accept_is_not_to_resolve_and_what_ends_is_news(night: Night, here: Path) -> None:
    (here / "directory.ldif").write_bytes(acting(finished(), "HV01", STRANGER))
    assert told(night()) == ["  medium    KCD016  hv01"]
    accepting("rule: KCD016, hosts: [hv01], reason: known")
    first = night()
    assert (first.code, told(first)) == (0, ["  accepted  KCD016  hv01"])
    assert "nothing new since run 1" in first.out
    assert ", 0 known, 1 accepted\n" in first.out
    again = night()
    assert (again.code, told(again)) == (0, [])
    assert ", 0 known, 1 accepted\n" in again.out
    accepting("rule: KCD016, hosts: [hv01], reason: known, expires: 2020-01-01")
    ended = night()
    assert (ended.code, told(ended)) == (3, ["  high      KCD016  hv01"])
    assert night().code == 0
    accepting("rule: KCD016, hosts: [hv01], reason: known")
    assert (night().code, told(night())) == (0, [])
    (here / "inventory.yaml").write_text(INVENTORY, encoding="utf-8")
    back = night()
    assert (back.code, told(back)) == (3, ["  medium    KCD016  hv01"])


def test_a_critical_one_that_ends_is_news_too(night: Night, here: Path) -> None:
    """There is nothing higher that would make it worse than it was."""
    (here / "directory.ldif").write_bytes(mesh(*HOSTS, hv01=["cifs/dc1"]))
    rule = "rule: KCD015, hosts: [hv01], value: cifs/dc1"
    more = "policy: {foreign: ignore}\n"
    accepting(rule, more=more)
    assert (night().code, told(night())) == (0, [])
    accepting(f"{rule}, expires: 2020-01-01", more=more)
    ended = night()
    assert (ended.code, told(ended)) == (3, ["  critical  KCD015  hv01: cifs/dc1"])


def test_what_a_rule_begins_to_accept_is_listed_that_night(night: Night, here: Path) -> None:
    accepting("rule: KCD008", "rule: KCD016")
    assert night().code == 0, "that they accept nothing yet is low"
    (here / "directory.ldif").write_bytes(acting(finished(), "HV01", STRANGER))
    ran = night()
    assert (ran.code, "  accepted  KCD016  hv01" in told(ran)) == (0, True)
    disabled = finished().replace(b"userAccountControl: 16781312", b"userAccountControl: 16781314")
    assert disabled != finished()
    (here / "directory.ldif").write_bytes(acting(disabled, "HV01", STRANGER))
    ran = night()
    assert [f"  accepted  KCD008  {host}" for host in HOSTS] == told(ran)[:3]
    assert "  accepted  KCD016  hv01" not in told(ran)


@pytest.mark.parametrize("form", ["html", "markdown", "json"])
def test_a_report_lists_it_too(delegation: Delegation, drifted: Path, form: str) -> None:
    """A page that says "None" of findings would else say more than it knows."""
    assert drifted.is_file()
    accepting("rule: KCD003, reason: ISO library", "rule: KCD012, reason: ISO library")
    assert delegation("report", form, "state", "-o", "report").code == 0
    text = Path("report").read_text(encoding="utf-8")
    assert "ISO library" in text
    assert "KCD012" in text
