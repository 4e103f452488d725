"""How often and for how long something is tried, and what is to happen later."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Patience:
    """``attempts`` is how often a leg of a migration may fail; the others are seconds.

    ``first`` and ``longest`` bound the wait before another try, which doubles. What nobody can
    tell is asked again every ``poll``, until nothing has happened for ``silence``. A machine that
    both of its hosts show, or neither, has ``grace``: a host shows one that comes when it has come.
    What others hold up, as a backup does, is tried again after ``longest``. What is to stop has
    ``stop`` to do so: to take back what was copied takes minutes. Progress is recorded every
    ``record``, wishes are read every ``listen``, and estimates are made anew every ``learn``.
    """

    attempts: int = 6
    first: float = 5
    longest: float = 120
    poll: float = 5
    silence: float = 300
    grace: float = 30
    stop: float = 600
    record: float = 3
    listen: float = 1
    learn: float = 30

    def before_try(self, failed: int) -> float:
        """Seconds to wait after so many tries that failed."""
        doublings = min(failed - 1, 30)  # far beyond the longest, and no float overflows
        return min(self.first * 2.0**doublings, self.longest)


class Alarms(Generic[K]):
    """What is to be done at a later second of ``clock``. Setting one again moves it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._times: dict[K, float] = {}

    def __bool__(self) -> bool:
        return bool(self._times)

    def set(self, key: K, seconds: float) -> None:
        """To be done in so many seconds from now."""
        self._times[key] = self._clock() + seconds

    def due(self) -> Iterator[K]:
        """Those whose time has come; each comes once."""
        now = self._clock()
        ripe = [key for key, time in self._times.items() if time <= now]
        for key in ripe:
            del self._times[key]
            yield key


class Every:
    """Says yes at most once in so many seconds, and the first time that it is asked."""

    def __init__(self, clock: Callable[[], float], seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._next: float | None = None

    def __call__(self) -> bool:
        now = self._clock()
        if self._next is not None and now < self._next:
            return False
        self._next = now + self._seconds
        return True


class Lasting(Generic[K]):
    """For how many seconds of ``clock`` something has been so."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since: dict[K, float] = {}

    def __bool__(self) -> bool:
        """Whether anything is so."""
        return bool(self._since)

    def seconds(self, key: K, *, so: bool) -> float:
        """``so``: whether it still is, or is now."""
        if not so:
            self._since.pop(key, None)
            return 0.0
        now = self._clock()
        return now - self._since.setdefault(key, now)
