"""Where the lab's stories are recorded."""

from tests.story.conftest import desk

__all__ = ["desk"]
