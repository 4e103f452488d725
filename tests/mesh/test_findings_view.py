"""Findings as data and as groups: what is alike is told once, and nothing is lost."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from delegation.inventory import Keep
from delegation.mesh import checks
from delegation.mesh.checks import Finding, Severity
from delegation.mesh.findings_view import FEW, FindingsView, groups_of, kept_values, rules_of
from tests import builders
from tests.builders import MemoryDirectory, computer, survey

SOME = st.builds(
    Finding,
    st.sampled_from(["KCD001", "KCD003"]),
    st.sampled_from(Severity),
    st.sampled_from(["", "hv01", "hv02", "hv03"]),
    st.sampled_from(["", "cifs/a", "cifs/b"]),
    st.sampled_from(["this", "that"]),
    st.sampled_from(["", "mend it"]),
)


def finding(computer: str, value: str = "", message: str = "not there") -> Finding:
    return Finding("KCD001", Severity.HIGH, computer, value, message, "apply")


def test_hosts_are_folded_and_values_joined() -> None:
    [group] = groups_of([finding("hv02", "cifs/b"), finding("hv01", "cifs/a"), finding("hv03")])
    assert (group.hosts, group.value) == ("hv[01-03]", "cifs/a, cifs/b")
    assert group.where == "hv[01-03]: cifs/a, cifs/b"


def test_many_values_are_counted() -> None:
    [group] = groups_of([finding("hv01", f"cifs/{n}") for n in range(FEW)])
    assert group.value.count(",") == FEW - 1
    [group] = groups_of([finding("hv01", f"cifs/{n}") for n in range(FEW + 1)])
    assert group.value == f"{FEW + 1} values"


@given(st.lists(SOME))
def test_each_finding_is_in_the_one_group_that_says_the_same(found: list[Finding]) -> None:
    groups = groups_of(found)
    keys = [(g.rule, g.severity, g.message, g.fix) for g in groups]
    assert len(set(keys)) == len(keys)
    said = {(f.rule, str(f.severity), f.message, f.fix) for f in found}
    assert set(keys) == said
    assert [group.to_json().keys() for group in groups] == [
        {"rule", "severity", "hosts", "value", "message", "fix"}
    ] * len(groups)


def test_data_of_a_comparison() -> None:
    keep = Keep("HTTP/*", reason="portal", expires=date(2030, 1, 1))
    inventory = builders.inventory("hv01", "hv02", keep=[keep])
    held = MemoryDirectory([computer("hv01", "HTTP/portal"), computer("hv02")])
    comparison = survey(inventory, held)
    view = FindingsView.of(comparison, checks.findings(comparison))
    assert view.drift
    assert view.summary()["findings"] == len(view.findings)
    assert list(view.summary())[3:] == ["critical", "high", "medium", "low"]
    assert [kept.to_json() for kept in kept_values(comparison)] == [
        {"computer": "hv01", "value": "HTTP/portal", "reason": "portal", "expires": "2030-01-01"}
    ]
    assert view.to_json()["rules"] == rules_of(view.findings)


def test_what_was_not_read_has_no_severities() -> None:
    view = FindingsView.unread(builders.inventory("hv01", "hv02"))
    assert view.summary() == {"objects": 2, "values": 0, "findings": 0}
    assert (view.dc, view.drift) == (None, False)
