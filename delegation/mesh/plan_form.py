"""Plans of delegation, saved and fresh: read back as changes, and compared line by line."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any
from uuid import UUID

from delegation import names
from delegation.changes.plan import Change, Target
from delegation.changes.review import SavedPlan, refuse_repeated
from delegation.errors import Command, command
from delegation.mesh.plan_view import WITHOUT_GUID
from delegation.mesh.state import (
    DELEGATION,
    FLAGS,
    Delegation,
    DelegationChange,
    added,
    flags,
    removed,
)

_UNTOLD = UUID(int=0)
"""Stands for the identity of an object in a saved plan that tells none: its export had none."""


class DelegationPlanForm:
    """Implements review.PlanForm."""

    @property
    def command(self) -> Command:
        return command("plan")

    @property
    def have(self) -> str:
        return DELEGATION.words.have

    def differences(
        self, then: Sequence[DelegationChange], now: Sequence[DelegationChange]
    ) -> list[str]:
        old = {change.target.name: change for change in then}
        new = {change.target.name: change for change in now}
        lines = [f"{name}: would not be changed any more" for name in old.keys() - new.keys()]
        lines += [f"{name}: would be changed as well" for name in new.keys() - old.keys()]
        for name in old.keys() & new.keys():
            for difference in _differences(old[name], new[name]):
                lines.append(f"{name}: {difference}")
        return sorted(lines)


def _differences(then: DelegationChange, now: DelegationChange) -> Iterator[str]:
    """How one object's change has become another."""
    planned_for, found = _identity(then), _identity(now)
    if planned_for != found:
        yield f"is another account of that name: objectGUID was {planned_for}, is {found}"
    aspects = (
        ("to add", added(then), added(now)),
        ("to remove", removed(then), removed(now)),
        ("found there", then.before.values, now.before.values),
    )
    for words, before, after in aspects:
        for value in sorted(set(after).difference(before)):
            yield f"now {words}: {value}"
        for value in sorted(set(before).difference(after)):
            yield f"no longer {words}: {value}"
    facts = (
        ("flags", _bits(then), _bits(now)),
        ("user_account_control", then.before.uac, now.before.uac),
        ("dn", then.target.dn.casefold(), now.target.dn.casefold()),
    )
    for name, old, new in facts:
        if old != new:
            yield f"{name} was {old}, is {new}"


def _identity(change: DelegationChange) -> str:
    """The objectGUID; of an object in an export without any, that there is none."""
    guid = change.target.guid
    return "not told" if guid == _UNTOLD or guid.version == WITHOUT_GUID else str(guid)


def _bits(change: DelegationChange) -> dict[str, list[bool]]:
    return {name: list(bits) for name, bits in flags(change).items()}


def saved_plan(data: Mapping[str, Any]) -> SavedPlan[Delegation]:
    """A plan out of its JSON. Raises LookupError, TypeError, ValueError or AttributeError.

    Raises Refused where an object, or a value of one, is in it twice.
    """
    listed = _list(data["changes"])
    changes = [_change(change) for change in listed]
    refuse_repeated(chain.from_iterable(map(_names_of_object, listed)))
    refuse_repeated(chain.from_iterable(map(_values, listed)))
    return SavedPlan(_text(data["domain"]), _text(data["digest"]), tuple(changes))


def _names_of_object(data: Mapping[str, Any]) -> Iterator[str]:
    """What there is once in a plan, a line each."""
    yield f"the computer {str(data['computer']).casefold()}"
    yield f"the object {names.dn_key(str(data['dn']))}"
    if data["guid"] is not None:
        yield f"the objectGUID {_guid(data['guid'])}"


def _values(data: Mapping[str, Any]) -> Iterator[str]:
    """What there is once in a change, a line each."""
    computer = data["computer"]
    for value in (*data["add"], *(removal["value"] for removal in data["remove"])):
        yield f"{computer}: to add or to remove: {value}"
    for value in data["before"]["values"]:
        yield f"{computer}: found there: {value}"


def _change(data: Mapping[str, Any]) -> DelegationChange:
    """A change with exactly the additions and removals that are written there.

    Also where they contradict what is said to have been found: a plan that was tampered with must
    differ from a true one in what its reader was shown.
    """
    before_json = data["before"]
    to_add = _texts(data["add"])
    to_remove = _texts([removal["value"] for removal in _list(data["remove"])])
    values = _texts(before_json["values"])
    values += [value for value in to_remove if value not in values]
    values = [value for value in values if value not in to_add]
    found = after = _number(before_json["user_account_control"])
    for name, bits in data["flags"].items():
        was_set, is_set = _list(bits)
        found = _with_bit(found, name, was_set)
        after = _with_bit(after, name, is_set)
    kept = [value for value in values if value not in to_remove]
    target = Target(_text(data["computer"]), _text(data["dn"]), _guid(data["guid"]))
    before = Delegation(tuple(values), found)
    return Change(target, before, Delegation((*kept, *to_add), after))


def _with_bit(uac: int, name: str, is_set: object) -> int:
    if not isinstance(is_set, bool):
        raise TypeError
    return uac | FLAGS[name] if is_set else uac & ~FLAGS[name]


def _guid(text: object) -> UUID:
    return _UNTOLD if text is None else UUID(_text(text))


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError
    return value


def _texts(value: object) -> list[str]:
    return [_text(one) for one in _list(value)]


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value
