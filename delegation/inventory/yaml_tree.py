"""YAML text as a tree of nodes that know where they stand, read within bounds.

Only the parser's event stream is used. Nothing is constructed, an alias is never expanded, and
the bounds hold while the events arrive, so no text can exhaust memory or a stack. What an
inventory has no use for (tags, merge keys, several documents) is refused: it could only mislead.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

import yaml

from delegation.errors import Problem
from delegation.inventory.yaml_text import (
    MAX_DEPTH,
    TOO_DEEP,
    UnreadableError,
    decoded,
    hide_ranges,
    quoted,
    show_ranges,
    stop,
    syntax_problem,
)

MAX_NODES = 200_000
"""Bound on nodes once every alias is expanded."""

LOADER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class ScalarKind(StrEnum):
    """What YAML 1.1 takes a scalar for, in words for a user."""

    TEXT = "text"
    BOOLEAN = "true/false"
    INTEGER = "a number"
    FLOAT = "a decimal number"
    DATE = "a date"
    NULL = "nothing"


class ScalarNode(NamedTuple):
    """A single value: the text as written, and what YAML takes it for."""

    line: int
    column: int
    text: str
    kind: ScalarKind


class BrokenNode(NamedTuple):
    """A place whose problem is already reported: readers pass over it in silence."""

    line: int
    column: int


class SequenceNode(NamedTuple):
    line: int
    column: int
    items: "tuple[Node, ...]"


class MappingNode(NamedTuple):
    """Its entries in order, duplicate keys (which are reported) included.

    ``complete`` False: an entry was refused, so that a missing key says nothing.
    """

    line: int
    column: int
    entries: "tuple[tuple[ScalarNode, Node], ...]"
    complete: bool = True


Node = ScalarNode | SequenceNode | MappingNode | BrokenNode


class NodeTree(NamedTuple):
    """``root`` None: the problems made the text unreadable as a whole."""

    root: Node | None
    problems: tuple[Problem, ...]


def load(data: bytes, loader: type[Any] = LOADER) -> NodeTree:
    """The one document in ``data``, which is UTF-8, with every problem of its YAML."""
    problems: list[Problem] = []
    try:
        root = _Builder(problems).root(_events(decoded(data), loader))
    except UnreadableError as exc:
        return NodeTree(None, (*problems, exc.problem))
    return NodeTree(root, tuple(problems))


def _events(text: str, loader: type[Any]) -> Iterator[Any]:
    try:
        yield from yaml.parse(hide_ranges(text), Loader=loader)
    except yaml.YAMLError as exc:
        raise syntax_problem(exc, text) from exc


@dataclass(slots=True)
class _Open:
    """A collection whose end has not come yet; ``size`` counts its nodes, aliases expanded."""

    line: int
    column: int
    is_mapping: bool
    anchor: str | None = None
    refused: bool = False
    children: list[Node] = field(default_factory=list)
    size: int = 1


class _Builder:
    """Builds the tree from the parser's events, with a stack of its own in place of recursion."""

    def __init__(self, problems: list[Problem]) -> None:
        self._problems = problems
        self._open = [_Open(1, 1, is_mapping=False)]
        self._anchors: dict[str, tuple[Node, int] | None] = {}  # None: not closed yet
        self._nodes = 0

    def root(self, events: Iterator[Any]) -> Node:
        documents = 0
        for event in events:
            line, column = event.start_mark.line + 1, event.start_mark.column + 1
            if isinstance(event, yaml.ScalarEvent):
                self._scalar(event, line, column)
            elif isinstance(event, yaml.CollectionStartEvent):
                self._collection(event, line, column)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._close()
            elif isinstance(event, yaml.AliasEvent):
                self._alias(str(event.anchor), line, column)
            elif isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    fix = "keep one document in the file"
                    stop((line, column), "a second document starts here", fix)
        root = self._open[0].children
        if not root or (isinstance(root[0], ScalarNode) and root[0].kind is ScalarKind.NULL):
            stop((1, 1), "the file is empty", "start it with: domain: corp.example")
        return root[0]

    def _scalar(self, event: yaml.ScalarEvent, line: int, column: int) -> None:
        self._count(1, line, column)
        if self._has_tag(event.tag, line, column):
            self._add(BrokenNode(line, column), 1, event.anchor)
            return
        text = show_ranges(event.value)
        kind = _kind(text) if event.implicit[0] else ScalarKind.TEXT
        self._add(ScalarNode(line, column, text, kind), 1, event.anchor)

    def _collection(self, event: yaml.CollectionStartEvent, line: int, column: int) -> None:
        self._count(1, line, column)
        if len(self._open) > MAX_DEPTH:
            stop((line, column), *TOO_DEEP)
        if event.anchor:
            self._anchors[event.anchor] = None
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        refused = self._has_tag(event.tag, line, column)
        self._open.append(_Open(line, column, is_mapping, event.anchor, refused))

    def _has_tag(self, tag: str | None, line: int, column: int) -> bool:
        if tag is not None:
            shown = quoted(tag.replace("tag:yaml.org,2002:", "!!", 1))
            what = f"YAML tag {shown} is not supported"
            self._problem(line, column, what, "delete the tag; write text in quotes")
        return tag is not None

    def _alias(self, anchor: str, line: int, column: int) -> None:
        shown = quoted(f"*{anchor}")
        if anchor not in self._anchors:
            what, fix = f"alias {shown} refers to nothing", "quote it if it is text"
        elif (known := self._anchors[anchor]) is None:
            what, fix = f"alias {shown} contains itself", "write the value out"
        else:
            node, size = known
            self._count(size, line, column)
            self._add(node, size)
            return
        self._problem(line, column, what, fix)
        self._add(BrokenNode(line, column), 1)

    def _count(self, size: int, line: int, column: int) -> None:
        self._nodes += size
        if self._nodes > MAX_NODES:
            what = f"more than {MAX_NODES:,} values, counting what each alias stands for"
            stop(
                (line, column),
                f"{what} (an alias bomb)",
                "write out what is meant, with fewer aliases",
            )

    def _add(self, node: Node, size: int, anchor: str | None = None) -> None:
        if anchor:
            self._anchors[anchor] = node, size
        self._open[-1].children.append(node)
        self._open[-1].size += size

    def _close(self) -> None:
        done = self._open.pop()
        node: Node
        if done.refused:
            node = BrokenNode(done.line, done.column)
        elif done.is_mapping:
            node = self._mapping(done)
        else:
            node = SequenceNode(done.line, done.column, tuple(done.children))
        self._add(node, done.size, done.anchor)

    def _mapping(self, done: _Open) -> MappingNode:
        entries: list[tuple[ScalarNode, Node]] = []
        first: dict[str, ScalarNode] = {}
        pairs = iter(done.children)
        for key, value in zip(pairs, pairs, strict=True):
            if isinstance(key, SequenceNode | MappingNode):
                what = "a list or a mapping stands where a key should"
                self._problem(key.line, key.column, what, "write a name; quote it if it has { or [")
            elif isinstance(key, ScalarNode) and key.text == "<<":
                what = "merge key '<<' is not supported"
                self._problem(key.line, key.column, what, "write the keys out")
            elif isinstance(key, ScalarNode):
                entries.append((key, value))
                if first.setdefault(key.text, key) is not key:
                    at = f"{first[key.text].line}:{first[key.text].column}"
                    what = f"duplicate key {quoted(key.text)}, first at {at}"
                    self._problem(key.line, key.column, what, "keep one of the two")
        complete = 2 * len(entries) == len(done.children)
        return MappingNode(done.line, done.column, tuple(entries), complete)

    def _problem(self, line: int, column: int, what: str, fix: str) -> None:
        self._problems.append(Problem(line, column, what, fix))


def _kind(text: str) -> ScalarKind:
    """What YAML 1.1 takes plain ``text`` for, by PyYAML's own table of patterns."""
    for tag, pattern in yaml.SafeLoader.yaml_implicit_resolvers.get(text[:1], ()):
        if pattern.match(text):
            return _KINDS.get(tag, ScalarKind.TEXT)
    return ScalarKind.TEXT


_KINDS = {
    "tag:yaml.org,2002:bool": ScalarKind.BOOLEAN,
    "tag:yaml.org,2002:int": ScalarKind.INTEGER,
    "tag:yaml.org,2002:float": ScalarKind.FLOAT,
    "tag:yaml.org,2002:timestamp": ScalarKind.DATE,
    "tag:yaml.org,2002:null": ScalarKind.NULL,
}
