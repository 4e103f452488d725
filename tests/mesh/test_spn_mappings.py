"""sPNMappings: the forest's own, and what a forest begins with."""

import pytest

from delegation.mesh.spn_mappings import ASSUMED, SpnMappings


@pytest.mark.parametrize(
    ("spn", "alias"),
    [
        ("cifs/hv02", "HOST/hv02"),
        ("CIFS/hv02:445", "HOST/hv02"),
        ("ldap/hv02", None),
        ("HOST/hv02", None),
        ("cifs", None),
    ],
)
def test_what_a_forest_begins_with(spn: str, alias: str | None) -> None:
    assert ASSUMED.alias(spn) == alias
    assert not ASSUMED.is_read


def test_what_a_forest_says_is_taken_as_it_stands() -> None:
    mappings = SpnMappings.of(["host=alerter, DNS", "web=http,dns", "=cifs", "nonsense", "x=,"])
    assert mappings.is_read
    assert mappings.alias("dns/a") == "HOST/a"
    assert mappings.alias("HTTP/a") == "web/a"
    assert mappings.alias("cifs/a") is None
