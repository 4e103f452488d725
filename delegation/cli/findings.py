"""Findings on a terminal: what is alike told once, each value with the hosts that hold it."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import NamedTuple

import click

from delegation import names
from delegation.cli import terminal
from delegation.mesh.checks import AcceptedFinding, Finding, Severity
from delegation.mesh.findings_view import FindingGroup, Holders, groups_of, severities_in_words
from delegation.mesh.news import NotLookedAt


def _distinct(
    ctx: click.Context,  # noqa: ARG001 - click's signature
    parameter: click.Parameter,  # noqa: ARG001
    names_given: tuple[str, ...],
) -> tuple[str, ...]:
    if not all(name.strip() for name in names_given):
        raise click.BadParameter("it is empty; name a user, as in vmadmin or vmadmin@corp.example")
    return tuple(dict.fromkeys(names_given))


operators = click.option(
    "--as",
    "operators",
    metavar="USER",
    multiple=True,
    callback=_distinct,
    help="Look whether USER, who runs migrations, can be delegated; may be repeated.",
)


_AGE = re.compile(r"([1-9][0-9]{0,3})([hdw])")
_HOURS = {"h": 1, "d": 24, "w": 7 * 24}


def age(
    ctx: click.Context,  # noqa: ARG001 - click's signature
    parameter: click.Parameter,  # noqa: ARG001
    text: str | None,
) -> timedelta | None:
    """``7d``, ``12h`` or ``2w``."""
    if text is None:
        return None
    try:
        return age_of(text)
    except ValueError as exc:
        raise click.BadParameter("a number of hours, days or weeks: 12h, 7d, 2w") from exc


def age_of(text: str) -> timedelta:
    """The same. Raises ValueError for anything else."""
    match = _AGE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no age")
    return timedelta(hours=int(match[1]) * _HOURS[match[2]])


class FindingLine(NamedTuple):
    """A line of text, and its colour on a terminal."""

    text: str
    fg: str | None = None


FEW = 6
"""Lines of a group, and values of a line, that are shown without ``-v``."""
_INDENT = " " * 12


def show(lines: Iterable[FindingLine]) -> None:
    """Lines on stdout."""
    for line in lines:
        terminal.out(line.text, fg=line.fg)


def lines(
    findings: Sequence[Finding], known: Sequence[AcceptedFinding] = (), *, verbose: bool
) -> list[FindingLine]:
    """Each group of findings: where, what, what to do; what is accepted; how many of each."""
    besides = list(accepted(known, verbose=verbose))
    if not findings:
        return [*besides, FindingLine(f"  no findings{_besides(known)}")]
    return [*grouped(findings, verbose=verbose), *besides, counted(findings, known)]


def counted(findings: Sequence[Finding], known: Sequence[AcceptedFinding] = ()) -> FindingLine:
    """How many there are, by severity."""
    return FindingLine(f"  {severities_in_words(findings)}{_besides(known)}")


def _besides(known: Sequence[AcceptedFinding]) -> str:
    return f"; {len(known):,} accepted" if known else ""


def accepted(known: Iterable[AcceptedFinding], *, verbose: bool) -> Iterator[FindingLine]:
    """What the inventory accepts, by the rule that does: until when, whose it is, and why."""
    for words, found in names.grouped((one.in_words, one.finding) for one in known).items():
        for group in groups_of(found):
            head, rows = _where(group, verbose=verbose)
            yield FindingLine(f"  accepted  {group.rule}  {head}")
            yield from (FindingLine(f"{_INDENT}{line}") for line in (group.message, *rows, words))


def grouped(findings: Iterable[Finding], *, verbose: bool) -> Iterator[FindingLine]:
    """The groups alone."""
    for group in groups_of(findings):
        head, rows = _where(group, verbose=verbose)
        colour = "red" if group.severity is Severity.CRITICAL else None
        yield FindingLine(f"  {group.severity!s:<8}  {group.rule}  {head}", colour)
        yield FindingLine(f"{_INDENT}{group.message}")
        yield from (FindingLine(f"{_INDENT}{row}") for row in rows)
        yield FindingLine(f"{_INDENT}fix: {group.fix}")


def _where(group: FindingGroup, *, verbose: bool) -> tuple[str, list[str]]:
    """Hosts and values in one, where all hosts hold the same; else the hosts, and who holds what.

    What is left out is counted.
    """
    holders = group.holders
    shown = holders if verbose else holders[:FEW]
    if len(holders) == 1:
        return _holders(holders[0], verbose=verbose), []
    rows = [_holders(one, verbose=verbose) for one in shown]
    left_out = sum(len(one.values) for one in holders[len(shown) :])
    if left_out:
        rows.append(f"and {names.counted(left_out, 'more value')} on others of these; -v shows all")
    return group.hosts, rows


def _holders(one: Holders, *, verbose: bool) -> str:
    if verbose or len(one.values) <= FEW:
        return one.where
    rest = f"and {names.counted(len(one.values) - FEW, 'more value')}; -v shows all"
    return f"{Holders(one.hosts, one.values[:FEW]).where} {rest}"


def resolved(gone: Iterable[Finding], *, verbose: bool) -> Iterator[FindingLine]:
    """Findings of an earlier audit that are no more, for whoever waited for that."""
    for group in groups_of(gone):
        head, rows = _where(group, verbose=verbose)
        yield FindingLine(f"  resolved  {group.rule}  {head}")
        yield FindingLine(f"{_INDENT}was: {group.message}")
        yield from (FindingLine(f"{_INDENT}{row}") for row in rows)


def left_out(what: Iterable[NotLookedAt]) -> Iterator[FindingLine]:
    """What an earlier audit looked at and this one does not: nobody knows how it is there now."""
    alike = names.grouped(((bool(one.findings), one.for_now), one) for one in what)
    for (has_findings, for_now), those in alike.items():
        when = "not looked at this time" if for_now else "no longer looked at"
        count = names.counted(sum(one.findings for one in those), "finding")
        still = f"; {count} of before may still be there" if has_findings else ""
        yield FindingLine(f"  left out  {names.fold(one.label for one in those)}")
        yield FindingLine(f"{_INDENT}{when}{still}")
