"""How the hosts of a test say what went wrong, and what a verdict may rest on then.

The fixture ``wording`` gives a test one of these; ``tests/conftest.py`` says which tests get all.
"""

from __future__ import annotations

from enum import Enum
from typing import TypeVar

T = TypeVar("T")


class HostWording(Enum):
    """A language, and whether there are numbers: HRESULT, MessageID, ErrorCode."""

    ENGLISH = ("en-US", True)
    JAPANESE = ("ja-JP", True)
    """Only the numbers say what the English words say: each verdict is the same."""
    WORDS_ALONE = ("en-US", False)
    """English words, which would tell everything to whoever went by words: nobody may."""

    def __init__(self, language: str, numbers: bool) -> None:  # noqa: FBT001 - an enum's values
        self.language, self.numbers = language, numbers

    def verdict(self, by_number: T, *, without: T) -> T:
        """Choose what is expected: what a number tells, or what is left to say without it."""
        return by_number if self.numbers else without

    def cause(self, by_number: str) -> str:
        """Give the words for a cause that only a number tells; without one it is unknown."""
        return self.verdict(by_number, without="unknown")

    def words(self, text: str) -> str:
        """Give what to look for of the host's own words: nothing where they are Japanese."""
        return "" if self is HostWording.JAPANESE else text
