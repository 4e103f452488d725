"""A source's part of migrations: check, stage and move, from the first look to the last byte."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.lab.hosts import settlement, storage
from tests.lab.hosts.approach import Order, connected, explained
from tests.lab.hosts.arrivals import staged_names
from tests.lab.hosts.channel import Channel, Lost
from tests.lab.hosts.failures import (
    INVALID_STATE,
    Reason,
    already_moving,
    clustered,
    disabled,
    no_slot,
)
from tests.lab.hosts.host import Host, label_of
from tests.lab.hosts.state import HostState, Outgoing, Phase
from tests.lab.hosts.tickets import NoTicket
from tests.lab.hosts.vmms.jobs import Job

TICK = 0.1
PREPARE_SECONDS, ABORT_SECONDS = 600.0, 5.0
COPIED_PERCENT = 97


class Departure:
    """One migration from this host, as a job."""

    def __init__(self, host: Host, job: Job, order: Order) -> None:
        self.host, self.job, self.order = host, job, order
        self.id = str(uuid4())

    def compare(self) -> list[tuple[str, int]]:
        """Ask the target what speaks against the move; nothing is changed at either end.

        Nothing is asked of its storage.

        Raises:
            Failed: they do not come together.
        """
        found = self.asked("compare")["incompatibilities"]
        return [(message, number) for message, number in found]

    def stage(self) -> None:
        """Have the target make a planned machine, and move nothing.

        Raises:
            Failed: it does not.
        """
        self.asked("plan")

    def asked(self, what: str) -> dict[str, Any]:
        """Ask the target about the machine, and give what it says."""
        with explained(self.host, self.order):
            self.possible(self.host.state)
            with connected(self.host, self.job.owner, self.order) as target:
                return target.ask({"ask": what, **self.description()}, self.job.check)

    def move(self) -> None:
        """Move the machine.

        Raises:
            Failed: it is still here, or only the target knows, which then is said.
            Stopped: it is still here.
        """
        with explained(self.host, self.order):
            self.enter()
            try:
                self.take_slot()
                with connected(self.host, self.job.owner, self.order) as target:
                    self.transfer(target)
            finally:
                self.leave()

    def enter(self) -> None:
        """Note the migration, unless the machine is in one or can't be in any."""
        with self.host.store.change() as state:
            self.possible(state)
            size = sum(map(self.host.volume.size, self.order.machine.files))
            target = label_of(self.order.target)
            state.outgoing.append(Outgoing(self.id, self.order.machine.id, target, size=size))

    def possible(self, state: HostState) -> None:
        """Raise Reason if this host or the machine is not in a state to migrate."""
        machine = self.order.machine
        if not state.enabled:
            raise disabled(self.host.name)
        if state.leaving(machine.id):
            raise already_moving(machine)
        if state.machine(machine.id) is None:
            raise Reason(f"The virtual machine '{machine.name}' is gone", INVALID_STATE)
        if machine.clustered:
            raise clustered(machine)

    def take_slot(self) -> None:
        """Wait for a slot here, for as long as this host has patience."""
        deadline = time.monotonic() + self.host.state.patience
        while True:
            with self.host.store.change() as state:
                here = self.noted(state)
                if state.slot_free(besides=self.id):
                    here.phase = Phase.COPYING
                    return
            if time.monotonic() > deadline:
                raise no_slot(self.host.name)
            self.job.sleep(TICK)

    def noted(self, state: HostState) -> Outgoing:
        """Give this migration as it is noted; it is not when the host was reset under it."""
        here = state.migration(self.id)
        if here is None:
            raise Reason("The migration was ended at its source", INVALID_STATE)
        return here

    def description(self) -> dict[str, Any]:
        """Describe the machine to the target."""
        return {
            "id": self.id,
            "machine": asdict(self.order.placed),
            "planned": self.order.planned,
            "sizes": list(map(self.host.volume.size, self.order.machine.files)),
            "source": self.host.name,
        }

    def transfer(self, target: Channel) -> None:
        """Have the target prepare, copy the disks, hand the machine over."""
        self.job.progress(0)
        user, there = self.job.owner, self.order.target
        try:
            with self.host.delegation.to_storage(user, there) as tickets:
                digests = self.copied(target, tickets)
        except NoTicket as refusal:
            # The words are ours.
            text = f"Migration did not succeed. The storage of '{there}' cannot be written"
            raise Reason(text, refusal.hresult) from refusal
        self.hand_over(target, digests)

    def copied(self, target: Channel, tickets: Path) -> list[str]:
        """Have the target prepare, copy the disks, and give their SHA-256."""
        try:
            prepare = {"ask": "prepare", **self.description()}
            share = target.ask(prepare, self.still_wanted, PREPARE_SECONDS)["share"]
            who = (self.host, self.order.target, self.job.owner)
            with storage.session(*who, share, tickets) as session:
                return self.copy(session, target)
        except BaseException:
            # The target undoes it before this is over.
            with suppress(Lost, Reason):
                target.ask({"ask": "abort", "id": self.id}, seconds=ABORT_SECONDS)
            raise

    def still_wanted(self) -> None:
        """Raise if the caller stopped, or the host was reset."""
        self.job.check()
        self.noted(self.host.state)

    def copy(self, session: storage.Session, target: Channel) -> list[str]:
        """Copy all disks at the host's speed, and give their SHA-256."""
        paced = Pace(self, target).next
        files = self.order.machine.files
        named = zip(map(self.host.volume.file, files), staged_names(files), strict=True)
        return [session.write(file, name, paced) for file, name in named]

    def hand_over(self, target: Channel, digests: list[str]) -> None:
        """Make the machine the target's. From here on nothing stops it.

        Raises:
            Reason: the target refuses; the machine is still here.
            Lost: only the target knows.
        """
        self.host.handing_over.add(self.id)
        with self.host.store.change() as state:
            here = self.noted(state)
            here.phase, here.machine = Phase.HANDING_OVER, state.machine(here.machine_id)
            state.machines = [one for one in state.machines if one.id != here.machine_id]
        try:
            target.ask({"ask": "commit", "id": self.id, "digests": digests})
            settlement.gone(self.host, self.id)
        except Reason:
            settlement.came_back(self.host, self.id)
            raise
        except Lost:
            asked = settlement.settled_within(self.host, self.id, settlement.PATIENCE)
            if not asked or self.host.state.machine(self.order.machine.id):
                raise
        finally:
            self.host.handing_over.discard(self.id)

    def leave(self) -> None:
        """Forget the migration; one that only the target can end stays noted."""
        with self.host.store.change() as state:
            here = state.migration(self.id)
            if here and here.phase is not Phase.HANDING_OVER:
                state.outgoing.remove(here)


class Pace:
    """Copies at the host's speed, tells the caller and the target how far it is."""

    def __init__(self, departure: Departure, target: Channel) -> None:
        self.departure, self.target = departure, target
        self.copied, self.due, self.told = 0, time.monotonic(), 0.0

    def next(self, written: int) -> int:
        """Take note of bytes written, wait as the speed demands, say how many may be next."""
        self.copied += written
        speed = self.departure.host.state.speed
        if time.monotonic() - self.told >= TICK:
            self.tell()
        self.due = max(self.due, time.monotonic() - TICK) + written / speed
        self.departure.job.sleep(max(0.0, self.due - time.monotonic()))
        return storage.chunk(speed)

    def tell(self) -> None:
        """Say how far it is; raise Reason if the target, or this host, ended the migration."""
        self.told = time.monotonic()
        host = self.departure.host
        with host.store.change() as state:
            here = self.departure.noted(state)
            here.copied = self.copied
            percent = COPIED_PERCENT * self.copied // max(1, here.size)
        self.target.ask({"ask": "progress", "copied": self.copied}, self.departure.job.check)
        self.departure.job.progress(percent)
