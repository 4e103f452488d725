"""What is new among findings, and findings as the journal keeps them."""

import json
import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegation.mesh import news
from delegation.mesh.checks import ACCOUNT_RULE, Finding, Severity

MISSING = Finding("KCD001", Severity.HIGH, "hv01", "cifs/hv02", "desired and not there", "apply")

few = st.sampled_from(["", "a", "A", "b", "\u0130", "\ud800", "\x00\x1b[31m", "cifs/\u5317"])
found = st.lists(
    st.builds(Finding, st.sampled_from(["KCD001", "KCD003"]), st.sampled_from(Severity),
              few, few, few, few),
    max_size=8,
)  # fmt: skip


@given(found, found)
def test_each_finding_is_new_or_known_and_each_old_one_known_or_resolved(
    now: list[Finding], before: list[Finding]
) -> None:
    told = news.news(now, before)
    assert sorted(map(repr, (*told.new, *told.known))) == sorted(map(repr, now))
    old, current = ({news.identity(one) for one in which} for which in (before, now))
    assert {news.identity(one) for one in told.known} == old & current
    assert {news.identity(one) for one in told.new} == current - old
    assert {news.identity(one) for one in told.resolved} == old - current


@given(found)
def test_the_same_again_is_no_news(now: list[Finding]) -> None:
    again = news.news(now, reversed(now))
    assert (again.new, again.resolved) == ((), ())
    assert news.news(now, ()).new == tuple(now)
    assert news.news((), now).resolved == tuple(now)


def test_a_value_in_other_letters_is_the_same_and_other_words_are_not() -> None:
    assert news.news([replace(MISSING, value="CIFS/HV02")], [MISSING]).new == ()
    for other in (
        replace(MISSING, computer="hv02"),
        replace(MISSING, rule="KCD002"),
        replace(MISSING, value="cifs/hv03"),
        replace(MISSING, message="registered on EVIL$"),
    ):
        told = news.news([other], [MISSING])
        assert (told.new, told.resolved) == ((other,), (MISSING,))
    for same in (replace(MISSING, fix="else"), replace(MISSING, severity=Severity.LOW)):
        assert news.news([same], [MISSING]).known == (same,)


def test_of_a_host_without_an_account_nothing_is_resolved() -> None:
    gone = Finding(ACCOUNT_RULE, Severity.HIGH, "hv01", "", "there is no computer HV01$", "join it")
    elsewhere = replace(MISSING, computer="hv02")
    told = news.news([gone], [MISSING, elsewhere])
    assert (told.new, told.resolved) == ((gone,), (elsewhere,))


# As the journal keeps them


@given(found)
def test_findings_come_back_as_they_were(now: list[Finding]) -> None:
    content = news.encode(now)
    assert content is not None
    assert news.decode(content) == tuple(now)


def test_many_alike_take_little_room() -> None:
    many = [
        replace(MISSING, computer=f"hv{host:02}", value=f"cifs/hv{peer:02}.corp.example")
        for host in range(64)
        for peer in range(252)
    ]
    content = news.encode(many)
    assert content is not None
    assert len(content) < 200_000
    assert len(news.decode(content)) == 64 * 252


def test_too_many_are_neither_kept_nor_read(monkeypatch: pytest.MonkeyPatch) -> None:
    long = replace(MISSING, value="x" * 2000)
    content = news.encode([long])
    assert content is not None
    monkeypatch.setattr(news, "MOST", 200)
    assert news.encode([long]) is None
    with pytest.raises(ValueError, match="too long"):
        news.decode(content)


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
    ],
)
def test_what_was_never_written_is_an_error(content: bytes) -> None:
    with pytest.raises((ValueError, LookupError, TypeError)):
        news.decode(content)
