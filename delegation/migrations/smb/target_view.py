"""Looks at a target -> what migrations do there: its data, how fast files grow, what is news."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from delegation.migrations.schedule.obstacles import size
from delegation.migrations.smb.traffic import SmbSession, Traffic

Looks = Iterable[tuple[float, Traffic | str]]
"""Each with its time in seconds; text is why there is nothing to be seen just now."""


@dataclass(frozen=True)
class TargetView:
    """One look at the host of that label."""

    host: str
    seen: Traffic

    def to_json(self) -> dict[str, Any]:
        return {
            "host": self.host,
            "shares": [
                {"name": one.name, "source": one.source, "path": one.path or None}
                for one in self.seen.shares
            ],
            "sessions": [
                {
                    "client": one.client,
                    "user": one.user,
                    "seconds": one.seconds,
                    "idle": one.idle,
                    "opens": one.opens,
                    "perhaps_this_look": one.perhaps_ours,
                }
                for one in self.seen.sessions
            ],
            "files": [
                {"path": one.path, "user": one.user, "bytes": one.size} for one in self.seen.files
            ],
            "untold": list(self.seen.untold),
        }


def session_counts(seen: Traffic) -> Mapping[tuple[str, str], int]:
    """How many there are of each client and user."""
    return Counter((one.client, user_of(one)) for one in seen.sessions)


def user_of(session: SmbSession) -> str:
    """Who it is, as a person reads it."""
    return f"{session.user} (perhaps this look)" if session.perhaps_ours else session.user


def growth_rates(before: tuple[float, Traffic], now: tuple[float, Traffic]) -> dict[str, float]:
    """Bytes a second by which files have grown from one look to the next."""
    seconds = now[0] - before[0]
    sizes = {one.path: one.size for one in before[1].files if one.size is not None}
    return {
        one.path: max(one.size - sizes[one.path], 0) / seconds
        for one in now[1].files
        if one.size is not None and one.path in sizes and seconds > 0
    }


def news_of_looks(looks: Looks) -> Iterator[str]:
    """What is new from look to look, in words."""
    known: dict[str, str] = {}
    silence = ""
    for _, seen in looks:
        if isinstance(seen, str):
            if seen != silence:
                yield seen
            silence = seen
            continue
        if silence:
            yield "it answers again"
            silence = ""
        now = dict(_facts(seen))
        for what, state in now.items():
            if known.get(what) != state:
                yield f"{what}{state}"
        yield from (f"{what}: gone" for what in known if what not in now)
        known = now


def _facts(seen: Traffic) -> Iterator[tuple[str, str]]:
    """Each thing that there is, and what may change of it."""
    for share in seen.shares:
        yield f"share {share.name} of {share.source}", ""
    for (client, user), count in session_counts(seen).items():
        yield f"sessions of {user} from {client}", f": {count}"
    for file in seen.files:
        yield f"file {file.path}", "" if file.size is None else f": {size(file.size)}"
    for line in seen.untold:
        yield f"not told: {line}", ""
