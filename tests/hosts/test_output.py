"""Properties read with their types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from pypsrp.complex_objects import GenericComplexObject

from delegation.errors import CommandFailed
from delegation.hosts.winrm.output import Output


def enumeration(name: str | None) -> GenericComplexObject:
    made = GenericComplexObject()
    made.to_string = name
    made.property_sets = [2]
    return made


def output_of(**properties: Any) -> Output:
    """An object as the library gives it, made here."""
    raw = GenericComplexObject()
    raw.adapted_properties = properties
    return Output(raw, "hv01.corp.example", "Get-VM")


ID = UUID("0b54b0c2-5b1f-4b0e-9a4e-6a3a5b1c0d21")
GOOD: list[tuple[str, Any, Any]] = [
    ("text", "a", "a"),
    ("text", None, ""),
    ("integer", 7, 7),
    ("integer", 2**40, 2**40),
    ("boolean", False, False),
    ("enum", enumeration("Running"), "Running"),
    ("enum", "Running", "Running"),
    ("uuid", ID, ID),
    ("uuid", str(ID), ID),
]
BAD: list[tuple[str, Any]] = [
    ("text", 7),
    ("integer", True),
    ("integer", "7"),
    ("integer", None),
    ("boolean", 1),
    ("boolean", "True"),
    ("boolean", None),
    ("enum", 2),
    ("enum", None),
    ("enum", enumeration(None)),
    ("uuid", "web1"),
    ("uuid", None),
]


def reader(found: Output, kind: str) -> Callable[[str], Any]:
    read: Callable[[str], Any] = getattr(found, kind)
    return read


@pytest.mark.parametrize(("kind", "value", "read"), GOOD)
def test_a_property_of_its_type(kind: str, value: Any, read: Any) -> None:
    assert reader(output_of(State=value), kind)("State") == read
    assert reader(output_of(State=value), kind)("STATE") == read


@pytest.mark.parametrize(("kind", "value"), BAD)
def test_a_property_of_another_type_says_which_and_where(kind: str, value: Any) -> None:
    with pytest.raises(CommandFailed, match=r"Get-VM on hv01.corp.example .* State"):
        reader(output_of(State=value), kind)("State")


@pytest.mark.parametrize("kind", ["text", "integer", "boolean", "enum", "uuid"])
def test_a_property_that_is_missing_says_which_and_where(kind: str) -> None:
    with pytest.raises(CommandFailed, match=r"Get-VM on hv01.corp.example .*without State"):
        reader(output_of(Name="web1"), kind)("State")
    assert output_of(Name="web1").get("State", 3) == 3
    assert "State" not in output_of(Name="web1")


def test_adapted_properties_come_before_extended_ones_and_both_are_read() -> None:
    raw = GenericComplexObject()
    raw.adapted_properties = {"Name": "web1"}
    raw.extended_properties = {"Name": "other", "PSComputerName": "hv01"}
    found = Output(raw, "hv01", "Get-VM")
    assert (found.text("Name"), found.text("pscomputername")) == ("web1", "hv01")


def test_objects_in_a_collection_whether_the_library_knows_its_type() -> None:
    inner = GenericComplexObject()
    inner.adapted_properties = {"Path": "C:\\a.vhdx"}
    unknown = GenericComplexObject()
    unknown.property_sets = [[inner, None, inner]]
    for value in ([inner, inner], unknown):
        found = output_of(HardDrives=value).outputs("HardDrives")
        assert [one.text("Path") for one in found] == ["C:\\a.vhdx"] * 2
    assert [one.text("Path") for one in output_of(HardDrives=inner).outputs("HardDrives")] == [
        "C:\\a.vhdx"
    ]
    assert list(output_of(HardDrives=None).outputs("HardDrives")) == []


def test_a_plain_value_has_no_properties_and_is_its_text() -> None:
    assert str(Output("web1", "hv01", "Get-Name")) == "web1"
    assert str(Output(None, "hv01", "Get-Name")) == ""
    assert "Name" not in Output(5, "hv01", "Get-Name")
