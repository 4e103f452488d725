"""A mapping of the file, by the keys of its section -> what is declared in it, and what lacks."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from delegation.inventory import yaml_tree
from delegation.inventory.fields import Field, Reading
from delegation.inventory.value_types import Key, Section
from delegation.inventory.yaml_text import quoted
from delegation.inventory.yaml_tree import BrokenNode, Node, ScalarKind, ScalarNode

Made = TypeVar("Made")

_LEFT_OUT = Field("", "", BrokenNode(1, 1))
"""Like a broken place, one where nothing stands is passed over in silence."""


class DeclaredSection:
    """What the file says in one place about the keys of a section.

    ``fields`` holds what is declared, ``readable`` whether that was a mapping at all. A section
    that is left out is read like an empty one: everything in it has its default.

    Unknown keys are reported, and required ones that are absent. What stands under a duplicate or
    misspelt key is not judged any further: one mistake is one problem.
    """

    def __init__(self, reading: Reading, section: Section, field: Field | None) -> None:
        self.reading = reading
        self.field = field or _LEFT_OUT
        self.fields: dict[str, Field] = {}
        self.readable = False
        self._section = section
        if isinstance(self.node, yaml_tree.MappingNode):
            self.fields = _known_fields(reading, section, self.field, self.node)
            self.readable = True
        elif section.short_for:
            self.fields = {section.short_for: self.field}
            self.readable = True
        else:
            reading.wrong(self.field, "a mapping of keys to values")
        if self.readable:
            for key in section.required:
                self.require(key)

    def __contains__(self, key: object) -> bool:
        return key in self.fields

    def get(self, key: str) -> Field | None:
        return self.fields.get(key)

    @property
    def node(self) -> Node:
        return self.field.node

    @property
    def is_empty(self) -> bool:
        """Whether it surely declares nothing, not even a key that is unknown or was refused."""
        node = self.node
        return isinstance(node, yaml_tree.MappingNode) and not node.entries and node.complete

    def problem(self, key: str, what: str, fix: str) -> None:
        """Reports a problem at the value of a key, which is declared."""
        self.reading.problem(self.fields[key].node, what, fix)

    def require(self, key: str) -> None:
        """Reports a key that is absent, unless an entry that was refused may have been it."""
        node = self.node
        complete = isinstance(node, yaml_tree.MappingNode) and node.complete
        if key not in self.fields and complete:
            fix = f"add {key}: {example_of(self.reading, self._section.keys[key])}"
            self.reading.problem(node, f"{self.field.title} lacks {key!r}", fix)

    # --- values

    def made(self, kind: Callable[..., Made], **known: object) -> Made:
        """A ``kind`` of the declared values and those ``known`` already; its defaults hold else."""
        return kind(**self._values(), **known)

    def made_if_whole(self, kind: Callable[..., Made], **known: object) -> Made | None:
        """The same of a section with required keys; None where one of them gave no value."""
        values = self._values()
        required = {self._section.keys[key].attribute for key in self._section.required}
        return kind(**values, **known) if required <= values.keys() else None

    def _values(self) -> Mapping[str, object]:
        values: dict[str, object] = {}
        for row in self._section.rows:
            field = self.fields.get(row.name)
            if field is None or row.takes.read is None:
                continue
            value = row.takes.read(self.reading, field)
            if value is not None:
                values[row.attribute] = value
        return values

    # --- sections within

    def section(self, key: str) -> "DeclaredSection":
        """The mapping under a key."""
        return DeclaredSection(self.reading, self._inner(key), self.fields.get(key))

    def sections(self, key: str) -> "list[DeclaredSection]":
        """The mappings in the list under a key, those that could be read."""
        field = self.fields.get(key)
        if field is None:
            return []
        may_be_empty = self._section.keys[key].takes.may_be_empty
        items = self.reading.items(field, may_be_empty=may_be_empty) or []
        found = [DeclaredSection(self.reading, self._inner(key), item) for item in items]
        return [declared for declared in found if declared.readable]

    def entry(self, key: str, name: ScalarNode, node: Node) -> "DeclaredSection":
        """What an entry of the names under a key says beyond its name."""
        inner = self._inner(key)
        if self._section.keys[key].takes.bare and _is_nothing(node):
            return DeclaredSection(self.reading, inner, None)
        first = inner.rows[0]
        example = f"{{{first.name}: {example_of(self.reading, first)}}}"
        field = Field(f"{inner.name} {quoted(name.text)}", example, node)
        return DeclaredSection(self.reading, inner, field)

    def _inner(self, key: str) -> Section:
        inner = self._section.keys[key].takes.section
        if inner is None:
            raise TypeError(f"{key} takes no section")
        return inner


def example_of(reading: Reading, row: Key) -> str:
    """A value of a key as it could be written: advice names no mesh or host that is not there."""
    return reading.declared.get(row.name, row.example)


def _is_nothing(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.kind is ScalarKind.NULL


def _known_fields(
    reading: Reading, section: Section, field: Field, mapping: yaml_tree.MappingNode
) -> dict[str, Field]:
    found: dict[str, Field] = {}
    guessed: dict[str, Field] = {}
    for key, node in mapping.entries:
        row = section.keys.get(key.text) or _meant(reading, section, field, key)
        if row is None:
            continue
        is_known = row.name == key.text
        is_sound = is_known and row.name not in found
        place = node if is_sound else BrokenNode(key.line, key.column)
        value = Field(repr(row.name), f"{row.name}: {example_of(reading, row)}", place)
        (found if is_known else guessed)[row.name] = value
    return guessed | found


def _meant(reading: Reading, section: Section, field: Field, key: ScalarNode) -> Key | None:
    """Reports an unknown key, and gives the row of the key that was meant."""
    from difflib import get_close_matches  # a file without such a mistake need not wait for it

    close = get_close_matches(key.text[:40], section.keys, n=1)
    known = ", ".join(section.keys)
    fix = f"did you mean {close[0]!r}?" if close else f"known are {known}"
    reading.problem(key, f"unknown key {quoted(key.text)} in {field.title}", fix)
    return section.keys[close[0]] if close else None
