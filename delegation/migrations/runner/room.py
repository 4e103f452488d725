"""What a host has left for migrations, by how it was seen and what is on the way there."""

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
    there = {machine.id for machine in hosted.machines}
    found = Surveyed({host: hosted}, {}).capacities().get(host)
    if found is None:
        return Capacity(0, 0, 0, 0)
    taken = of_others(hosted, [move for move in ours.values() if move.machine not in at_rest])
    coming = [move for move in ours.values() if move.to == host and move.machine not in there]
    return Capacity(
        live=found.live - taken,
        storage=found.storage - taken,
        memory=found.memory - sum(move.memory for move in coming),
        disk=found.disk - sum(_to_come(move) for move in coming),
    )


def of_others(hosted: Hosted, under_way: Iterable[Migration]) -> int:
    """How many migrations from there are somebody else's."""
    ours = {move.machine for move in under_way}
    return sum(one.migrating and one.id not in ours for one in hosted.machines)


def _to_come(move: Migration) -> int:
    """Bytes of its disks that are not there yet."""
    return move.disk * (100 - move.percent) // 100
