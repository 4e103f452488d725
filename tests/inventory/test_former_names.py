"""What former names come to, which the inventory says in one place and the mesh asks for."""

import pytest

from delegation.inventory import Inventory
from delegation.inventory.former_names import former_names
from delegation.inventory.reader import parse

HOSTS = """\
domain: corp.example
hosts:
  hv[01-02]:
  hv[70-71]: {suffix: dc2.corp.example}
  hv90: {former: [OLD10, alias.lab.example]}
  hv91: {computer: VERYLONGHOSTNAM, fqdn: verylonghostname.corp.example}
"""


def read(text: str) -> Inventory:
    return parse(text.encode(), "inventory.yaml")


def test_a_range_has_its_own_suffix() -> None:
    hosts = read(HOSTS).hosts
    assert [hosts[label].fqdn for label in ("hv02", "hv71")] == [
        "hv02.corp.example",
        "hv71.dc2.corp.example",
    ]


def test_a_short_name_comes_to_full_ones_and_a_full_one_is_itself() -> None:
    assert former_names(read(HOSTS)) == {
        "old10": "hv90",
        "old10.corp.example": "hv90",
        "alias.lab.example": "hv90",
    }


def test_a_suffix_is_behind_every_name_that_a_host_has_or_had() -> None:
    """A name that is cut at 15 characters in NetBIOS is not in DNS."""
    former = former_names(read(HOSTS + "former_suffixes: [old.example]\n"))
    assert {name: label for name, label in former.items() if name.endswith(".old.example")} == {
        "hv01.old.example": "hv01",
        "hv02.old.example": "hv02",
        "hv70.old.example": "hv70",
        "hv71.old.example": "hv71",
        "hv90.old.example": "hv90",
        "old10.old.example": "hv90",
        "verylonghostnam.old.example": "hv91",
        "verylonghostname.old.example": "hv91",
    }


def test_what_somebody_is_called_is_no_former_name() -> None:
    """The domain may be a suffix of old, where some hosts have left it."""
    former = former_names(read(HOSTS + "former_suffixes: [corp.example]\n"))
    assert {"hv70.corp.example", "hv71.corp.example"} <= former.keys()
    assert not {"hv01.corp.example", "hv90.corp.example"} & former.keys()


@pytest.mark.parametrize(
    "value", ["cifs/OLD10", "cifs/old10.corp.example", "cifs/hv71.corp.example"]
)
def test_what_names_a_host_by_a_former_name_may_be_removed(value: str) -> None:
    """No mesh wants it: that is the new name's."""
    suffixes = "former_suffixes: [corp.example]\n"
    removed = read(HOSTS + suffixes + f"remove: [{{value: {value}, hosts: [hv01]}}]\n").remove
    assert [(one.value, one.hosts) for one in removed] == [(value, ("hv01",))]


@pytest.mark.parametrize("value", ["cifs/hv90", "cifs/hv71.dc2.corp.example"])
def test_what_names_it_by_its_present_name_may_not(value: str) -> None:
    with pytest.raises(Exception, match="1 problem"):
        read(HOSTS + f"remove: [{{value: {value}, hosts: [hv01]}}]\n")
