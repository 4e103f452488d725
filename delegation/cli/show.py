"""A plan and its outcome as people read them: totals first, hosts folded, details on demand."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from delegation import names
from delegation.changes.apply import Report
from delegation.changes.outcomes import Outcome, Result
from delegation.changes.plan import Blocked, Change
from delegation.cli import terminal
from delegation.hosts.settings import HostSetting
from delegation.mesh.state import DelegationChange, DelegationPlan, added, flags, removed
from delegation.report import Data

LONG = 12
"""Lines of a list that are shown without -v."""

_FLAG_WORDS = {
    ("protocol_transition", True): "protocol transition on",
    ("protocol_transition", False): "protocol transition off",
    ("unconstrained", True): "UNCONSTRAINED ON",
    ("unconstrained", False): "unconstrained off",
}


def plan(data: Data, changes: Sequence[DelegationChange], *, verbose: bool) -> None:
    """The readable plan, from the same data as its JSON."""
    summary = data["summary"]
    terminal.out(f"Plan for {data['domain']} on {data['dc']}", bold=True)
    terminal.out()
    terminal.out(
        f"  {summary['changed']:,} of {counted(summary['objects'], 'host')} to change: "
        f"{counted(summary['add'], 'value')} to add, {summary['remove']:,} to remove, "
        f"{counted(summary['flags'], 'flag')} to set"
    )
    terminal.out(f"  {counted(summary['unchanged_values'], 'value')} there already")
    if changes:
        terminal.out()
        _changes(changes)
    _removals(data["changes"], verbose=verbose)
    _others("kept by a rule", data["kept"], "reason", verbose=verbose)
    _others("foreign, left alone", data["foreign"], "hint", verbose=verbose)
    if verbose:
        every_value(changes)
    blocked(data["blocked"], "computer", "delegation apply")
    terminal.out()
    terminal.out(f"digest  {data['digest']}")


def _changes(changes: Sequence[DelegationChange]) -> None:
    alike: dict[tuple[int, int, str], list[str]] = defaultdict(list)
    for change in changes:
        key = (len(added(change)), len(removed(change)), flag_words(change))
        alike[key].append(change.target.name)
    terminal.table(
        ["hosts", "add", "remove", "flags"],
        [
            [names.fold(hosts), f"{plus:,}", f"{minus:,}", words]
            for (plus, minus, words), hosts in alike.items()
        ],
        right=" rr",
    )


def counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def flag_words(change: DelegationChange) -> str:
    return ", ".join(_FLAG_WORDS[name, after] for name, (_, after) in flags(change).items())


def _removals(changes: Iterable[Mapping[str, Any]], *, verbose: bool) -> None:
    holders: dict[tuple[str, str], list[str]] = defaultdict(list)
    for change in changes:
        for removal in change["remove"]:
            holders[removal["value"], removal["reason"]].append(change["computer"])
    if not holders:
        return
    terminal.out()
    terminal.out("  to remove:")
    _listed(
        [
            f"    - {value}  from {names.fold(hosts)} ({reason})"
            for (value, reason), hosts in sorted(holders.items())
        ],
        verbose=verbose,
    )


def _others(title: str, found: Sequence[Mapping[str, Any]], why: str, *, verbose: bool) -> None:
    if not found:
        return
    holders: dict[tuple[str, str], list[str]] = defaultdict(list)
    for verdict in found:
        holders[verdict["value"], verdict[why]].append(verdict["computer"])
    terminal.out()
    terminal.out(f"  {title}:")
    _listed(
        [
            f"    {value}  on {names.fold(hosts)}" + (f" ({reason})" if reason else "")
            for (value, reason), hosts in sorted(holders.items())
        ],
        verbose=verbose,
    )


def _listed(lines: Sequence[str], *, verbose: bool) -> None:
    shown = lines if verbose or len(lines) <= LONG else lines[: LONG - 1]
    for line in shown:
        terminal.out(line)
    if len(shown) < len(lines):
        terminal.out(f"    … and {len(lines) - len(shown):,} more; -v shows them")


def every_value(changes: Iterable[DelegationChange]) -> None:
    for change in changes:
        terminal.out()
        words = flag_words(change)
        terminal.out(f"  {change.target.name}  {change.target.dn}", bold=True)
        for value in removed(change):
            terminal.out(f"    - {value}", fg="red")
        for value in added(change):
            terminal.out(f"    + {value}", fg="green")
        if words:
            terminal.out(f"    ~ {words}", fg="yellow")


def blocked(found: Sequence[Mapping[str, Any]], of: str, command: str) -> None:
    """What stands in a plan's way; ``of`` is the key of its object, ``command`` what applies it."""
    if not found:
        return
    terminal.out()
    terminal.out("  blocked:", fg="red")
    for refusal in found:
        terminal.out(f"    {refusal[of]}: {refusal['message']} [{refusal['why']}]")
        if refusal["override"]:
            terminal.out(f"      or accept it: {command} {refusal['override']}")


