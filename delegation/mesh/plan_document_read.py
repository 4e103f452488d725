"""The document of a plan -> the plan, read with suspicion: domain administrators look at it.

It has to be consistent in itself, its digest included. Whoever edits a file can edit its digest
too: what an apply goes by is a plan of its own, made then.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from delegation import names
from delegation.changes.json_place import JsonPlace, NotSaid, refuse_repeated
from delegation.changes.plan import Blocked, Change, Plan, Target
from delegation.changes.plan_origin import PlanOrigin, refuse_other_form
from delegation.errors import Refused
from delegation.mesh.findings_view import KeptValue
from delegation.mesh.plan_document import PlanDocument
from delegation.mesh.plan_view import ForeignValue, PlanSummary, PlanView
from delegation.mesh.state import DELEGATION, FLAGS, Delegation, DelegationChange

MOST_VALUES = 5_000_000
"""All values of all changes: 10,000 hosts in meshes of 64 have half of it."""
MOST_ON_ONE = 10_000
"""Values of one object, several times what a domain controller stores."""
MOST_REMARKS = 1_000_000
_UAC = 2**32 - 1
_KEYS = (
    "saved_plan", "kind", "made", "domain", "dc", "digest", "values", "changes", "kept", "foreign",
    "blocked", "summary",
)  # fmt: skip


def read(document: JsonPlace) -> PlanDocument:
    """The plan in a document. Raises NotSaid with what is wrong with it, where in it.

    Raises Refused for one of another version, and for one that contradicts itself.
    """
    refuse_other_form(document, "delegation plan -o FILE")
    if document.has("kind") and document.value["kind"] != DELEGATION.name:
        raise NotSaid("it is no plan of delegation: hosts apply takes one of hosts' settings")
    said = document.keys(*_KEYS)
    changes = _changes(said["changes"], said["values"])
    reasons = {key: reason for change in changes for key, reason in change.reasons}
    blocked = tuple(map(_blocked, said["blocked"].items(MOST_REMARKS)))
    made = tuple(change.change for change in changes)
    plan = Plan(DELEGATION.name, said["domain"].text(), made, blocked)
    if plan.digest != said["digest"].text():
        raise Refused(
            "the saved plan's digest is not that of its changes: it was edited, or is damaged",
            "plan again, and have the new plan reviewed",
            [f"it says   {said['digest'].text()[:80]}", f"it is of  {plan.digest}"],
        )
    view = PlanView(
        plan,
        said["dc"].text(),
        reasons,
        tuple(_kept(said["kept"])),
        tuple(_foreign(said["foreign"])),
        _summary(said["summary"], made),
    )
    return PlanDocument(PlanOrigin.from_json(said["made"]), view)


class _ReadChange(NamedTuple):
    """A change, and why it removes which value of which computer."""

    change: DelegationChange
    reasons: tuple[tuple[tuple[str, str], str], ...]


def _changes(listed: JsonPlace, values: JsonPlace) -> list[_ReadChange]:
    table = [one.text() for one in values.items(MOST_VALUES)]
    refuse_repeated(f"the value {value}" for value in table)
    changes: list[_ReadChange] = []
    total = 0
    for place in listed.items(names.MAX_HOSTS):
        changes.append(_change(place, table))
        change = changes[-1].change
        total += len(change.before.values) + len(change.after.values)
        if total > 2 * MOST_VALUES:
            raise NotSaid(f"its changes are of more than {MOST_VALUES:,} values")
    refuse_repeated(_names_of_objects(one.change.target for one in changes))
    return changes


def _names_of_objects(targets: Iterable[Target]) -> Iterator[str]:
    """What there is once in a plan, a line each."""
    for target in targets:
        yield f"the computer {target.name.casefold()}"
        yield f"the object {names.dn_key(target.dn)}"
        yield f"the objectGUID {target.guid}"


def _change(place: JsonPlace, table: Sequence[str]) -> _ReadChange:
    said = place.keys(
        "computer", "dn", "guid", "user_account_control", "flags", "found", "add", "remove"
    )
    name = said["computer"].text()
    before = Delegation(
        tuple(_meant(said["found"], table)), said["user_account_control"].number(_UAC)
    )
    leaving: list[str] = []
    reasons: list[tuple[tuple[str, str], str]] = []
    for removal in said["remove"].items(MOST_ON_ONE):
        inner = removal.keys("values", "reason")
        reason = inner["reason"].text(may_be_empty=True)
        gone = _meant(inner["values"], table)
        leaving += gone
        reasons += [((name, value), reason) for value in gone]
    coming = _meant(said["add"], table)
    refuse_repeated(f"{name}: to add or to remove: {value}" for value in (*coming, *leaving))
    found, going = set(before.values), set(leaving)
    if going - found or found.intersection(coming):
        raise NotSaid(f"{place.way} removes what was not found there, or adds what was")
    staying = [value for value in before.values if value not in going]
    uac = _with_flags(said["flags"], before.uac)
    target = Target(name, said["dn"].text(), _guid(said["guid"]))
    change = Change(target, before, Delegation((*staying, *coming), uac))
    return _ReadChange(change, tuple(reasons))


_RUN = re.compile(r"([0-9]{1,7})(?:-([0-9]{1,7}))?")


def _meant(place: JsonPlace, table: Sequence[str]) -> list[str]:
    """The values that ``0-3,8`` refers to, each once."""
    text = place.text(may_be_empty=True)
    values: list[str] = []
    for part in text.split(",") if text else ():
        match = _RUN.fullmatch(part)
        if match is None:
            raise place.wrong("a list of places, as in 0-3,8")
        low, high = int(match[1]), int(match[2] or match[1])
        if not low <= high < len(table):
            raise NotSaid(f"{place.way} refers to {part}, and there are {len(table):,} values")
        values += table[low : high + 1]
        if len(values) > MOST_ON_ONE:
            raise NotSaid(f"{place.way} is of more than {MOST_ON_ONE:,} values")
    refuse_repeated(f"{place.way}: {value}" for value in values)
    return values


def _with_flags(place: JsonPlace, uac: int) -> int:
    if not isinstance(place.value, dict):
        raise place.wrong("a mapping")
    for name in place.value:
        if name not in FLAGS:
            raise NotSaid(f"{place.way} has the unknown key {name[:40]!r}")
        bits = JsonPlace(place.value[name], f"{place.way}.{name}").items(2)
        was_set, is_set = [bit.boolean() for bit in bits] if len(bits) == 2 else (None, None)
        if was_set is not bool(uac & FLAGS[name]) or is_set is was_set:
            raise NotSaid(f"{place.way}.{name} contradicts user_account_control")
        uac ^= FLAGS[name]
    return uac


def _guid(place: JsonPlace) -> UUID:
    text = place.text()
    try:
        guid = UUID(text)
    except ValueError as exc:
        raise place.wrong("an objectGUID") from exc
    if str(guid) != text:
        raise place.wrong("an objectGUID as it is written here")
    return guid


def _blocked(place: JsonPlace) -> Blocked:
    said = place.keys("computer", "why", "message", "override")
    override = said["override"].text(may_be_empty=True)
    return Blocked(said["computer"].text(), said["why"].text(), said["message"].text(), override)


def _hosts(place: JsonPlace) -> list[str]:
    return [host.text() for host in place.items(names.MAX_HOSTS)]


def _kept(place: JsonPlace) -> Iterator[KeptValue]:
    for one in place.items(MOST_REMARKS):
        said = one.keys("value", "hosts", "reason", "expires")
        value, reason = said["value"].text(), said["reason"].text(may_be_empty=True)
        for host in _hosts(said["hosts"]):
            yield KeptValue(host, value, reason, _day(said["expires"]))


def _day(place: JsonPlace) -> date | None:
    text = place.text_or_none()
    try:
        return date.fromisoformat(text) if text is not None else None
    except ValueError as exc:
        raise place.wrong("a date") from exc


def _foreign(place: JsonPlace) -> Iterator[ForeignValue]:
    for one in place.items(MOST_REMARKS):
        said = one.keys("value", "hosts", "hint")
        value, hint = said["value"].text(), said["hint"].text(may_be_empty=True)
        for host in _hosts(said["hosts"]):
            yield ForeignValue(host, value, hint)


def _summary(place: JsonPlace, changes: Sequence[DelegationChange]) -> PlanSummary:
    """The counts of changes are counted, whatever the document may say."""
    said: Mapping[str, JsonPlace] = place.keys("objects", "unchanged_values")
    return PlanSummary.counted(
        changes, said["objects"].number(names.MAX_HOSTS), said["unchanged_values"].number(10**9)
    )
