"""Programs that begin where a process that has already read all modules is forked.

A command takes a quarter of a second of a processor to begin, and less than that to do its work.
Here it is a process of its own all the same, with its own folder, environment, streams and end: no
cache, ticket, thread or handler of one command is there for the next. What differs from a process
that is started anew: all modules are read, too late for a program that puts a part of its own into
one of them, and the command line in ``/proc`` is another's.

Each of those who wait has its own order of sets, as each process has; they are asked in turn, so
that no command leans on the order in which another one wrote.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import runpy
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryFile
from types import ModuleType
from typing import IO, NoReturn

import delegation

ROOT = Path(__file__).parents[1]
LIBRARIES = (
    "cryptography.x509",
    "dns.resolver",
    "gssapi.raw",
    "impacket.crypto",
    "impacket.dcerpc.v5.srvs",
    "impacket.dcerpc.v5.transport",
    "impacket.krb5.ccache",
    "impacket.ldap.ldaptypes",
    "impacket.smbconnection",
    "jinja2",
    "krb5",
    "ldap3",
    "pypsrp.wsman",
    "requests",
    "rich.live",
    "rich.table",
    "spnego",
    "sqlite3",
    "yaml",
)
"""What the product reads where it first needs it."""
OURS = ("tests.hosts.fake_hosts", "tests.migrations.fleet")
"""What the programs of our own read besides."""
WAITING = 2
AT_START = ("PYTHON", "LANG", "LC_")
"""Beginnings of the variables that an interpreter heeds when it starts, and never again."""
LARGEST = 1 << 20
"""Bytes of an order."""


@dataclass(frozen=True)
class Ended:
    """How a program ended; ``code`` is below 0 where a signal ended it, as subprocess has it."""

    code: int
    out: str
    err: str


def run(
    module: str, words: Sequence[str], *, cwd: Path, environment: Mapping[str, str], seconds: float
) -> Ended:
    """``python -m module words``, nobody being at a terminal, to its end.

    Raises:
        AssertionError: it hangs, and was killed.
    """
    server = next(_servers(_at_start(environment)))
    order = {
        "module": module,
        "words": list(words),
        "cwd": str(cwd),
        "environment": dict(environment),
    }
    with TemporaryFile() as out, TemporaryFile() as err, Path(os.devnull).open("rb") as nothing:
        streams = [stream.fileno() for stream in (nothing, out, err)]
        try:
            code = server.done(order, streams, seconds)
        except TimeoutError:
            shown = f"{_text(out)}\n{_text(err)}"
            raise AssertionError(f"{module} {words!r} hangs:\n{shown}") from None
        return Ended(code, _text(out), _text(err))


def _at_start(environment: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((k, v) for k, v in environment.items() if k.startswith(AT_START)))


@cache
def _servers(at_start: tuple[tuple[str, str], ...]) -> Iterator[_Server]:
    return cycle([_Server(at_start) for _ in range(WAITING)])


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


class _Server:
    """The process that waits, and the line to it; it ends when its last asker has."""

    def __init__(self, at_start: Sequence[tuple[str, str]]) -> None:
        self._lock = threading.Lock()
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LARGEST)
        kept = {k: v for k, v in os.environ.items() if not k.startswith(AT_START)}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.prepared", str(theirs.fileno())],
                cwd=ROOT,
                env={**kept, **dict(at_start), "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )

    def done(self, order: Mapping[str, object], streams: Sequence[int], seconds: float) -> int:
        """Raises TimeoutError, after its end. Whoever asks meanwhile waits."""
        with self._lock:
            socket.send_fds(self._line, [json.dumps(order).encode()], streams)
            number = self._told()
            self._line.settimeout(seconds)
            try:
                return self._told()
            except TimeoutError:
                os.kill(number, signal.SIGKILL)
                self._line.settimeout(None)
                self._told()
                raise
            finally:
                self._line.settimeout(None)

    def _told(self) -> int:
        text = self._line.recv(LARGEST)
        assert text, "the process that waits has ended: what it said is on the standard error"
        return int(text)


# The one who waits.


def serve(line: socket.socket) -> None:
    """Carry out one order after the other; each child leaves this function by its own end."""
    _read_all()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever runs the tests
    gc.collect()
    gc.freeze()
    while True:
        text, streams, _, _ = socket.recv_fds(line, LARGEST, 3)
        if not text:
            return
        number = os.fork()
        if not number:
            line.close()
            _carry_out(json.loads(text), streams)
        for stream in streams:
            os.close(stream)
        line.send(str(number).encode())
        _, status = os.waitpid(number, 0)
        line.send(str(os.waitstatus_to_exitcode(status)).encode())


def _read_all() -> None:
    for module in pkgutil.walk_packages(delegation.__path__, "delegation."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in (*LIBRARIES, *OURS):
        with suppress(ImportError):  # Kerberos, for scripts/test --unit
            importlib.import_module(name)


def _carry_out(order: Mapping[str, object], streams: Sequence[int]) -> NoReturn:
    """Become the program, up to its end."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for place, stream in enumerate(streams):
        os.dup2(stream, place)
        os.close(stream)
    os.chdir(str(order["cwd"]))
    environment, words = order["environment"], order["words"]
    assert isinstance(environment, dict)
    assert isinstance(words, list)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    module = str(order["module"])
    sys.argv = [module, *words]
    sys.path[0] = str(Path.cwd())
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if not isinstance(end.code, int | None):
            raise
        _end(end.code or 0)
    _end(0)


def _end(code: int) -> NoReturn:
    """As an interpreter does, but for the modules: taking them to pieces takes the longest."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
