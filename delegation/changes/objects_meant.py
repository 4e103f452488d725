"""HOSTS as somebody typed them -> the objects of a run, by the names that it recorded."""

from collections.abc import Iterable
from typing import Any

from delegation import names
from delegation.changes.journal import Journal
from delegation.changes.kinds import Kind
from delegation.errors import UsageError


def objects_meant(
    journal: Journal, runs: Iterable[int], kind: Kind[Any], expressions: str, option: str
) -> frozenset[str]:
    """The names of the objects that are meant. Raises UsageError for others than the runs'."""
    numbers = sorted(runs)
    found: list[str] = []
    for number in numbers:
        found += [recorded.change.target.name for recorded in journal.changes(number, kind)]
    known = list(dict.fromkeys(found))
    try:
        meant, unknown = names.chosen(expressions, known)
    except ValueError as exc:
        raise UsageError(f"{option}: {exc}", "write hosts as in hv[01-08],hv12") from exc
    if unknown or not meant:
        guess = names.did_you_mean(unknown, known)
        hosts = f"its hosts are {names.fold(known)}" if known else "see: delegation history"
        raise UsageError(
            f"{_called(numbers)} not to change {names.fold(unknown) or repr(expressions)}",
            f"{guess} {hosts}".lstrip(),
        )
    return meant


def _called(numbers: list[int]) -> str:
    first, *others = numbers
    return f"runs {first} to {numbers[-1]} were" if others else f"run {first} was"
