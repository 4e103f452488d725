"""A line of text -> lines that fit a terminal, broken between words and never within a command."""

import re
from functools import cache

LEAST = 40
"""Columns below which nothing is laid out: such a terminal breaks the lines itself."""
COMMANDS = (
    "init check plan apply rollback settle history audit explain hosts migrate report export"
    " schedule trust schema demo"
)
_OWN = "|".join(["-", *(rf"{command}\b" for command in COMMANDS.split())])
_PROGRAMS = "klist |setspn |icacls |takeown |chown |chmod "


@cache  # made for the first line that is too long: most runs have none
def _typed() -> re.Pattern[str]:
    """Where something to be typed begins, which goes to the end of its line."""
    return re.compile(rf"(?<![^\s`])(?:delegation (?={_OWN})|{_PROGRAMS})")


def fitted(line: str, width: int, hang: int | None = None) -> str:
    """``line`` broken between words where it is longer than ``width``; continued under ``hang``.

    What is to be typed stays in one: broken by us, its first half would be run when it is pasted,
    while a terminal that breaks it knows that it is one line.
    """
    if width < LEAST or len(line) <= width:
        return line
    usual = len(line) - len(line.lstrip()) + 2
    indent = " " * min(usual if hang is None else hang, width // 2)
    lines = [""]
    for word in _words(line):
        if lines[-1].strip() and len(lines[-1]) + len(word) > width:
            lines.append(indent + word.lstrip())
        else:
            lines[-1] += word
    return "\n".join(lines)


def _words(line: str) -> list[str]:
    """The words of a line, each with the room before it; what is to be typed is one word."""
    typed = _typed().search(line)
    prose = line[: typed.start()].rstrip() if typed else line
    whole = line[len(prose) :]
    words = re.findall(r"\s*\S+", prose)
    return [*words, whole] if whole else words
