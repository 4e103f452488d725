"""Whole stories as files: an inventory, an export of a directory, and the plan that follows.

Every folder of ``cases/plans`` is one; the first lines of its inventory tell what it is about.
Add a folder, and ``python -m tests.test_cases FOLDER`` writes its plan: read that before you
commit it.
"""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from delegation.changes.outcomes import Result
from delegation.directory.offline import OfflineDirectory
from delegation.inventory import Inventory
from delegation.inventory.reader import parse
from delegation.mesh import planning, undo
from delegation.mesh.plan_view import PlanView
from delegation.mesh.state import DelegationPlan
from tests.builders import survey

CASES = sorted((Path(__file__).parents[1] / "cases" / "plans").iterdir())

every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def inventory(case: Path) -> Inventory:
    path = case / "inventory.yaml"
    return parse(path.read_bytes(), path.name)


def data(
    inventory: Inventory, directory: OfflineDirectory
) -> tuple[DelegationPlan, dict[str, Any]]:
    comparison = survey(inventory, directory)
    plan = planning.plan(comparison)
    return plan, PlanView.of(plan, comparison, {}).to_json()


def open_directory(case: Path, inventory: Inventory) -> OfflineDirectory:
    return OfflineDirectory(case / "directory.ldif", inventory.domain)


@every_case
def test_the_plan_is_the_expected_one(case: Path) -> None:
    wanted = inventory(case)
    _, found = data(wanted, open_directory(case, wanted))
    assert found == json.loads((case / "plan.json").read_text(encoding="utf-8"))


@every_case
def test_the_plan_comes_true_and_is_undone_byte_for_byte(case: Path, tmp_path: Path) -> None:
    wanted = inventory(case)
    original = (case / "directory.ldif").read_bytes()
    (tmp_path / "directory.ldif").write_bytes(original)
    directory = open_directory(tmp_path, wanted)
    plan, _ = data(wanted, directory)
    assert bool(plan.blocked) is case.name.startswith("blocked")
    if plan.blocked:
        return
    assert {o.result for o in directory.write(plan.changes)} <= {Result.APPLIED}
    assert data(wanted, directory)[0].changes == ()

    now = directory.read([change.target.guid for change in plan.changes])
    back = undo.reversal(wanted.domain, plan.changes, now, frozenset(), ["unconstrained"])
    assert not back.plan.blocked
    assert {o.result for o in directory.write(back.plan.changes)} <= {Result.APPLIED}
    assert (tmp_path / "directory.ldif").read_bytes() == original


def test_there_are_cases() -> None:
    assert len(CASES) >= 10


def _write_expected(case: Path) -> None:
    wanted = inventory(case)
    _, found = data(wanted, open_directory(case, wanted))
    text = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
    (case / "plan.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        _write_expected(Path(name))
