"""The migration service of a host: TCP 6600, Kerberos, what a source asks of a target.

It listens only while the host takes migrations and its address lies in a network for them.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from contextlib import suppress
from typing import Any

from tests.lab.hosts import arrivals
from tests.lab.hosts.channel import Channel, Lost, accept
from tests.lab.hosts.failures import DISK_FULL, EXISTS, Reason, no_right, no_slot
from tests.lab.hosts.host import Host
from tests.lab.hosts.ports import MIGRATION
from tests.lab.hosts.state import Incoming, Machine

log = logging.getLogger(__name__)

TICK = 0.1


class Service:
    """The service; ``adjust`` opens and closes it as the host's settings say."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.lock = threading.Lock()
        self.listener: socket.socket | None = None
        self.connections: set[socket.socket] = set()

    def adjust(self) -> None:
        """Listen if, and only if, the settings say so now."""
        state = self.host.state
        wanted = state.enabled and state.vmms == "Running" and self.host.migrates_here(state)
        with self.lock:
            if wanted and self.listener is None:
                self.listener = socket.create_server((self.host.address, MIGRATION), backlog=64)
                threading.Thread(target=self.listen, args=(self.listener,), daemon=True).start()
            elif not wanted and self.listener is not None:
                # Closing alone would not wake the thread that accepts.
                with suppress(OSError):
                    self.listener.shutdown(socket.SHUT_RDWR)
                self.listener.close()
                self.listener = None

    def listen(self, listener: socket.socket) -> None:
        """Serve each connection in a thread of its own, until the listener is closed."""
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def hang_up(self) -> None:
        """End all connections: what has not arrived is undone."""
        with self.lock:
            for one in self.connections:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def idle(self) -> bool:
        """Tell whether no connection is left."""
        with self.lock:
            return not self.connections

    def serve(self, connection: socket.socket) -> None:
        """Serve one source: at its end nothing is left of what did not arrive."""
        with self.lock:
            self.connections.add(connection)
        visit: Visit | None = None
        try:
            visit = Visit(self.host, accept(connection, self.host.keytab))
            while True:
                visit.answer(visit.channel.receive())
        except Lost as why:
            log.info("a source is gone: %s", why)
        finally:
            if visit is not None:
                visit.end()
            connection.close()
            with self.lock:
                self.connections.discard(connection)


class Visit:
    """One connection of a source: at most one migration."""

    def __init__(self, host: Host, channel: Channel) -> None:
        self.host, self.channel = host, channel
        self.coming: Incoming | None = None

    def answer(self, request: dict[str, Any]) -> None:
        """Carry out a request and answer it."""
        try:
            answer = self.carry_out(request)
        except Reason as reason:
            answer = {"failed": reason.text, "hresult": reason.hresult}
        self.channel.send({**answer, "number": request["number"]})

    def carry_out(self, request: dict[str, Any]) -> dict[str, Any]:
        """Carry out a request; raise Reason where this host refuses."""
        if request["ask"] == "outcome":
            return self.outcome(request["id"])
        state = self.host.state
        arrivals.admitted(self.host, state)
        if not state.administers(self.channel.user):
            raise no_right(self.host.name)
        asks = {
            "compare": self.compare,
            "plan": self.plan,
            "prepare": self.prepare,
            "progress": self.progress,
            "commit": self.commit,
            "abort": self.abort,
        }
        return asks[request["ask"]](request)

    def compare(self, request: dict[str, Any]) -> dict[str, Any]:
        """Judge a machine, and change nothing."""
        machine = Machine.read(request["machine"])
        found = arrivals.judged(self.host, self.host.state, machine, request["sizes"])
        return {"incompatibilities": [[one.message, one.message_id] for one in found]}

    def plan(self, request: dict[str, Any]) -> dict[str, Any]:
        """Make a planned machine, which takes no memory, no disk and no slot."""
        machine = Machine.read(request["machine"])
        with self.host.store.change() as state:
            arrivals.unplanned(self.host, state, machine.id, "")
            if state.machine(machine.id):
                raise Reason("A virtual machine with this identifier exists", EXISTS)
            state.planned.append(machine)
        return {}

    def prepare(self, request: dict[str, Any]) -> dict[str, Any]:
        """Wait for a slot, take it, and open the way for the disks."""
        machine = Machine.read(request["machine"])
        state = self.host.state
        arrivals.unplanned(self.host, state, machine.id, request.get("planned", ""))
        deadline = time.monotonic() + state.patience
        asked = (request["id"], machine, request["sizes"], request["source"])
        while (coming := arrivals.reserved(self.host, *asked)) is None:
            if self.channel.readable(0):
                raise Lost("the source gave up waiting")
            if time.monotonic() > deadline:
                raise no_slot(self.host.name)
            time.sleep(TICK)
        self.coming = coming
        arrivals.opened(self.host, coming, self.channel.user.partition("@")[0])
        return {"share": coming.share, "disks": machine.disks}

    def progress(self, _: dict[str, Any]) -> dict[str, Any]:
        """Say whether the migration may go on."""
        state = self.host.state
        if self.coming is None or state.expected(self.coming.id) is None:
            raise Reason("The migration is not known", EXISTS)
        if self.host.volume.free(state) < 0:
            text = f"Host '{self.host.short}' has no room for the virtual machine"
            raise Reason(text, DISK_FULL)
        return {}

    def commit(self, request: dict[str, Any]) -> dict[str, Any]:
        """Make the machine this host's."""
        arrivals.taken_over(self.host, request["id"], request["digests"])
        self.coming = None
        return {}

    def abort(self, _: dict[str, Any]) -> dict[str, Any]:
        """Undo what has not arrived."""
        self.end()
        return {}

    def outcome(self, move_id: str) -> dict[str, Any]:
        """Tell a source that died whether a machine is this host's; if not, it never will be."""
        if not self.channel.user.partition("@")[0].endswith("$"):
            raise no_right(self.host.name)
        arrivals.undone(self.host, move_id)
        return {"arrived": move_id in self.host.state.arrived}

    def end(self) -> None:
        """Undo what has not arrived."""
        if self.coming is not None:
            arrivals.undone(self.host, self.coming.id)
            self.coming = None
