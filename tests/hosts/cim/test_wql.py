"""Queries: what they say, and that no value gets out of its quotes."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegation.errors import UsageError
from delegation.hosts.cim import wql
from delegation.hosts.cim.cim_classes import COMPUTER_SYSTEM, MEMORY_SETTINGS, MIGRATION_JOB
from delegation.hosts.cim.cim_reference import Reference


def test_conditions() -> None:
    assert wql.every(COMPUTER_SYSTEM).text == "SELECT * FROM Msvm_ComputerSystem"
    assert wql.every(MEMORY_SETTINGS, ResourceType=4, InstanceID="a\\b").text == (
        "SELECT * FROM Msvm_MemorySettingData WHERE ResourceType = 4 AND InstanceID = 'a\\\\b'"
    )
    assert wql.host_itself(COMPUTER_SYSTEM).text.endswith(" WHERE Name = __SERVER")


def test_keys_of_associators_are_quoted() -> None:
    of = Reference.to(COMPUTER_SYSTEM, Name="it's")
    text = wql.associators(of, "Msvm_SettingsDefineState", MIGRATION_JOB).text
    assert text.startswith("ASSOCIATORS OF {Msvm_ComputerSystem.Name='it\\'s'} WHERE ")


@given(st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), max_size=20))
def test_a_value_stays_in_its_quotes(value: str) -> None:
    try:
        quoted = wql.quoted(value)
    except UsageError:
        assert re.search("[\ufffe\uffff]", value)
        return
    assert re.fullmatch(r"'(?:[^'\\]|\\.)*'", quoted, re.DOTALL)
    assert re.sub(r"\\(.)", r"\1", quoted[1:-1], flags=re.DOTALL) == value


@pytest.mark.parametrize("character", ["\0", "\x1b", "\ud800", "\uffff"])
def test_what_no_message_can_hold_is_refused(character: str) -> None:
    with pytest.raises(UsageError, match="no host can be asked about"):
        wql.every(COMPUTER_SYSTEM, ElementName=f"web{character}")


def test_columns_are_declared_ones_with_their_types() -> None:
    with pytest.raises(KeyError):
        wql.every(COMPUTER_SYSTEM, Owner="x")
    with pytest.raises(TypeError):
        wql.every(COMPUTER_SYSTEM, EnabledState="2")
    with pytest.raises(TypeError):
        wql.every(COMPUTER_SYSTEM, Name=2)
