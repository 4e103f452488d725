"""HOSTS as somebody typed them -> the objects of a run, by the names that it recorded."""

from typing import Any

from delegation import names
from delegation.changes.journal import Journal
from delegation.changes.kinds import Kind
from delegation.changes.run import Run
from delegation.errors import UsageError


def objects_meant(
    journal: Journal, run: Run, kind: Kind[Any], expressions: str, option: str
) -> frozenset[str]:
    """The names of the objects that are meant. Raises UsageError for others than the run's."""
    targets = (recorded.change.target.name for recorded in journal.changes(run.id, kind))
    known = {name.casefold(): name for name in targets}
    meant: list[str] = []
    try:
        for expression in names.split_list(expressions):
            meant += names.expand(expression)
    except ValueError as exc:
        raise UsageError(f"{option}: {exc}", "write hosts as in hv[01-08],hv12") from exc
    unknown = [name for name in meant if name.casefold() not in known]
    if unknown or not meant:
        raise UsageError(
            f"run {run.id} was not to change {names.fold(unknown) or repr(expressions)}",
            f"its hosts are {names.fold(known.values())}" if known else "see: delegation history",
        )
    return frozenset(known[name.casefold()] for name in meant)
