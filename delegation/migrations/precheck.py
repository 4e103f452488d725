"""Migrations that wait -> whether every pair that they use works, link by link.

By the directory as it is now, the hosts' own settings, and each source's own check of every VM: it
comes before the first migration, so that nothing is started where one would fail.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from typing import Protocol
from uuid import UUID

from delegation import explain, names
from delegation.errors import Advice, HostError, Refused, command
from delegation.events import Teller
from delegation.explain import Link
from delegation.explain.host_pair import HostPair, Looked
from delegation.hosts.hosted import folder
from delegation.hosts.hypervisor import Open
from delegation.hosts.machines import MachineActivity, VirtualMachine
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

    A pair of a bypass that nobody uses yet is judged when it is asked for, by the directory and the
    settings alone: no VM is checked for it. ``waiting``: hosts that do not answer are waited for,
    and nothing is said against their pairs.
    Raises Refused where a pair is broken.
    """
    surveyed, terms = hosts.surveyed, hosts.terms
    checked = trips(moves, surveyed, terms)
    if waiting:
        checked = [trip for trip in checked if surveyed.hosts.keys() >= set(trip.ends)]
    used = {trip.ends for trip in checked}
    links = read_links(world, surveyed, used)
    refuse_broken(links, hosts.open_host, checked, teller)

    @cache
    def works(source: str, to: str) -> bool:
        return (source, to) in used or links.broken((source, to)) is None

    def via(move: Move, source: str, to: str) -> bool:
        is_open = terms.via(move, source, to) and has_known_room(surveyed, to, terms)
        return is_open and works(source, to) and works(to, move.target)

    return via


def has_known_room(surveyed: Surveyed, label: str, terms: Terms) -> bool:
    """Whether a VM may be put aside there: what is assumed full takes none for a while, either."""
    if not terms.liberties.assume_full:
        return True
    return surveyed.tells(label, "memory") and surveyed.tells(label, "disk")


