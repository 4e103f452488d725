"""What a key of the inventory takes: how it is read, its JSON Schema, and its words.

Each type of value is declared once. The rows of ``keys`` name it; the reader, the schema and the
reference page each take their part of it.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from enum import StrEnum
from functools import partial
from typing import NamedTuple

from delegation.inventory.fields import Field, Reading, one_of
from delegation.inventory.yaml_text import quoted
from delegation.inventory.yaml_tree import ScalarKind, ScalarNode

INT32_MAX = 2**31 - 1

ReadValue = Callable[[Reading, Field], object]
JsonSchema = Mapping[str, object]

_PERCENTAGE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?)%\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")


class ValueType(NamedTuple):
    """One type of value.

    ``read`` gives the value of a field, None where it reported a problem. Without it the section
    reads the value itself, because its meaning depends on other parts of the file: on the domain,
    or on which hosts there are.
    ``section`` is what stands inside, at ``place`` below the key, such as ``[]`` for a list;
    ``bare``: a name in it may have nothing after it.
    """

    words: str
    schema: JsonSchema
    read: ReadValue | None = None
    section: "Section | None" = None
    place: str = ""
    may_be_empty: bool = False
    bare: bool = False


class Key(NamedTuple):
    """One key: a row of the table.

    ``example`` is its value as it could be written. ``meaning`` has no full stop. ``default`` is
    what holds where the key is left out, told in the schema's hover text as well;
    ``tacit_default`` is told on the reference page alone. ``into`` is the attribute that holds the
    value in the class of its section, where that has another name.
    """

    name: str
    takes: ValueType
    example: str
    meaning: str
    default: str = ""
    tacit_default: str = ""
    required: bool = False
    into: str = ""

    @property
    def attribute(self) -> str:
        return self.into or self.name

    @property
    def description(self) -> str:
        """What a hover text says."""
        return f"{self.meaning}; default: {self.default}." if self.default else f"{self.meaning}."


class Section:
    """A mapping with keys of its own; ``name`` is what messages call it.

    ``short_for``: a lone text stands for the mapping, as the value of this key. ``forms``: the
    mapping has the keys of exactly one of these groups.
    """

    def __init__(
        self,
        name: str,
        rows: tuple[Key, ...],
        *,
        short_for: str = "",
        forms: tuple[tuple[str, ...], ...] = (),
    ) -> None:
        self.name = name
        self.rows = rows
        self.short_for = short_for
        self.forms = forms
        self.keys = {row.name: row for row in rows}
        self.required = [row.name for row in rows if row.required]

    @property
    def definition(self) -> str:
        """Its name within a JSON Schema."""
        return self.name.replace(" ", "_")


TEXT_SCHEMA: JsonSchema = {"type": "string", "minLength": 1}

TEXT = ValueType("text", TEXT_SCHEMA, Reading.text)
BOOLEAN = ValueType("`true` or `false`", {"type": "boolean"}, Reading.boolean)


def text_like(words: str, pattern: str, read: ReadValue) -> ValueType:
    """Text of a form of its own; ``pattern`` is looser than ``read``, which alone decides."""
    return ValueType(words, {"type": "string", "pattern": pattern}, read)


def read_percentage(reading: Reading, field: Field) -> float | None:
    node = field.node
    match = _PERCENTAGE.match(node.text) if isinstance(node, ScalarNode) else None
    if match is None:
        reading.wrong(field, "a percentage")
        return None
    percentage = float(match[1])
    if percentage > 100:
        reading.problem(node, f"{field.title} is {match[0]}", "write a percentage up to 100%")
        return None
    return percentage


def read_date(reading: Reading, field: Field) -> date | None:
    node = field.node
    if not isinstance(node, ScalarNode) or not _is_written_as_date(node):
        reading.wrong(field, "a date without a time")
        return None
    try:
        return date.fromisoformat(node.text)
    except ValueError:
        what = f"{field.title}: there is no day {quoted(node.text)}"
        reading.problem(node, what, "correct the date")
        return None


def _is_written_as_date(node: ScalarNode) -> bool:
    """In quotes or not; but YAML takes 2027-06-30T12:00 for a date as well."""
    return node.kind in {ScalarKind.DATE, ScalarKind.TEXT} and _DATE.match(node.text) is not None


PERCENTAGE = text_like("a percentage", "^[0-9]{1,3}(\\.[0-9]{1,6})?%$", read_percentage)
DATE = text_like("a date", "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", read_date)


def number(low: int, high: int) -> ValueType:
    """A whole number. That 32 bits have an end is no news to an editor: it is told no maximum."""
    schema = {"type": "integer", "minimum": low}
    words = f"a whole number from {low}"
    if high != INT32_MAX:
        schema["maximum"] = high
        words += f" to {high:,}"
    return ValueType(words, schema, partial(Reading.integer, low=low, high=high))


def choice(choices: type[StrEnum]) -> ValueType:
    words = one_of(f"`{value}`" for value in choices)
    schema = {"enum": [str(value) for value in choices]}
    return ValueType(words, schema, partial(Reading.choice, choices=choices))


def choices_of(choices: type[StrEnum]) -> ValueType:
    """A list of words out of a few."""
    words = f"a list of {one_of(f'`{value}`' for value in choices)}"
    return ValueType(words, _list_schema({"enum": [str(value) for value in choices]}))


def texts(words: str, read: ReadValue | None = None) -> ValueType:
    """A list of texts."""
    return ValueType(f"a list of {words}", _list_schema(TEXT_SCHEMA), read)


def mapping_of(section: Section) -> ValueType:
    return ValueType("a mapping", _reference(section), section=section)


def list_of(section: Section, *, may_be_empty: bool) -> ValueType:
    schema = _list_schema(_reference(section), 0 if may_be_empty else 1)
    words = "a list of mappings"
    return ValueType(words, schema, section=section, place="[]", may_be_empty=may_be_empty)


def named(section: Section, *, bare: bool = False, may_be_empty: bool = False) -> ValueType:
    """A mapping of names that a person chooses."""
    entry = _reference(section)
    if bare:
        entry = {"anyOf": [{"type": "null"}, entry]}
    schema: dict[str, object] = {"type": "object", "additionalProperties": entry}
    if not may_be_empty:
        schema["minProperties"] = 1
    words = "mappings by name, or names alone" if bare else "mappings by name"
    return ValueType(words, schema, None, section, ".NAME", may_be_empty, bare)


def _list_schema(item: JsonSchema, minimum: int = 1) -> JsonSchema:
    return {"type": "array", "items": item, "minItems": minimum, "uniqueItems": True}


def _reference(section: Section) -> JsonSchema:
    return {"$ref": f"#/$defs/{section.definition}"}
