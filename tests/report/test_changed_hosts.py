"""What became of runs, in the words of the table of runs."""

import pytest

from delegation.report import changed_hosts

AUDITED = {"objects": 3, "findings": 2, "medium": 2}


@pytest.mark.parametrize(
    ("summary", "words"),
    [
        ({"drift": True, **AUDITED}, "done: drift, 2 findings"),
        ({"drift": False, **AUDITED, "baseline": True}, "done: no drift, 2 findings, baseline"),
        (
            {"drift": True, **AUDITED, "new": 1, "known": 1, "since": 5},
            "done: drift, 2 findings, 1 new since run 5",
        ),
        ({"drift": False, **AUDITED, "unread": 1}, "done: 1 host could not be judged, 2 findings"),
    ],
)
def test_an_audit_on_record_is_told_as_in_the_history(
    summary: dict[str, object], words: str
) -> None:
    assert changed_hosts.result({"kind": "audit", "status": "done", "summary": summary}) == words


def test_a_run_that_writes_is_told_by_its_counts() -> None:
    run = {"kind": "apply", "status": "done", "summary": {"objects": 3, "applied": 2, "failed": 0}}
    assert changed_hosts.result(run) == "done: 3 objects, 2 applied"
