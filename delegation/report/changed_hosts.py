"""Runs and changes of a report -> rows for templates: hosts that change alike folded."""

from collections.abc import Iterable
from typing import NamedTuple

from delegation import names
from delegation.changes.history import became_to_json
from delegation.changes.run import SETTLE, settled_in_words
from delegation.mesh.past_runs import audited_in_words
from delegation.mesh.state import DelegationChange, RecordedDelegation, added, flags, removed
from delegation.report.readable import TemplateRow


class _AsTold(NamedTuple):
    """What a row says of a host's change: hosts of which the same is said share one."""

    add: int
    remove: int
    flags: str
    became: str = ""
    reason: str = ""


def planned_changes(changes: Iterable[DelegationChange]) -> list[TemplateRow]:
    """What a plan changes, hosts that change by the same numbers folded."""
    return _folded((_as_told(change), change.target.name) for change in changes)


def recorded_changes(changes: Iterable[RecordedDelegation]) -> list[TemplateRow]:
    """The same of a run, with what became of it."""
    told: list[tuple[_AsTold, str]] = []
    for one in changes:
        row = _as_told(one.change)._replace(became=_became(one), reason=one.reason)
        told.append((row, one.change.target.name))
    return _folded(told)


def _as_told(change: DelegationChange) -> _AsTold:
    words = [flag_words(name, *bits) for name, bits in flags(change).items()]
    return _AsTold(len(added(change)), len(removed(change)), ", ".join(words))


def _became(recorded: RecordedDelegation) -> str:
    result = became_to_json(recorded)["result"]
    return result or ("not settled" if recorded.intended else "")


def _folded(told: Iterable[tuple[_AsTold, str]]) -> list[TemplateRow]:
    rows: list[TemplateRow] = []
    for row, computers in names.grouped(told).items():
        rows.append({"hosts": names.fold(computers), "count": len(computers), **row._asdict()})
    return rows


def flag_words(name: str, before: bool, after: bool) -> str:  # noqa: FBT001, ARG001
    """``protocol transition on`` of a flag that changes."""
    return f"{name.replace('_', ' ')} {'on' if after else 'off'}"


def result(run: TemplateRow) -> str:
    """What became of a run, in a few words."""
    if run["kind"] == SETTLE:
        return settled_in_words(run["summary"])
    if "drift" in run["summary"]:
        return f"{run['status']}: {audited_in_words(run['summary'])}"
    words = ", ".join(f"{count} {name}" for name, count in run["summary"].items() if count)
    return f"{run['status']}: {words or 'nothing written'}"
