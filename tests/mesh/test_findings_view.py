"""Findings as data and as groups: what is alike is told once, and nothing is lost."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from delegation import names
from delegation.inventory import Keep
from delegation.mesh import checks
from delegation.mesh.checks import Finding, Severity
from delegation.mesh.findings_view import (
    FindingsView,
    groups_of,
    kept_values,
    rules_of,
    severities_in_words,
)
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
    guid=st.just(""),
    named=st.just(()),
)


def finding(computer: str, value: str = "", message: str = "not there") -> Finding:
    return Finding("KCD001", Severity.HIGH, computer, value, message, "apply")


def test_a_value_is_told_with_the_hosts_that_hold_it() -> None:
    [group] = groups_of([finding("hv02", "cifs/b"), finding("hv01", "cifs/a"), finding("hv03")])
    assert group.hosts == "hv[01-03]"
    assert [one.where for one in group.holders] == ["hv02: cifs/b", "hv01: cifs/a", "hv03"]


def test_values_of_the_same_hosts_are_told_together() -> None:
    held = [finding(host, f"cifs/{n}") for host in ("hv01", "hv02") for n in range(20)]
    [group] = groups_of([*held, finding("hv01", "cifs/x")])
    assert [one.hosts for one in group.holders] == ["hv[01-02]", "hv01"]
    assert len(group.holders[0].values) == 20
    assert [row["value"] for row in group.to_json()][1] == "cifs/x"


def test_what_is_about_no_host_has_its_value_alone() -> None:
    [group] = groups_of([finding("", "boss")])
    assert (group.hosts, group.holders[0].where) == ("", "boss")


@given(st.lists(SOME))
def test_each_finding_is_in_the_one_group_that_says_the_same(found: list[Finding]) -> None:
    groups = groups_of(found)
    keys = [(g.rule, g.severity, g.message, g.fix) for g in groups]
    assert len(set(keys)) == len(keys)
    assert set(keys) == {(f.rule, f.severity, f.message, f.fix) for f in found}
    for key, group in zip(keys, groups, strict=True):
        told = {
            (host, value)
            for one in group.holders
            for host in names.expand(one.hosts)
            for value in one.values or ("",)
        }
        alike = {(f.computer, f.value) for f in found
                 if (f.rule, f.severity, f.message, f.fix) == key}  # fmt: skip
        assert told == alike, "neither more nor less than is the case"
        for row in group.to_json():
            assert row.keys() == {"rule", "severity", "hosts", "value", "message", "fix"}


def test_severities_are_counted() -> None:
    found = [finding("hv01"), finding("hv02"), finding("hv03")._replace(severity=Severity.LOW)]
    assert severities_in_words(found) == "3 findings: 2 high, 1 low"
    assert severities_in_words(found[:1]) == "1 finding: 1 high"


def test_data_of_a_comparison() -> None:
    keep = Keep("HTTP/*", reason="portal", expires=date(2030, 1, 1))
    inventory = builders.inventory("hv01", "hv02", keep=[keep])
    held = MemoryDirectory([computer("hv01", "HTTP/portal"), computer("hv02")])
    comparison = survey(inventory, held)
    view = FindingsView.of(comparison, checks.findings(comparison))
    assert view.drift
    assert view.summary()["findings"] == len(view.findings)
    assert list(view.summary())[3:] == ["accepted", "critical", "high", "medium", "low"]
    assert [kept.to_json() for kept in kept_values(comparison)] == [
        {"computer": "hv01", "value": "HTTP/portal", "reason": "portal", "expires": "2030-01-01"}
    ]
    assert view.to_json()["rules"] == rules_of(view.findings)


def test_what_was_not_read_has_no_severities() -> None:
    view = FindingsView.unread(builders.inventory("hv01", "hv02"))
    assert view.summary() == {"objects": 2, "values": 0, "findings": 0}
    assert (view.dc, view.drift) == (None, False)
