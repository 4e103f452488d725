"""The labs' fixtures, for every test that asks for them."""

from tests.lab.fixtures import fresh_hardened_lab, fresh_lab, hardened_lab, lab

__all__ = ["fresh_hardened_lab", "fresh_lab", "hardened_lab", "lab"]
