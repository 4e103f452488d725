"""schema: it knows the reader's keys, and accepts what the reader accepts."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from delegation.inventory.keys import SECTIONS
from delegation.inventory.schema import json_schema
from delegation.inventory.yaml_text import hide_ranges, show_ranges

TESTS = Path(__file__).parents[1]
VALID = [
    *sorted((TESTS / "cases" / "inventory" / "valid").glob("*.yaml")),
    TESTS.parent / "inventory.example.yaml",
]


def as_editor(path: Path) -> Any:
    """A file as an editor sees it: JSON values, a date as text."""
    loaded = yaml.safe_load(hide_ranges(path.read_text()))
    return json.loads(show_ranges(json.dumps(loaded, default=date.isoformat, ensure_ascii=False)))


def errors(inventory: object) -> list[str]:
    validator = Draft202012Validator(json_schema())
    return [error.json_path for error in validator.iter_errors(inventory)]


def test_the_schema_is_a_schema_and_plain_json() -> None:
    schema = json_schema()
    Draft202012Validator.check_schema(schema)
    assert json.loads(json.dumps(schema)) == schema


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.name)
def test_the_schema_accepts_valid_inventories(path: Path) -> None:
    assert errors(as_editor(path)) == []


def objects(schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The object schema of each section."""
    found = {"inventory": schema}
    for name, section in schema["$defs"].items():
        options = section.get("anyOf", [section])
        found[name.replace("_", " ") if name == "file_server" else name] = options[-1]
    return found


def test_the_schema_has_the_keys_that_the_reader_knows() -> None:
    sections = objects(json_schema())
    assert {name: list(section["properties"]) for name, section in sections.items()} == {
        section.name: list(section.keys) for section in SECTIONS
    }
    assert {section["additionalProperties"] for section in sections.values()} == {False}


def every_property() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, section in objects(json_schema()).items():
        for key, value in section["properties"].items():
            yield f"{name}.{key}", value


@pytest.mark.parametrize(("name", "value"), list(every_property()), ids=lambda part: str(part)[:40])
def test_every_key_is_described_and_its_example_is_valid(name: str, value: dict[str, Any]) -> None:
    assert value["description"].endswith("."), name
    here = {**value, "$defs": json_schema()["$defs"]}
    (example,) = value["examples"]
    assert list(Draft202012Validator(here).iter_errors(example)) == []


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"domain": 5}, "$.domain"),
        ({"colour": "blue"}, "$"),
        ({"hosts": ["hv01"]}, "$.hosts"),
        ({"hosts": {"hv01": {"fqnd": "x"}}}, "$.hosts.hv01"),
        ({"meshes": {"m": {"members": "hv01"}}}, "$.meshes.m.members"),
        ({"meshes": {"m": {"sources": ["hv01"]}}}, "$.meshes.m"),
        ({"policy": {"max_removals": 30}}, "$.policy.max_removals"),
        ({"policy": {"foreign": "delete"}}, "$.policy.foreign"),
        ({"defaults": {"protocol_transition": "true"}}, "$.defaults.protocol_transition"),
        ({"keep": [{"value": "HTTP"}]}, "$.keep[0].value"),
        ({"directory": {"url": "dc1"}}, "$.directory.url"),
        ({"file_servers": {"s": {}}}, "$.file_servers.s"),
    ],
)
def test_the_schema_sees_the_obvious_mistakes(change: dict[str, Any], where: str) -> None:
    valid = {"domain": "corp.example", "hosts": {"hv[01-04]": None}}
    assert errors(valid) == []
    assert errors(valid | change) == [where]
