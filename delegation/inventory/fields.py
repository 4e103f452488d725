"""Typed values out of YAML nodes: one reading of a file.

A value that is absent or was reported is None alike: a file with a problem gives no inventory.
"""

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple, TypeVar

from delegation import names
from delegation.errors import Problem
from delegation.inventory.yaml_text import quoted
from delegation.inventory.yaml_tree import (
    BrokenNode,
    MappingNode,
    Node,
    ScalarKind,
    ScalarNode,
    SequenceNode,
)

MAX_TEXT = 4_096
MAX_NAMES = 1_000_000
MAX_PROBLEMS = 1_000
"""Bounds: one text, all names that a file's ranges stand for, and the problems that are shown."""


class Field(NamedTuple):
    """A value of the file: what it is called, how it could be written, and where it stands."""

    title: str
    example: str
    node: Node


Choice = TypeVar("Choice", bound=StrEnum)

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\Z")


class Reading:
    """One reading of a file: gives its values and collects its problems."""

    def __init__(self, problems: Iterable[Problem] = ()) -> None:
        self._problems = list(problems)
        self._names = 0
        self.declared: dict[str, str] = {}
        """How the value of a key could be written with what the file itself declares."""

    def problem(self, node: Node, what: str, fix: str) -> None:
        self._problems.append(Problem(node.line, node.column, what, fix))

    def problems(self) -> list[Problem]:
        """All of them in the order of the file, each once: an alias repeats a place."""
        found = sorted(set(self._problems))
        more = len(found) - MAX_PROBLEMS
        if more > 0:
            rest = found[MAX_PROBLEMS]
            what = f"{more:,} more problems follow"
            found[MAX_PROBLEMS:] = [Problem(rest.line, rest.column, what, "correct these first")]
        return found

    def wrong(self, field: Field, expected: str) -> None:
        """Reports a value of the wrong type, unless its place is known to be broken."""
        node = field.node
        if isinstance(node, BrokenNode) or (isinstance(node, MappingNode) and not node.complete):
            return
        what = f"{field.title} must be {expected}, not {describe(node)}"
        self.problem(node, what, f"write it like {field.example}")

    def entries(self, field: Field) -> list[tuple[ScalarNode, Node]] | None:
        """The entries of a mapping whose keys are names, those that are not left out."""
        if not isinstance(field.node, MappingNode):
            self.wrong(field, "a mapping of names to values")
            return None
        return [
            (key, node)
            for key, node in field.node.entries
            if self.text(Field(f"a name in {field.title}", "hv01", key)) is not None
        ]

    def items(self, field: Field, *, may_be_empty: bool = False) -> list[Field] | None:
        """The items of a list."""
        example = field.example.partition(": ")[2]
        if not isinstance(field.node, SequenceNode):
            self.wrong(field, "a list")
            return None
        if not field.node.items and not may_be_empty:
            self.problem(field.node, f"{field.title} is an empty list", "fill it or delete it")
        item = example.removeprefix("[").removesuffix("]")
        return [Field(f"an item of {field.title}", item, node) for node in field.node.items]

    def text(self, field: Field | None) -> str | None:
        """Text that has something in it, and nothing invisible."""
        if field is None:
            return None
        node = field.node
        if not isinstance(node, ScalarNode) or node.kind is ScalarKind.NULL:
            self.wrong(field, "text")
        elif node.kind is not ScalarKind.TEXT:
            what = f"{field.title} must be text, not {describe(node)}"
            self.problem(node, what, f"quote it: {quoted(node.text)}")
        elif not node.text.strip() or node.text != node.text.strip():
            what = f"{field.title} is {'padded with' if node.text.strip() else 'empty or'} blanks"
            self.problem(node, what, f"write it like {field.example}")
        elif len(node.text) > MAX_TEXT:
            what = f"{field.title} is longer than {MAX_TEXT:,} characters"
            self.problem(node, what, "shorten it")
        elif not node.text.isprintable():
            hidden = next(character for character in node.text if not character.isprintable())
            what = f"{field.title} has the invisible character {hidden!a} in it"
            self.problem(node, what, "delete it")
        else:
            return node.text
        return None

    def boolean(self, field: Field | None) -> bool | None:
        if field is None:
            return None
        if isinstance(field.node, ScalarNode) and field.node.kind is ScalarKind.BOOLEAN:
            return field.node.text.casefold() in {"true", "yes", "on"}
        self.wrong(field, "true or false")
        return None

    def integer(self, field: Field | None, low: int, high: int) -> int | None:
        if field is None:
            return None
        node = field.node
        if not isinstance(node, ScalarNode) or node.kind is not ScalarKind.INTEGER:
            self.wrong(field, "a whole number")
        elif not _INTEGER.match(node.text):
            what = f"{field.title} is written {quoted(node.text)}, not as a plain number"
            self.problem(node, what, "write it without a leading zero, sign, _ or :")
        elif not low <= int(node.text) <= high:
            self.problem(
                node, f"{field.title} is {node.text}", f"write a number from {low} to {high:,}"
            )
        else:
            return int(node.text)
        return None

    def choice(self, field: Field | None, choices: type[Choice]) -> Choice | None:
        if field is None:
            return None
        node = field.node
        if (
            isinstance(node, ScalarNode)
            and node.kind is ScalarKind.TEXT
            and node.text in set(choices)
        ):
            return choices(node.text)
        self.wrong(field, one_of(choices))
        return None

    def names(self, field: Field) -> list[str] | None:
        """The names that a range or a single name stands for, up to the file's bound."""
        text = self.text(field)
        if text is None or self._names > MAX_NAMES:
            return None
        try:
            found = names.expand(text)
        except ValueError as exc:
            said = str(exc).replace(repr(text), quoted(text))
            said = said if len(said) <= 200 else f"{said[:200]}..."
            self.problem(field.node, f"bad range: {said}", "write it like hv[01-64]")
            return None
        self._names += len(found)
        if self._names > MAX_NAMES:
            what = f"the ranges of this file stand for more than {MAX_NAMES:,} names in all"
            self.problem(field.node, what, "name fewer hosts; give each host one mesh")
            return None
        return found


def describe(node: Node) -> str:
    """What a node is, in words for a user."""
    if isinstance(node, ScalarNode):
        if node.kind is ScalarKind.NULL:
            return "nothing"
        shown = quoted(node.text)
        if node.kind is ScalarKind.TEXT:
            return f"the text {shown}"
        return f"{shown}, which YAML reads as {node.kind}"
    return "a list" if isinstance(node, SequenceNode) else "a mapping"


def one_of(choices: Iterable[str]) -> str:
    *others, last = [str(choice) for choice in choices]
    return f"{', '.join(others)} or {last}" if others else last
