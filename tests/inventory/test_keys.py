"""keys: the table is what the reader, the schema and the reference page go by."""

import inspect
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from delegation.inventory import (
    STATE_FOLDER,
    DirectorySettings,
    Keep,
    LiveMigration,
    MigrateSettings,
    Network,
    Policy,
    Remoting,
    reference,
    yaml_tree,
)
from delegation.inventory.accepted import Acceptance, Trusted
from delegation.inventory.declared import DeclaredSection
from delegation.inventory.fields import Field, Reading
from delegation.inventory.keys import (
    ACCEPTANCE_RULE,
    DIRECTORY,
    INVENTORY,
    KEEP,
    LIVE_MIGRATION,
    MIGRATE,
    NETWORK,
    POLICY,
    REMOTING,
    SECTIONS,
    TRUST,
)
from delegation.inventory.value_types import BOOLEAN, Key, Section, number

PAGE = Path(__file__).parents[2] / "docs" / "inventory.md"
ROWS = [pytest.param(row, id=f"{part.name}.{row.name}") for part in SECTIONS for row in part.rows]


def node(text: str) -> yaml_tree.Node:
    document = yaml_tree.load(text.encode())
    assert document.root is not None
    assert document.problems == ()
    return document.root


def test_the_reference_page_is_that_of_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference.page(), "run ./scripts/inventory-page"


def test_every_section_has_its_heading_and_every_key_its_row() -> None:
    lines = reference.page().splitlines()
    assert len([line for line in lines if line.startswith("## ")]) == len(SECTIONS)
    shown = [line.split("|")[1].strip(" `") for line in lines if line.startswith("| `")]
    assert sorted(shown) == sorted(row.name for section in SECTIONS for row in section.rows)


def test_a_section_that_stands_in_two_places_names_both() -> None:
    both = "`defaults.live_migration`, `hosts.NAME.live_migration`"
    assert f"Stands at {both}." in reference.page()


@pytest.mark.parametrize("row", ROWS)
def test_every_example_is_read_without_a_problem(row: Key) -> None:
    reading = Reading()
    field = Field(repr(row.name), f"{row.name}: {row.example}", node(row.example))
    if row.takes.read is not None:
        assert row.takes.read(reading, field) is not None
    assert reading.problems() == []


@pytest.mark.parametrize(
    ("section", "kind"),
    [
        (DIRECTORY, DirectorySettings),
        (KEEP, Keep),
        (LIVE_MIGRATION, LiveMigration),
        (MIGRATE, MigrateSettings),
        (NETWORK, Network),
        (POLICY, Policy),
        (REMOTING, Remoting),
        (ACCEPTANCE_RULE, Acceptance),
        (TRUST, Trusted),
    ],
    ids=lambda part: getattr(part, "name", ""),
)
def test_a_row_for_each_attribute(section: Section, kind: type[Any]) -> None:
    """What the reader would hand to the class under a wrong name, it would not take."""
    assert {row.attribute for row in section.rows} == set(inspect.signature(kind).parameters)


def test_the_defaults_that_are_told_are_those_that_hold() -> None:
    assert INVENTORY.keys["state"].tacit_default == STATE_FOLDER
    assert MIGRATE.keys["slots"].tacit_default == MigrateSettings().slots
    assert DIRECTORY.keys["start_tls"].tacit_default == str(DirectorySettings().start_tls).lower()
    assert POLICY.keys["max_removals"].description.endswith("default: 30%.")


def test_a_default_is_told_once() -> None:
    rows = [row for section in SECTIONS for row in section.rows]
    for row in rows:
        told = [bool(row.required), bool(row.default), bool(row.tacit_default)]
        assert sum(told) <= 1, row.name


@dataclass(frozen=True)
class Sample:
    depth: int
    wide: bool = False


SAMPLE = Section(
    "sample",
    (
        Key("depth", number(1, 9), "3", "How deep", required=True),
        Key("wide", BOOLEAN, "true", "Whether it is wide", "false"),
    ),
)


def declared(text: str) -> DeclaredSection:
    return DeclaredSection(Reading(), SAMPLE, Field("'sample'", "{depth: 3}", node(text)))


def test_a_key_is_read_by_its_row_alone() -> None:
    found = declared("{depth: 4, wide: yes}")
    assert found.made_if_whole(Sample) == Sample(4, wide=True)
    assert found.reading.problems() == []
    assert declared("{depth: 4}").made_if_whole(Sample) == Sample(4)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{wide: true}", "1:1: 'sample' lacks 'depth'; add depth: 3"),
        ("{depht: 3}", "1:2: unknown key 'depht' in 'sample'; did you mean 'depth'?"),
        ("{depth: 10}", "1:9: 'depth' is 10; write a number from 1 to 9"),
    ],
)
def test_without_a_required_value_there_is_nothing_but_one_problem(text: str, problem: str) -> None:
    found = declared(text)
    assert found.made_if_whole(Sample) is None
    assert [str(one) for one in found.reading.problems()] == [problem]


def test_who_reads_an_inventory_loads_neither_schema_nor_reference() -> None:
    program = """
import sys
import delegation.inventory.reader
print([name for name in sys.modules if name.endswith(("inventory.schema", "inventory.reference"))])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"
