"""Findings: each rule by example, and when there is drift."""

from datetime import timedelta

import pytest
from hypothesis import given

from delegation import checks
from delegation.checks import DRIFT, RULES, Severity
from delegation.inventory import Foreign, Inventory, Keep, Policy, Unconstrained
from delegation.names import MIGRATION
from delegation.plan import flags
from delegation.snapshot import Computer
from tests.builders import (
    DISABLED,
    ENABLED,
    EVERY_OVERRIDE,
    TODAY,
    TRANSITION,
    UNCONSTRAINED,
    MemoryDirectory,
    World,
    applied,
    computer,
    forms,
    inventory,
    planned,
    retired,
    survey,
    worlds,
)

SOUND = ENABLED | TRANSITION
FILES = ("FTP/a", "FTP/b", "FTP/c", "FTP/d")
EXPIRED = Keep("HTTP/*", reason="portal", owner="web team", expires=TODAY - timedelta(days=1))


def _hv01(*values: str, uac: int = SOUND) -> Computer:
    return computer("hv01", *forms("hv02"), *values, uac=uac)


def _found(hv01: Computer, inventory: Inventory) -> list[checks.Finding]:
    hv02 = computer("hv02", *forms("hv01"), uac=SOUND)
    return checks.findings(survey(inventory, MemoryDirectory([hv01, hv02])))


@pytest.mark.parametrize(
    ("hv01", "rules", "expected"),
    [
        pytest.param(_hv01(), {}, [], id="all is well"),
        pytest.param(
            computer("hv01", *forms("hv02")[1:], uac=SOUND),
            {},
            [("KCD001", "high", "cifs/hv02")],
            id="missing",
        ),
        pytest.param(
            _hv01("cifs/hv99"),
            {"retired": [retired("hv99")]},
            [("KCD002", "high", "cifs/hv99")],
            id="retired",
        ),
        pytest.param(
            _hv01(f"{MIGRATION}/hv01"),
            {},
            [("KCD002", "high", f"{MIGRATION}/hv01")],
            id="itself",
        ),
        pytest.param(_hv01("HTTP/x"), {}, [("KCD003", "medium", "HTTP/x")], id="foreign"),
        pytest.param(
            _hv01("HTTP/x"), {"policy": Policy(foreign=Foreign.IGNORE)}, [], id="foreign, ignored"
        ),
        pytest.param(_hv01("HTTP/x"), {"keep": [Keep("HTTP/*")]}, [], id="kept"),
        pytest.param(_hv01(uac=ENABLED), {}, [("KCD004", "high", "")], id="flag"),
        pytest.param(
            _hv01(uac=SOUND | UNCONSTRAINED), {}, [("KCD005", "critical", "")], id="unconstrained"
        ),
        pytest.param(_hv01("CIFS/hv02"), {}, [("KCD006", "low", "CIFS/hv02")], id="twice"),
        pytest.param(
            _hv01("HTTP/x"), {"keep": [EXPIRED]}, [("KCD007", "high", "HTTP/x")], id="expired"
        ),
        pytest.param(
            _hv01("HTTP/x"),
            {"keep": [EXPIRED], "policy": Policy(foreign=Foreign.IGNORE)},
            [("KCD007", "high", "HTTP/x")],
            id="expired, though foreign values are ignored",
        ),
        pytest.param(_hv01(uac=SOUND | DISABLED), {}, [("KCD008", "medium", "")], id="disabled"),
        pytest.param(
            _hv01(*FILES),
            {"keep": [Keep("FTP/*")], "policy": Policy(value_limit=10)},
            [("KCD009", "medium", "")],
            id="80% full",
        ),
        pytest.param(
            _hv01(*FILES),
            {"keep": [Keep("FTP/*")], "policy": Policy(value_limit=11)},
            [],
            id="less than 80% full",
        ),
        pytest.param(
            computer("hv01", "HTTP/x", uac=ENABLED | UNCONSTRAINED | DISABLED),
            {},
            [
                ("KCD005", "critical", ""),
                *(("KCD001", "high", value) for value in forms("hv02")),
                ("KCD004", "high", ""),
                ("KCD003", "medium", "HTTP/x"),
                ("KCD008", "medium", ""),
            ],
            id="the worst comes first",
        ),
    ],
)
def test_what_is_found(
    hv01: Computer, rules: dict[str, object], expected: list[tuple[str, str, str]]
) -> None:
    found = _found(hv01, inventory("hv01", "hv02", **rules))  # type: ignore[arg-type]
    assert [(f.rule, str(f.severity), f.value) for f in found] == expected
    assert all(f.computer == "hv01" and f.message and f.fix for f in found)


def test_an_expired_rule_names_its_owner() -> None:
    [found] = _found(_hv01("HTTP/x"), inventory("hv01", "hv02", keep=[EXPIRED]))
    assert "web team" in found.message
    assert "2026-06-14" in found.message


def test_rules_have_ids_that_stay() -> None:
    assert [rule.id for rule in RULES] == [f"KCD00{n}" for n in range(1, 10)]
    assert {"KCD001", "KCD002", "KCD003", "KCD004", "KCD005"} == DRIFT
    assert not {checks.ACCOUNT_RULE, checks.REFUSAL_RULE} & {rule.id for rule in RULES}


def test_severities_ascend() -> None:
    assert sorted(Severity) == [Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL]


@given(worlds())
def test_drift_is_what_a_plan_changes_and_what_it_only_reports(world: World) -> None:
    comparison = survey(world.inventory, world.directory)
    found = {(f.rule, f.computer) for f in checks.findings(comparison)}
    changed = {change.target.name for change in planned(world.inventory, world.directory).changes}
    policy = world.inventory.policy
    mended = {"KCD001", "KCD002", "KCD004"}
    mended |= {"KCD003"} if policy.foreign is Foreign.REMOVE else set()
    mended |= {"KCD005"} if policy.unconstrained is Unconstrained.CLEAR else set()
    assert {computer for rule, computer in found if rule in mended} == changed


@given(worlds())
def test_after_an_apply_no_drift_is_left_that_the_policy_has_cleared(world: World) -> None:
    directory = world.directory
    applied(planned(world.inventory, directory, allow=EVERY_OVERRIDE), directory)
    rules = {f.rule for f in checks.findings(survey(world.inventory, directory))}
    assert not rules & {"KCD001", "KCD002", "KCD004"}
    if world.inventory.policy.foreign is not Foreign.REPORT:
        assert "KCD003" not in rules
    if world.inventory.policy.unconstrained is Unconstrained.CLEAR:
        assert "KCD005" not in rules


@given(worlds())
def test_findings_are_sorted_and_those_without_drift_are_a_part_of_them(world: World) -> None:
    comparison = survey(world.inventory, world.directory)
    every = checks.findings(comparison)
    rest = checks.findings(comparison, preflight=True)
    assert [f.severity for f in every] == sorted((f.severity for f in every), reverse=True)
    assert rest == [f for f in every if f.rule not in DRIFT or f.rule == "KCD005"]


@given(worlds())
def test_a_flag_differs_where_the_finding_says_so(world: World) -> None:
    comparison = survey(world.inventory, world.directory)
    found = {f.computer for f in checks.findings(comparison) if f.rule == "KCD004"}
    changed = {
        change.target.name
        for change in planned(world.inventory, world.directory, allow=EVERY_OVERRIDE).changes
        if "protocol_transition" in flags(change)
    }
    assert found == changed
