"""The product's remoting, to be told what to do in a process of its own: ``elsewhere``."""

from __future__ import annotations

import threading
import time
from typing import Any
from uuid import UUID

from delegation.errors import HostError
from delegation.hosts.machines import Failure
from delegation.hosts.places import Account, Cmdlet, Place
from delegation.hosts.winrm import link, remoting, wire
from delegation.hosts.winrm.remoting import Finished, Progress, Running, Session

USUAL = (
    link.ANSWER_SECONDS,
    link.GRACE_SECONDS,
    wire.CONNECT_SECONDS,
    remoting.HELD_SECONDS,
)


class Client:
    """A session of the product, and a command in it."""

    session: Session | None = None
    running: Running | None = None

    def renew(self, place: Place, account: Account, shell: UUID | None = None) -> None:
        """Begin anew, as if nothing had been."""
        if self.session is not None:
            self.session.drop()
        self.place, self.account, self.chosen = place, account, shell
        self.session = self.running = None
        self.hurry(*USUAL)

    def hurry(
        self, answer: int = 1, grace: float = 1.0, connect: float = 1.0, held: float = 1.0
    ) -> None:
        """Take a host for hung, dead or somebody else's sooner than in life."""
        link.ANSWER_SECONDS, link.GRACE_SECONDS = answer, grace
        wire.CONNECT_SECONDS, remoting.HELD_SECONDS = connect, held

    def open(self) -> UUID:
        self.session = Session(self.place, self.account, shell=self.chosen)
        return self.session.shell

    def opened(self) -> Session:
        if self.session is None:
            self.open()
        assert self.session
        return self.session

    def run(self, *pipeline: Cmdlet, seconds: float = 30.0) -> list[Any]:
        """The raw values of the output."""
        return [one.raw for one in self.opened().run(*pipeline, seconds=seconds)]

    def run_each(self, *pipelines: list[Cmdlet]) -> list[Any]:
        return [one.raw for one in self.opened().run_each(pipelines, seconds=30.0)]

    def read(self, command: Cmdlet, *reads: tuple[str, str]) -> list[Any]:
        """What the readers give of the one object of the output."""
        (found,) = self.opened().run(command, seconds=30.0)
        return [getattr(found, kind)(name) for kind, name in reads]

    def nested(self, command: Cmdlet, name: str, inner: str) -> list[str]:
        (found,) = self.opened().run(command, seconds=30.0)
        return [one.text(inner) for one in found.outputs(name)]

    def start(self, *pipeline: Cmdlet) -> UUID:
        self.running = self.opened().start(*pipeline)
        return self.running.shell

    def wait(self, seconds: float = 30.0) -> Progress | tuple[list[Any], Failure | None]:
        assert self.running
        said = self.running.wait(seconds)
        return plain(said) if isinstance(said, Finished) else said

    def lose_its_end(self) -> None:
        """Fetch all that the command says, and its end, as a client that dies of it."""
        command: Any = self.running and self.running._command
        state = ""
        while not state.endswith("/Done"):
            state, _, _ = command.runspace_pool.shell.receive("stdout", command_id=command.id)

    def stop(self) -> None:
        assert self.running
        self.running.stop()

    def disconnect(self) -> None:
        self.opened().disconnect()

    def close(self) -> None:
        self.opened().close()

    def lost(self) -> bool:
        return self.opened().lost

    def reconnect(self, shell: UUID) -> bool | None:
        """Whether something runs in it; None: there is no such shell."""
        self.session = Session.reconnect(self.place, self.account, shell)
        if self.session is None:
            return None
        self.running = self.session.attached
        return self.running is not None

    def timed(self, method: str, *arguments: Any, **named: Any) -> tuple[HostError | None, float]:
        """The error that a method ends with, and in how many seconds."""
        start = time.monotonic()
        try:
            getattr(self, method)(*arguments, **named)
        except HostError as exc:
            return exc, time.monotonic() - start
        return None, time.monotonic() - start

    def from_another_thread(self) -> str:
        """What comes of a session's use by a thread that has not opened it."""
        session, said = self.opened(), []

        def use() -> None:
            try:
                session.run(Cmdlet("Get-Caller"), seconds=30.0)
            except AssertionError as exc:
                said.append(str(exc))

        thread = threading.Thread(target=use)
        thread.start()
        thread.join()
        return "".join(said)


def plain(said: Finished) -> tuple[list[Any], Failure | None]:
    return [one.raw for one in said.output], said.failure
