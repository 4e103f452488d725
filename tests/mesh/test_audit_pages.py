"""What an audit found, as the journal keeps it; and as 0.1.0 kept it."""

import json
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegation.mesh import audit_pages
from delegation.mesh.audit_pages import FIRST_RULES, AuditPage, PastFinding
from delegation.mesh.checks import Finding, Severity

MISSING = Finding("KCD001", Severity.HIGH, "hv01", "cifs/hv02", "desired and not there", "apply")
WHEN = "2026-06-14T01:02:03.000+00:00"

few = st.sampled_from(["", "a", "A", "b", "\u0130", "\ud800", "\x00\x1b[31m", "cifs/\u5317"])
found = st.lists(
    st.builds(Finding, st.sampled_from(["KCD001", "KCD003"]), st.sampled_from(Severity),
              few, few, few, few, guid=st.just(""), named=st.lists(few, max_size=2).map(tuple)),
    max_size=8,
)  # fmt: skip


def page(*findings: Finding) -> AuditPage:
    return AuditPage(tuple(PastFinding(it, f"of {it.computer}", WHEN) for it in findings), RULES)


RULES = frozenset({"KCD001", "KCD003"})


@given(found)
def test_findings_come_back_as_they_were(now: list[Finding]) -> None:
    content = audit_pages.encode(page(*now))
    assert content is not None
    assert audit_pages.decode(content) == page(*now)
    assert audit_pages.decode(content).findings == tuple(now)


def test_many_alike_take_little_room() -> None:
    many = [
        MISSING._replace(computer=f"hv{host:02}", value=f"cifs/hv{peer:02}.corp.example")
        for host in range(64)
        for peer in range(252)
    ]
    content = audit_pages.encode(page(*many))
    assert content is not None
    assert len(content) < 250_000
    assert len(audit_pages.decode(content).found) == 64 * 252


def test_too_many_are_neither_kept_nor_read(monkeypatch: pytest.MonkeyPatch) -> None:
    content = audit_pages.encode(page(MISSING._replace(value="x" * 2000)))
    assert content is not None
    monkeypatch.setattr(audit_pages, "MOST", 200)
    assert audit_pages.encode(page(MISSING._replace(value="x" * 2000))) is None
    with pytest.raises(ValueError, match="too long"):
        audit_pages.decode(content)


def test_a_page_of_the_first_version_says_less() -> None:
    row = ["KCD001", "high", "hv01", "cifs/hv02", "desired and not there", "apply"]
    old = audit_pages.decode(zlib.compress(json.dumps([row]).encode()))
    assert old == AuditPage((PastFinding(MISSING, "", ""),), FIRST_RULES, is_old=True)
    assert "KCD020" not in old.rules
    row[0] = "KCD020"
    between = audit_pages.decode(zlib.compress(json.dumps([row]).encode()))
    assert "KCD020" in between.rules, "whoever found it had looked for it"


GOOD: dict[str, Any] = {"rules": [], "subjects": ["a"], "told": [WHEN], "findings": []}
ROW = ["KCD001", "high", "hv01", "", "", "", 0, 0, []]
BAD: list[dict[str, Any]] = [
    {"rules": 7},
    {"rules": [7]},
    {"subjects": None},
    {"told": {}},
    {"findings": [ROW[:8]]},
    {"findings": [[*ROW[:6], 1, 0, []]]},
    {"findings": [[*ROW[:6], 0, "0", []]]},
    {"findings": [[*ROW[:6], 0, 0, [7]]]},
]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no zlib",
        zlib.compress(b"no JSON"),
        zlib.compress(b"7"),
        zlib.compress(b'[["KCD001"]]'),
        zlib.compress(json.dumps([["KCD001", "worse", "", "", "", ""]]).encode()),
        zlib.compress(json.dumps([["KCD001", "high", "", 7, "", ""]]).encode()),
        zlib.compress(b"[]")[:-4],
        *(zlib.compress(json.dumps(GOOD | bad).encode()) for bad in BAD),
    ],
)
def test_what_was_never_written_is_an_error(content: bytes) -> None:
    with pytest.raises((ValueError, LookupError, TypeError)):
        audit_pages.decode(content)


def test_the_smallest_that_was_is_none() -> None:
    for rows in ([], [ROW]):
        audit_pages.decode(zlib.compress(json.dumps(GOOD | {"findings": rows}).encode()))