def refusals(blocked: Sequence[Blocked]) -> list[str]:
    """Every refusal as the details of one error."""
    lines = []
    for refusal in blocked:
        lines.append(f"{refusal.computer}: {refusal.message} [{refusal.why}]")
        if refusal.override:
            lines.append(f"  or accept it: --allow {refusal.override}")
    return lines


def undo(plan_to_undo: DelegationPlan, warnings: Sequence[str], *, verbose: bool) -> None:
    """What a rollback is about to do."""
    changes = plan_to_undo.changes
    plus = sum(len(added(change)) for change in changes)
    minus = sum(len(removed(change)) for change in changes)
    bits = sum(bool(flags(change)) for change in changes)
    terminal.out()
    terminal.out(
        f"  {counted(len(changes), 'host')} to change: {counted(plus, 'value')} to restore, "
        f"{minus:,} to take back, {counted(bits, 'flag')} to set"
    )
    terminal.out()
    if changes:
        _changes(changes)
    if verbose:
        every_value(changes)
    for warning in warnings:
        terminal.warn(warning)


def report(result: Report[Any], run: int, verb: str) -> None:
    """What became of an apply or a rollback, failures by name."""
    bad = [outcome for outcome in result.outcomes if outcome.result is not Result.APPLIED]
    for line in _by_reason(bad):
        terminal.say(f"  {line}", fg="red")
    for surprise in result.surprises:
        terminal.say(f"  {surprise}", fg="red")
    counts = ", ".join(
        f"{result.count(kind):,} {kind.value}" for kind in Result if result.count(kind)
    )
    colour = "green" if result.complete else "red"
    checked = ", and read back as intended" if result.complete else ""
    terminal.say(f"run {run}: {verb}: {counts or 'nothing'}{checked}", fg=colour)


def _by_reason(outcomes: Iterable[Outcome[Any]]) -> Iterator[str]:
    grouped: dict[tuple[str, str], list[Change[Any]]] = defaultdict(list)
    for outcome in outcomes:
        grouped[outcome.result.value, outcome.reason].append(outcome.change)
    for (result, reason), changes in grouped.items():
        for objects, parts in objects_and_parts(changes):
            yield f"{objects}: {': '.join(word for word in (result, parts, reason) if word)}"


def objects_and_parts(changes: Iterable[Change[Any]]) -> list[tuple[str, str]]:
    """Objects, folded, each with what of them is meant: a host's settings, or nothing more."""
    of: dict[str, list[str]] = defaultdict(list)
    for change in changes:
        part = change.after.name if isinstance(change.after, HostSetting) else ""
        of[change.target.name].append(part)
    alike: dict[str, list[str]] = defaultdict(list)
    for name, parts in of.items():
        alike[", ".join(filter(None, parts))].append(name)
    return [(names.fold(objects), parts) for parts, objects in alike.items()]
