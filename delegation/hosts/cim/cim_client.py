"""A host's WMI: get, query, call. What it asks goes by a wire, which tests can make themselves."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar
from xml.etree.ElementTree import Element

from delegation.errors import CimFailed, HostUnreachable
from delegation.hosts.cim import cim_messages
from delegation.hosts.cim.cim_class import CimClass
from delegation.hosts.cim.cim_faults import NotAnsweredYet, begun_or_done, returned
from delegation.hosts.cim.cim_instance import CimInstance
from delegation.hosts.cim.cim_messages import CimRequest, Giving, Page
from delegation.hosts.cim.cim_reference import Reference
from delegation.hosts.cim.wql import Query

T = TypeVar("T")

READ_SECONDS = 60.0
LIST_SECONDS = 300.0
"""For all that a query gives, however many answers it comes in."""
CHANGE_SECONDS = 90.0
"""For one request that changes something: more than a host takes for one answer."""
MOST_ITEMS = 50_000
"""More than any host has of anything; a host that never ends is not followed."""


class CimWire(Protocol):
    """What carries requests to one host, for one thread."""

    @property
    def host(self) -> str:
        """The host's full name."""

    @property
    def lost(self) -> bool:
        """Whether the connection is gone."""

    @property
    def late(self) -> bool:
        """Whether it was cut because time was over: whoever hangs is not asked once more."""

    def renew(self) -> None:
        """Connect anew for what is asked next."""

    def speak(self, language: str) -> None:
        """Ask for texts in this language (RFC 5646) from now on."""

    def asking(self, what: str, seconds: float) -> AbstractContextManager[None]:
        """For requests that belong together: errors in words, ended in ``seconds``."""

    def ask(self, request: CimRequest) -> Element:
        """What the answer's body holds. Raises HostError; CimFailed is the host's own."""

    def now(self) -> float:
        """Seconds that only grow."""

    def clock(self) -> float:
        """Seconds since 1970, for what outlives this program."""

    def rest(self, seconds: float) -> None:
        """Ask nothing for so long."""

    def close(self) -> None: ...


class Cim:
    """One host, for the one thread that opened it. Every method raises HostError.

    What only reads is asked once more where the connection was lost; a call that may change
    something is sent once, for nobody knows what became of it.
    """

    def __init__(self, wire: CimWire) -> None:
        self.wire = wire
        self.trips = 0
        """Requests so far: each is a round trip."""

    @property
    def host(self) -> str:
        return self.wire.host

    def get(self, kind: CimClass, which: Reference) -> CimInstance:
        """One instance by its keys. Raises CimFailed where there is none."""
        request = cim_messages.get(which)
        answer = self._read(kind.name, READ_SECONDS, lambda: self._ask(request))
        return CimInstance.read(kind, answer, self.host)

    def query(self, query: Query) -> list[CimInstance]:
        """What a query gives."""
        items = self._items(query, Giving.INSTANCES)
        return [CimInstance.read(query.kind, item, self.host) for item in items]

    def references(self, query: Query) -> list[Reference]:
        """Which instances a query means."""
        items = self._items(query, Giving.REFERENCES)
        return [self._reference(query, item) for item in items]

    def with_references(self, query: Query) -> list[tuple[Reference, CimInstance]]:
        """Both: an item holds the instance, and its reference after it (DSP0226 8.7)."""
        found = []
        for item in self._items(query, Giving.BOTH):
            instance = CimInstance.read(query.kind, item[0], self.host)
            found.append((self._reference(query, item), instance))
        return found

    def only(self, query: Query) -> CimInstance:
        """The one instance that there has to be. Raises CimFailed where there is another number."""
        found = self.query(query)
        if len(found) != 1:
            raise CimFailed(
                f"{self.host} tells {len(found)} of {query.kind.name}, where one is to be",
                "look whether whoever logs on is a Hyper-V administrator there, and whether the "
                "service vmms runs",
            )
        return found[0]

    def call(
        self, target: Reference, kind: CimClass, method: str, **arguments: object
    ) -> CimInstance:
        """A method that only reads, and what it gives. Raises CimFailed for any code but 0."""
        request = cim_messages.invoke(target, kind, method, arguments)
        answer = self._read(method, LIST_SECONDS, lambda: self._ask(request))
        said = CimInstance.read(kind.output_of(method), answer, self.host)
        returned(said, self.host, method)
        return said

    def change(
        self, target: Reference, kind: CimClass, method: str, **arguments: object
    ) -> Reference | None:
        """A method that may change something, sent once: the job that it has begun; None: done.

        Raises CimFailed where the host has answered that it is not done: with the code that the
        method returned, or its fault. Any other HostError, AccessRefused as well, may have come
        after it was carried out, or before that: nothing here asks again.
        """
        request = cim_messages.invoke(target, kind, method, arguments)
        if self.wire.lost:
            # Nothing is sent yet: what is known to be gone is no reason for doubt.
            self.wire.renew()
        with self.wire.asking(method, CHANGE_SECONDS):
            answer = self._ask(request)
        said = CimInstance.read(kind.output_of(method), answer, self.host)
        return begun_or_done(said, self.host, method)

    def now(self) -> float:
        """Seconds that only grow."""
        return self.wire.now()

    def clock(self) -> float:
        """Seconds since 1970, for what outlives this program."""
        return self.wire.clock()

    def rest(self, seconds: float) -> None:
        """Ask nothing for so long: a job goes on meanwhile."""
        self.wire.rest(seconds)

    def close(self) -> None:
        self.wire.close()

    def _items(self, query: Query, giving: Giving) -> list[Element]:
        return self._read(query.kind.name, LIST_SECONDS, lambda: list(self._pages(query, giving)))

    def _read(self, what: str, seconds: float, asked: Callable[[], T]) -> T:
        """What ``asked`` gives; all of it once more where the connection is lost meanwhile.

        Hosts end connections that are idle. An enumeration begins anew: what was read of the list
        before belongs to another moment.
        """
        if self.wire.lost:
            self.wire.renew()
        try:
            with self.wire.asking(what, seconds):
                return asked()
        except HostUnreachable:
            if self.wire.late or not self.wire.lost:
                raise
        self.wire.renew()
        with self.wire.asking(what, seconds):
            return asked()

    def _pages(self, query: Query, giving: Giving) -> Iterator[Element]:
        page = cim_messages.page(self._ask(cim_messages.enumerate_query(query, giving)))
        yield from page.items
        count = len(page.items)
        while page.context is not None:
            page = self._pulled(query, page.context)
            yield from page.items
            count += len(page.items)
            if count > MOST_ITEMS:
                raise CimFailed(
                    f"{self.host} has told {count:,} of {query.kind.name}, and goes on",
                    "look who answers there: no host has so many",
                )

    def _pulled(self, query: Query, context: str) -> Page:
        """The next answer. One that has nothing to tell yet leaves the enumeration as it is.

        DSP0226 8.4: wsman:TimedOut; the time of all of it is bounded by whoever asks.
        """
        while True:
            try:
                return cim_messages.page(self._ask(cim_messages.pull(query, context)))
            except NotAnsweredYet:
                continue

    def _reference(self, query: Query, item: Element) -> Reference:
        found = Reference.read(item)
        if found is None:
            raise CimFailed(
                f"{self.host} tells no reference of {query.kind.name}",
                "look who answers at that address and port",
            )
        return found

    def _ask(self, request: CimRequest) -> Element:
        self.trips += 1
        return self.wire.ask(request)
