"""Passwords from a file, the environment or somebody at the terminal; an argument never."""

import getpass
import os
import stat
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from delegation import names
from delegation.changes import state_folder
from delegation.cli import terminal
from delegation.cli.options import Options
from delegation.errors import UsageError

_WAYS = {
    "directory": ("DELEGATION_PASSWORD", "--password-file"),
    "remoting": ("DELEGATION_HOSTS_PASSWORD", "--hosts-password-file"),
}
"""For each section of the inventory: the variable and the option that hand one over."""


class TerminalPasswords:
    """Implements directory.logons.Passwords, and directory.admission.Introductions."""

    def __init__(self, given: Options) -> None:
        self._files = {
            "directory": given.password_file,
            "remoting": given.hosts_password_file,
        }

    def given(self, section: str) -> str | None:
        """From the file that an option names, else from the variable. Raises UsageError."""
        variable, option = _WAYS[section]
        file = self._files[section]
        if file is None:
            return os.environ.get(variable)
        return _read(file, option)

    def asked(self, user: str, place: str) -> str | None:
        return _typed(user, place) if sys.stdin.isatty() else None

    def ways(self, section: str) -> tuple[str, str]:
        return _WAYS[section]

    def is_there(self) -> bool:
        return sys.stdin.isatty()

    def is_right(self, shown: Sequence[str], file: Path) -> bool:
        for line in shown:
            terminal.say(line)
        terminal.say("Compare it with what your domain's administrators say; nobody else can tell.")
        return terminal.confirm(f"Trust it from now on, and write that to {file}?", yes=False)


def _read(file: Path, option: str) -> str:
    try:
        with file.open(encoding="utf-8-sig") as opened:
            _refuse_shown(opened.fileno(), file, option)
            password = opened.read()
    except (OSError, UnicodeDecodeError) as exc:
        raise UsageError(
            f"{option} {file} can't be read: {exc}",
            "name a UTF-8 text file that holds the password alone",
        ) from exc
    return password.removesuffix("\n").removesuffix("\r")


def _refuse_shown(descriptor: int, file: Path, option: str) -> None:
    """A password that others may read is theirs too. Raises UsageError.

    What systemd hands over (LoadCredential=) lies in a folder that it keeps from everybody else,
    under modes of its own. A pipe has no other reader.
    """
    if not stat.S_ISREG(os.fstat(descriptor).st_mode) or state_folder.is_handed_over(file):
        return
    if doubt := state_folder.shown(descriptor, file):
        raise UsageError(
            f"{option}: {doubt.why}",
            f"{doubt.fix}; and another password, where somebody may have read this one",
        )


@cache
def _typed(user: str, place: str) -> str:
    """What was typed, once for each; a command may log on more than once."""
    return getpass.getpass(f"Password of {names.inert(user)} for {names.inert(place)}: ")
