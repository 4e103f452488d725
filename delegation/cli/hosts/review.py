"""What was reviewed or confirmed of a plan for the hosts, against what would happen now."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from delegation import names
from delegation.cli import reviewed, show, terminal
from delegation.cli.hosts import tables
from delegation.cli.hosts.survey import Reversal, Survey
from delegation.errors import DelegationError
from delegation.hosts.settings import shown
from delegation.report import host_settings, setting_data

Looked = TypeVar("Looked", Survey, Reversal)


def confirmed(found: Looked, look_again: Callable[[], Looked]) -> Looked:
    """Ask, and look again at the hosts that were read: what is to be done on those still there.

    A host that has dropped out meanwhile is told, left out, and among the unreachable ones of what
    it gives. Raises Refused where anything else is no longer what was confirmed.
    """
    settings = show.counted(len(found.plan.changes), "setting")
    hosts = show.counted(len({change.target.name for change in found.plan.changes}), "host")
    if not terminal.confirm(f"Change {settings} on {hosts}?", yes=False):
        raise DelegationError("declined; nothing was changed")
    again = look_again()
    tables.unreachable(host_settings.unreachable_data(again.unreachable))
    there = [c for c in found.plan.changes if c.target.name not in again.unreachable]
    then, now = (
        (plan, list(map(setting_data, plan.changes)))
        for plan in (replace(found.plan, changes=tuple(there)), again.plan)
    )
    reviewed.refuse_changed(FORM, "the hosts have", then, now)
    if not there:
        raise DelegationError("none of the hosts can be reached any more; nothing was changed")
    return replace(again, unreachable={**found.unreachable, **again.unreachable})


def _fingerprint(change: Mapping[str, Any]) -> dict[str, Any]:
    made = {key: change[key] for key in ("host", "setting", "before", "after")}
    if not isinstance(made["host"], str) or not isinstance(made["setting"], str):
        raise TypeError
    return made


def _differences(then: reviewed.Fingerprints, now: reviewed.Fingerprints) -> list[str]:
    """A line for each setting that differs in the same way, with its hosts."""
    old = {(change["setting"], change["host"]): change for change in then}
    new = {(change["setting"], change["host"]): change for change in now}
    words = dict.fromkeys(old.keys() - new.keys(), "would not be changed any more")
    words |= dict.fromkeys(new.keys() - old.keys(), "would be changed as well")
    for one in old.keys() & new.keys():
        before, after = _words(old[one]), _words(new[one])
        if before != after:
            words[one] = f"was to go {before}, is to go {after}"
    alike: dict[tuple[str, str], list[str]] = {}
    for (setting, host), how in words.items():
        alike.setdefault((setting, how), []).append(host)
    return sorted(
        f"{names.fold(hosts)}: {setting} {how}" for (setting, how), hosts in alike.items()
    )


def _words(change: Mapping[str, Any]) -> str:
    return f"from {shown(change['before'])} to {shown(change['after'])}"


FORM = reviewed.Form("delegation hosts plan", "host", _fingerprint, _differences)
