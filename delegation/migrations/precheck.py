"""Migrations that wait -> whether every pair that they use works, link by link.

By the directory as it is now, the hosts' own settings, the ports, and a dry run of every VM: it
comes before the first migration, so that nothing is started where one would fail.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from delegation import explain, names
from delegation.errors import Advice, HostError, Refused, command
from delegation.events import Teller
from delegation.explain import Link
from delegation.explain.host_links import HostPair, Looked
from delegation.hosts.hosted import folder
from delegation.hosts.hypervisor import Open
from delegation.inventory import Inventory
from delegation.mesh import snapshot, survey
from delegation.mesh.desired import Desired, Endpoint, expand
from delegation.mesh.seams import Inspector
from delegation.mesh.snapshot import Operator, Snapshot
from delegation.migrations.dry_runs import Ends, Trip, dry_runs
from delegation.migrations.lifecycle import Migration
from delegation.migrations.moves.surveyed import Surveyed
from delegation.migrations.moves.terms import Terms
from delegation.migrations.runner.board import as_move
from delegation.migrations.schedule import Move
from delegation.migrations.schedule.bypass import Via
from delegation.migrations.schedule.simulate import timeline

SHOWN = 12
"""Broken pairs that are named; the others are counted."""


class PrecheckWorld(Protocol):
    """The inventory, and the directory to look at."""

    @property
    def inventory(self) -> Inventory: ...

    def reading(self) -> AbstractContextManager[Inspector]: ...


@dataclass(frozen=True)
class HostsRead:
    """What a run stands on: the hosts as they were read, and what the inventory says of them."""

    open_host: Open
    surveyed: Surveyed
    terms: Terms


def check(
    world: PrecheckWorld,
    hosts: HostsRead,
    moves: Sequence[Migration],
    teller: Teller,
    *,
    waiting: bool = False,
) -> Via:
    """Look at every pair that these use; what it gives says where a VM may be put aside.

    ``waiting``: hosts that do not answer are waited for, and nothing is said against their pairs.
    Raises Refused where a pair is broken.
    """
    surveyed, terms = hosts.surveyed, hosts.terms
    wanted = trips(moves, surveyed, terms)
    if waiting:
        wanted = [trip for trip in wanted if surveyed.hosts.keys() >= set(trip.ends)]
    used = {trip.ends for trip in wanted}
    links = look(world, surveyed, used)
    refuse_broken(links, hosts.open_host, wanted, teller)

    @cache
    def works(source: str, to: str) -> bool:
        return (source, to) in used or links.broken((source, to)) is None

    def via(move: Move, source: str, to: str) -> bool:
        return terms.via(move, source, to) and works(source, to) and works(to, move.target)

    return via


@dataclass(frozen=True)
class Links:
    """What the directory and the hosts' settings say of any pair; nothing more is asked for it."""

    inventory: Inventory
    desired: Desired
    surveyed: Surveyed
    found: Snapshot
    operator: Operator | None
    tokens: Mapping[str, frozenset[str] | None]
    """Of the sources, by label, where a target's own list counts."""

    def broken(self, ends: Ends, seen: HostPair | None = None) -> Link | None:
        """The first broken link; ``seen`` is what its hosts have tried."""
        source, target = (Endpoint.of_host(self.inventory.hosts[label]) for label in ends)
        pair = explain.Pair.of(self.inventory, self.desired, source, target)
        token = self.tokens.get(ends[0])
        hosts = seen or self.pair(ends)
        return explain.explain(self.found, pair, self.operator, token, hosts).broken

    def pair(self, ends: Ends) -> HostPair:
        source, target = (self._looked(label) for label in ends)
        return HostPair(source, target)

    def _looked(self, label: str) -> Looked:
        hosted = self.surveyed.hosts.get(label)
        if hosted is not None:
            return Looked(label, hosted.reading)
        why = self.surveyed.unread.get(label, "it was not asked")
        see = Advice("see: ", command("hosts", "show", label))
        return Looked(label, error=HostError(why, see))


