"""A move's bytes, and the rates of moves that are done -> how many seconds it should take.

Nothing is admitted or refused by an estimate; it orders moves and tells people when to come back.
Orders are good even with estimates that are off by half, so the model is kept simple.
"""

from collections import deque
from statistics import median

USUAL_RATE = 500e6
"""Bytes a second of one migration stream before any was seen: about 4 of 10 Gbit/s."""
LEAST_SECONDS = 1.0
"""No move takes less: even without bytes, both hosts talk, register and unregister a machine."""
REMEMBERED = 15
"""Moves that a median is taken of: the newest, as a network is not the same all day."""
ENOUGH = 3
"""Moves that make a median worth more than that of a larger group."""


class StreamRates:
    """Bytes a second of one migration, as learnt: of its pair, else of its hosts, else of all.

    Medians, so that one move which hung for an hour teaches nothing.
    """

    def __init__(self, usual: float = USUAL_RATE) -> None:
        self._usual = usual
        self._seen: dict[tuple[str | None, str | None], deque[float]] = {}
        """The newest rates from one host to another; None stands for all hosts."""

    def learn(self, source: str, to: str, count: int, seconds: float) -> None:
        """A migration of ``count`` bytes, memory and disk, took so long."""
        if count <= 0 or seconds <= 0:
            return
        for group in ((source, to), (source, None), (None, to), (None, None)):
            seen = self._seen.setdefault(group, deque(maxlen=REMEMBERED))
            seen.append(count / seconds)

    def rate(self, source: str, to: str) -> float:
        """Bytes a second. With too few moves of the pair, the slower of its two hosts says it."""
        pair = self._median_rate(source, to, ENOUGH)
        if pair is not None:
            return pair
        # A host's disks, or its link, bound all of its migrations; the slower end is what counts.
        ends = (self._median_rate(source, None, ENOUGH), self._median_rate(None, to, ENOUGH))
        known = [rate for rate in ends if rate is not None]
        if known:
            return min(known)
        return self._median_rate(None, None, 1) or self._usual

    def seconds(self, source: str, to: str, count: int) -> float:
        """What a migration of ``count`` bytes, memory and disk, should take."""
        return max(count / self.rate(source, to), LEAST_SECONDS)

    def _median_rate(self, source: str | None, to: str | None, enough: int) -> float | None:
        seen = self._seen.get((source, to), ())
        return median(seen) if len(seen) >= enough else None
