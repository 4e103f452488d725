"""Hyper-V hosts in memory: what they hold, what was done to them, and what is wrong with them."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from uuid import UUID

from delegation.errors import HostError, HostRefused, HostUnreachable
from delegation.hosts import settings
from delegation.hosts.hypervisor import Hypervisor, Moving
from delegation.hosts.machines import (
    HostReading,
    Incompatibility,
    Landing,
    MoveOrder,
    VirtualMachine,
)
from delegation.hosts.settings import HostSetting
from tests.hosts.settings_cases import reading

PATIENCE = 30.0
"""Seconds that a test waits for what must come; none of them passes it."""


class Untouched(Hypervisor):
    """A host that is asked for its settings alone: its machines are nobody's business."""

    def machines(self) -> list[VirtualMachine]:
        raise NotImplementedError

    def machine(self, machine: UUID) -> VirtualMachine | None:
        raise NotImplementedError

    def named(self, name: str) -> list[VirtualMachine]:
        raise NotImplementedError

    def addresses(self) -> tuple[str, ...]:
        raise NotImplementedError

    def measured(self, machines: Iterable[VirtualMachine]) -> list[VirtualMachine]:
        raise NotImplementedError

    def landing(self, machine: UUID) -> Landing:
        raise NotImplementedError

    def remove_planned(self, handle: str) -> bool:
        raise NotImplementedError

    def check(self, order: MoveOrder) -> tuple[Incompatibility, ...]:
        raise NotImplementedError

    def new_handle(self, order: MoveOrder) -> str:
        raise NotImplementedError

    def is_at_work(self, machine: UUID) -> bool:
        raise NotImplementedError

    def move(self, order: MoveOrder, handle: str) -> Moving:
        raise NotImplementedError

    def reattach(self, machine: UUID, handle: str) -> Moving | None:
        raise NotImplementedError


@dataclass
class FakeHost(Untouched):
    """One connection to one host, of the thread that opened it."""

    fleet: "FakeFleet"
    label: str
    thread: int = field(default_factory=threading.get_ident)

    @property
    def fqdn(self) -> str:
        return self.fleet.hosts[self.label].fqdn

    def read(self) -> HostReading:
        self._comes("read")
        return self.fleet.hosts[self.label]

    def set(self, before: HostSetting, after: HostSetting) -> None:
        self._comes(after.name)
        with self.fleet.lock:
            host = self.fleet.hosts[self.label]
            assert before.difference(HostSetting(before.name, host.settings.get(before.name))) == ""
            found = {**host.settings}
            if after.value is None:
                del found[after.name]
            else:
                found[after.name] = 0 if after.value == settings.PRESENT else after.value
            self.fleet.hosts[self.label] = replace(host, settings=found)
            self.fleet.made.append((self.label, after.name))

    def close(self) -> None:
        assert self.thread == threading.get_ident()
        with self.fleet.lock:
            self.fleet.open_now[self.label] -= 1
        if self.label in self.fleet.bad_ends:
            raise HostUnreachable(f"{self.label} is gone")

    def _comes(self, what: str) -> None:
        assert self.thread == threading.get_ident()
        self.fleet.begun.put((self.label, what))
        if trouble := self.fleet.troubles.get((self.label, what)):
            trouble()


class Begun:
    """What has begun on hosts, to wait for."""

    def __init__(self) -> None:
        self._seen: list[tuple[str, str]] = []
        self._changed = threading.Condition()

    def put(self, what: tuple[str, str]) -> None:
        with self._changed:
            self._seen.append(what)
            self._changed.notify_all()

    def wait_for(self, *what: tuple[str, str]) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: set(what) <= set(self._seen), PATIENCE)

    def __contains__(self, what: tuple[str, str]) -> bool:
        with self._changed:
            return what in self._seen


class FakeFleet:
    """Hosts by label; ``open`` is what drivers are given."""

    def __init__(self, labels: Iterable[str] = ("hv01", "hv02", "hv03")) -> None:
        self.lock = threading.Lock()
        self.hosts = {label: reading(label) for label in labels}
        self.begun = Begun()
        self.made: list[tuple[str, str]] = []
        """The settings that were made, in the order in which they were."""
        self.troubles: dict[tuple[str, str], Callable[[], object]] = {}
        """What happens instead, by host and by ``open``, ``read`` or a setting's name."""
        self.bad_ends: set[str] = set()
        self.open_now: Counter[str] = Counter()
        self.most_open = 0

    @property
    def fqdns(self) -> dict[str, str]:
        return {label: host.fqdn for label, host in self.hosts.items()}

    def open(self, label: str) -> Hypervisor:
        self.begun.put((label, "open"))
        if trouble := self.troubles.get((label, "open")):
            trouble()
        with self.lock:
            self.open_now[label] += 1
            self.most_open = max(self.most_open, self.open_now.total())
        return FakeHost(self, label)

    def fails(self, label: str, what: str, error: BaseException) -> None:
        def fail() -> None:
            raise error

        self.troubles[label, what] = fail

    def down(self, label: str) -> None:
        self.fails(label, "open", HostUnreachable(f"{label} is not there", "start it"))

    def refuses(self, label: str) -> None:
        self.fails(label, "open", HostRefused(f"{label} gives no right", "ask its owner"))

    def hangs(self, label: str, what: str) -> threading.Event:
        """Until the event is set, or the test gives up; the answer is then that it is gone."""
        released = threading.Event()

        def hang() -> None:
            if not released.wait(PATIENCE):
                raise HostError("a test has forgotten this host")

        self.troubles[label, what] = hang
        return released
