"""Command lines and paths as other programs' job files hold them: systemd, Task Scheduler, cron.

Each escapes in its own way, and what one of them can't hold at all is refused. Nothing that a
reader of the file could not see, and no end of line, is ever written. Raises UsageError.
"""

import re
import shlex
from collections.abc import Sequence
from subprocess import list2cmdline

from delegation import names
from delegation.errors import UsageError

CRON_LIMIT = 998
"""Characters of a command; Vixie cron and its heirs cut off what is longer."""


def systemd_program(path: str) -> str:
    """The first word of ``ExecStart=`` (systemd.service, Command lines), where $ means nothing."""
    if set(path) & set("\"'\\"):
        raise _unfit(path, "systemd takes no program whose path holds quotes or a backslash")
    return systemd_word(path)


def systemd_arguments(words: Sequence[str]) -> str:
    """The other words of ``ExecStart=``, in which $ begins a variable."""
    return " ".join(systemd_word(word.replace("$", "$$")) for word in words)


def systemd_word(text: str) -> str:
    """One word of a setting that systemd splits into words, quoted where it has to be."""
    text = systemd_text(text)
    if re.fullmatch(r"[\w@%+=,./$-]+", text, re.ASCII):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def systemd_text(text: str) -> str:
    """The rest of a line that systemd does not split: only specifiers mean anything."""
    _visible([text])
    if text != text.strip() or text.endswith("\\"):
        raise _unfit(text, "systemd loses a blank or a backslash at an end")
    return text.replace("%", "%%")


def cron_command(words: Sequence[str]) -> str:
    """A shell's command line; a bare % ends a command in a crontab (crontab(5))."""
    _visible(words)
    for word in words:
        if "\\" in word:
            raise _unfit(word, "crons differ in what a backslash means")
    return shlex.join(words).replace("%", "\\%")


def windows_program(path: str) -> str:
    """The program of a task; it stands alone, and needs no quotes around it."""
    if '"' in path:
        raise _unfit(path, "Windows allows no quotes in a path")
    return windows_text(path)


def windows_arguments(words: Sequence[str]) -> str:
    """What follows the program, as CommandLineToArgvW takes it apart again."""
    for word in words:
        windows_text(word)
    return list2cmdline(words)


def windows_text(text: str) -> str:
    """A word in a task; Task Scheduler replaces %NAME% and $(NAME) in it, and escapes neither."""
    _visible([text])
    if "%" in text or "$(" in text:
        raise _unfit(text, "Task Scheduler takes % and $( for variables")
    return text


def _visible(words: Sequence[str]) -> None:
    for word in words:
        if names.inert(word) != word:
            raise _unfit(word, "it holds characters that nobody can see in a file")


def _unfit(text: str, why: str) -> UsageError:
    return UsageError(f"{names.inert(text)} can't be scheduled: {why}", "rename or move it")
