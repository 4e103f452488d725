"""A plan of migrations as people read it, on terminals of any width."""

from collections.abc import Callable

import pytest

from delegation.cli.migrate import show
from delegation.cli.options import Options
from delegation.migrations.migration_plan import PlannedMigrations
from delegation.migrations.moves import placement, preview
from delegation.migrations.moves.asked import AskedMove
from tests.migrations.fleet import estimate, fleet, hosted, machine, terms

DEEP = "C:\\ClusterStorage\\Volume01\\Virtual Machines"
Printed = Callable[[PlannedMigrations, int], list[str]]


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Printed:
    """The lines of a plan where there are so many columns."""

    def lines(plan: PlannedMigrations, columns: int) -> list[str]:
        monkeypatch.setenv("COLUMNS", str(columns))
        show.plan(plan, Options())
        return capsys.readouterr().out.splitlines()

    return lines


def planned(storage: str = "D:\\VMs") -> PlannedMigrations:
    machines = [machine(f"web{n:02}") for n in range(4)]
    surveyed = fleet({"hv01": hosted(*machines), "hv02": hosted(storage=storage)})
    under = terms(surveyed.hosts)
    asked = [AskedMove(one.name, "hv02") for one in machines]
    placed = placement.resolve(asked, surveyed, under, estimate)
    shown = preview.preview(placed, surveyed, under)
    return PlannedMigrations(shown, surveyed, under, tuple(asked))


def tables(lines: list[str]) -> list[str]:
    """What can be made narrower: not a sentence, which a terminal breaks, nor the digest."""
    return [line for line in lines if not line.startswith(("digest", "  at least", "Migration"))]


@pytest.mark.parametrize("columns", [40, 60, 61, 80, 100, 120, 300])
@pytest.mark.parametrize("storage", ["D:\\VMs", DEEP])
def test_a_plan_is_as_wide_as_the_terminal(printed: Printed, columns: int, storage: str) -> None:
    lines = printed(planned(storage), columns)
    longest = max(tables(lines), key=len)
    allowed = max(columns, len(f"      {storage}\\web00"))
    assert len(longest) <= allowed, longest
    assert any("web03" in line and "hv02" in line for line in lines)
    assert sum(f"{storage}\\web03" in line for line in lines) == 1
    [hosts] = [line for line in lines if line.startswith("  host ")]
    assert ("load" in hosts) == (columns >= 80)


def test_the_load_takes_what_is_left(printed: Printed) -> None:
    curves = {n: printed(planned(), n) for n in (80, 120)}
    widths = {n: max(line.count("█") for line in lines) for n, lines in curves.items()}
    assert 4 <= widths[80] < widths[120] == show.CURVE
