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
    known = [recorded.change.target.name for recorded in journal.changes(run.id, kind)]
    try:
        meant, unknown = names.chosen(expressions, known)
    except ValueError as exc:
        raise UsageError(f"{option}: {exc}", "write hosts as in hv[01-08],hv12") from exc
    if unknown or not meant:
        raise UsageError(
            f"run {run.id} was not to change {names.fold(unknown) or repr(expressions)}",
            f"its hosts are {names.fold(known)}" if known else "see: delegation history",
        )
    return meant
