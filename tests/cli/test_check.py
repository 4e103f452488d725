"""``delegation check``: every problem at once, and nothing written anywhere."""

import re
from pathlib import Path

from delegation.mesh import checks
from tests.cli.program import Delegation
from tests.cli.world import (
    CONTROLLER,
    INVENTORY,
    MEMBER,
    ROOT,
    TRANSITION,
    UNCONSTRAINED,
    account,
    directory,
    edited,
    finished,
    plain,
    tree,
)

EXAMPLE = ROOT / "inventory.example.yaml"


def test_a_fine_inventory_is_0(delegation: Delegation) -> None:
    ran = delegation("check")
    assert ran.code == 0
    assert "inventory.yaml is valid: 3 hosts (hv[01-03])" in ran.err
    assert "no findings" in ran.out


def test_what_an_apply_would_mend_is_no_problem(delegation: Delegation, here: Path) -> None:
    """The preflight of an apply: missing values are what it is for."""
    assert (here / "directory.ldif").read_bytes() == plain()
    assert delegation("check").code == 0
    (here / "directory.ldif").write_bytes(finished())
    assert delegation("check").code == 0


def test_the_example_is_valid(delegation: Delegation) -> None:
    ran = delegation("-i", EXAMPLE, "check")
    assert ran.code == 0
    assert "64 hosts" in ran.err


def test_without_a_directory_it_says_that_it_looked_at_none(delegation: Delegation) -> None:
    """DNS knows none for the example: the file alone is judged, with the reason."""
    ran = delegation("-i", EXAMPLE, "check")
    assert ran.code == 0
    assert "warning: no directory was looked at: " in ran.err
    assert "directory.url" in ran.err
    assert ran.out == ""


def test_every_problem_is_told_with_its_place(delegation: Delegation, here: Path) -> None:
    (here / "inventory.yaml").write_text(
        "domain: corp\n"
        "hosts:\n"
        "  hv[01-03]:\n"
        "  hv02: {}\n"
        "  hv04: {colour: red}\n"
        "meshes:\n"
        "  m: {members: [hv01, hv77]}\n"
        "keep:\n"
        "  - {value: HTTP, expires: tomorrow}\n"
        "polcy: {}\n",
        encoding="utf-8",
    )
    ran = delegation("check")
    assert ran.code == 2
    assert ran.out == ""
    places = re.findall(r"^inventory\.yaml:(\d+):(\d+): ", ran.err, re.MULTILINE)
    lines = [int(line) for line, _ in places]
    assert set(lines) >= {1, 4, 5, 7, 9, 10}
    assert lines == sorted(lines), "in the order of the file"
    assert lines.count(9) == 2, "both problems of one line"
    for word in ("hv02", "colour", "hv77", "expires", "polcy"):
        assert word in ran.err


def test_every_directory_problem_is_told(delegation: Delegation, here: Path) -> None:
    (here / "inventory.yaml").write_text(
        INVENTORY.replace("hv[01-03]", "hv[01-06]"), encoding="utf-8"
    )
    (here / "directory.ldif").write_bytes(
        directory(
            account("HV01", "HTTP/portal"),
            account("HV02", fqdn="hv02.lab.corp.example"),
            account("HV03", uac=MEMBER | UNCONSTRAINED),
            account("HV04", uac=CONTROLLER, group=516),
            account("HV05"),
            account("HV05", unit="Lab"),
        )
    )
    ran = delegation("check", "--format", "json")
    assert ran.code == 1
    found = {(one["computer"], one["rule"]) for one in ran.json["findings"]}
    assert found >= {
        ("hv01", checks.REFUSAL_RULE),
        ("hv02", checks.REFUSAL_RULE),
        ("hv03", "KCD005"),
        ("hv04", checks.REFUSAL_RULE),
        ("hv05", checks.ACCOUNT_RULE),
        ("hv06", checks.ACCOUNT_RULE),
    }
    text = delegation("check").out
    assert "hv02.lab.corp.example" in text
    assert "hv02.corp.example" in text, "both names, where they differ"


def test_low_and_medium_findings_are_0(delegation: Delegation, here: Path) -> None:
    raw = finished().replace(b"userAccountControl: 16781312", b"userAccountControl: 16781314", 1)
    assert raw != finished()
    (here / "directory.ldif").write_bytes(raw)
    ran = delegation("check")
    assert ran.code == 0
    assert "KCD008" in ran.out


def test_a_foreign_value_under_a_flag_change_is_1(delegation: Delegation, here: Path) -> None:
    edited(here / "directory.ldif", hv01=["HTTP/portal"])
    ran = delegation("check")
    assert ran.code == 1
    assert "--allow flag-change" in ran.out


def test_nothing_is_written(delegation: Delegation, here: Path) -> None:
    before = tree(here)
    delegation("check")
    delegation("check", "--format", "json")
    delegation("-i", EXAMPLE, "check")
    assert tree(here) == before


def test_json_is_json_even_without_a_directory(delegation: Delegation) -> None:
    ran = delegation("-i", EXAMPLE, "check", "--format", "json")
    assert ran.code == 0
    assert ran.json["findings"] == []
    assert ran.json["dc"] is None
    assert ran.json["write"]["answer"] == "unknown"
    assert "no directory was looked at" in ran.json["write"]["evidence"][0]


def test_whether_it_may_write_an_export_does_not_tell(delegation: Delegation) -> None:
    assert "  can this account write? unknown\n" in delegation("check").out
    data = delegation("check", "--format", "json").json
    assert data["write"].keys() == {"answer", "evidence"}
    assert data["write"]["answer"] == "unknown"
    assert "export" in data["write"]["evidence"][0]


def test_risks_are_told_before_a_first_apply(delegation: Delegation, here: Path) -> None:
    """Whether names are registered, and whether a value leads to the domain."""
    records = [
        account("HV01", "cifs/dc1", uac=MEMBER | TRANSITION),
        account("HV02", spns=["HOST/HV02", "HOST/hv02.corp.example"]),
        account("HV03"),
    ]
    (here / "directory.ldif").write_bytes(directory(*records))
    ran = delegation("check", "--format", "json")
    assert ran.code == 1
    assert {(one["computer"], one["rule"]) for one in ran.json["findings"]} == {
        ("hv01", "KCD015"),
        ("hv02", "KCD014"),
    }


def test_wrong_usage_is_2(delegation: Delegation) -> None:
    assert delegation("check", "this").code == 2
    assert delegation("check", "--format", "markdown").code == 2
