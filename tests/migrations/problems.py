"""Small problems for the laws of schedules: few hosts, little room, short moves."""

from collections.abc import Mapping
from dataclasses import dataclass

from hypothesis import strategies as st

import tests.builders  # noqa: F401  # loads the profile of hypothesis
from delegation.migrations.schedule import Capacity, Move

AMPLE = 1 << 40


@dataclass(frozen=True)
class Problem:
    hosts: Mapping[str, Capacity]
    moves: tuple[Move, ...]


def move(
    name: str, source: str, target: str, *, memory: int = 0, disk: int = 0, seconds: float = 1.0
) -> Move:
    return Move(name, name, source, target, memory, disk, seconds)


def room(memory: int = AMPLE, disk: int = AMPLE, *, slots: int = 1) -> Capacity:
    return Capacity(slots, slots, memory, disk)


@st.composite
def problems(draw: st.DrawFn, *, hosts: int = 5, moves: int = 10, least_slots: int = 0) -> Problem:
    """What is free at first is drawn on its own, so that an end state may or may not fit."""
    names = [f"hv{n}" for n in range(1, draw(st.integers(2, hosts)) + 1)]
    capacities = st.builds(
        Capacity,
        live=st.integers(least_slots, 3),
        storage=st.integers(least_slots, 3),
        memory=st.integers(0, 8),
        disk=st.integers(0, 8) | st.just(AMPLE),
    )
    ends = st.tuples(
        st.sampled_from(names),
        st.sampled_from(names),
        st.integers(0, 4),
        st.integers(0, 4),
        st.integers(1, 4),
    )
    found = draw(st.lists(ends, max_size=moves))
    return Problem(
        {name: draw(capacities) for name in names},
        tuple(
            move(f"vm{number}", source, target, memory=memory, disk=disk, seconds=seconds)
            for number, (source, target, memory, disk, seconds) in enumerate(found)
        ),
    )
