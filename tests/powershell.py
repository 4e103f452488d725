"""PowerShell as a grammar that is not ours reads it, and the data in it as PowerShell would.

The grammar takes ASCII quotes alone for quotes, PowerShell the typographic ones as well: what is
parsed here has to be ASCII.
"""

import re
from collections.abc import Iterator
from typing import Any

import tree_sitter_pwsh
from tree_sitter import Language, Node, Parser

_PARSER = Parser(Language(tree_sitter_pwsh.language()))
_PART = re.compile(r"(?:\\\\|\\u[0-9a-f]{4}|[^\\])*\Z")
_ESCAPE = re.compile(r"\\\\|\\u([0-9a-f]{4})")

DATA = "data"


def parsed(text: str) -> Node:
    """The tree of a script, which has to be ASCII and without an error."""
    assert text.isascii()
    root = _PARSER.parse(text.encode()).root_node
    broken = [node for node in walk(root) if node.is_error or node.is_missing]
    assert [(node.start_point, source(node)[:80]) for node in broken] == []
    assert not root.has_error
    return root


def walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from walk(child)


def source(node: Node) -> str:
    assert node.text is not None
    return node.text.decode()


def every(node: Node, kind: str) -> list[str]:
    return [source(one) for one in walk(node) if one.type == kind]


def shape(node: Node) -> Any:
    """The tree without what is data and without comments; all else word for word."""
    if data(node) is not None:
        return DATA
    kept = [child for child in node.children if child.type != "comment"]
    return (node.type, [shape(child) for child in kept] or source(node))


def data(node: Node) -> str | None:
    """What a node evaluates to, where it is one of the two forms in which data is written."""
    if node.type == "string_literal":
        text = source(node)
        inside = text[1:-1]
        assert text == f"'{inside}'"
        assert "'" not in inside.replace("''", "")
        assert inside.isprintable()
        return inside.replace("''", "'")
    if node.type == "parenthesized_expression" and source(node).startswith("([regex]::Unescape("):
        literal = [one for one in walk(node) if one.type == "string_literal"]
        assert len(literal) == 1
        assert source(node) == f"([regex]::Unescape({source(literal[0])}))"
        return _unescaped(data(literal[0]) or "")
    return None


def _unescaped(text: str) -> str:
    """As Regex.Unescape takes back what it is given here: UTF-16 code units, and backslashes."""
    assert _PART.match(text)
    units = _ESCAPE.sub(lambda match: chr(int(match[1], 16)) if match[1] else "\\", text)
    return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le")


def changes(root: Node) -> list[dict[str, Any]]:
    """The list $changes of a script: each hashtable, with its texts, numbers and lists."""
    [assignment] = [
        node
        for node in walk(root)
        if node.type == "assignment_expression" and source(node).startswith("$changes = @(")
    ]
    tables = [node for node in walk(assignment) if node.type == "hash_literal_expression"]
    return [dict(map(_entry, _of_type(table, "hash_entry"))) for table in tables]


def _entry(node: Node) -> tuple[str, Any]:
    key, _, value = node.children
    return source(key), _value(value)


def _value(node: Node) -> Any:
    if (text := data(node)) is not None:
        return text
    if node.type == "integer_literal":
        return int(source(node))
    if node.type == "array_expression":
        return [text for text in _texts(node) if text is not None]
    [only] = node.children
    return _value(only)


def _texts(node: Node) -> Iterator[str]:
    if (text := data(node)) is not None:
        yield text
        return
    assert node.type not in {"variable", "command", "sub_expression"}
    for child in node.children:
        yield from _texts(child)


def _of_type(node: Node, kind: str) -> list[Node]:
    return [one for one in walk(node) if one.type == kind]
