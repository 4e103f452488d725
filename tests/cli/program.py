"""The program as a user starts it: in this process, in one of its own, or at a terminal.

Whatever it prints is looked at in passing: no traceback, no internal error, and nothing that a
terminal would obey.
"""

import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from delegation import cli
from tests import prepared
from tests.cli.world import ROOT

SECONDS = 60
"""How long anything may take before it counts as hanging."""

_OBEYED = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Ran:
    """How one command line ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Delegation:
    """``delegation(...)`` in this process, in the current folder; nobody is at a terminal."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str | Path) -> Ran:
        self._capsys.readouterr()
        code = cli.run([str(argument) for argument in arguments])
        captured = self._capsys.readouterr()
        return examined(Ran(code, captured.out, captured.err))


def examined(ran: Ran, *, colours: bool = False) -> Ran:
    """``ran``, after a look at what nothing may ever print."""
    for text in (ran.out, ran.err):
        assert "Traceback" not in text, text
        assert "internal error" not in text, text
        assert "Exception ignored" not in text, text
        plain = _COLOUR.sub("", text) if colours else text
        obeyed = {c for c in plain if unicodedata.category(c) in _OBEYED} - {"\n"}
        assert not obeyed, f"a terminal would obey {obeyed} in {text!r}"
    return ran


def environment(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's, without settings for the program, and with the checkout's program."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("DELEGATION_", "COV_"))}
    return {**kept, "PYTHONPATH": str(ROOT), "COLUMNS": "100", **(changes or {})}


PROGRAM = (sys.executable, "-m", "delegation")

MORTAL = (
    ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--") if os.geteuid() == 0 else ()
)
"""In front of a command: file permissions hold for it, even where the tests run as root."""


def spawned(
    *arguments: str | Path,
    program: Sequence[str] = PROGRAM,
    cwd: Path | None = None,
    changes: Mapping[str, str] | None = None,
) -> Ran:
    """The same in a process of its own."""
    done = subprocess.run(
        [*program, *map(str, arguments)],
        cwd=cwd,
        env=environment(changes),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=SECONDS,
        check=False,
    )
    return examined(Ran(done.returncode, done.stdout, done.stderr))


def forked(
    module: str, *arguments: str | Path, cwd: Path, changes: Mapping[str, str] | None = None
) -> Ran:
    """The program that ``python -m module`` is, begun where all modules are read already."""
    done = prepared.run(
        module,
        list(map(str, arguments)),
        cwd=cwd,
        environment=environment(changes),
        seconds=SECONDS,
    )
    return examined(Ran(done.code, done.out, done.err))


def sabotaged(body: str) -> tuple[str, ...]:
    """The program with an LDIF directory whose ``write(self, changes)`` has this body."""
    indented = "".join(f"        {line}\n" for line in body.splitlines())
    text = (
        "import os\n"
        "from delegation.directory import offline\n"
        "from delegation.changes.outcomes import Outcome, Result\n"
        "class Sabotaged(offline.OfflineDirectory):\n"
        f"    def write(self, changes):\n{indented}"
        "offline.OfflineDirectory = Sabotaged\n"
        "from delegation.cli import main\n"
        "main()\n"
    )
    return (sys.executable, "-c", text)


class Terminal:
    """The program with a terminal of its own, at which somebody reads and types."""

    def __init__(self, process: subprocess.Popen[bytes], descriptor: int) -> None:
        self._process = process
        self._descriptor = descriptor
        self.screen = ""

    def until(self, text: str) -> None:
        """Read until ``text`` is on the screen."""
        end = time.monotonic() + SECONDS
        while text not in self.screen:
            assert time.monotonic() < end, self.screen
            assert self._read(1.0), f"no {text!r} on the screen:\n{self.screen}"

    def types(self, text: str) -> None:
        os.write(self._descriptor, text.encode())

    def interrupts(self) -> None:
        """Press Ctrl-C, and again where the first came in the moment before the program read."""
        for _ in range(3):
            self.types("\x03")
            end = time.monotonic() + 5
            while time.monotonic() < end:
                if not self._read(0.1):
                    return

    def ends(self) -> int:
        """The exit code; all that it printed is on the screen."""
        end = time.monotonic() + SECONDS
        while self._read(1.0):
            assert time.monotonic() < end, f"it hangs:\n{self.screen}"
        code = self._process.wait(SECONDS)
        # The terminal itself turns each \n into \r\n, and a counter goes back to the line's start.
        lines = self.screen.replace("\r\n", "\n").replace("\r", "\n")
        self.screen = examined(Ran(code, lines, ""), colours=True).out
        return code

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._descriptor], [], [], seconds)
        if not ready:
            return self._process.poll() is None
        try:
            data = os.read(self._descriptor, 65_536)
        except OSError:  # Linux: everybody at the other end has gone
            return False
        self.screen += data.decode(errors="replace")
        return bool(data)


def _take_the_terminal() -> None:
    """So that ^C on it is a signal to us, even where a test run in the background ignores it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@contextlib.contextmanager
def at_terminal(
    *arguments: str, program: Sequence[str] = PROGRAM, cwd: Path | None = None
) -> Iterator[Terminal]:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, b"\x32\x00\x78\x00\x00\x00\x00\x00")
    process = subprocess.Popen(
        [*program, *arguments],
        cwd=cwd,
        env=environment({"TERM": "xterm"}),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=_take_the_terminal,  # noqa: PLW1509 - no threads here
    )
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(master)
