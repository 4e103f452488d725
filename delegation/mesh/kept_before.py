"""Comparison, what was kept before -> values under a keep rule that somebody has taken away.

They belong to another team, whose service fails without them. Scripts that clear a list, or replace
it, take them along; a plan can't bring them back, because the inventory has only a pattern of them.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from delegation.inventory import Keep
from delegation.mesh.compare import Comparison, HostComparison, Standing, is_live


class KeptBefore(NamedTuple):
    """A value that a keep rule let stay: on whose account, and which run saw it last, and when.

    ``guid`` is the account's objectGUID as text, ``seen`` is ISO 8601 in UTC.
    """

    guid: str
    label: str
    value: str
    run: int
    seen: str


class TakenAway(NamedTuple):
    """A value that was there and is gone, with the rule that still keeps it."""

    host: HostComparison
    before: KeptBefore
    rule: Keep


def taken_away(comparison: Comparison, before: Iterable[KeptBefore]) -> Iterator[TakenAway]:
    """What is gone from the objects that were looked at; back in any spelling, it is there."""
    by_guid = {str(host.computer.guid): host for host in comparison.objects}
    held: dict[str, set[str]] = {}
    for one in before:
        host = by_guid.get(one.guid)
        if host is None:
            continue
        if one.guid not in held:
            held[one.guid] = {value.casefold() for value in host.computer.values}
        rule = _live_rule(comparison, host.label, one.value)
        if rule is not None and one.value.casefold() not in held[one.guid]:
            yield TakenAway(host, one, rule)


def to_remember(
    comparison: Comparison, before: Iterable[KeptBefore], now: str
) -> Iterator[KeptBefore]:
    """What the next audit compares with: what is kept now, and what is still missed.

    So is what was not looked at this time, as long as its rule is there. The run of what is seen
    now has no number yet: 0.
    """
    looked_at = {str(host.computer.guid) for host in comparison.objects}
    for host in comparison.objects:
        for verdict in host.standing(Standing.KEPT):
            yield KeptBefore(str(host.computer.guid), host.label, verdict.value, 0, now)
    missed = {one.before for one in taken_away(comparison, before)}
    for one in before:
        is_unseen = one.guid not in looked_at
        if one in missed or (is_unseen and _live_rule(comparison, one.label, one.value)):
            yield one


def is_kept_anywhere(comparison: Comparison, host: HostComparison) -> bool:
    """Whether any live keep rule is about a host."""
    return any(_is_about(rule, host.label, comparison) for rule in comparison.inventory.keep)


def _live_rule(comparison: Comparison, label: str, value: str) -> Keep | None:
    for rule in comparison.inventory.keep:
        if _is_about(rule, label, comparison) and rule.covers(value):
            return rule
    return None


def _is_about(rule: Keep, label: str, comparison: Comparison) -> bool:
    is_of_host = label in rule.hosts if rule.hosts else True
    return is_of_host and is_live(rule, comparison.today)
