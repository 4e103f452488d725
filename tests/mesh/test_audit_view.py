"""An audit's verdict and words, by what was found, what is new and what was to fail."""

from typing import Any

import pytest

from delegation.mesh.audit_view import AuditVerdict, AuditView
from delegation.mesh.audits import Audited
from delegation.mesh.checks import ACCOUNT_RULE, DRIFT, RULES, Finding, Rule, Severity
from delegation.mesh.findings_view import FindingsView
from delegation.mesh.news import News, news

DISABLED = Finding("KCD008", Severity.MEDIUM, "hv01", "", "the account is disabled", "enable it")
MISSING = Finding("KCD001", Severity.HIGH, "hv02", "cifs/hv01", "not there", "apply")
UNREAD = Finding(ACCOUNT_RULE, Severity.HIGH, "hv03", "", "no account", "join it")
BEFORE = Audited(7, "2026-06-14T01:02:03+00:00", (MISSING,))


def view(*found: Finding, before: Audited | None = None, **more: Any) -> AuditView:
    everything = FindingsView("corp.example", "dc1", 3, 8, found)
    compared = news(found, before.findings if before else ())
    return AuditView(everything, compared, before, **more)


@pytest.mark.parametrize(
    ("found", "fail_on", "verdict"),
    [
        ((), Severity.LOW, AuditVerdict.CLEAN),
        ((DISABLED,), None, AuditVerdict.CLEAN),
        ((DISABLED,), Severity.HIGH, AuditVerdict.CLEAN),
        ((DISABLED,), Severity.MEDIUM, AuditVerdict.FAILING),
        ((MISSING,), None, AuditVerdict.FAILING),
        ((MISSING, UNREAD), Severity.LOW, AuditVerdict.UNREAD),
    ],
)
def test_the_verdict(
    found: tuple[Finding, ...], fail_on: Severity | None, verdict: AuditVerdict
) -> None:
    assert view(*found, fail_on=fail_on).verdict is verdict


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_of_drift_fails_an_audit(rule: Rule) -> None:
    name = rule.id
    found = view(Finding(name, Severity.LOW, "hv01", "", "", ""))
    if name == ACCOUNT_RULE:
        assert found.verdict is AuditVerdict.UNREAD
    else:
        assert (found.verdict is AuditVerdict.FAILING) == (name in DRIFT)


def test_only_what_is_new_fails_where_only_that_is_told() -> None:
    known = view(MISSING, DISABLED, before=BEFORE, new_only=True)
    assert known.findings == (DISABLED,)
    assert known.verdict is AuditVerdict.CLEAN
    assert known.everything.drift, "that it is no news makes it no better"
    assert known.headline == "1 new since run 7 (2026-06-14 01:02:03 UTC), 1 known"
    assert view(MISSING, before=BEFORE).verdict is AuditVerdict.FAILING


def test_the_first_of_its_kind_says_so() -> None:
    assert "all of it is new" in view(MISSING, new_only=True).headline
    assert view(MISSING).headline == ""


def test_what_is_resolved_is_told_with_what_is_new() -> None:
    gone = view(before=BEFORE, new_only=True)
    assert gone.resolved == (MISSING,)
    assert gone.headline.startswith("nothing new since run 7")
    assert view(before=BEFORE).resolved == ()


def test_data_of_all_findings_has_nothing_of_news() -> None:
    data = view(MISSING, before=BEFORE).to_json()
    assert list(data) == ["drift", "domain", "dc", "findings", "rules", "kept", "summary"]
    told = view(MISSING, before=BEFORE, new_only=True).to_json()
    assert list(told) == [*data, "since", "resolved"]
    assert told["drift"] is True
    assert told["findings"] == []
    assert told["rules"] == {}


def test_the_record_counts_news_where_there_was_something_to_compare_with() -> None:
    assert "new" not in view(MISSING).record_summary()
    summary = view(MISSING, DISABLED, before=BEFORE).record_summary()
    assert summary["drift"] is True
    assert {name: summary[name] for name in ("new", "known", "resolved", "since")} == {
        "new": 1,
        "known": 1,
        "resolved": 0,
        "since": 7,
    }


def test_one_host_is_one() -> None:
    one = AuditView(FindingsView("corp.example", "dc1", 1), News((), ()), None)
    assert one.title == "Audit of corp.example on dc1: 1 host"
    many = AuditView(FindingsView("corp.example", "dc1", 1200), News((), ()), None)
    assert many.title.endswith(": 1,200 hosts")
