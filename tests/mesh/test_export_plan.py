"""A plan for other programs, made from Python by a world without a command line."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import cast

import pytest

from delegation.changes.records import Records
from delegation.directory import change_file
from delegation.errors import Refused, UsageError
from delegation.events import Event, Silence
from delegation.inventory import Inventory
from delegation.mesh.export_plan import ChangeFile, export_plan
from delegation.mesh.plan_view import PlanView
from delegation.mesh.seams import Inspector
from delegation.mesh.state import DelegationPlan
from delegation.wiring import KINDS
from tests import builders
from tests.builders import MemoryDirectory, computer


@dataclass
class Shown(Silence):
    views: list[object] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def show(self, view: object) -> None:
        self.views.append(view)

    def say(self, event: Event) -> None:
        self.events.append(event)


@dataclass
class MadeUp:
    """Implements ExportWorld."""

    inventory: Inventory
    directory: MemoryDirectory
    records: Records
    teller: Shown = field(default_factory=Shown)
    recorded_as: str = "corp.example"

    def today(self) -> date:
        return date(2026, 11, 24)

    @contextmanager
    def reading(self) -> Iterator[Inspector]:
        yield cast("Inspector", self.directory)

    def change_file(self, plan: DelegationPlan) -> ChangeFile:
        return change_file.change_file(plan)


def world(folder: Path, *values: str) -> MadeUp:
    wanted = builders.inventory("hv01", "hv02")
    accounts = [computer("hv01", *values), computer("hv02")]
    return MadeUp(wanted, MemoryDirectory(accounts), Records(folder, KINDS))


def test_the_undo_is_the_reverse_of_the_change(tmp_path: Path) -> None:
    made_up = world(tmp_path)
    exported = export_plan(made_up, None, (), shown=True)
    assert [type(view) for view in made_up.teller.views] == [PlanView]
    change, undo = exported.change.to_json(), exported.undo.to_json()
    assert change["summary"]["add"] == undo["summary"]["remove"] == 8
    assert change["summary"]["objects"] == undo["summary"]["objects"] == 2
    assert [one.add for one in exported.change.changes] == [
        one.remove for one in exported.undo.changes
    ]
    assert exported.about_json()["digest"] == exported.plan.digest


def test_for_standard_output_nothing_is_shown(tmp_path: Path) -> None:
    made_up = world(tmp_path)
    export_plan(made_up, "hv01", (), shown=False)
    assert made_up.teller.views == []


def test_a_plan_that_is_blocked_is_shown_and_refused(tmp_path: Path) -> None:
    made_up = world(tmp_path, "HTTP/web")
    with pytest.raises(Refused, match="nothing was exported") as caught:
        export_plan(made_up, None, (), shown=True)
    assert any("--allow flag-change" in line for line in caught.value.details)
    assert len(made_up.teller.views) == 1
    assert export_plan(made_up, None, ("flag-change",), shown=True).plan.changes


def test_a_host_that_nobody_knows(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--limit names no host"):
        export_plan(world(tmp_path), "hv09", (), shown=True)
