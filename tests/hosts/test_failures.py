"""HRESULTs in words: found in any language, and told with what to do."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegation.hosts import failures
from delegation.hosts.failures import FailureKind, hresult_in, meaning
from delegation.hosts.machines import Failure

DOCUMENTED = {
    "0x8009030E": FailureKind.DELEGATION,
    "0x8009030D": FailureKind.DELEGATION,
    "0x80090322": FailureKind.NAME,
    "0x80090303": FailureKind.NAME,
    "0x80070005": FailureKind.RIGHTS,
    "0x80070569": FailureKind.RIGHTS,
    "0x8007274C": FailureKind.NETWORK,
    "0x8007274D": FailureKind.NETWORK,
    "0x80072746": FailureKind.NETWORK,
    "0x8007271D": FailureKind.NETWORK,
}
"""What kind of failure each HRESULT is, written down a second time."""

GERMAN = (
    "Fehler bei der Migration des virtuellen Computers (0x80004005).\r\n\r\nIm Sicherheitspaket "
    "sind keine Anmeldeinformationen verfügbar (0x8009030E)."
)
numbers = st.integers(0x80000000, 0xFFFFFFFF).filter(lambda n: not 0x80131000 <= n < 0x80132000)


@pytest.mark.parametrize(("hresult", "kind"), DOCUMENTED.items())
def test_what_is_documented_is_told_with_what_to_do(hresult: str, kind: FailureKind) -> None:
    said = meaning(Failure("whatever it says", hresult))
    assert said.kind is kind
    assert said.hresult == hresult
    assert said.what != "whatever it says"
    assert said.fix


@pytest.mark.parametrize("kind", FailureKind)
def test_only_what_passes_by_itself_is_tried_again(kind: FailureKind) -> None:
    assert failures.Meaning(kind, "", "").again is (kind in {FailureKind.NETWORK, FailureKind.BUSY})


def test_every_meaning_says_what_and_what_to_do() -> None:
    for hresult, (_, what, fix) in failures._TABLE.items():
        assert re.fullmatch(r"0x8[0-9A-F]{7}", hresult)
        assert what[0].islower()
        assert not what.endswith(".")
        assert fix[0].islower()
        assert not fix.endswith(".")


def test_the_cause_counts_and_not_the_sentence_around_it() -> None:
    assert hresult_in(GERMAN) == "0x8009030E"


def test_the_known_counts_whatever_comes_after_it() -> None:
    assert hresult_in("denied (0x80070005), see 0xC0000022") == "0x80070005"


def test_an_unknown_one_is_given_as_it_is() -> None:
    assert hresult_in("something odd (0xc0370103)") == "0xC0370103"


@pytest.mark.parametrize(
    ("message", "number"),
    [
        ("nothing in it", 0),
        ("nothing in it", -2146233088),  # COR_E_EXCEPTION, of every .NET exception
        ("0x8009030", 0),
        ("0x8009030E1", 0),
        ("an address, 0x00401000", 0x00401000),
    ],
)
def test_there_may_be_none(message: str, number: int) -> None:
    assert hresult_in(message, number) == ""


@given(numbers)
def test_a_number_is_found_signed_unsigned_and_in_a_text(number: int) -> None:
    text = failures.text_of(number)
    assert int(text, 16) == number
    assert hresult_in("", number) == text
    assert hresult_in("", number - 2**32) == text
    assert hresult_in(f"it failed ({text.lower().replace('X', 'x')}).") == text


@given(st.text(), st.integers(-(2**31), 2**32 - 1), st.text())
def test_any_record_makes_a_failure_with_a_meaning(
    message: str, number: int, error_id: str
) -> None:
    found = failures.failure(message, number, error_id)
    assert found.message == " ".join(message.split())
    said = meaning(found)
    assert said.what
    assert said.fix


def test_a_stopped_command_did_not_fail_for_a_reason_to_look_for() -> None:
    said = meaning(failures.stopped())
    assert said.kind is FailureKind.STOPPED
    assert not said.again
    assert meaning(failures.failure("x", 0, "PipelineStopped,Some.Cmdlet")) == said


def test_a_missing_cmdlet_names_the_module() -> None:
    said = meaning(Failure("Die Benennung …", "", "CommandNotFoundException"))
    assert "Hyper-V-PowerShell" in said.fix


def test_what_is_not_known_is_said_in_the_hosts_words() -> None:
    said = meaning(Failure("Der Vorgang ist fehlgeschlagen.", "0xC0370103"))
    assert said.what == "Der Vorgang ist fehlgeschlagen."
    assert said.kind is FailureKind.OTHER
    assert not said.again
    assert said.hresult == "0xC0370103"
