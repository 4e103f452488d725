"""The wheel: all that the program needs is in it, and it runs far from any checkout."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from delegation import __version__
from tests.cli.program import SECONDS, spawned
from tests.cli.world import ROOT

SOURCES = (
    "delegation",
    "templates",
    "inventory.example.yaml",
    "pyproject.toml",
    "README.md",
    "CHANGELOG.md",
    "LICENSE",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that nothing of it comes to lie in the checkout."""
    folder = tmp_path_factory.mktemp("packaging")
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(
                source, folder / "source" / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        else:
            shutil.copy(source, folder / "source" / name)
    _pip("wheel", "--no-deps", "--no-build-isolation", "-w", folder, folder / "source")
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Path:
    target = wheel.parent / "installed"
    _pip("install", "--no-deps", "--no-index", "--no-compile", "--target", target, wheel)
    return target


def _pip(*arguments: str | Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_everything_is_in_it(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "delegation").rglob("*.py")}
    assert modules - names == set()
    templates = {
        f"delegation/{path.relative_to(ROOT).as_posix()}"
        for path in (ROOT / "templates").rglob("*")
        if path.is_file()
    }
    assert templates - names == set()
    assert "delegation/templates/inventory.example.yaml" in names
    assert any(name.endswith("/licenses/LICENSE") for name in names)


def test_nothing_else_is_in_it(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    top = {name.partition("/")[0] for name in names}
    assert top == {"delegation", f"hyperv_delegation-{__version__}.dist-info"}
    assert [name for name in names if "test" in name or name.endswith(".pyc")] == []


def test_it_is_the_version_and_has_the_command(wheel: Path) -> None:
    assert wheel.name.startswith(f"hyperv_delegation-{__version__}-py3-none-any")
    with zipfile.ZipFile(wheel) as archive:
        [entry_points] = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
        assert "delegation = delegation.cli:main" in archive.read(entry_points).decode()


def test_the_demo_runs_from_it(installed: Path, tmp_path: Path) -> None:
    ran = spawned("demo", cwd=tmp_path, changes={"PYTHONPATH": str(installed)})
    assert ran.code == 0
    assert "byte for byte" in ran.out
    where = spawned(
        program=(sys.executable, "-c", "import delegation; print(delegation.__file__)"),
        cwd=tmp_path,
        changes={"PYTHONPATH": str(installed)},
    )
    assert where.out.startswith(str(installed)), "not the checkout's"


def test_every_format_runs_from_it(installed: Path, tmp_path: Path) -> None:
    """The template of the Markdown audit is found there, too."""
    example = installed / "delegation" / "templates"
    shutil.copy(example / "sample-directory.ldif", tmp_path / "directory.ldif")
    options = ("-i", example / "inventory.example.yaml", "--directory", "ldif:directory.ldif")
    ran = spawned(
        *options, "--state", "state", "audit", "--format", "markdown",
        cwd=tmp_path,
        changes={"PYTHONPATH": str(installed)},
    )  # fmt: skip
    assert ran.code == 3
    assert ran.out.startswith("# Delegation audit of corp")


def test_the_installed_script_runs(installed: Path, tmp_path: Path) -> None:
    script = installed / ("Scripts" if os.name == "nt" else "bin") / "delegation"
    ran = spawned(
        program=(str(script), "--version"), cwd=tmp_path, changes={"PYTHONPATH": str(installed)}
    )
    assert ran.out == f"delegation, version {__version__}\n"
