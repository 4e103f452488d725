"""What reaches the user: data on stdout, talk on stderr, every line made inert first."""

import os
import re
import shutil
import sys
import time
from collections.abc import Iterable, Sequence
from typing import TextIO

import click

from delegation.errors import UsageError
from delegation.names import inert


def prepare() -> None:
    """UTF-8 wherever the output goes, so that no name can break a pipe on Windows.

    No colours where NO_COLOR says so, as many programs know it.
    """
    if os.environ.get("NO_COLOR"):
        drop_colours()
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


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


def out(line: str = "", *, bold: bool = False, fg: str | None = None) -> None:
    """A line of data."""
    _echo(line, bold=bold, fg=fg, err=False)


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


def _echo(line: str, *, bold: bool, fg: str | None, err: bool) -> None:
    shown = _fitted(inert(line), sys.stderr if err else sys.stdout)
    styled = click.style(shown, bold=bold or None, fg=fg) if bold or fg else shown
    click.echo(styled, err=err, color=_Colours.allowed)


LEAST = 40
"""Columns below which nothing is laid out: such a terminal breaks the lines itself."""
COMMANDS = (
    "init check plan apply rollback settle history audit explain hosts migrate report export"
    " schedule trust schema demo"
)
_OWN = "|".join(["-", *(rf"{command}\b" for command in COMMANDS.split())])
_PROGRAMS = "klist |setspn |icacls |takeown |chown |chmod "
_TYPED = re.compile(rf"(?<![^\s`])(?:delegation (?={_OWN})|{_PROGRAMS})")
"""Where something to be typed begins, which goes to the end of its line."""


def _fitted(line: str, stream: TextIO) -> str:
    """``line`` broken between words where it is too long for a terminal; elsewhere as it is.

    What is to be typed stays in one: broken by us, its first half would be run when it is pasted,
    while a terminal that breaks it knows that it is one line.
    """
    if len(line) < LEAST or not stream.isatty():
        return line
    width = shutil.get_terminal_size().columns
    if width < LEAST or len(line) <= width:
        return line
    indent = " " * min(len(line) - len(line.lstrip()) + 2, width // 2)
    lines = [""]
    for word in _words(line):
        if lines[-1].strip() and len(lines[-1]) + len(word) > width:
            lines.append(indent + word.lstrip())
        else:
            lines[-1] += word
    return "\n".join(lines)


def _words(line: str) -> list[str]:
    """The words of a line, each with the room before it; what is to be typed is one word."""
    typed = _TYPED.search(line)
    prose = line[: typed.start()].rstrip() if typed else line
    whole = line[len(prose) :]
    words = re.findall(r"\s*\S+", prose)
    return [*words, whole] if whole else words


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
    cells = [[inert(cell) for cell in row] for row in [header, *rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    alignments = right.ljust(len(header))
    for index, row in enumerate(cells):
        parts = [
            cell.rjust(width) if alignment == "r" else cell.ljust(width)
            for cell, width, alignment in zip(row, widths, alignments, strict=True)
        ]
        out(("  " + "  ".join(parts)).rstrip(), bold=index == 0)
        if index and below:
            out(f"      {below[index - 1]}")


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
    sys.stdout.flush()
    if not sys.stdout.isatty():
        time.sleep(CATCHING_UP)


class ProgressCounter:
    """A counter on stderr, where that is a terminal."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._shown = sys.stderr.isatty()

    def __call__(self, done: int, total: int) -> None:
        if self._shown:
            click.echo(f"\r  {self._what} {done:,} of {total:,}", nl=done == total, err=True)
