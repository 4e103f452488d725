"""VMs that can't be moved, told in lines: few by name and place, many folded, very many counted."""

from delegation.errors import Advice, command
from delegation.migrations.moves.placed import Unmovable
from delegation.migrations.refused_moves import refusals


def test_few_that_are_refused_are_named_with_their_places() -> None:
    found = [
        Unmovable("web01", "hv01", "no room", "make some", 2, 9),
        Unmovable("dc1", "", "no room", "make some"),
    ]
    assert refusals(found) == [
        "web01 on hv01 (line 2, column 9), dc1: no room",
        "  make some",
    ]


def test_many_that_are_refused_are_folded() -> None:
    found = [Unmovable(f"vm{n:05}", "", "not there", "", n + 1, 9) for n in range(1, 20_001)]
    assert refusals(found) == ["20,000 machines, vm[00001-20000] (lines 2 to 20001): not there"]


def test_what_can_not_be_folded_is_counted() -> None:
    found = [Unmovable(f"{n * n:x}-vm", "hv01", "not there") for n in range(9_000, 10_000)]
    [line] = refusals(found)
    assert "and 988 more: not there" in line
    assert len(line) < 600


def test_what_to_do_keeps_its_commands() -> None:
    """Whoever shows it adds the options that have to be repeated."""
    fix = Advice("go on with that: ", command("migrate", "resume", "7"))
    _, told = refusals([Unmovable("web01", "hv01", "it is being migrated already", fix)])
    assert told == "  go on with that: delegation migrate resume 7"
    assert isinstance(told, Advice)
    assert told.typed(lambda typed: f"delegation -i x {' '.join(typed.words)}") == (
        "  go on with that: delegation -i x migrate resume 7"
    )
