"""Plans of hosts' settings, saved and fresh: read back as changes, and compared line by line."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from delegation import names
from delegation.changes.json_place import JsonPlace, NotSaid, refuse_repeated
from delegation.changes.plan import Change, Target
from delegation.changes.plan_origin import FORM, PlanOrigin, refuse_other_form
from delegation.changes.review import SavedPlan
from delegation.errors import Command, command
from delegation.hosts.settings import HOST_SETTINGS, HostSetting, SettingChange, Value, key, shown
from delegation.hosts.settings_view import HostsPlanView

MAX_NAMES = 1_000_000
"""Settings of all hosts of a plan."""
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


def document(view: HostsPlanView, origin: PlanOrigin) -> dict[str, Any]:
    """A plan as it is saved: with who made it, and from what."""
    about = {"saved_plan": FORM, "kind": HOST_SETTINGS.name, "made": origin.to_json()}
    return {**about, **view.to_json()}


def read(place: JsonPlace) -> SavedPlan[HostSetting]:
    """The plan in a document. Raises NotSaid with what is wrong with it, where in it.

    Raises Refused for one of another version, and where a setting of a host is in it twice.
    """
    refuse_other_form(place, "delegation hosts plan -o FILE")
    if place.has("kind") and place.value["kind"] != HOST_SETTINGS.name:
        raise NotSaid("it is no plan of hosts' settings: apply takes one of delegation")
    said = place.keys(
        "saved_plan", "kind", "made", "digest", "domain", "changes", "unreachable", "cluster",
        "blocked", "summary",
    )  # fmt: skip
    changes = tuple(map(_change, said["changes"].items(MAX_NAMES)))
    refuse_repeated(map(_told, changes))
    origin = PlanOrigin.from_json(said["made"])
    return SavedPlan(said["domain"].text(), said["digest"].text(), changes, origin)


def _told(change: SettingChange) -> str:
    """However the host or the network is spelled, it is one setting."""
    return f"{change.target.name.casefold()}: {key(change.before.name)}"


def _change(place: JsonPlace) -> SettingChange:
    said = place.keys("host", "setting", "before", "after")
    setting = said["setting"].text()
    before, after = _value(said["before"]), _value(said["after"])
    target = Target(said["host"].text(), "", _UNKNOWN)
    return Change(target, HostSetting(setting, before), HostSetting(setting, after))


def _value(place: JsonPlace) -> Value:
    value = place.value
    if not isinstance(value, Value):
        raise place.wrong("the value of a setting")
    return place.text(may_be_empty=True) if isinstance(value, str) else value
