"""The product as a user has it: a folder with an inventory, a command line, perhaps a terminal."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from textwrap import dedent
from typing import Any, Self

from tests import prepared
from tests.lab import Lab
from tests.lab.description import WRITER

TOP = Path(__file__).parents[2]
SECONDS = 600.0
"""For what takes a second, or some; a hang fails the test instead of the run."""


@dataclass(frozen=True)
class Answer:
    """What one command line came to."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """All that a user sees."""
        return self.out + self.err

    @property
    def data(self) -> Any:
        """Standard output, which must be JSON and nothing else."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Workstation:
    """A folder in which an administrator works, with the lab's DC at hand."""

    folder: Path
    lab: Lab
    account: str = WRITER
    url: str = ""
    """What ``--directory`` says; the lab's LDAPS URL unless told otherwise."""
    variables: Mapping[str, str] = field(default_factory=dict)

    def inventory(self, text: str, url: str | None = None, **directory: str) -> Path:
        """Write the inventory: ``text`` below the domain and the directory's settings."""
        settings = {
            "url": url or f"ldaps://{self.lab.dc_fqdn}",
            "auth": "simple",
            "user": self.account,
            "ca_file": str(self.lab.ca_file),
        } | directory
        lines = "".join(f"  {name}: {value}\n" for name, value in settings.items())
        path = self.folder / "inventory.yaml"
        path.write_text(f"domain: {self.lab.domain}\ndirectory:\n{lines}{dedent(text)}")
        return path

    @property
    def state(self) -> Path:
        """Where runs are recorded."""
        return self.folder / ".delegation"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no command may show."""
        return tuple(self.lab.accounts.values())

    def command(self, *words: str, program: str = "delegation") -> list[str]:
        """The command line of a process that is started anew."""
        return [sys.executable, "-m", program, *self.words(*words)]

    def words(self, *words: str) -> list[str]:
        """What is typed behind the program's name; ``url`` "-" leaves ``--directory`` out."""
        url = self.url or self.lab.ldaps_url
        place = [] if url == "-" else ["--directory", url]
        return ["-i", "inventory.yaml", *place, *words]

    def environment(self) -> dict[str, str]:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("DELEGATION_")}
        own = {
            "PYTHONPATH": str(TOP),
            "LC_ALL": "C.UTF-8",
            "DELEGATION_KNOWN_DOMAINS": str(self.lab.known_domains),
            "DELEGATION_PASSWORD": self.lab.accounts[self.account],
        }
        return clean | own | dict(self.variables)

    def knowing(self, domain: str) -> Self:
        """The same for whom another domain is known too, by the lab's CA and its addresses."""
        known = self.lab.known_domains.read_text()
        file = self.folder.parent / "known-domains"
        file.write_text(known + known.replace(f"{self.lab.domain}:", f"{domain}:"))
        file.chmod(0o644)
        return replace(self, variables={**self.variables, "DELEGATION_KNOWN_DOMAINS": str(file)})

    def run(self, *words: str) -> Answer:
        """Type a command, nobody being at a terminal, and wait for its end.

        It is a process of its own, which finds its modules read (tests.prepared).
        """
        return self.run_by("delegation", *words)

    def run_by(self, program: str, *words: str) -> Answer:
        """Type it to another program than the product's own."""
        done = prepared.run(
            program,
            self.words(*words),
            cwd=self.folder,
            environment=self.environment(),
            seconds=SECONDS,
        )
        check(done.out + done.err, self.secrets)
        return Answer(done.code, done.out, done.err)

    def start(self, *words: str, program: str = "delegation") -> Running:
        """Type a command and go on: here the process itself counts, which is started anew."""
        expect_interrupts()
        process = subprocess.Popen(
            self.command(*words, program=program),
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        return Running(process, self.secrets)

    def at_terminal(self, *words: str) -> Terminal:
        """Type a command at a terminal of its own, where it may ask."""
        expect_interrupts()
        ours, theirs = os.openpty()
        process = subprocess.Popen(
            # The session's controlling terminal, so that Ctrl-C reaches the program.
            ["setsid", "--ctty", *self.command(*words)],
            cwd=self.folder,
            env=self.environment(),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        return Terminal(process, ours, self.secrets)

    def runs(self) -> list[dict[str, Any]]:
        """The history, the oldest run first."""
        runs: list[dict[str, Any]] = self.run("history", "--format", "json").data["runs"]
        return runs

    def became(self, run: int) -> dict[str, str | None]:
        """What the history says became of each host's change in a run."""
        changes = self.run("history", str(run), "--format", "json").data["changes"]
        return {change["computer"]: change["result"] for change in changes}


def expect_interrupts() -> None:
    """Where a test run is started in the background, Ctrl-C is ignored, and so by our children."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def check(text: str, secrets: Sequence[str]) -> None:
    """What no command may ever show."""
    assert "Traceback" not in text, text
    assert "internal error" not in text, text
    assert not [secret for secret in secrets if secret in text], text


@dataclass(frozen=True)
class Running:
    """A command under way."""

    process: subprocess.Popen[str]
    secrets: tuple[str, ...]

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def end(self) -> Answer:
        """Wait for the end."""
        try:
            out, err = self.process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            out, err = self.process.communicate()
            raise AssertionError(f"{self.process.args!r} hangs:\n{out}\n{err}") from None
        check(out + err, self.secrets)
        return Answer(self.process.returncode, out, err)


@dataclass
class Terminal:
    """A command at a terminal: what it shows, and somebody who types."""

    process: subprocess.Popen[bytes]
    line: int
    secrets: tuple[str, ...]
    shown: str = ""

    def wait_for(self, words: str) -> None:
        """Read until the words are shown."""
        deadline = time.monotonic() + SECONDS
        while words not in self.shown:
            assert self._read(deadline), f"ended, or hangs, without {words!r}:\n{self.shown}"

    def type(self, text: str) -> None:
        """Type; ``\\x03`` is Ctrl-C."""
        os.write(self.line, text.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C, and again where the first came in the moment before the program read."""
        for _ in range(3):
            self.type("\x03")
            deadline = time.monotonic() + 5
            while self._read(deadline):
                pass
            if time.monotonic() < deadline:
                return

    def end(self) -> Answer:
        """Wait for the end; all that was shown counts as output."""
        deadline = time.monotonic() + SECONDS
        while self._read(deadline):
            pass
        if time.monotonic() > deadline:
            self.process.kill()
            raise AssertionError(f"hangs:\n{self.shown}")
        os.close(self.line)
        check(self.shown, self.secrets)
        return Answer(self.process.wait(SECONDS), self.shown, "")

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.wait(SECONDS)
        os.close(self.line)

    def _read(self, deadline: float) -> bool:
        """Read a piece; False at the end, or when it is too late."""
        ready, _, _ = select.select([self.line], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return False
        try:
            piece = os.read(self.line, 65536)
        except OSError:  # how Linux tells that the other end of a terminal is closed
            return False
        self.shown += piece.decode(errors="replace").replace("\r\n", "\n")
        return bool(piece)
