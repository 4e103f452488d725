"""Lines on a terminal of 80 columns: no word is broken, and no command."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegation import cli
from delegation.report.terminal_lines import COMMANDS, LEAST, fitted

LONG = (
    "hv01: the inventory says fqdn hv01.corp.example, the account's dNSHostName is not set; "
    "correct whichever is wrong [fqdn-mismatch]"
)


def test_a_long_line_goes_on_below_itself() -> None:
    assert fitted(f"    {LONG}", 80).splitlines() == [
        "    hv01: the inventory says fqdn hv01.corp.example, the account's dNSHostName",
        "      is not set; correct whichever is wrong [fqdn-mismatch]",
    ]


def test_it_may_go_on_under_a_column() -> None:
    lines = fitted(f"  ok      {LONG}", 80, hang=10).splitlines()
    assert len(lines) == 2
    assert lines[1].startswith(" " * 10 + "dNSHostName is not set; correct")


@pytest.mark.parametrize(
    "typed",
    [
        "delegation --inventory /srv/farm/inventory.yaml apply plan.json --expect sha256:4f1d",
        "delegation rollback 12 --skip-conflicts --limit hv[01-32] --ticket 'CHG 1234' --yes",
        'setspn -D "Microsoft Virtual System Migration Service/hv02.corp.example" OLDBOX xxxxx',
        "klist purge -li 0x3e7   on hv[01-32],hv[40-64],branch[01-99] and a tail of other names",
    ],
)
def test_what_is_to_be_typed_stays_in_one(typed: str) -> None:
    line = f"  settle these by hand, or undo the later run first, then try again: {typed}"
    lines = fitted(line, 80).splitlines()
    assert lines[-1].strip().endswith(typed)
    assert len(typed) > 80
    assert fitted(typed, 80) == typed


def test_the_word_delegation_begins_no_command() -> None:
    """``delegation to any service`` is prose."""
    line = "  trusted for delegation to any service, so that whoever controls it can act as anyone"
    assert max(map(len, fitted(line, 60).splitlines())) <= 60


def test_every_command_is_known_as_one() -> None:
    assert set(cli.SUMMARIES) <= set(COMMANDS.split())


@given(st.text("ab c-/.:;", max_size=300), st.integers(1, 120), st.none() | st.integers(0, 200))
def test_nothing_is_lost_and_no_word_is_broken(text: str, width: int, hang: int | None) -> None:
    told = fitted(text, width, hang)
    assert told.split() == text.split()
    if width >= LEAST:
        longest = max(map(len, text.split()), default=0)
        indent = width // 2
        assert all(len(line.rstrip()) <= max(width, longest + indent) for line in told.split("\n"))
