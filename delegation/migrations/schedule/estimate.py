"""How long a move takes: from its bytes, and the rate of moves that are done.

Nothing is admitted or refused by an estimate; it orders moves and tells people when to come back.
Orders are good even with estimates that are off by half, so the model is kept simple.
"""

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from statistics import median

USUAL_RATE = 500e6
"""Bytes a second of one migration stream before any was seen: about 4 of 10 Gbit/s."""
LEAST_SECONDS = 1.0
"""No move takes less: even without bytes, both hosts talk, register and unregister a machine."""
REMEMBERED = 15
"""Moves that a median is taken of: the newest, as a network is not the same all day."""
ENOUGH = 3
"""Moves that make a median worth more than that of a larger group."""
ANY = ""
"""In place of a host: all of them."""


class StreamRates:
    """Bytes a second of one migration, as learnt: of its pair, else of its hosts, else of all.

    Medians, so that one move which hung for an hour teaches nothing.
    """

    def __init__(self, usual: float = USUAL_RATE) -> None:
        self._usual = usual
        self._seen: dict[tuple[str, str], deque[float]] = {}

    def learn(self, source: str, to: str, count: int, seconds: float) -> None:
        """A migration of ``count`` bytes, memory and disk, took so long."""
        if count <= 0 or seconds <= 0:
            return
        for group in ((source, to), (source, ANY), (ANY, to), (ANY, ANY)):
            seen = self._seen.setdefault(group, deque(maxlen=REMEMBERED))
            seen.append(count / seconds)

    def rate(self, source: str, to: str) -> float:
        """Bytes a second. With too few moves of the pair, the slower of its two hosts says it."""
        pair = self._median(source, to, ENOUGH)
        if pair is not None:
            return pair
        ends = [self._median(source, ANY, ENOUGH), self._median(ANY, to, ENOUGH)]
        known = [rate for rate in ends if rate is not None]
        return min(known) if known else self._median(ANY, ANY, 1) or self._usual

    def seconds(self, source: str, to: str, count: int) -> float:
        """What a migration of ``count`` bytes, memory and disk, should take."""
        return max(count / self.rate(source, to), LEAST_SECONDS)

    def _median(self, source: str, to: str, enough: int) -> float | None:
        seen = self._seen.get((source, to), ())
        return median(seen) if len(seen) >= enough else None


@dataclass(frozen=True, slots=True)
class Stream:
    """A running migration and the bytes a second that it would have for itself."""

    source: str
    to: str
    most: float


def fair_rates(streams: Sequence[Stream], bandwidth: Mapping[str, float]) -> list[float]:
    """Bytes a second of each stream, where networks are shared: max-min fair.

    ``bandwidth`` is that of a host in either direction; a host that is not in it is no bottleneck.
    As water that rises alike for all: a stream that has its most stays there, and so do the
    streams of a link that is full.
    """
    rates = [stream.most for stream in streams]
    links: dict[tuple[str, str], set[int]] = defaultdict(set)
    for number, stream in enumerate(streams):
        links["out of", stream.source].add(number)
        links["into", stream.to].add(number)
    left = {
        link: bandwidth[link[1]]
        for link, users in links.items()
        if sum(rates[user] for user in users) > bandwidth.get(link[1], inf)
    }
    rising = {link: links[link] for link in left}
    while rising:
        tightest = min(rising, key=lambda link: (left[link] / len(rising[link]), link))
        level = left[tightest] / len(rising[tightest])
        waiting = set().union(*rising.values())
        settled = {user for user in waiting if rates[user] <= level} or set(rising[tightest])
        for user in sorted(settled):
            rates[user] = min(rates[user], level)
            for link in ("out of", streams[user].source), ("into", streams[user].to):
                if link in left:
                    left[link] -= rates[user]
        rising = {link: rest for link, users in rising.items() if (rest := users - settled)}
    return rates