@dataclass(frozen=True)
class Links:
    """What the directory and the hosts' settings say of any pair; nothing more is asked for it."""

    inventory: Inventory
    desired: Desired
    surveyed: Surveyed
    accounts: Snapshot
    operator: Operator | None
    tokens: Mapping[str, frozenset[str] | None]
    """Of the sources, by label, where a target's own list counts."""

    def broken(self, ends: Ends, tried: HostPair | None = None) -> Link | None:
        """The first broken link; ``tried`` is what its hosts have tried."""
        source, target = (Endpoint.of_host(self.inventory.hosts[label]) for label in ends)
        pair = explain.Pair.of(self.inventory, self.desired, source, target)
        token = self.tokens.get(ends[0])
        hosts = tried or self.host_pair(ends)
        return explain.explain(self.accounts, pair, self.operator, token, hosts).broken

    def host_pair(self, ends: Ends) -> HostPair:
        """What the hosts' own settings say of a pair; nothing of it was tried."""
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

    A VM that is not where it was is left out: the runner finds out about it.
    """
    vms = _vms(surveyed)
    pending: dict[str, Migration] = {}
    for move in moves:
        may_be_there = move.at not in surveyed.hosts or (move.at, move.machine) in vms
        if move.state.pending and may_be_there:
            pending[str(move.machine)] = move
    room = surveyed.capacities()

    def trip(move: Migration, source: str, to: str, asked_storage: str) -> Trip:
        vm = vms.get((move.at, move.machine))
        target = surveyed.hosts.get(to)
        storage = asked_storage
        if not storage and vm is not None and target is not None:
            storage = folder(target, vm)  # as the runner will choose it
        free = room.get(to)
        fits = free is not None and move.memory <= free.memory and move.disk <= free.disk
        return Trip(
            move.machine,
            move.name,
            source,
            to,
            storage,
            fits=fits,
            busy=vm is not None and vm.activity is MachineActivity.BUSY,
            with_checkpoints=terms.liberties.with_checkpoints,
        )

    ways = [trip(move, move.at, move.target, move.storage) for move in pending.values()]
    course = timeline(room, map(as_move, pending.values()), slots=terms.slots, via=terms.via)
    for timed in course.starts:
        start = timed.start
        if not start.final:
            ways.append(trip(pending[start.move.machine], start.source, start.to, ""))
    return ways


def _vms(surveyed: Surveyed) -> dict[tuple[str, UUID], VirtualMachine]:
    """All VMs that were seen, by host and id: one that is on two hosts just now is there twice."""
    vms: dict[tuple[str, UUID], VirtualMachine] = {}
    for label, hosted in surveyed.hosts.items():
        for vm in hosted.machines:
            vms[label, vm.id] = vm
    return vms


def read_links(world: PrecheckWorld, surveyed: Surveyed, used: Iterable[Ends]) -> Links:
    """Read the directory, fresh: for these pairs, and all that a VM could be put aside on."""
    inventory = world.inventory
    labels = set(surveyed.hosts).union(*used)
    hosts = [Endpoint.of_host(inventory.hosts[label]) for label in sorted(labels)]
    with world.reading() as inspector:
        accounts = _accounts(inventory, inspector, hosts)
        user = inventory.remoting.user
        operator = survey.operator(inspector, user) if user else None
        tokens = _tokens(inspector, accounts, hosts)
    return Links(inventory, expand(inventory), surveyed, accounts, operator, tokens)


def _accounts(inventory: Inventory, inspector: Inspector, hosts: list[Endpoint]) -> Snapshot:
    """The hosts' computers, and whoever holds a name of theirs.

    A host's cifs names are hardly ever registered: they stand in for its HOST names, by the
    directory's sPNMappings. So whoever has one of those may get the host's tickets.
    """
    computers = [host.computer for host in hosts]
    spns: list[str] = []
    for host in hosts:
        spns += host.values
    for host in hosts:
        spns += [f"HOST/{host.computer}", f"HOST/{host.fqdn}"]
    accounts = inspector.find(computers, spns)
    bases = inventory.directory.search_base
    mappings = inspector.spn_mappings()
    return snapshot.resolve(inspector.directory, computers, accounts, bases, mappings)


def _tokens(
    inspector: Inspector, accounts: Snapshot, hosts: list[Endpoint]
) -> dict[str, frozenset[str] | None]:
    """What groups each host is in, where an account has a list of who may act towards it."""
    if not any(account.acting for account in accounts.accounts):
        return {}
    tokens: dict[str, frozenset[str] | None] = {}
    for host in hosts:
        computer = accounts.computer(host.computer)
        if computer is not None:
            tokens[host.label] = inspector.token(computer)
    return tokens


def refuse_broken(links: Links, open_host: Open, checked: list[Trip], teller: Teller) -> None:
    """Raise Refused where a pair is broken, with its first broken link and the fix of each.

    The hosts check it only where nothing else speaks against it: that takes a while.
    """
    used = list(dict.fromkeys(trip.ends for trip in checked))
    broken: dict[Ends, list[Link]] = {}
    for ends in used:
        link = links.broken(ends)
        if link is not None:
            broken[ends] = [link]
    if not broken:
        broken = _broken_when_tried(links, open_host, checked, teller)
    if broken:
        first = next(iter(broken))
        count = names.counted(len(broken), "pair")
        raise Refused(
            f"{count} can't be used as things are; nothing was started",
            Advice("look at the whole chain: ", command("explain", *first, "--hosts")),
            list(_lines(broken)),
        )


def _broken_when_tried(
    links: Links, open_host: Open, checked: list[Trip], teller: Teller
) -> dict[Ends, list[Link]]:
    """What the sources find out about each pair, in the order in which the pairs are used."""
    fqdns = {label: host.fqdn for label, host in links.inventory.hosts.items()}
    used = list(dict.fromkeys(trip.ends for trip in checked))
    pairs = {ends: links.host_pair(ends) for ends in used}
    broken: dict[Ends, list[Link]] = {ends: [] for ends in used}
    progress = teller.progress("machines checked:")
    for ends, tried in dry_runs(open_host, fqdns, pairs, checked, progress):
        link = links.broken(ends, tried)
        if link is not None and link not in broken[ends]:
            broken[ends].append(link)
    return {ends: found for ends, found in broken.items() if found}


def _lines(broken: Mapping[Ends, list[Link]]) -> Iterator[str]:
    for source, target in list(broken)[:SHOWN]:
        for link in broken[source, target]:
            code = "" if link.hresult in link.evidence else f" ({link.hresult})"
            yield f"{source} to {target}: {link.name}: {link.evidence}{code}"
            if link.fix:
                yield Advice("  ", link.fix)
    if len(broken) > SHOWN:
        yield f"and {names.counted(len(broken) - SHOWN, 'pair')} more"
