"""The axis of a timeline: where a moment stands, in hundredths of its width.

Long times in which nothing went on are cut out of it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

GAP, SHARE = 60.0, 0.15
"""Seconds without a bar that are shown; more are as well, up to this share of those with bars."""
CUT = 2.0
"""Width of what stands for time that is cut out."""
TICKS = 7
APART = 9.0
"""Width that a label on the axis takes at least."""
NICE = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
"""Seconds between two labels, of which the first that leaves no more than TICKS is taken."""

Span = tuple[float, float]


@dataclass(frozen=True)
class Scale:
    """Times, as seconds, on an axis from 0 to 100. ``shown`` are the spans that it is made of."""

    shown: tuple[Span, ...]

    @property
    def _cut(self) -> float:
        return min(CUT, 25 / len(self.shown))

    @property
    def length(self) -> float:
        """Seconds that are shown."""
        return sum(end - begin for begin, end in self.shown)

    def x(self, time: float) -> float:
        """Where a time stands; what was cut out stands in the middle of its cut."""
        room = (100 - self._cut * (len(self.shown) - 1)) / max(self.length, 0.001)
        left = 0.0
        for begin, end in self.shown:
            if time < begin:
                return left - self._cut / 2
            if time <= end:
                return left + (time - begin) * room
            left += (end - begin) * room + self._cut
        return 100.0

    def cuts(self) -> Iterator[dict[str, Any]]:
        for (_, begin), (end, _) in pairwise(self.shown):
            yield {"x": self.x(begin), "width": self._cut, "seconds": end - begin}

    def ticks(self) -> list[dict[str, Any]]:
        """The labels of the axis, with the date where it is another one than before."""
        step = next((step for step in NICE if self.length / step <= TICKS), NICE[-1])
        step *= max(1, round(self.length / step / TICKS))
        ticks: list[dict[str, Any]] = []
        last, day = -APART, ""
        for time in self._times(step):
            x = self.x(time)
            if x - last < APART or (ticks and x > 100 - APART):
                continue
            told = datetime.fromtimestamp(time, UTC)
            date = told.date().isoformat()
            clock = f"{told:%H:%M}" if step >= 60 else f"{told:%H:%M:%S}"
            ticks.append({"x": x, "clock": clock, "date": "" if date == day else date})
            last, day = x, date
        return ticks

    def _times(self, step: int) -> Iterator[float]:
        for begin, end in self.shown:
            yield begin
            time = begin - begin % step + step
            while time <= end:
                yield time
                time += step


def scale(spans: Iterable[Span]) -> Scale:
    """An axis of all that these spans cover, without the long times in which nothing went on."""
    busy: list[Span] = []
    for begin, end in sorted(spans):
        if busy and begin <= busy[-1][1]:
            busy[-1] = busy[-1][0], max(busy[-1][1], end)
        else:
            busy.append((begin, end))
    longest = max(GAP, SHARE * sum(end - begin for begin, end in busy))
    shown = busy[:1]
    for begin, end in busy[1:]:
        if begin - shown[-1][1] > longest:
            shown.append((begin, end))
        else:
            shown[-1] = shown[-1][0], end
    return Scale(tuple(shown))
