"""A host as it was seen, and what is on the way there -> what it has left for migrations."""

from collections.abc import Collection, Iterable
from uuid import UUID

from delegation.hosts.hosted import Hosted
from delegation.hosts.machines import UnderWay
from delegation.migrations.lifecycle import Migration
from delegation.migrations.moves.surveyed import Surveyed
from delegation.migrations.schedule import Capacity


def capacity(  # noqa: PLR0913
    host: str,
    hosted: Hosted,
    under_way: Iterable[Migration],
    at_rest: Collection[UUID] = (),
    prepared: Iterable[Migration] = (),
    *,
    assume_full: bool = False,
) -> Capacity:
    """The slots that are ours to use, and the room that is left when all that comes has come.

    ``under_way`` are all migrations of ours that may be running. Those of others, by what the host
    counts, take slots as well; so do those of ours that were ``at_rest``, by their machines, where
    the host moves them after all. ``prepared`` ones were not sent yet, and need their room.
    ``assume_full``: what a host does not tell of its free space is none; else it is no bound.
    """
    ours = {move.machine: move for move in under_way}
    surveyed = Surveyed({host: hosted}, {})
    if assume_full:
        surveyed = surveyed.taken_for_full()
    whole = surveyed.capacities().get(host)
    if whole is None:
        return Capacity(0, 0, 0, 0)
    others = of_others(host, hosted, ours.values(), at_rest)
    # A host shows a VM that comes only when it has come: until then nothing else counts it there.
    there = {vm.id for vm in hosted.machines}
    memory, disk = whole.memory, whole.disk
    for move in (*ours.values(), *prepared):
        if move.to == host and move.machine not in there:
            memory -= move.memory
            disk -= _disk_to_come(move)
    return Capacity(
        live=whole.live - others.migrations,
        storage=whole.storage - others.storage_migrations,
        memory=memory,
        disk=disk,
    )


def of_others(
    host: str, hosted: Hosted, under_way: Iterable[Migration], at_rest: Collection[UUID] = ()
) -> UnderWay:
    """How many of the migrations that a host counts are somebody else's, of each kind.

    It counts all that goes on there, in both directions, whoever started it. Ours may be counted
    in one kind or in both, and not yet: so there are never fewer than none.
    """
    ours = sum(_takes_slot(move, host, at_rest) for move in under_way)
    counted = hosted.reading.under_way
    return UnderWay(max(counted.migrations - ours, 0), max(counted.storage_migrations - ours, 0))


def _takes_slot(move: Migration, host: str, at_rest: Collection[UUID]) -> bool:
    """Whether one of ours is to be counted at that end of it."""
    return move.to == host or (move.at == host and move.machine not in at_rest)


def _disk_to_come(move: Migration) -> int:
    """Bytes of its disks that are not there yet: those that are, the host counts as used."""
    return move.disk * (100 - move.percent) // 100
