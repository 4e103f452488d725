"""Retired accounts on the hosts' own lists, and what becomes a line of the inventory."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from delegation.inventory import Inventory, OwnValues, reader
from delegation.mesh import checks, retirement
from delegation.mesh.acting_list import CONTROL_ACCESS
from delegation.mesh.checks import Finding
from delegation.mesh.compare import Comparison
from delegation.mesh.snapshot import Ace
from tests.builders import (
    ENABLED,
    TRANSITION,
    MemoryDirectory,
    computer,
    forms,
    inventory,
    retired,
    survey,
)

SOUND = ENABLED | TRANSITION
SID, GROUP = "S-1-5-21-1-2-3-1105", "S-1-5-21-1-2-3-1200"
PAIR = inventory("hv01", "hv02", retired=[retired("hv03")])


def allowing(sid: str) -> Ace:
    return Ace(allows=True, mask=CONTROL_ACCESS, sid=sid)


def compared(acting: Sequence[Ace], wanted: Inventory = PAIR) -> Comparison:
    """Nothing is on anybody's own list that should not be; hv01 lists ``acting``."""
    hv01 = computer("hv01", *forms("hv02"), uac=SOUND)._replace(acting=tuple(acting))
    hv02 = computer("hv02", *forms("hv01"), uac=SOUND)
    hv03 = computer("hv03")._replace(sid=SID)
    return survey(wanted, MemoryDirectory([hv01, hv02, hv03]))


def found(comparison: Comparison) -> list[Finding]:
    return [one for one in checks.findings(comparison) if one.rule == "KCD022"]


def test_what_a_peers_own_list_still_gives_it_is_found() -> None:
    [one] = found(compared([allowing(SID)]))
    assert (one.computer, str(one.severity)) == ("hv01", "high")
    assert "hv03$, whose host is retired" in one.message


@pytest.mark.parametrize("is_member", [True, False])
def test_so_is_what_it_gives_by_a_group(is_member: bool) -> None:  # noqa: FBT001
    comparison = compared([allowing(GROUP)])
    [account] = [host.computer for host in comparison.retired]
    token = frozenset({SID, GROUP} if is_member else {SID})
    evidence = replace(comparison.snapshot, tokens={account.guid: token})
    assert len(found(replace(comparison, snapshot=evidence))) == is_member


@pytest.mark.parametrize(
    "acting",
    [
        pytest.param([], id="no list"),
        pytest.param([allowing("S-1-5-21-1-2-3-1106")], id="somebody else's"),
        pytest.param([Ace(allows=False, mask=CONTROL_ACCESS, sid=SID), allowing(SID)], id="denied"),
        pytest.param([allowing("S-1-1-0")], id="everybody, which is another finding"),
    ],
)
def test_a_list_that_gives_it_nothing_by_itself_is_no_finding(acting: Sequence[Ace]) -> None:
    assert found(compared(acting)) == []


def test_of_an_account_that_another_inventory_has_nothing_is_told() -> None:
    moved = retired("hv03")._replace(own=OwnValues.KEEP)
    assert found(compared([allowing(SID)], inventory("hv01", "hv02", retired=[moved]))) == []


def test_the_line_is_one_that_yaml_does_not_take_for_something_else() -> None:
    other = computer("hv09", dns="hv09.lab.example")
    accounts = [computer("no"), other, computer("hv08", dns=None)]
    line = retirement.line_to_add(inventory("hv01", "hv02"), accounts)
    text = f"domain: corp.example\nhosts: {{hv01: , hv02: }}\n{line.partition(': ')[2]}\n"
    gone = reader.parse(text.encode(), "inventory.yaml").retired
    assert [(one.name, one.fqdn) for one in gone] == [
        ("hv08", "hv08.corp.example"),
        ("hv09", "hv09.lab.example"),
        ("no", "no.corp.example"),
    ]


def test_a_second_list_of_retired_hosts_is_never_advised() -> None:
    line = retirement.line_to_add(PAIR, [computer("hv09")])
    assert line == "add to the list under retired: hv09"


def test_a_name_that_no_inventory_can_hold_is_not_in_the_line() -> None:
    assert "by hand" in retirement.line_to_add(PAIR, [computer("$duplicate-4f2")])
