"""The table of keys -> docs/inventory.md: every key, where it stands, and what it means."""

from collections.abc import Iterator

from delegation.inventory.keys import INVENTORY
from delegation.inventory.value_types import Key, Section, ValueType

_HEAD = """\
<!-- Made by scripts/inventory-page from delegation/inventory/keys.py: change it there. -->

# The keys of the inventory

What `delegation` reads an inventory by: every key that it knows, and no other is accepted.
[inventory.example.yaml](../inventory.example.yaml) is a whole file with remarks. What
`delegation schema` prints tells the same to editors, which then complete and check an inventory
while it is written.

In a place, `NAME` is a name that you choose, and `[]` any item of a list. A range such as
`hv[01-64]` stands for all of its names; inside `[ ]` write it in quotes.
"""
_TABLE = ("| key | takes | default | meaning | example |", "|---|---|---|---|---|")
_WHOLE_FILE = "The whole file"


def page() -> str:
    """The page, as Markdown."""
    places = dict(_places(INVENTORY, ""))
    parts = [_HEAD]
    for section in dict.fromkeys(places.values()):
        found = [place for place, stands_there in places.items() if stands_there is section]
        parts.append("\n".join(_section_lines(section, found)) + "\n")
    return "\n".join(parts)


def _places(section: Section, place: str) -> Iterator[tuple[str, Section]]:
    """Each place where a section stands, in the order of the file; the file itself is the first."""
    yield place, section
    for row in section.rows:
        inner = row.takes.section
        if inner is not None:
            key = f"{place}.{row.name}" if place else row.name
            yield from _places(inner, key + row.takes.place)


def _section_lines(section: Section, places: list[str]) -> Iterator[str]:
    yield f"## {_title(section)}"
    yield ""
    shown = ", ".join(f"`{place}`" for place in places if place)
    if shown:
        yield f"Stands at {shown}.{_rules(section)}"
        yield ""
    yield from _TABLE
    for row in section.rows:
        yield f"| {' | '.join(_cells(row))} |"


def _title(section: Section) -> str:
    return _WHOLE_FILE if section is INVENTORY else section.name


def _rules(section: Section) -> str:
    rules = ""
    if section.short_for:
        rules += f" A lone text in its place is its `{section.short_for}`."
    if section.forms:
        forms = [" and ".join(f"`{key}`" for key in form) for form in section.forms]
        rules += f" It has either {', or '.join(forms)}."
    return rules


def _cells(row: Key) -> tuple[str, ...]:
    return (
        f"`{row.name}`",
        _takes(row.takes),
        _default(row),
        f"{row.meaning}.",
        f"`{row.example}`",
    )


def _default(row: Key) -> str:
    if row.required:
        return "required"
    is_one_mapping = row.takes.section is not None and not row.takes.place
    of_its_parts = "that of each of its keys" if is_one_mapping else "none"
    return row.default or row.tacit_default or of_its_parts


def _takes(value_type: ValueType) -> str:
    inner = value_type.section
    if inner is None:
        return value_type.words
    anchor = _title(inner).replace(" ", "-")
    return f"{value_type.words}: [{inner.name}](#{anchor})"
