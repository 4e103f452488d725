"""Renderings of views, each looked for by a program that has loaded nothing else."""

import subprocess
import sys

import pytest

LOOK = """
import importlib, sys
from delegation.cli import rendering, views
module, name = sys.argv[1].rsplit(".", 1)
kind = getattr(importlib.import_module(f"delegation.{module}"), name)
before = set(sys.modules)
assert views.rendering_of(kind) is not rendering.rendered.dispatch(object), "no rendering"
print(*(set(sys.modules) - before))
"""


def loaded_for(view: str) -> list[str]:
    """The modules that are loaded to render a view, beyond its own and what that needs."""
    command = [sys.executable, "-c", LOOK, view]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(
    "view",
    [
        "changes.settlement.SettlementView",
        "mesh.plan_view.PlanView",
        "mesh.mesh_undo.MeshUndoView",
        "hosts.settings_view.HostsView",
        "hosts.settings_view.HostsPlanView",
        "hosts.settings_view.HostsUndoView",
        "migrations.perform.RunEnd",
        "migrations.migration_plan.PlannedMigrations",
        "migrations.smb.target_view.TargetView",
    ],
)
def test_each_has_its_rendering(view: str) -> None:
    loaded_for(view)


def test_a_plan_of_the_mesh_loads_nothing_of_hosts_or_migrations() -> None:
    others = ("delegation.hosts.", "delegation.migrations.", "delegation.cli.hosts")
    loaded = loaded_for("mesh.plan_view.PlanView")
    assert [name for name in loaded if name.startswith(others)] == []
