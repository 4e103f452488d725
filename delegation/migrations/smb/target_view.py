"""Looks at a target -> what migrations do there: its data, how fast files grow, what is news."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from delegation.migrations.schedule.obstacles import size
from delegation.migrations.smb.traffic import MigrationShare, OpenFile, SmbSession, Traffic

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
            "shares": [_share_json(share) for share in self.seen.shares],
            "sessions": [_session_json(session) for session in self.seen.sessions],
            "files": [_file_json(file) for file in self.seen.files],
            "untold": list(self.seen.untold),
        }


def _share_json(share: MigrationShare) -> dict[str, Any]:
    return {"name": share.name, "source": share.source, "path": share.path or None}


def _session_json(session: SmbSession) -> dict[str, Any]:
    return {
        "client": session.client,
        "user": session.user,
        "seconds": session.seconds,
        "idle": session.idle,
        "opens": session.opens,
        "perhaps_this_look": session.perhaps_ours,
    }


def _file_json(file: OpenFile) -> dict[str, Any]:
    return {"path": file.path, "user": file.user, "bytes": file.size}


def session_counts(seen: Traffic) -> Mapping[tuple[str, str], int]:
    """How many there are of each client and user."""
    return Counter((session.client, user_of(session)) for session in seen.sessions)


def user_of(session: SmbSession) -> str:
    """Who it is, as a person reads it."""
    return f"{session.user} (perhaps this look)" if session.perhaps_ours else session.user


def growth_rates(before: tuple[float, Traffic], now: tuple[float, Traffic]) -> dict[str, float]:
    """Bytes a second by which files have grown from one look to the next, by their paths.

    A file without a size in one of the two is left out; one that shrank has not grown.
    """
    seconds = now[0] - before[0]
    if seconds <= 0:
        return {}
    sizes_before = _file_sizes(before[1])
    sizes_now = _file_sizes(now[1])
    known = [path for path in sizes_now if path in sizes_before]
    return {path: max(sizes_now[path] - sizes_before[path], 0) / seconds for path in known}


def _file_sizes(seen: Traffic) -> dict[str, int]:
    return {file.path: file.size for file in seen.files if file.size is not None}


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
        facts = dict(_facts(seen))
        for what, state in facts.items():
            if known.get(what) != state:
                yield f"{what}{state}"
        for what in known:
            if what not in facts:
                yield f"{what}: gone"
        known = facts


def _facts(seen: Traffic) -> Iterator[tuple[str, str]]:
    """Each thing that there is, and what may change of it."""
    for share in seen.shares:
        yield f"share {share.name} of {share.source}", ""
    for (client, user), count in session_counts(seen).items():
        yield f"sessions of {user} from {client}", f": {count}"
    for file in seen.files:
        grown_to = "" if file.size is None else f": {size(file.size)}"
        yield f"file {file.path}", grown_to
    for line in seen.untold:
        yield f"not told: {line}", ""
