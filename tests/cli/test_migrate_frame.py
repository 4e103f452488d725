"""The live picture of a run, on terminals of many sizes: what counts most is always there."""

import io
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from delegation.cli.migrate import layout
from delegation.cli.migrate.frame import RunFrame
from delegation.hosts.machines import MovePhase
from delegation.migrations.lifecycle import Migration, MigrationState
from delegation.migrations.progress_of_run import RunProgress
from delegation.migrations.runner.threads import LatestLooks
from delegation.migrations.smb.traffic import MigrationShare, OpenFile, SmbSession, Traffic

GIB = 1 << 30
SHARE = MigrationShare("HV01.7$", "HV01", "C:\\$VSM$\\HV01.7$")


def frame(count: int, *, name: str = "web", files: int = 3, urgency: int = 0) -> RunFrame:
    """So many machines under way, each at another percent."""
    seconds = [100.0]
    progress = RunProgress(lambda: seconds[0])
    moves = [
        Migration(UUID(int=n + 1), f"{name}{n:02}", "hv01", "hv02", size=GIB, at="hv01", to="hv02")
        for n in range(count + 5)
    ]
    progress.begin(moves)
    for percent in (0, 10):
        for n, move in enumerate(moves[:count]):
            progress.see(
                replace(move, state=MigrationState.RUNNING, percent=percent and percent + n)
            )
        seconds[0] += 10
    disks = tuple(OpenFile(f"{SHARE.path}\\disk{n:02}.vhdx", "op", GIB) for n in range(files))
    seen = Traffic((SHARE,), (SmbSession("10.0.0.1", "op", 1, 1),), disks)
    looks: dict[str, LatestLooks] = {"hv02": ((1.0, seen), (2.0, seen))}
    return RunFrame(progress, {"hv01": 2, "hv02": 2}, looks, urgency)


def waiting(shown: RunFrame) -> RunFrame:
    """The same, whose first machine waits at its host."""
    for vm in shown.progress.under_way:
        vm.move = replace(vm.move, phase=MovePhase.MACHINE_AND_STORAGE)
    first = shown.progress.under_way[0]
    first.move = replace(first.move, phase=MovePhase.WAITING)
    return shown


def drawn(shown: RunFrame, width: int, height: int) -> list[str]:
    text = io.StringIO()
    Console(file=text, width=width, height=height, color_system=None).print(
        shown.drawn(width, height)
    )
    return text.getvalue().splitlines()


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("height", [14, 23, 49])
def test_every_machine_has_its_name_and_its_percent(width: int, height: int) -> None:
    lines = drawn(frame(6, name="production-web"), width, height)
    for n in range(6):
        [line] = [one for one in lines if f"production-web{n:02}" in one]
        assert f" {10 + n} %" in line


@pytest.mark.parametrize(
    ("width", "there"),
    [
        (40, ()),
        (60, ("hosts", "bar", "left")),
        (80, ("wire", "hosts", "from", "bar", "rate", "left")),
        (120, ("wire", "hosts", "from", "bar", "rate", "left")),
    ],
)
def test_what_goes_as_it_gets_narrower(width: int, there: tuple[str, ...]) -> None:
    lines = drawn(frame(3, name="a-machine-"), width, 50)
    text = "\n".join(lines)
    [header] = [line for line in lines if line.split()[:1] == ["machine"]]
    row = next(line for line in lines if "machine-00" in line)
    found = {
        "wire": "on the wire" in text,
        "hosts": "sends" in text,
        "bar": "━" in row,
        "from": " from " in header,
        "rate": " rate " in header,
        "left": " left" in header,
    }
    assert {key for key, is_there in found.items() if is_there} == set(there)


def test_short_names_leave_room_for_the_time_that_is_left() -> None:
    lines = drawn(frame(3), 40, 24)
    assert any(line.split() == ["machine", "to", "left"] for line in lines)


def test_the_wire_pushes_nothing_out() -> None:
    lines = drawn(frame(3, files=40, urgency=1), 100, 14)
    text = "\n".join(lines)
    assert all(f"web{n:02}" in text for n in range(3))
    assert "hv01" in text
    assert "ending: " in text
    assert any("lines more" in line or "line more" in line for line in lines)


def test_what_has_no_line_is_counted() -> None:
    text = "\n".join(drawn(frame(20), 80, 14))
    assert "web00" in text
    assert "web19" not in text
    assert "machines more" in text
    assert "sends" not in text


@given(
    st.integers(40, 140),
    st.integers(10, 60),
    st.integers(0, 40),
    st.integers(0, 40),
    st.sampled_from([0, 1, 2, 3]),
    st.sampled_from(["w", "machine-with-a-long-name-", "m\x1b[31m\u202e", "[bold]"]),
)
def test_it_never_is_larger_than_its_terminal(  # noqa: PLR0917
    width: int, height: int, count: int, files: int, urgency: int, name: str
) -> None:
    lines = drawn(frame(count, name=name, files=files, urgency=urgency), width, height)
    assert len(lines) <= height
    assert all(len(line) <= width for line in lines)


def test_hosts_come_before_the_wire_and_machines_before_both() -> None:
    assert layout.line_shares(20, [5, 4, 30]) == [5, 4, 11]
    assert layout.line_shares(7, [5, 4, 30]) == [5, 2, 0]
    assert layout.line_shares(6, [5, 4, 30]) == [5, 0, 0]
    assert layout.line_shares(-2, [5, 4, 30]) == [0, 0, 0]


@pytest.mark.parametrize("width", [40, 80, 120])
def test_what_a_job_is_at_goes_first(width: int) -> None:
    text = "\n".join(drawn(waiting(frame(3)), width, 40))
    is_wide = width == 120
    assert ("waits at its host" in text, "memory, storage" in text) == (is_wide, is_wide)
    assert " 10 %" in text
    assert (" from " in text) == (width >= 80), "it goes before all else of a machine"
