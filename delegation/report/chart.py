"""A timeline as a picture: where each bar stands and how long it is, in hundredths of the width.

Each host has a block. A bar is a try to move a machine away from it; what goes on at once stands in
rows below each other, so that a block is as high as the host was busy. Below them is how many it
received at once. Where nothing was under way for long, or nobody watched it, as between an
interruption and a resume, time is cut out.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import heappop, heappush

from delegation.migrations.tries import MigrationTry
from delegation.report.axis import Scale, Span, scale
from delegation.report.readable import TemplateRow

ROW = 20
"""Height of a row of bars, of which one that is received takes the half."""
STRIP = 4
"""Rows that those received at once take at most; more are drawn to scale."""
LETTER = 0.75
"""Width that a letter in a bar takes on a screen, about; a name that does not fit is left out."""
KINDS = {
    "moved": "moved",
    "put aside": "aside",
    "returned": "again",
    "failed, tried again": "again",
    "failed": "failed",
    "given up": "given",
    None: "open",
}
"""How a try is drawn, by what it came to."""


@dataclass(frozen=True)
class Bar:
    """One try and when it was, in seconds; one without an end goes on until ``until``."""

    one: MigrationTry
    begin: float
    end: float
    unwatched: tuple[Span, ...] = ()

    def watched(self) -> Iterator[Span]:
        begin = self.begin
        for lost, found in self.unwatched:
            yield begin, lost
            begin = found
        yield begin, self.end


def chart(tries: Sequence[MigrationTry], until: str) -> TemplateRow | None:
    """The picture of these tries; None where there are none. ``until`` is ISO 8601."""
    if not tries:
        return None
    last = _seconds(until)
    bars = [_bar(one, last) for one in tries]
    axis = scale(span for bar in bars for span in bar.watched())
    leaving: dict[str, list[Bar]] = defaultdict(list)
    arriving: dict[str, list[Bar]] = defaultdict(list)
    for bar in bars:
        leaving[bar.one.source].append(bar)
        arriving[bar.one.to].append(bar)
    return {
        "ticks": axis.ticks(),
        "cuts": list(axis.cuts()),
        "most": _most(bars),
        "load": _load(bars, axis),
        "hosts": [
            _block(host, leaving[host], arriving[host], axis)
            for host in sorted(leaving.keys() | arriving.keys(), key=_in_order)
        ],
        "kinds": {KINDS[one.became] for one in tries},
        "unwatched": any(one.unwatched for one in tries),
    }


def _bar(one: MigrationTry, last: float) -> Bar:
    begin = _seconds(one.started)
    end = max(begin, _seconds(one.ended) if one.ended else last)
    unwatched = (
        (max(begin, _seconds(lost)), min(end, _seconds(found) if found else end))
        for lost, found in one.unwatched
    )
    return Bar(one, begin, end, tuple(span for span in unwatched if span[0] < span[1]))


def _block(host: str, leaving: Sequence[Bar], arriving: Sequence[Bar], axis: Scale) -> TemplateRow:
    rows = list(_rows(leaving))
    most = max((row for row, _ in rows), default=-1) + 1
    received = _most(arriving)
    return {
        "host": host,
        "sends": len(leaving),
        "most": most,
        "receives": len(arriving),
        "most_received": received,
        "bars": [_drawn(bar, row, axis) for row, bar in rows],
        "rows": most * ROW,
        "strip": min(received, STRIP) * ROW // 2,
        "load": _load(arriving, axis) if arriving else "",
    }


def _rows(bars: Iterable[Bar]) -> Iterator[tuple[int, Bar]]:
    """Each bar in the uppermost row that is free then: there are as many as go on at once."""
    busy: list[tuple[float, int]] = []
    free: list[int] = []
    rows = 0
    for bar in sorted(bars, key=lambda bar: bar.begin):
        while busy and busy[0][0] <= bar.begin:
            heappush(free, heappop(busy)[1])
        if not free:
            heappush(free, rows)
            rows += 1
        row = heappop(free)
        heappush(busy, (bar.end, row))
        yield row, bar


def _drawn(bar: Bar, row: int, axis: Scale) -> TemplateRow:
    x = axis.x(bar.begin)
    width = axis.x(bar.end) - x
    return {
        **bar.one.to_json(),
        "kind": KINDS[bar.one.became],
        "x": x,
        "y": row * ROW,
        "width": width,
        "seconds": bar.end - bar.begin,
        "named": len(bar.one.vm) * LETTER + 1 < width,
        "blind": [
            {"x": axis.x(begin), "width": axis.x(end) - axis.x(begin)}
            for begin, end in bar.unwatched
        ],
    }


def _steps(bars: Iterable[Bar]) -> list[tuple[float, int]]:
    """How many go on from each time on; an end counts before a beginning at the same moment."""
    changes = sorted(
        change for bar in bars for change in ((bar.begin, 1), (max(bar.end, bar.begin), -1))
    )
    told: dict[float, int] = {}
    count = 0
    for time, change in changes:
        count += change
        told[time] = count
    return list(told.items())


def _most(bars: Sequence[Bar]) -> int:
    """How many went on at once; one that took no time at all is one as well."""
    return max([count for _, count in _steps(bars)] + [min(len(bars), 1)])


def _load(bars: Sequence[Bar], axis: Scale) -> str:
    """An SVG path of how many go on, 10,000 wide and ``_most`` high, from the top down."""
    most = _most(bars)
    path = [f"M0 {most}"]
    for time, count in _steps(bars):
        path.append(f"H{axis.x(time) * 100:.0f}V{most - count}")
    return "".join([*path, f"V{most}Z"])


def _seconds(iso: str) -> float:
    return datetime.fromisoformat(iso).timestamp()


def _in_order(label: str) -> list[tuple[str, int]]:
    """hv2 before hv10."""
    parts = re.split("([0-9]{1,18})", label.casefold())
    return [
        (text, int(number or 0))
        for text, number in zip(parts[::2], [*parts[1::2], ""], strict=True)
    ]
