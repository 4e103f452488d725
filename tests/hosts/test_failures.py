"""Failures in words: by every number that a host gives, in any language, with what to do."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegation.hosts import failures
from delegation.hosts.failure_words import (
    BY_ERROR_CODE,
    BY_HRESULT,
    BY_MESSAGE_ID,
    IN_CHECK,
    IN_STORAGE,
)
from delegation.hosts.failures import FailureKind, hresult_in, meaning
from delegation.hosts.machines import Failure, Incompatibility, MovePhase

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
    tables = (BY_HRESULT, IN_STORAGE, IN_CHECK, BY_MESSAGE_ID, BY_ERROR_CODE)
    assert set(IN_STORAGE) | set(IN_CHECK) <= set(BY_HRESULT)
    for hresult in BY_HRESULT:
        assert re.fullmatch(r"0x[8C][0-9A-F]{7}", hresult)
    for _, what, fix in chain.from_iterable(table.values() for table in tables):
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
def test_any_text_makes_a_failure_with_a_meaning(
    message: str, number: int, message_id: str
) -> None:
    found = replace(failures.failure(message, number), message_id=message_id)
    assert found.message == " ".join(message.split())
    said = meaning(found)
    assert said.what
    assert said.fix


def test_a_stopped_command_did_not_fail_for_a_reason_to_look_for() -> None:
    said = meaning(failures.stopped())
    assert said.kind is FailureKind.STOPPED
    assert not said.again
    assert meaning(Failure("x", "0x8009030E", stopped=True)) == said


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (Failure("?", message_id="33012"), FailureKind.OTHER),
        (Failure("?", message_id="33012", error_code=32774), FailureKind.OTHER),
        (Failure("?", error_code=32774), FailureKind.BUSY),
        (Failure("?", error_code=32769), FailureKind.RIGHTS),
        (Failure("?", message_id="21024", error_code=32774), FailureKind.BUSY),
        (Failure("?", "0xC0370103", error_code=32774), FailureKind.UNKNOWN),
        (Failure("?", error_code=32768), FailureKind.UNKNOWN),
        (Failure("limit '2' was reached", message_id="21024"), FailureKind.UNKNOWN),
        (Failure("access denied"), FailureKind.UNKNOWN),
    ],
)
def test_numbers_decide_and_texts_never(failure: Failure, kind: FailureKind) -> None:
    assert meaning(failure).kind is kind


@pytest.mark.parametrize(
    ("phase", "said", "not_said"),
    [
        (MovePhase.CHECKING, "the operator, who has to be", "antivirus"),
        (MovePhase.CREATING, "the operator, who has to be", "antivirus"),
        (MovePhase.MACHINE_AND_STORAGE, "an antivirus", "operator"),
        (MovePhase.STORAGE, "a file server that the source may not delegate to", "operator"),
        (None, "to the operator, who has to be", "?"),
    ],
)
def test_access_denied_means_what_the_phase_allows(
    phase: MovePhase | None, said: str, not_said: str
) -> None:
    found = meaning(Failure("?", "0x80070005", phase=phase))
    assert found.kind is FailureKind.RIGHTS
    assert said in found.what
    assert not_said not in found.what


def test_no_credentials_while_files_are_moved_names_cifs() -> None:
    """The check passes with the migration service's value alone; the storage does not."""
    moving = meaning(Failure("?", "0x8009030E", phase=MovePhase.MACHINE_AND_STORAGE))
    assert "cifs/TARGET is missing" in moving.what
    checking = meaning(Failure("?", "0x8009030E", phase=MovePhase.CHECKING))
    assert "cifs" not in checking.what


@pytest.mark.parametrize(
    "text",
    [
        "The WS-Management service cannot process the request (0x8009030E).",
        "WinRM kann die Anforderung nicht verarbeiten (0x8009030E).",
        "0x80338113: (0x8009030E)",
    ],
)
def test_remote_management_is_never_blamed_on_the_mesh(text: str) -> None:
    found = meaning(failures.failure(text))
    assert found.kind is FailureKind.RIGHTS
    assert "no delegation serves" in found.what
    mesh = meaning(failures.failure("It failed (0x8009030E)."))
    assert mesh.kind is FailureKind.DELEGATION


def test_a_reason_of_a_check_is_read_by_its_numbers() -> None:
    found = failures.of_check(Incompatibility("Zugriff verweigert (0x80070005)\r\n", "21024"))
    assert found == Failure(
        "Zugriff verweigert (0x80070005)", "0x80070005", "21024", phase=MovePhase.CHECKING
    )


@pytest.mark.parametrize(
    "hresult",
    ["0xC03A0014", "0x80071398", "0x80070534", "0x80072741", "0x80090342", "0x80090311"],
)
def test_what_people_report_has_words(hresult: str) -> None:
    assert meaning(failures.failure(f"odd ({hresult})")).hresult == hresult
    assert meaning(failures.failure(f"odd ({hresult})")).kind is not FailureKind.UNKNOWN


def test_a_wrong_network_is_one_reason_of_a_wrong_name() -> None:
    assert "migration network is on both hosts" in meaning(Failure("?", "0x80090322")).fix


def test_what_is_not_known_is_said_in_the_hosts_words() -> None:
    said = meaning(Failure("Der Vorgang ist fehlgeschlagen.", "0xC0370103"))
    assert said.what == "Der Vorgang ist fehlgeschlagen."
    assert said.kind is FailureKind.UNKNOWN
    assert not said.again
    assert said.hresult == "0xC0370103"
