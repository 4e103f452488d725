"""A PowerShell shell on a host, over WinRM: pypsrp, with this program's rules.

Kerberos; HTTPS with the certificate verified, or HTTP with every message encrypted; structured
pipelines, never script text; one connection for the one thread that opened it; a deadline on
everything. What the libraries raise becomes a HostError, once, and says what, where and what to
do. No command is ever sent twice.
"""

import time
import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from pypsrp.complex_objects import RunspacePoolState
from pypsrp.powershell import PowerShell, RunspacePool, RunspacePoolWarning
from pypsrp.serializer import TaggedValue
from pypsrp.wsman import SelectorSet

from delegation.errors import CommandFailed, HostError, HostUnreachable
from delegation.hosts import failures
from delegation.hosts.machines import Failure
from delegation.hosts.places import Account, Cmdlet, Place
from delegation.hosts.winrm import answers
from delegation.hosts.winrm.link import HostLink
from delegation.hosts.winrm.output import Output
from delegation.hosts.winrm.running import Finished, Progress, Running

__all__ = [
    "Account",
    "Cmdlet",
    "Finished",
    "Output",
    "Place",
    "Progress",
    "Running",
    "Session",
]

OPEN_SECONDS = 60.0
"""How long a shell may take to open, logon and all."""
PAUSE_SECONDS = 0.5
IDLE_SECONDS = 12 * 60 * 60
"""How long a host keeps a shell, and what runs in it, without a client: the most that Windows
allows unless told otherwise (MaxIdleTimeoutMs); usual are two hours."""
HELD_SECONDS = 15.0
"""How long a shell may still be held by a client that has died."""

warnings.filterwarnings("ignore", category=RunspacePoolWarning)


