"""Seconds, and loads over time -> as people read them."""

from collections.abc import Sequence
from math import ceil

_BLOCKS = " ▁▂▃▄▅▆▇█"


def duration(seconds: float) -> str:
    """``45 s``, ``2 min 05 s``, ``3 h 20 min``; the parts that nobody wants are left out."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min" if rest == 0 else f"{minutes} min {rest:02} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02} min"


def clock(seconds: float) -> str:
    """Time since a beginning, as ``0:02:05``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"


def curve(steps: Sequence[tuple[float, int]], length: float, top: int, width: int) -> str:
    """What goes on over ``length`` seconds in ``width`` blocks, each as high as its mean.

    ``steps`` are (second from which, amount), the first at 0; a full block is ``top`` or more.
    """
    if length <= 0 or top <= 0:
        return ""
    ends = [*(at for at, _ in steps[1:]), length]
    spans = [(at, end, amount) for (at, amount), end in zip(steps, ends, strict=True)]
    blocks = ""
    for number in range(width):
        begins, until = length * number / width, length * (number + 1) / width
        total = sum(amount * _overlap(at, end, begins, until) for at, end, amount in spans)
        share = total / (until - begins) / top
        # Rounded up, so that whatever goes on shows; not for less than floats are exact.
        eighths = ceil(share * 8 - 1e-9)
        blocks += _BLOCKS[min(eighths, 8)]
    return blocks


def _overlap(at: float, end: float, begins: float, until: float) -> float:
    """Seconds that two spans have in common."""
    return max(0.0, min(end, until) - max(at, begins))
