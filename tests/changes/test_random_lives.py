"""Random lives of a mesh: nothing is lost, nothing of others is taken, and no doubt is passed over.

A life that fails is lived again by its seed; thousands of others: ``python -m
tests.changes.random_lives FIRST LAST``.
"""

from pathlib import Path

import pytest

from tests.changes.random_lives import lives

ONE_AFTER_ANOTHER = 8


@pytest.mark.parametrize("first", range(0, 32, ONE_AFTER_ANOTHER))
def test_a_life_among_kills_and_colleagues(tmp_path: Path, first: int) -> None:
    for seed in range(first, first + ONE_AFTER_ANOTHER):
        lives(tmp_path / str(seed), seed)


@pytest.mark.parametrize("first", range(32, 40, ONE_AFTER_ANOTHER))
def test_a_life_in_which_older_journals_are_restored(tmp_path: Path, first: int) -> None:
    for seed in range(first, first + ONE_AFTER_ANOTHER):
        lives(tmp_path / str(seed), seed, loses_journals=True)
