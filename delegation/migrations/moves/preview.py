"""Placed moves -> what a run of them would do: order, length, every host's load, and what stays.

Everything comes out of the schedule's own code, run against a clock that jumps. Nothing of it is
a timetable: a run decides anew whenever a migration ends.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from delegation.inventory import Slots
from delegation.migrations.moves.asked import AskedMove
from delegation.migrations.moves.placed import Placed, Placement, Unmovable
from delegation.migrations.moves.surveyed import Surveyed, listed_name
from delegation.migrations.moves.terms import Terms
from delegation.migrations.schedule import UNTOLD, Capacity
from delegation.migrations.schedule.simulate import TimedStart, Timeline, timeline

Data = dict[str, Any]


@dataclass(frozen=True, slots=True)
class HostLoad:
    """One host while it all happens.

    ``moves`` are (second from which, migrations that leave, migrations that arrive) wherever they
    change. ``memory`` and ``disk`` are the least that is free there at any time, in bytes; None
    where the host does not tell.
    """

    host: str
    slots: int
    sent: int
    received: int
    moves: tuple[tuple[float, int, int], ...]
    memory: int | None
    disk: int | None

    def busy(self, seconds: float) -> float:
        """The share of its slots' time that is used in so many seconds, 0 to 1."""
        used = 0.0
        for (begins, leaving, arriving), (ends, _, _) in pairwise(self.moves):
            used += (ends - begins) * (leaving + arriving)
        slot_seconds = seconds * self.slots
        return used / slot_seconds if slot_seconds > 0 else 0.0


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
        stuck = []
        for machine, why in self.timeline.unsolved.items():
            move = moves[machine]
            what = f"no order of the moves makes room for it: {why}"
            fix = "move fewer machines at once, or empty a host that others can go through"
            stuck.append(Unmovable(move.name, move.source, what, fix))
        stuck.sort(key=lambda unmovable: (unmovable.host or "", unmovable.name))
        return (*self.placement.unmovable, *stuck)


def preview(placement: Placement, surveyed: Surveyed, terms: Terms) -> Preview:
    """The plan for moves that were placed on hosts as they were read."""
    moves = [placed.move for placed in placement.moves]
    course = timeline(surveyed.capacities(), moves, slots=terms.slots, via=terms.via)
    loads = _host_loads(course, surveyed, terms.slots)
    return Preview(terms.domain, placement, course, loads, dict(surveyed.unread))


def digest(domain: str, moves: Iterable[Placed]) -> str:
    """SHA-256 over the canonical JSON of kind, domain and each move, by machine.

    Neither seconds nor the order are in it: a plan stays the one that was confirmed when estimates
    or free slots are others a minute later, as long as it brings the same machines to the same
    places.
    """
    rows = []
    for placed in moves:
        move = placed.move
        rows.append([move.machine, move.source, move.target, placed.storage])
    body = {"kind": "migration", "domain": domain.casefold(), "moves": sorted(rows)}
    text = json.dumps(body, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def data(plan: Preview) -> Data:
    """The plan as JSON data; times are in seconds from the start, sizes in bytes."""
    placement, bound, length = plan.placement, plan.timeline.bound, plan.timeline.seconds
    return {
        "digest": plan.digest,
        "domain": plan.domain,
        "moves": [_placed_data(placed) for placed in placement.moves],
        "order": [_start_data(timed) for timed in plan.timeline.starts],
        "seconds": length,
        "lower_bound": {"seconds": bound.seconds, "why": bound.why},
        "hosts": [_load_data(load, length) for load in plan.loads],
        "there": [{"vm": there.name, "host": there.host} for there in placement.there],
        "unmovable": [_unmovable_data(unmovable) for unmovable in plan.unmovable],
        "remarks": list(placement.remarks),
        "unread": [{"host": host, "why": why} for host, why in plan.unread.items()],
        "summary": {
            "moves": len(placement.moves),
            "bytes": sum(placed.size or 0 for placed in placement.moves),
            "bytes_not_told": sum(placed.size is None for placed in placement.moves),
            "aside": sum(not timed.start.final for timed in plan.timeline.starts),
            "there": len(placement.there),
            "unmovable": len(plan.unmovable),
        },
    }


def _placed_data(placed: Placed) -> Data:
    return {
        "vm": placed.move.name,
        "id": placed.move.machine,
        "source": placed.move.source,
        "target": placed.move.target,
        "storage": placed.storage,
        "bytes": placed.size,
        "seconds": placed.move.seconds,
    }


def _start_data(timed: TimedStart) -> Data:
    return {
        "vm": timed.start.move.name,
        "id": timed.start.move.machine,
        "from": timed.start.source,
        "to": timed.start.to,
        "aside": not timed.start.final,
        "begins": timed.begins,
        "ends": timed.ends,
    }


def _unmovable_data(unmovable: Unmovable) -> Data:
    return {
        "vm": unmovable.name,
        "host": unmovable.host,
        "why": unmovable.why,
        "fix": unmovable.fix,
        "line": unmovable.line,
        "column": unmovable.column,
    }


def as_asked(plan: Preview, surveyed: Surveyed) -> tuple[AskedMove, ...]:
    """The plan's moves as a list that says everything: it gives this plan again."""
    machines = {
        (label, str(machine.id)): machine
        for label, hosted in surveyed.hosts.items()
        for machine in hosted.machines
    }
    asked = []
    for placed in plan.placement.moves:
        move = placed.move
        name = listed_name(machines[move.source, move.machine], surveyed.hosts[move.source])
        asked.append(AskedMove(name, move.target, move.source, placed.storage))
    return tuple(asked)


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


def _host_loads(course: Timeline, surveyed: Surveyed, slots: Slots) -> tuple[HostLoad, ...]:
    """The hosts that take part, in the order of the survey."""
    capacities = surveyed.capacities()
    sent = Counter(timed.start.source for timed in course.starts)
    received = Counter(timed.start.to for timed in course.starts)
    least = _least_free(course, capacities)
    loads = []
    for host in surveyed.hosts:
        if host not in sent and host not in received:
            continue
        slot_loads = [(load.begins, load.leaving, load.arriving) for load in course.load(host)]
        slot_count = capacities[host].slots(slots)
        memory, disk = map(_told, least[host])
        loads.append(
            HostLoad(host, slot_count, sent[host], received[host], tuple(slot_loads), memory, disk)
        )
    return tuple(loads)


def _told(free: int) -> int | None:
    """Bytes that are free; None where a host does not tell, whatever was taken of that."""
    return free if free < UNTOLD // 2 else None


def _least_free(course: Timeline, hosts: Mapping[str, Capacity]) -> dict[str, tuple[int, int]]:
    """The least memory and disk that each host has free while the moves are made."""
    # A target's room is held from a move's start and a source's until its end. At one instant ends
    # come first, as in the schedule: what they free is what the starts of that instant take.
    events = [(timed.ends, 0, timed.start) for timed in course.starts]
    events += [(timed.begins, 1, timed.start) for timed in course.starts]
    events.sort(key=lambda event: event[:2])
    free = {name: (capacity.memory, capacity.disk) for name, capacity in hosts.items()}
    least = dict(free)
    for _, begins, start in events:
        host, sign = (start.to, -1) if begins else (start.source, 1)
        memory = free[host][0] + sign * start.move.memory
        disk = free[host][1] + sign * start.move.disk
        free[host] = memory, disk
        least[host] = min(least[host][0], memory), min(least[host][1], disk)
    return least