def trips(moves: Iterable[Migration], surveyed: Surveyed, terms: Terms) -> list[Trip]:
    """Every way of those that wait, by what is known now; those aside to make room included.

    A machine that is not where it was is left out: the runner finds out about it.
    """
    seen = {
        (label, machine.id): machine
        for label, hosted in surveyed.hosts.items()
        for machine in hosted.machines
    }
    pending = {
        str(move.machine): move
        for move in moves
        if move.state.pending and (move.at not in surveyed.hosts or (move.at, move.machine) in seen)
    }
    room = surveyed.capacities()
    ways = [(move, move.at, move.target, move.storage) for move in pending.values()]
    course = timeline(room, map(as_move, pending.values()), slots=terms.slots, via=terms.via)
    ways += [
        (pending[timed.start.move.machine], timed.start.source, timed.start.to, "")
        for timed in course.starts
        if not timed.start.final
    ]
    found = []
    for move, source, to, storage in ways:
        machine, target = seen.get((move.at, move.machine)), surveyed.hosts.get(to)
        if not storage and machine is not None and target is not None:
            storage = folder(target, machine)  # noqa: PLW2901 - what it will get
        free = room.get(to)
        fits = free is not None and move.memory <= free.memory and move.disk <= free.disk
        found.append(Trip(move.machine, move.name, source, to, storage, fits))
    return found


def look(world: PrecheckWorld, surveyed: Surveyed, used: Iterable[Ends]) -> Links:
    """Read the directory, fresh: for these pairs, and all that a VM could be put aside on."""
    inventory = world.inventory
    labels = {label for ends in used for label in ends} | set(surveyed.hosts)
    ends = [Endpoint.of_host(inventory.hosts[label]) for label in sorted(labels)]
    with world.reading() as inspector:
        found = _accounts(inventory, inspector, ends)
        user = inventory.remoting.user
        operator = survey.operator(inspector, user) if user else None
        tokens = _tokens(inspector, found, ends)
    return Links(inventory, expand(inventory), surveyed, found, operator, tokens)


def _accounts(inventory: Inventory, inspector: Inspector, ends: list[Endpoint]) -> Snapshot:
    computers = [end.computer for end in ends]
    spns = [value for end in ends for value in end.values]
    spns += [f"HOST/{name}" for end in ends for name in (end.computer, end.fqdn)]
    accounts = inspector.find(computers, spns)
    bases = inventory.directory.search_base
    mappings = inspector.spn_mappings()
    return snapshot.resolve(inspector.directory, computers, accounts, bases, mappings)


def _tokens(
    inspector: Inspector, found: Snapshot, ends: list[Endpoint]
) -> dict[str, frozenset[str] | None]:
    if not any(account.acting for account in found.accounts):
        return {}
    computers = {end.label: found.computer(end.computer) for end in ends}
    return {
        label: inspector.token(computer)
        for label, computer in computers.items()
        if computer is not None
    }


def refuse_broken(links: Links, open_host: Open, wanted: list[Trip], teller: Teller) -> None:
    """Raise Refused where a pair is broken, with its first broken link and the fix of each.

    The hosts try it out only where nothing else speaks against it.
    """
    used = dict.fromkeys(trip.ends for trip in wanted)
    broken = {ends: [link] for ends in used if (link := links.broken(ends)) is not None}
    if not broken:
        fqdns = {label: host.fqdn for label, host in links.inventory.hosts.items()}
        pairs = {ends: links.pair(ends) for ends in used}
        found: dict[Ends, list[Link]] = defaultdict(list)
        progress = teller.progress("machines tried:")
        for ends, seen in dry_runs(open_host, fqdns, pairs, wanted, progress):
            link = links.broken(ends, seen)
            if link is not None and link not in found[ends]:
                found[ends].append(link)
        broken = {ends: found[ends] for ends in used if found[ends]}
    if broken:
        first = next(iter(broken))
        count = names.counted(len(broken), "pair")
        raise Refused(
            f"{count} can't be used as things are; nothing was started",
            Advice("look at the whole chain: ", command("explain", *first, "--hosts")),
            list(_lines(broken)),
        )


def _lines(broken: Mapping[Ends, list[Link]]) -> Iterator[str]:
    for source, target in list(broken)[:SHOWN]:
        for link in broken[source, target]:
            code = "" if link.hresult in link.evidence else f" ({link.hresult})"
            yield f"{source} to {target}: {link.name}: {link.evidence}{code}"
            if link.fix:
                yield Advice("  ", link.fix)
    if len(broken) > SHOWN:
        yield f"and {names.counted(len(broken) - SHOWN, 'pair')} more"
