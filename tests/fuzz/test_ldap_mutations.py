"""Some hundred mutated answers in every run, 2,000 in a full one: always the same ones.

``scripts/fuzz`` takes others each time, and tells the seed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SEED = "suite"
FULL = bool(os.environ.get("DELEGATION_TEST_FULL"))


def test_mutated_answers_and_hostile_servers_within_300_mib() -> None:
    """In a process of its own: what it takes is measured."""
    number = "2000" if FULL else "200"
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", "--seed", SEED, "-n", number],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, f"scripts/fuzz --seed {SEED}: {done.stdout}{done.stderr}"
    assert " 0 of them wrong" in done.stdout
