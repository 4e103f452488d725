"""Moves that can be made, on hosts as read -> what of them is worth a look."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from delegation import names
from delegation.hosts.machines import MachineActivity, VirtualMachine
from delegation.migrations.moves.affinity import AffinityRules
from delegation.migrations.moves.placed import Placed
from delegation.migrations.moves.surveyed import Surveyed
from delegation.migrations.moves.terms import Terms
from delegation.migrations.moves.volumes import system_place, volume_of

PlacedMachine = tuple[Placed, VirtualMachine]


def remarks(moves: Sequence[PlacedMachine], surveyed: Surveyed, terms: Terms) -> Iterator[str]:
    """Every remark once, with the machines or hosts that it is about."""
    yield from _of_free_space(moves, surveyed, terms)
    yield from _of_sizes(moves)
    yield from _of_clusters(moves, surveyed)
    yield from _of_machines(moves)
    yield from _of_places(moves)
    placed = [one for one, _ in moves]
    for text in _broken_rules(placed, surveyed, terms.rules):
        yield f"after the moves, {text}"


def _of_free_space(
    moves: Iterable[PlacedMachine], surveyed: Surveyed, terms: Terms
) -> Iterator[str]:
    """Room that was not looked at: that the machines fit is then somebody else's word."""
    instead = "taken for full" if terms.liberties.assume_full else "not looked at"
    for target in sorted({placed.move.target for placed, _ in moves}):
        reading = surveyed.hosts[target].reading
        for what in ("memory", "disk"):
            if reading.resources is None or surveyed.tells(target, what):
                continue
            why = reading.not_told.get(what, "")
            because = f" ({why})" if why else ""
            yield f"how much {what} {target} has free is not told{because}: {instead}"
    volumes = set()
    for placed, _ in moves:
        target = placed.move.target
        resources = surveyed.resources(target)
        is_other = volume_of(placed.storage).upper() != surveyed.measured_volume(target)
        if resources is not None and is_other:
            volumes.add((volume_of(placed.storage), target))
    for drive, target in sorted(volumes):
        yield (
            f"how much room {drive} of {target} has is not known: only the volume of its default "
            "folder is looked at"
        )


def _of_sizes(moves: Iterable[PlacedMachine]) -> Iterator[str]:
    unknown = sorted(machine.name for _, machine in moves if machine.disk is None)
    if unknown:
        yield f"how large the disks of {_few(unknown)} are is not told: not counted as room"


def _of_clusters(moves: Iterable[PlacedMachine], surveyed: Surveyed) -> Iterator[str]:
    for source in sorted({placed.move.source for placed, _ in moves}):
        reading = surveyed.hosts[source].reading
        if reading.clustered:
            yield (
                f"{source} is a node of a cluster, and does not tell which machines are its roles: "
                "those are moved with the cluster's own tools, and refused here"
            )
        elif reading.clustered is None:
            why = reading.not_told.get("clustered", "")
            because = f" ({why})" if why else ""
            yield f"whether {source} is a node of a cluster is not told{because}"


def _of_machines(moves: Iterable[PlacedMachine]) -> Iterator[str]:
    busy = sorted(machine.name for _, machine in moves if machine.activity is MachineActivity.BUSY)
    if busy:
        verb = "are" if len(busy) > 1 else "is"
        yield (
            f"{_few(busy)} {verb} busy with a backup, a checkpoint or a merge of disks: the end of "
            "that is waited for"
        )
    chained = sorted(machine.name for _, machine in moves if machine.is_chained)
    if chained:
        yield (
            f"{_few(chained)}: moved with checkpoints or differencing disks, as you asked; how "
            "Windows does that was never seen"
        )


def _of_places(moves: Iterable[PlacedMachine]) -> Iterator[str]:
    machines_at: dict[str, list[str]] = defaultdict(list)
    for placed, machine in moves:
        place = system_place(placed.storage)
        if place is not None:
            machines_at[place].append(machine.name)
    for place, machines in sorted(machines_at.items()):
        yield f"{place} is no good place for the storage of {', '.join(sorted(machines))}"


def _broken_rules(
    moves: Iterable[Placed], surveyed: Surveyed, rules: AffinityRules
) -> Iterator[str]:
    targets = {placed.move.machine: placed.move.target for placed in moves}
    held: dict[str, list[str]] = defaultdict(list)
    concerned = set()
    for label, hosted in surveyed.hosts.items():
        for machine in hosted.machines:
            target = targets.get(str(machine.id))
            held[target or label].append(machine.name)
            if target:
                concerned.add(machine.name)
    return rules.broken(held, concerned)


_SHOWN = 4


def _few(machines: Sequence[str]) -> str:
    if len(machines) <= _SHOWN:
        return ", ".join(machines)
    more = names.counted(len(machines) - _SHOWN, "more machine")
    return f"{', '.join(machines[:_SHOWN])} and {more}"
