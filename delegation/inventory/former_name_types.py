"""Names that hosts had once, as they are written: each on its own."""

from delegation import names
from delegation.inventory.fields import Field, Reading
from delegation.inventory.machine_names import is_dns_name, read_suffix
from delegation.inventory.value_types import texts
from delegation.inventory.yaml_text import quoted
from delegation.inventory.yaml_tree import Node

FORMER_NAMES = texts("names, short or full")
"""Read with the hosts, and judged by all names that are in use."""


def read_former(reading: Reading, listed: Field | None) -> list[tuple[str, Node]]:
    """The names in a list of former ones, each with its place."""
    found: list[tuple[str, Node]] = []
    for item in (reading.items(listed) if listed else None) or ():
        name = reading.text(item)
        if name is None:
            continue
        if names.is_computer_name(name) or is_dns_name(name):
            found.append((name, item.node))
            continue
        what = f"{quoted(name)} is neither a computer's name nor a full DNS name"
        reading.problem(item.node, what, "write it like OLD64 or hv64.old.example")
    return found


def read_suffixes(reading: Reading, listed: Field | None) -> tuple[str, ...]:
    """DNS suffixes, each once."""
    if listed is None:
        return ()
    found: dict[str, str] = {}
    for item in reading.items(listed) or ():
        suffix = read_suffix(reading, item)
        if suffix is not None and suffix.casefold() in found:
            what = f"{quoted(suffix)} is named twice in {listed.title}"
            reading.problem(item.node, what, "name each suffix once")
        elif suffix is not None:
            found[suffix.casefold()] = suffix
    return tuple(found.values())


FORMER_SUFFIXES = texts("DNS suffixes")
