"""Random instances of migrations, seeded: what the benchmark and the laws measure schedules on."""

from dataclasses import dataclass
from random import Random

from delegation.migrations.schedule import Capacity, Move

GB = 1 << 30
RATE = 0.5e9
"""Bytes a second of one stream: 4 of 10 Gbit/s."""
AMPLE = 1 << 60


@dataclass(frozen=True)
class Instance:
    hosts: dict[str, Capacity]
    moves: list[Move]


def machine(number: int, source: str, target: str, memory: int, disk: int) -> Move:
    seconds = 10 + (memory + disk) / RATE
    return Move(f"{number:05}", f"vm{number}", source, target, memory, disk, seconds)


def _sized(random: Random) -> tuple[int, int]:
    """Memory of 2 to 64 GB, disks of about 60 GB, a few of a terabyte."""
    memory = random.choice((2, 4, 4, 8, 8, 16, 32, 64)) * GB
    disk = min(random.lognormvariate(4.1, 0.9), 2_000)
    return memory, int(disk * GB)


def mixed(seed: int) -> Instance:
    """Sizes, slots and load differ from host to host; space is ample.

    8 to 128 hosts and 20 to 2,500 moves, both drawn evenly on a logarithmic scale; 1 to 8 slots of
    either kind. A host's weight as a source and as a target is drawn log-normally (sigma 0.7), and
    each move draws its ends by these weights.
    """
    random = Random(seed)
    count = round(8 * 16 ** random.random())
    names = [f"hv{n:03}" for n in range(1, count + 1)]
    moves_count = round(20 * 125 ** random.random())
    hosts = {
        name: Capacity(random.choice((1, 2, 2, 4, 8)), random.choice((1, 2, 2, 4, 8)), AMPLE, AMPLE)
        for name in names
    }
    out = [random.lognormvariate(0, 0.7) for _ in names]
    into = [random.lognormvariate(0, 0.7) for _ in names]
    moves: list[Move] = []
    while len(moves) < moves_count:
        (source,), (target,) = random.choices(names, out), random.choices(names, into)
        if source != target:
            moves.append(machine(len(moves), source, target, *_sized(random)))
    return Instance(hosts, moves)


def hard(seed: int) -> Instance:
    """All hosts have the same slots and the same load, so that every idle slot shows.

    8, 16, 32 or 64 hosts with 1, 2 or 4 slots. In each of 5 to 40 rounds the hosts stand in a
    circle of random order and each gives the next one a machine. All machines are of one size, or
    those of a round are, so that loads are exactly equal; or each has its own as in ``mixed``, so
    that only the numbers of moves are. Then the moves are shuffled.
    """
    random = Random(seed)
    count = random.choice((8, 16, 32, 64))
    slots = random.choice((1, 2, 4))
    rounds = random.randint(5, 40)
    kind = random.choice(("one size", "one a round", "own"))
    names = [f"hv{n:03}" for n in range(1, count + 1)]
    ends: list[tuple[str, str, int, int]] = []
    size = _sized(random)
    for _ in range(rounds):
        circle = random.sample(names, count)
        if kind == "one a round":
            size = _sized(random)
        for source, target in zip(circle, circle[1:] + circle[:1], strict=True):
            if kind == "own":
                size = _sized(random)
            ends.append((source, target, *size))
    random.shuffle(ends)
    moves = [machine(number, *end) for number, end in enumerate(ends)]
    return Instance({name: Capacity(slots, slots, AMPLE, AMPLE) for name in names}, moves)


def balanced(seed: int, count: int = 64, machines: int = 2_000) -> Instance:
    """2,000 machines of 64 hosts to other hosts, ends drawn evenly; 2 slots a host."""
    random = Random(seed)
    names = [f"hv{n:02}" for n in range(1, count + 1)]
    moves = []
    for number in range(machines):
        source, target = random.sample(names, 2)
        moves.append(machine(number, source, target, *_sized(random)))
    return Instance({name: Capacity(2, 2, AMPLE, AMPLE) for name in names}, moves)
