"""The lab's fixtures, for every test that asks for them."""

from tests.lab.fixtures import fresh_lab, lab

__all__ = ["fresh_lab", "lab"]
