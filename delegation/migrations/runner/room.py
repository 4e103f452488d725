"""A host as it was seen, and what is on the way there -> what it has left for migrations."""

from collections.abc import Collection, Iterable
from uuid import UUID

from delegation.hosts.hosted import Hosted
from delegation.migrations.lifecycle import Migration
from delegation.migrations.moves.surveyed import Surveyed
from delegation.migrations.schedule import Capacity


def capacity(
    host: str, hosted: Hosted, under_way: Iterable[Migration], at_rest: Collection[UUID] = ()
) -> Capacity:
    """The slots that are ours to use, and the room that is left when all that comes has come.

    ``under_way`` are all migrations of ours that may be running. Those of others, which a host
    shows as machines on their way, take slots as well; so do those of ours that were ``at_rest``,
    by their machines, where the host moves them after all.
    """
    ours = {move.machine: move for move in under_way}
    whole = Surveyed({host: hosted}, {}).capacities().get(host)
    if whole is None:
        return Capacity(0, 0, 0, 0)
    active = [move for move in ours.values() if move.machine not in at_rest]
    taken = migrations_of_others(hosted, active)
    # A host shows a VM that comes only when it has come: until then nothing else counts it there.
    there = {vm.id for vm in hosted.machines}
    bound_here = [move for move in ours.values() if move.to == host]
    coming = [move for move in bound_here if move.machine not in there]
    return Capacity(
        live=whole.live - taken,
        storage=whole.storage - taken,
        memory=whole.memory - sum(move.memory for move in coming),
        disk=whole.disk - sum(_disk_to_come(move) for move in coming),
    )


def migrations_of_others(hosted: Hosted, under_way: Iterable[Migration]) -> int:
    """How many migrations from there are somebody else's."""
    ours = {move.machine for move in under_way}
    migrating = [vm for vm in hosted.machines if vm.migrating]
    return sum(vm.id not in ours for vm in migrating)


def _disk_to_come(move: Migration) -> int:
    """Bytes of its disks that are not there yet: those that are, the host counts as used."""
    return move.disk * (100 - move.percent) // 100