class Session:
    """One shell on one host, for the one thread that opened it.

    ``shell`` is its id, where the caller wants to choose it and to record it before. ``patient``:
    the host keeps it for longer than usual while no client is there. Raises HostUnreachable and
    HostRefused. ``existing`` is for ``reconnect``.
    """

    def __init__(
        self,
        place: Place,
        account: Account,
        *,
        shell: UUID | None = None,
        patient: bool = False,
        existing: tuple[HostLink, RunspacePool] | None = None,
    ) -> None:
        self.place = place
        self.attached: Running | None = None
        """The command that already ran in a shell that was reconnected to."""
        self._link, self._pool = existing or _opened(
            HostLink(place, account), shell, patient=patient
        )

    @classmethod
    def reconnect(cls, place: Place, account: Account, shell: UUID) -> "Session | None":
        """The shell of that id, which another process may have opened; None: there is none.

        Where its client has just died, it waits until the host has noticed.
        """
        link = HostLink(place, account)
        try:
            with link.asking("its shells", OPEN_SECONDS):
                pool = _found(link, shell)
                if pool is None:
                    link.hang_up()
                    return None
                session = cls(place, account, existing=(link, pool))
                for command in pool.create_disconnected_power_shells():
                    command.connect_async()  # type: ignore[no-untyped-call]
                    session.attached = Running(link, command, "the command that runs there")
        except BaseException:
            link.hang_up()
            raise
        return session

    @property
    def shell(self) -> UUID:
        return UUID(self._pool.id)

    def run(self, *pipeline: Cmdlet, seconds: float) -> list[Output]:
        """Run one pipeline to its end and give its output.

        Raises CommandFailed with the host's own error, HostUnreachable where it has not ended in
        ``seconds``; what it did is then not known.
        """
        return self.run_each([pipeline], seconds=seconds)

    def run_each(self, pipelines: Iterable[Sequence[Cmdlet]], *, seconds: float) -> list[Output]:
        """The same for several pipelines, one after the other, in one round trip."""
        running = self._started(pipelines)
        said = running.wait(seconds)
        if isinstance(said, Progress):
            raise HostUnreachable(
                f"{running.what} on {self.place.host} has not ended in {seconds:g} seconds",
                "look at the host: its management service may hang",
            )
        if said.failure is not None:
            raise _failed(f"{running.what} on {self.place.host}", said.failure)
        return list(said.output)

    def start(self, *pipeline: Cmdlet) -> Running:
        """Start one pipeline and go on. Any error in it ends it."""
        return self._started([pipeline])

    def _started(self, pipelines: Iterable[Sequence[Cmdlet]]) -> Running:
        command = PowerShell(self._pool)
        names: list[str] = []
        for pipeline in pipelines:
            for one in pipeline:
                command.add_cmdlet(one.cmdlet)
                command.add_parameters({"ErrorAction": "Stop"} | _sendable(one.parameters))
                names.append(one.cmdlet)
            command.add_statement()
        what = " | ".join(dict.fromkeys(names))
        with self._link.asking(what, OPEN_SECONDS):
            command.begin_invoke()
        return Running(self._link, command, what)

    @property
    def lost(self) -> bool:
        """Whether its connection is gone; the shell may live on."""
        return self._link.line.gone

    def drop(self) -> None:
        """Let go of the connection, without a word to the host."""
        self._link.hang_up()

    def disconnect(self) -> None:
        """Let go of the shell; what runs in it goes on. Raises HostUnreachable."""
        try:
            with self._link.asking(seconds=OPEN_SECONDS):
                self._pool.disconnect()
        finally:
            self._link.hang_up()

    def close(self) -> None:
        """Remove the shell from the host, with whatever runs in it.

        Where the host does not answer any more, its own timeout removes the shell.
        """
        with suppress(HostError), self._link.asking(seconds=OPEN_SECONDS):
            if not self._link.line.late and self._pool.state == RunspacePoolState.OPENED:
                self._pool.close()
        self._link.hang_up()

    def remove(self, shell: UUID) -> None:
        """Remove another shell of this account's, whose connection is lost. Raises HostError."""
        which = SelectorSet()
        which.add_option("ShellId", str(shell).upper())
        with self._link.asking(seconds=OPEN_SECONDS):
            self._link.wsman.delete(self._pool.shell.resource_uri, selector_set=which)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _opened(link: HostLink, shell: UUID | None, *, patient: bool) -> tuple[HostLink, RunspacePool]:
    """A shell of our own."""
    try:
        with link.asking(seconds=OPEN_SECONDS):
            try:
                return link, _pool(link, shell, IDLE_SECONDS if patient else None)
            except answers.Fault as exc:
                if exc.code != answers.TOO_PATIENT:
                    raise
            return link, _pool(link, shell, None)
    except BaseException:
        link.hang_up()
        raise


def _pool(link: HostLink, shell: UUID | None, idle: int | None) -> RunspacePool:
    pool = RunspacePool(link.wsman, idle_timeout=idle)
    if shell is not None:
        pool.id = pool.shell.id = str(shell).upper()
    pool.open()
    return pool


def _found(link: HostLink, shell: UUID) -> RunspacePool | None:
    """A shell that is there already, connected to."""
    link.wsman.only = str(shell).upper()
    pools = RunspacePool.get_runspace_pools(link.wsman)
    if not pools:
        return None
    until = time.monotonic() + HELD_SECONDS
    while True:
        try:
            pools[0].connect()
        except answers.Fault as exc:
            if exc.code != answers.HELD or time.monotonic() > until:
                raise
            time.sleep(PAUSE_SECONDS)
        else:
            return pools[0]


def _failed(what: str, failure: Failure) -> CommandFailed:
    """A command's failure in plain words, with the host's own beside them."""
    meaning = failures.meaning(failure)
    own = () if failure.message == meaning.what else (failure.message,)
    return CommandFailed(
        f"{what} failed: {meaning.what}", meaning.fix, own, hresult=failure.hresult
    )


def _sendable(parameters: Mapping[str, object]) -> dict[str, Any]:
    return {name: _value(value) for name, value in parameters.items()}


def _value(value: object) -> object:
    """pypsrp sends every whole number as Int32."""
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**31) <= value < 2**31:
        return TaggedValue("I64", value)
    return value
