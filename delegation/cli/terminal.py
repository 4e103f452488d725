"""What reaches the user: data on stdout, talk on stderr, every line made inert first."""

import os
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from delegation.errors import UsageError
from delegation.names import inert
from delegation.report.terminal_lines import fitted


def prepare() -> None:
    """UTF-8 wherever the output goes, so that no name can break a pipe on Windows.

    No colours where NO_COLOR says so, as many programs know it.
    """
    _open_what_is_closed()
    if os.environ.get("NO_COLOR"):
        drop_colours()
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _open_what_is_closed() -> None:
    """A stream that was closed when we began (``2>&-``, pythonw.exe) is there, and leads nowhere.

    Python has None for it. And the next file that is opened would get its number: what a library
    writes to standard error would go into that.
    """
    if sys.stdin is None:
        sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115


class _Colours:
    """``allowed`` None leaves it to whether the output is a terminal."""

    allowed: bool | None = None


def drop_colours() -> None:
    """For the rest of this process, what is said after the command has ended included."""
    _Colours.allowed = False


def discard_output() -> None:
    """Nobody reads stdout any more; keep the interpreter from complaining at its end.

    It flushes stdout once more when it ends, and would report a second broken pipe by itself, with
    an exit code of its own.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def out(
    line: str = "", *, bold: bool = False, fg: str | None = None, hang: int | None = None
) -> None:
    """A line of data; where it is too long for a terminal it goes on under column ``hang``."""
    _echo(line, bold=bold, fg=fg, err=False, hang=hang)


def say(line: str = "", *, bold: bool = False, fg: str | None = None) -> None:
    """A line of talk or progress."""
    _echo(line, bold=bold, fg=fg, err=True)


def warn(line: str) -> None:
    say(f"warning: {line}", fg="yellow")


def error(what: str, fix: str = "", details: Iterable[str] = ()) -> None:
    say(f"error: {what}", fg="red")
    for line in details:
        say(f"  {line}")
    if fix:
        say(f"  {fix}")


def _echo(line: str, *, bold: bool, fg: str | None, err: bool, hang: int | None = None) -> None:
    shown = inert(line)
    if (sys.stderr if err else sys.stdout).isatty():
        import shutil  # with every archive that it reads: no scheduled run needs it

        shown = fitted(shown, shutil.get_terminal_size().columns, hang)
    styled = click.style(shown, bold=bold or None, fg=fg) if bold or fg else shown
    click.echo(styled, err=err, color=_Colours.allowed)


def table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: str = "",
    below: Sequence[str] = (),
) -> None:
    """Aligned columns; ``right`` has an ``r`` at the position of each right-aligned one.

    ``below`` has a line for each row that stands under it.
    """
    shown = [list(map(inert, row)) for row in [header, *rows]]
    widths = [0] * len(header)
    for row in shown:
        for column, cell in enumerate(row):
            widths[column] = max(widths[column], len(cell))
    alignments = right.ljust(len(header))
    for index, row in enumerate(shown):
        out(_aligned(row, widths, alignments), bold=index == 0)
        if index and below:
            out(f"      {below[index - 1]}")


def _aligned(row: Sequence[str], widths: Sequence[int], alignments: str) -> str:
    line = ""
    for cell, width, alignment in zip(row, widths, alignments, strict=True):
        padded = cell.rjust(width) if alignment == "r" else cell.ljust(width)
        line += f"  {padded}"
    return line.rstrip()


def confirm(question: str, *, yes: bool, reviewed: str = "the plan has been reviewed") -> bool:
    """Ask, unless ``yes``. Raises UsageError where nobody is there to answer."""
    if yes:
        return True
    if not sys.stdin.isatty():
        raise UsageError(
            "nobody is at a terminal to confirm; nothing was written",
            f"add --yes where {reviewed}",
        )
    _wait_for_reader()
    click.echo(f"{inert(question)} [y/N] ", nl=False, err=True)
    try:
        return input().strip().casefold() in {"y", "yes"}
    except EOFError:
        say()
        return False


CATCHING_UP = 0.3
"""Seconds for whoever passes our output on, such as tee, to have shown it."""


def _wait_for_reader() -> None:
    """What is asked about comes first, also where another program shows it.

    The question goes to the terminal directly, and would stand in the middle of the plan. Nothing
    tells when a pipe has been emptied, let alone when what was in it is on the screen.
    """
    if not sys.stdout.isatty():
        time.sleep(CATCHING_UP)


class ProgressCounter:
    """A counter on stderr, where that is a terminal."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._shown = sys.stderr.isatty()

    def __call__(self, done: int, total: int) -> None:
        if self._shown:
            of_all = f" of {total:,}" if total else ""
            is_end = done == total > 0
            click.echo(f"\r  {self._what} {done:,}{of_all}", nl=is_end, err=True)
