"""A folder in which commands are typed, and the transcript of what each of them gave."""

import contextlib
import io
import os
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from delegation import cli
from tests.cli.program import PROGRAM, Ran, at_terminal, examined, forked, spawned
from tests.recordings.neutral import WHO, neutral, page

VARIABLES = {"COLUMNS": "100", "LC_ALL": "C.UTF-8", "LOGNAME": WHO, "USER": WHO}
_KEPT = ("PATH", "TMPDIR", "PYTHONPATH", "SYSTEMROOT", "XDG_CONFIG_HOME")


@dataclass
class Desk:
    """``desk("plan", "-v")`` types that, in this process; a story's text is ``desk.transcript``."""

    folder: Path
    own: dict[str, str] = field(default_factory=dict)
    """Texts of this machine, and what stands for each in a recording."""
    parts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.own[str(self.folder)] = "<desk>"
        self.own[str(self.folder.resolve())] = "<desk>"

    def __call__(self, *words: str) -> Ran:
        return self.typed("delegation", words, _in_this_process(self.folder, words))

    def program(self, module: str, *words: str) -> Ran:
        """Type it to the program that ``python -m module`` is."""
        ran = forked(module, *words, cwd=self.folder, changes=VARIABLES)
        return self.typed("delegation", words, ran)

    def killed(self, program: Sequence[str], *words: str) -> None:
        """Type it to a program that does not come to its end."""
        ran = spawned(*words, program=program, cwd=self.folder, changes=VARIABLES)
        self.typed("delegation", words, ran)

    def answered(self, answer: str, *words: str, program: Sequence[str] = PROGRAM) -> None:
        """Type it at a terminal, and this to what it asks; all is shown on one screen."""
        with (
            mock.patch.dict(os.environ, VARIABLES),
            at_terminal(*words, program=program, cwd=self.folder) as terminal,
        ):
            terminal.until("[y/N] ")
            terminal.types(f"{answer}\n")
            code = terminal.ends()
        self._part(f"$ {shlex.join(['delegation', *words])}\n(exit code {code})\n")
        self._part(f"--- screen\n{_shown(terminal.screen)}")

    def typed(self, name: str, words: Sequence[str], ran: Ran) -> Ran:
        """Record what a command line gave."""
        self._part(f"$ {shlex.join([name, *words])}\n(exit code {ran.code})\n")
        for stream, text in (("stdout", ran.out), ("stderr", ran.err)):
            if text:
                self._part(f"--- {stream}\n{_shown(text)}")
        return ran

    def note(self, text: str) -> None:
        """Say what happens between two commands."""
        self._part(f"# {text}\n")

    def write(self, name: str, content: str | bytes) -> None:
        raw = content.encode() if isinstance(content, str) else content
        (self.folder / name).write_bytes(raw)

    def read(self, name: str) -> str:
        return (self.folder / name).read_bytes().decode()

    def shows(self, *names: str) -> None:
        """Record the text of files."""
        for name in names:
            self._part(f"--- file {name}\n{_shown(self.read(name))}")

    @property
    def transcript(self) -> str:
        return "".join(self.parts)

    def _part(self, text: str) -> None:
        mark = "\n" if self.parts and text.startswith(("$", "#")) else ""
        self.parts.append(mark + neutral(text, self.own))


Story = Callable[[Desk], None]


def told(story: Story) -> str:
    """The transcript of a story, in a folder of its own that is removed."""
    with tempfile.TemporaryDirectory(prefix="recording-") as folder:
        desk = Desk(Path(folder))
        story(desk)
        return desk.transcript


def _shown(text: str) -> str:
    marked = text.replace("\r\n", "<CR>\n").replace("\ufeff", "<BOM>").replace("\x1b", "<ESC>")
    if "</html>" in marked:
        marked = page(marked)
    # No editor and no git may find something to tidy up in a recording.
    lines = [f"{line[:-1]}<SP>" if line.endswith(" ") else line for line in marked.split("\n")]
    text = "\n".join(lines)
    return text if text.endswith("\n") else f"{text}<no newline>\n"


def _in_this_process(folder: Path, words: Sequence[str]) -> Ran:
    streams = io.BytesIO(), io.BytesIO()
    out, err = (io.TextIOWrapper(stream, "utf-8", newline="\n") for stream in streams)
    with (
        _environment(VARIABLES),
        contextlib.chdir(folder),
        Path(os.devnull).open(encoding="utf-8") as nothing,
        mock.patch.object(sys, "stdin", nothing),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = cli.run(list(words))
        out.flush()
        err.flush()
    return examined(Ran(code, *(stream.getvalue().decode() for stream in streams)))


@contextlib.contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    with mock.patch.dict(os.environ, {**kept, **variables}, clear=True):
        yield
