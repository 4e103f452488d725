"""JSON Schema of the inventory, for editors: completion, hover texts and the obvious mistakes.

It is looser than the reader, which alone decides: a schema knows no names and no other keys.
The keys, their types and their examples are the reader's own.
"""

from typing import Any

from delegation.inventory.keys import INVENTORY, SECTIONS
from delegation.inventory.value_types import TEXT_SCHEMA, Key, Section
from delegation.inventory.yaml_tree import (
    MappingNode,
    Node,
    ScalarKind,
    ScalarNode,
    SequenceNode,
    load,
)

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """The schema of an inventory file (draft 2020-12), as a value that ``json`` can write."""
    inner = [section for section in SECTIONS if section is not INVENTORY]
    return {
        "$schema": DIALECT,
        "title": "Inventory of delegation",
        "description": "Hyper-V hosts, and which of them migrate virtual machines to which.",
        **_mapping_schema(INVENTORY),
        "$defs": {section.definition: _section_schema(section) for section in inner},
    }


def _section_schema(section: Section) -> dict[str, Any]:
    mapping = _mapping_schema(section)
    return {"anyOf": [TEXT_SCHEMA, mapping]} if section.short_for else mapping


def _mapping_schema(section: Section) -> dict[str, Any]:
    properties = {row.name: _key_schema(row) for row in section.rows}
    schema: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }
    if section.required:
        schema["required"] = section.required
    if section.forms:
        schema["oneOf"] = [{"required": list(form)} for form in section.forms]
    return schema


def _key_schema(row: Key) -> dict[str, Any]:
    example = load(row.example.encode()).root
    return {**row.takes.schema, "description": row.description, "examples": [_json_value(example)]}


def _json_value(node: Node | None) -> object:
    """The node of an example as JSON has it, where a date is text."""
    match node:
        case MappingNode(entries=entries):
            return {key.text: _json_value(value) for key, value in entries}
        case SequenceNode(items=items):
            return [_json_value(item) for item in items]
        case ScalarNode(kind=ScalarKind.BOOLEAN, text=text):
            return text == "true"
        case ScalarNode(kind=ScalarKind.INTEGER, text=text):
            return int(text)
        case ScalarNode(kind=ScalarKind.TEXT | ScalarKind.DATE, text=text):
            return text
    return None
