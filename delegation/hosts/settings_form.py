"""Plans of hosts' settings, saved and fresh: read back as changes, and compared line by line."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from delegation import names
from delegation.changes.plan import Change, Target
from delegation.changes.review import SavedPlan, refuse_repeated
from delegation.errors import Command, command
from delegation.hosts.settings import HOST_SETTINGS, HostSetting, SettingChange, Value, key, shown

_UNKNOWN = UUID(int=0)
"""A saved plan tells a setting by its host and name."""


class SettingsPlanForm:
    """Implements review.PlanForm."""

    @property
    def command(self) -> Command:
        return command("hosts", "plan")

    @property
    def have(self) -> str:
        return HOST_SETTINGS.words.have

    def differences(self, then: Sequence[SettingChange], now: Sequence[SettingChange]) -> list[str]:
        """A line for each setting that differs in the same way, with its hosts."""
        old, new = _by_setting(then), _by_setting(now)
        words = dict.fromkeys(old.keys() - new.keys(), "would not be changed any more")
        words |= dict.fromkeys(new.keys() - old.keys(), "would be changed as well")
        for both in old.keys() & new.keys():
            before, after = _from_to(old[both]), _from_to(new[both])
            if before != after:
                words[both] = f"was to go {before}, is to go {after}"
        hosts_by_line: dict[str, list[str]] = defaultdict(list)
        for (setting, host), difference in words.items():
            hosts_by_line[f"{setting} {difference}"].append(host)
        return sorted(f"{names.fold(hosts)}: {line}" for line, hosts in hosts_by_line.items())


def _by_setting(changes: Sequence[SettingChange]) -> dict[tuple[str, str], SettingChange]:
    return {(change.before.name, change.target.name): change for change in changes}


def _from_to(change: SettingChange) -> str:
    return f"from {shown(change.before.value)} to {shown(change.after.value)}"


def saved_plan(data: Mapping[str, Any]) -> SavedPlan[HostSetting]:
    """A plan out of its JSON. Raises LookupError, TypeError, ValueError or AttributeError.

    Raises Refused where a setting of a host is in it twice.
    """
    domain, digest, listed = data["domain"], data["digest"], data["changes"]
    if not (isinstance(domain, str) and isinstance(digest, str) and isinstance(listed, list)):
        raise TypeError
    changes = tuple(map(_change, listed))
    refuse_repeated(map(_told, changes))
    return SavedPlan(domain, digest, changes)


def _told(change: SettingChange) -> str:
    """However the host or the network is spelled, it is one setting."""
    return f"{change.target.name.casefold()}: {key(change.before.name)}"


def _change(data: Mapping[str, Any]) -> SettingChange:
    host, setting = data["host"], data["setting"]
    before, after = data["before"], data["after"]
    if not isinstance(host, str) or not isinstance(setting, str):
        raise TypeError
    if not isinstance(before, Value) or not isinstance(after, Value):
        raise TypeError
    target = Target(host, "", _UNKNOWN)
    return Change(target, HostSetting(setting, before), HostSetting(setting, after))
