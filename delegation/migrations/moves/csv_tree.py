"""CSV text as the tree that a YAML list of moves gives, so that one reader judges both.

A spreadsheet's habits are allowed for: a byte order mark, semicolons or tabs for commas, a first
line ``sep=;``, empty rows, column names in any case. Bounds are those of YAML files.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, repeat

from delegation.errors import Problem
from delegation.inventory.yaml_text import UnreadableError, decoded, quoted, stop
from delegation.inventory.yaml_tree import (
    MappingNode,
    Node,
    NodeTree,
    ScalarKind,
    ScalarNode,
    SequenceNode,
)

_DELIMITERS = ",;\t"
_HINT = "sep="
"""What Excel writes and reads before the first row: which delimiter the file has."""


@dataclass(frozen=True, slots=True)
class _CsvRow:
    """The cells of one row that have something in them, by the number of their column."""

    line: int
    cells: dict[int, ScalarNode]


def load(data: bytes, section: str, required: Sequence[str]) -> NodeTree:
    """A mapping of ``section`` to a list with one mapping a row, by the names of its columns.

    A missing column is one problem, not one a row.
    """
    problems: list[Problem] = []
    try:
        rows = list(_filled_rows(decoded(data)))
    except UnreadableError as exc:
        return NodeTree(None, (exc.problem,))
    if not rows:
        what = "the file is empty"
        return NodeTree(None, (Problem(1, 1, what, f"start it with: {','.join(required)}"),))
    columns = _named_columns(rows[0], problems)
    named = {key.text for key in columns.values() if key}
    for name in required:
        if name not in named:
            what = f"there is no column {name!r}"
            fix = f"name the columns in the first row: {','.join(required)}"
            problems.append(Problem(rows[0].line, 1, what, fix))
    complete = named.issuperset(required)
    items = tuple(_row_mapping(row, columns, problems, complete=complete) for row in rows[1:])
    line = rows[0].line
    entry = (ScalarNode(line, 1, section, ScalarKind.TEXT), SequenceNode(line, 1, items))
    return NodeTree(MappingNode(line, 1, (entry,)), tuple(problems))


def _named_columns(header: _CsvRow, problems: list[Problem]) -> dict[int, ScalarNode | None]:
    """The names of the columns in lower case, each with its place; a duplicate has none."""
    columns: dict[int, ScalarNode | None] = {}
    first: dict[str, ScalarNode] = {}
    for number, cell in header.cells.items():
        key = ScalarNode(cell.line, cell.column, cell.text.casefold(), ScalarKind.TEXT)
        if first.setdefault(key.text, key) is key:
            columns[number] = key
        else:
            at = f"{first[key.text].line}:{first[key.text].column}"
            what = f"duplicate column {quoted(key.text)}, first at {at}"
            problems.append(Problem(key.line, key.column, what, "keep one of the two"))
            columns[number] = None
    return columns


def _row_mapping(
    row: _CsvRow, columns: dict[int, ScalarNode | None], problems: list[Problem], *, complete: bool
) -> Node:
    entries: list[tuple[ScalarNode, Node]] = []
    for number, cell in row.cells.items():
        if key := columns.get(number):
            entries.append((key, cell))
        elif number not in columns:
            what = f"{quoted(cell.text)} stands under no column"
            problems.append(Problem(cell.line, cell.column, what, "name its column, or delete it"))
    return MappingNode(row.line, 1, tuple(entries), complete)


def _filled_rows(text: str) -> Iterator[_CsvRow]:
    """The rows that are not empty. Raises UnreadableError at the first that is no CSV."""
    lines = text.splitlines(keepends=True)
    skipped, delimiter = _find_delimiter(lines)
    # `strict`: a stray quote is an error, not text to guess about
    reader = csv.reader(lines[skipped:], delimiter=delimiter, strict=True, skipinitialspace=True)
    while True:
        line = skipped + reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as exc:
            what = f"not a row of CSV: {exc}"
            stop((line, 1), what, 'put quotes around a whole cell, and write "" for a quote in it')
        # A cell that goes over lines has its place on the first; those after it count as column 1.
        columns = chain(_cell_starts(lines[line - 1], delimiter), repeat(1))
        found = {}
        for number, (cell, column) in enumerate(zip(cells, columns, strict=False)):
            if text := cell.strip():
                found[number] = ScalarNode(line, column, text, ScalarKind.TEXT)
        if found:
            yield _CsvRow(line, found)


def _find_delimiter(lines: list[str]) -> tuple[int, str]:
    """How many lines precede the first row, and what separates its cells."""
    skipped = 0
    while skipped < len(lines) and not lines[skipped].strip(f"{_DELIMITERS} \r\n"):
        skipped += 1
    if skipped == len(lines):
        return skipped, ","
    header = lines[skipped]
    hinted = header[len(_HINT) : len(_HINT) + 1]
    if header.casefold().startswith(_HINT) and hinted and hinted in _DELIMITERS:
        return skipped + 1, hinted
    return skipped, max(_DELIMITERS, key=header.count)


def _cell_starts(line: str, delimiter: str) -> list[int]:
    """The columns, from 1, at which the cells of a line start; a quoted delimiter starts none."""
    starts, in_quotes = [1], False
    for column, character in enumerate(line, 1):
        if character == '"':
            in_quotes = not in_quotes
        elif character == delimiter and not in_quotes:
            starts.append(column + 1)
    return starts
