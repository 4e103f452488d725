"""What a migration run would do: its order, its length, every host's load, and what can't move.

Everything comes out of the schedule's own code, run against a clock that jumps. Nothing of it is
a timetable: a run decides anew whenever a migration ends.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from delegation.inventory import Slots
from delegation.migrations.moves.asked import AskedMove
from delegation.migrations.moves.placement import Placed, Placement, Unmovable
from delegation.migrations.moves.surveyed import Surveyed, listed_name
from delegation.migrations.moves.terms import Terms
from delegation.migrations.schedule.simulate import Timeline, timeline

Data = dict[str, Any]


@dataclass(frozen=True, slots=True)
class HostLoad:
    """One host while it all happens.

    ``moves`` are (second from which, migrations that leave, migrations that arrive) wherever they
    change. ``memory`` and ``disk`` are the least that is free there at any time, in bytes.
    """

    host: str
    slots: int
    sent: int
    received: int
    moves: tuple[tuple[float, int, int], ...]
    memory: int
    disk: int

    def busy(self, seconds: float) -> float:
        """The share of its slots' time that is used in so many seconds, 0 to 1."""
        ends = [at for at, _, _ in self.moves[1:]]
        used = sum(
            (until - at) * (leaving + arriving)
            for (at, leaving, arriving), until in zip(self.moves, ends, strict=False)
        )
        return used / (seconds * self.slots) if seconds > 0 and self.slots > 0 else 0.0


@dataclass(frozen=True)
class Preview:
    """A plan of migrations. ``unmovable`` is all that stands in its way, by name."""

    domain: str
    placement: Placement
    timeline: Timeline
    loads: tuple[HostLoad, ...]
    unread: Mapping[str, str]

    @property
    def digest(self) -> str:
        """SHA-256 over what is moved where, whatever the order; equal on any workstation."""
        return digest(self.domain, self.placement.moves)

    @property
    def unmovable(self) -> tuple[Unmovable, ...]:
        """What can't be placed, and what would wait for room for good."""
        moves = {placed.move.machine: placed.move for placed in self.placement.moves}
        stuck = [
            Unmovable(
                moves[machine].name,
                moves[machine].source,
                f"no order of the moves makes room for it: {why}",
                "move fewer machines at once, or empty a host that others can go through",
            )
            for machine, why in self.timeline.unsolved.items()
        ]
        return (*self.placement.unmovable, *sorted(stuck, key=lambda one: (one.host, one.name)))


def preview(placement: Placement, surveyed: Surveyed, terms: Terms) -> Preview:
    """The plan for moves that were placed on hosts as they were read."""
    moves = [placed.move for placed in placement.moves]
    found = timeline(surveyed.capacities(), moves, slots=terms.slots, via=terms.via)
    loads = _loads(found, surveyed, terms.slots)
    return Preview(terms.domain, placement, found, loads, dict(surveyed.unread))


def digest(domain: str, moves: Iterable[Placed]) -> str:
    """SHA-256 over the canonical JSON of kind, domain and each move, by machine."""
    body = {
        "kind": "migration",
        "domain": domain.casefold(),
        "moves": sorted(
            [one.move.machine, one.move.source, one.move.target, one.storage] for one in moves
        ),
    }
    text = json.dumps(body, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def data(plan: Preview) -> Data:
    """The plan as JSON data; times are in seconds from the start, sizes in bytes."""
    placement, length = plan.placement, plan.timeline.seconds
    return {
        "digest": plan.digest,
        "domain": plan.domain,
        "moves": [
            {
                "vm": one.move.name,
                "id": one.move.machine,
                "source": one.move.source,
                "target": one.move.target,
                "storage": one.storage,
                "bytes": one.size,
                "seconds": one.move.seconds,
            }
            for one in placement.moves
        ],
        "order": [
            {
                "vm": timed.start.move.name,
                "id": timed.start.move.machine,
                "from": timed.start.source,
                "to": timed.start.to,
                "aside": not timed.start.final,
                "begins": timed.begins,
                "ends": timed.ends,
            }
            for timed in plan.timeline.starts
        ],
        "seconds": length,
        "lower_bound": {
            "seconds": plan.timeline.bound.seconds,
            "why": plan.timeline.bound.why,
        },
        "hosts": [_load_data(load, length) for load in plan.loads],
        "there": [{"vm": one.name, "host": one.host} for one in placement.there],
        "unmovable": [
            {
                "vm": one.name,
                "host": one.host or None,
                "why": one.why,
                "fix": one.fix,
                "line": one.line or None,
                "column": one.column or None,
            }
            for one in plan.unmovable
        ],
        "remarks": list(placement.remarks),
        "unread": [{"host": host, "why": why} for host, why in plan.unread.items()],
        "summary": {
            "moves": len(placement.moves),
            "bytes": sum(one.size for one in placement.moves),
            "aside": sum(not timed.start.final for timed in plan.timeline.starts),
            "there": len(placement.there),
            "unmovable": len(plan.unmovable),
        },
    }


def as_asked(plan: Preview, surveyed: Surveyed) -> tuple[AskedMove, ...]:
    """The plan's moves as a list that says everything: it gives this plan again."""
    machines = {
        (label, str(machine.id)): machine
        for label, hosted in surveyed.hosts.items()
        for machine in hosted.machines
    }
    return tuple(
        AskedMove(
            listed_name(machines[move.source, move.machine], surveyed.hosts[move.source]),
            move.target,
            move.source,
            placed.storage,
        )
        for placed in plan.placement.moves
        for move in (placed.move,)
    )


def _load_data(load: HostLoad, length: float) -> Data:
    return {
        "host": load.host,
        "slots": load.slots,
        "sent": load.sent,
        "received": load.received,
        "busy": round(load.busy(length), 3),
        "least_memory": load.memory,
        "least_disk": load.disk,
        "load": [
            {"at": at, "leaving": leaving, "arriving": arriving}
            for at, leaving, arriving in load.moves
        ],
    }


def _loads(found: Timeline, surveyed: Surveyed, slots: Slots) -> tuple[HostLoad, ...]:
    """The hosts that take part, in the order of the survey."""
    capacities = surveyed.capacities()
    taking_part = {host for timed in found.starts for host in (timed.start.source, timed.start.to)}
    least = _least_free(found, surveyed)
    return tuple(
        HostLoad(
            host,
            capacities[host].slots(slots),
            sum(timed.start.source == host for timed in found.starts),
            sum(timed.start.to == host for timed in found.starts),
            tuple((load.begins, load.leaving, load.arriving) for load in found.load(host)),
            *least[host],
        )
        for host in surveyed.hosts
        if host in taking_part
    )


def _least_free(found: Timeline, surveyed: Surveyed) -> dict[str, tuple[int, int]]:
    """The least memory and disk that each host has free: a target's is held from the start."""
    free = {host: (one.memory, one.disk) for host, one in surveyed.capacities().items()}
    least = dict(free)
    events = [(timed.ends, 0, timed.start) for timed in found.starts]
    events += [(timed.begins, 1, timed.start) for timed in found.starts]
    for _, begins, start in sorted(events, key=lambda event: event[:2]):
        host, sign = (start.to, -1) if begins else (start.source, 1)
        memory, disk = free[host]
        free[host] = memory + sign * start.move.memory, disk + sign * start.move.disk
        least[host] = min(least[host][0], free[host][0]), min(least[host][1], free[host][1])
    return least
