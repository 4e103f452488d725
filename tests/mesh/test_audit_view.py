"""An audit's verdict and words, by what was found, what is new and what was to fail."""

from typing import Any

import pytest

from delegation.mesh.audit_view import AuditVerdict, AuditView, Threshold
from delegation.mesh.checks import ACCOUNT_RULE, DRIFT, RULES, Finding, Rule, Severity
from delegation.mesh.findings_view import FindingsView
from delegation.mesh.news import Audited, News, NotLookedAt

DISABLED = Finding("KCD008", Severity.MEDIUM, "hv01", "", "the account is disabled", "enable it")
MISSING = Finding("KCD001", Severity.HIGH, "hv02", "cifs/hv01", "not there", "apply")
UNDELEGATABLE = Finding("KCD017", Severity.HIGH, "", "boss", "marked sensitive", "another")
OWNED = Finding("KCD015", Severity.CRITICAL, "hv01", "cifs/dc1", "the domain", "remove it")
UNREAD = Finding(ACCOUNT_RULE, Severity.HIGH, "hv03", "", "no account", "join it")
BEFORE = Audited(7, "2026-06-14T01:02:03+00:00")
"""An audit that found MISSING."""


def view(*found: Finding, before: Audited | None = None, **more: Any) -> AuditView:
    everything = FindingsView("corp.example", "dc1", 3, 8, found)
    known = (MISSING,) if before else ()
    compared = News(
        new=tuple(it for it in found if it not in known),
        known=tuple(it for it in found if it in known),
        resolved=tuple(it for it in known if it not in found),
    )
    return AuditView(everything, compared, before, **more)


@pytest.mark.parametrize(
    ("found", "fail_on", "verdict"),
    [
        ((), Threshold.LOW, AuditVerdict.CLEAN),
        ((DISABLED,), Threshold.NEVER, AuditVerdict.CLEAN),
        ((DISABLED,), Threshold.HIGH, AuditVerdict.CLEAN),
        ((DISABLED,), Threshold.MEDIUM, AuditVerdict.FAILING),
        ((UNDELEGATABLE,), Threshold.HIGH, AuditVerdict.FAILING),
        ((UNDELEGATABLE,), Threshold.CRITICAL, AuditVerdict.CLEAN),
        ((OWNED,), Threshold.CRITICAL, AuditVerdict.FAILING),
        ((OWNED,), Threshold.NEVER, AuditVerdict.CLEAN),
        ((MISSING,), Threshold.NEVER, AuditVerdict.FAILING),
        ((MISSING, UNREAD), Threshold.LOW, AuditVerdict.UNREAD),
    ],
)
def test_the_verdict(found: tuple[Finding, ...], fail_on: Threshold, verdict: AuditVerdict) -> None:
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


def test_what_is_told_again_fails_and_what_only_new_rules_see_does_not() -> None:
    everything = FindingsView("corp.example", "dc1", 3, 8, (MISSING, OWNED))
    again = AuditView(everything, News(reminded=(MISSING,)), BEFORE, new_only=True)
    assert (again.verdict, again.told) == (AuditVerdict.FAILING, (MISSING,))
    assert again.headline.endswith("1 known")
    unseen = AuditView(everything, News(uncounted=(OWNED,)), BEFORE, new_only=True)
    assert (unseen.verdict, unseen.told) == (AuditVerdict.CLEAN, (OWNED,))
    assert unseen.headline.startswith("nothing new")
    assert unseen.to_json()["rules"] != {}
    by_day = AuditView(everything, News(uncounted=(OWNED,)), BEFORE)
    assert by_day.verdict is AuditVerdict.FAILING


def test_who_is_left_out_fails_nothing() -> None:
    left = News(left_out=(NotLookedAt("hv09", 2, for_now=False),))
    view = AuditView(FindingsView("corp.example", "dc1", 3), left, BEFORE, new_only=True)
    assert view.verdict is AuditVerdict.CLEAN
    assert view.to_json()["left_out"] == [{"computer": "hv09", "findings": 2}]


def test_levels_are_the_severities_and_one_above() -> None:
    assert [str(level) for level in Threshold] == [*map(str, Severity), "never"]
    assert [int(level) for level in Threshold] == [*map(int, Severity), 5]


def test_data_of_all_findings_has_nothing_of_news() -> None:
    data = view(MISSING, before=BEFORE).to_json()
    assert list(data) == [
        *("drift", "domain", "dc", "findings", "accepted", "rules", "kept", "summary"),
        "outside",
    ]
    told = view(MISSING, before=BEFORE, new_only=True).to_json()
    assert list(told) == [*data, "since", "resolved", "reminded", "uncounted", "left_out"]
    assert told["drift"] is True
    assert told["findings"] == []
    assert told["rules"] == {}


def test_the_record_counts_news_where_there_was_something_to_compare_with() -> None:
    assert "new" not in view(MISSING).record_summary(is_baseline=False)
    assert "baseline" not in view(MISSING).record_summary(is_baseline=False)
    summary = view(MISSING, DISABLED, before=BEFORE).record_summary(is_baseline=True)
    assert summary["baseline"] is True
    assert summary["drift"] is True
    assert {name: summary[name] for name in ("new", "known", "resolved", "since")} == {
        "new": 1,
        "known": 1,
        "resolved": 0,
        "since": 7,
    }


def test_one_host_is_one() -> None:
    one = AuditView(FindingsView("corp.example", "dc1", 1), News(), None)
    assert one.title == "Audit of corp.example on dc1: 1 host"
    many = AuditView(FindingsView("corp.example", "dc1", 1200), News(), None)
    assert many.title.endswith(": 1,200 hosts")
