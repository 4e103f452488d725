"""The lab as pytest fixtures: ``lab`` for a whole run, ``fresh_lab`` as new for each test."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.lab import domain
from tests.lab.description import Lab, LabError


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """A lab with its DC running, as new at the start of the run.

    It never skips: where the lab does not start, the tests fail. ``LAB_NAME`` names another than
    ``test``, for two runs in one checkout; each worker of xdist gets its own.
    """
    with running(Lab.named(own_name("test"))) as chosen:
        yield chosen


@pytest.fixture
def fresh_lab(lab: Lab) -> Lab:
    """The lab with all objects as new and the DC running, whatever the test before did to it."""
    domain.reset(lab)
    return lab


@pytest.fixture(scope="session")
def hardened_lab() -> Iterator[Lab]:
    """A second lab, whose DC is the hardened one; like ``lab`` in all else."""
    name = own_name("test")
    chosen = "hardened" if name == "test" else f"{name}-hardened"
    with running(Lab.named(chosen, hardened=True)) as lab:
        yield lab


@pytest.fixture
def fresh_hardened_lab(hardened_lab: Lab) -> Lab:
    """The hardened lab as new."""
    domain.reset(hardened_lab)
    return hardened_lab


def own_name(usual: str) -> str:
    """Give the name of this run's labs."""
    return os.environ.get("LAB_NAME", usual) + os.environ.get("PYTEST_XDIST_WORKER", "")


@contextmanager
def running(lab: Lab) -> Iterator[Lab]:
    """Have a lab for oneself, as new, and stop it in the end."""
    with sole_use(lab):
        domain.restore(lab)
        try:
            yield lab
        finally:
            domain.stop(lab)


@contextmanager
def sole_use(lab: Lab) -> Iterator[None]:
    """Keep two test runs from resetting each other's lab."""
    lab.folder.mkdir(parents=True, exist_ok=True)
    with (lab.folder / "in-use").open("w") as claim:
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LabError(
                f"another test run uses {lab.folder}: wait for it, or set LAB_NAME to another name"
            ) from error
        yield
