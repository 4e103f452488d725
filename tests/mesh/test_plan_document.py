"""A saved plan: what is written is what is read, and whatever somebody made of it is refused."""

import copy
import json
import random
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegation.changes import json_place, plan_origin
from delegation.changes.json_place import NotSaid
from delegation.changes.plan import Blocked, Change, Plan, Target
from delegation.changes.plan_origin import PlanOrigin
from delegation.errors import DelegationError, Refused
from delegation.mesh import plan_document_read
from delegation.mesh.findings_view import KeptValue
from delegation.mesh.plan_document import PlanDocument
from delegation.mesh.plan_view import ForeignValue, PlanSummary, PlanView
from delegation.mesh.snapshot import TRUSTED_TO_AUTH_FOR_DELEGATION
from delegation.mesh.state import DELEGATION, Delegation, DelegationChange
from delegation.names import peer_values

Data = dict[str, Any]
MEMBER = 0x1000
ORIGIN = PlanOrigin(
    "2026-11-30T02:10:00+00:00", "amy on ws1", "delegation 0.2", "/etc/inv.yaml", "sha256:1",
    "hv[01-03]", ("removals",),
)  # fmt: skip


def change(number: int, found: tuple[str, ...], after: tuple[str, ...]) -> DelegationChange:
    name = f"hv{number:02}"
    target = Target(name, f"CN={name},DC=corp,DC=example", UUID(int=number + 1))
    uac = MEMBER | TRUSTED_TO_AUTH_FOR_DELEGATION
    return Change(target, Delegation(found, MEMBER), Delegation(after, uac))


def document(
    *changes: DelegationChange, reasons: Mapping[tuple[str, str], str] | None = None
) -> PlanDocument:
    blocked = (Blocked("hv01", "flag-change", "the flag governs all", "flag-change"),)
    plan = Plan(DELEGATION.name, "corp.example", changes, blocked)
    view = PlanView(
        plan,
        "dc1.corp.example",
        reasons or {},
        (
            KeptValue("hv01", "HTTP/x", "portal", date(2027, 6, 30)),
            KeptValue("hv02", "a/b", "", None),
        ),
        (ForeignValue("hv02", "MSSQLSvc/db1", "run 3 added this"),),
        PlanSummary.counted(changes, 3, 7),
    )
    return PlanDocument(ORIGIN, view)


GONE = ("cifs/hv99", "cifs/hv98")
PLANNED = document(
    change(1, ("HTTP/x", *GONE), ("HTTP/x", *peer_values("hv02", "hv02.corp.example"))),
    change(2, (), tuple(peer_values("hv01", "hv01.corp.example"))),
    reasons={("hv01", "cifs/hv99"): "retired", ("hv01", "cifs/hv98"): "under remove: junk"},
)


def saved(plan: PlanDocument) -> bytes:
    return json.dumps(plan.to_json()).encode()


def read(data: bytes) -> PlanDocument:
    return plan_document_read.read(json_place.decoded(data, plan_origin.MAX_BYTES))


def test_what_is_saved_is_what_is_read() -> None:
    assert read(saved(PLANNED)) == PLANNED


_VALUE = st.sampled_from(["a/b", "A/b", "cifs/hv01", "x", "\u00fc/\u200b", "HTTP/*", '"', "0-3,8"])
_VALUES = st.lists(_VALUE, unique=True).map(tuple)


@given(st.lists(st.tuples(_VALUES, _VALUES), max_size=4))
def test_whatever_is_planned_comes_back(values: list[tuple[tuple[str, ...], ...]]) -> None:
    """With the values in their order where only some are added; as a set where some go."""
    changes = [change(n, found, after) for n, (found, after) in enumerate(values)]
    again = read(saved(document(*changes)))
    assert again.view.plan.digest == document(*changes).view.plan.digest
    for one, other in zip(changes, again.view.plan.changes, strict=True):
        assert one.target == other.target
        assert one.before == other.before
        assert one.after.same(other.after)


def test_a_value_is_said_once() -> None:
    fqdns = [(f"hv{n:02}", f"hv{n:02}.corp.example") for n in range(64)]
    everything = [tuple(peer_values(*one)) for one in fqdns]
    changes = [
        change(n, (), tuple(v for m, values in enumerate(everything) if m != n for v in values))
        for n in range(64)
    ]
    data = saved(document(*changes))
    assert len(data) < 100_000
    assert data.count(b'"cifs/hv05"') == 1
    assert read(data).view.summary.add == 64 * 63 * 4


# Made by somebody else


def edited(edit: Callable[[Data], object]) -> bytes:
    data = copy.deepcopy(PLANNED.to_json())
    edit(data)
    return json.dumps(data).encode()


def first(**keys: object) -> Callable[[Data], None]:
    return lambda plan: plan["changes"][0].update(keys)


WRONG: dict[str, tuple[Callable[[Data], object], str]] = {
    "unknown field": (lambda p: p.update(run="rm"), "it has the unknown key 'run'"),
    "unknown field inside": (first(replace=["x"]), "changes[0] has the unknown key 'replace'"),
    "unknown field of made": (lambda p: p["made"].update(x=1), "made has the unknown key 'x'"),
    "missing field": (lambda p: p.pop("dc"), "it lacks 'dc'"),
    "missing field inside": (lambda p: p["changes"][1].pop("dn"), "changes[1] lacks 'dn'"),
    "no list": (lambda p: p.update(changes={}), "changes is not a list"),
    "no mapping": (lambda p: p.update(changes=[7]), "changes[0] is not a mapping"),
    "no text": (first(dn=7), "changes[0].dn is not a text"),
    "empty text": (first(dn=""), "changes[0].dn is not a text"),
    "half a character": (first(dn="CN=\ud800"), "there is half a character in it"),
    "long text": (first(dn="x" * 9_000), "longer than 8,192 characters"),
    "no number": (first(user_account_control="1"), "is not a whole number from 0"),
    "a boolean for a number": (first(user_account_control=True), "is not a whole number"),
    "negative": (first(user_account_control=-1), "is not a whole number from 0"),
    "too many bits": (first(user_account_control=2**40), "is not a whole number from 0"),
    "no guid": (first(guid="hv01"), "changes[0].guid is not an objectGUID"),
    "another spelling of a guid": (first(guid="{" + str(UUID(int=2)) + "}"), "objectGUID"),
    "no places": (first(add="1,,2"), "changes[0].add is not a list of places"),
    "places of another script": (first(add="\u0663"), "is not a list of places"),
    "backwards": (first(add="5-3"), "refers to 5-3"),
    "beyond": (first(add="0-9999999"), "refers to 0-9999999, and there are"),
    "flags of another name": (first(flags={"admin": [False, True]}), "unknown key 'admin'"),
    "flags that lie": (first(flags={"protocol_transition": [True, False]}), "contradicts"),
    "flags that stay": (first(flags={"protocol_transition": [False, False]}), "contradicts"),
    "flags of one": (first(flags={"protocol_transition": [True]}), "contradicts"),
    "removes what was not there": (
        lambda p: p["changes"][1].update(remove=[{"values": "0", "reason": ""}]),
        "removes what was not found there",
    ),
    "adds what was": (first(found="0-8"), "adds what was"),
    "no day": (lambda p: p["kept"][0].update(expires="soon"), "kept[0].expires is not a date"),
    "no time": (lambda p: p["made"].update(at="soon"), "made.at is not a time"),
    "too many hosts": (lambda p: p["summary"].update(objects=10**9), "summary.objects is not"),
    "too many places": (
        lambda p: p.update(
            values=[f"a/{n}" for n in range(20_000)],
            changes=[{**p["changes"][1], "add": "0-19999"}],
        ),
        "more than 10,000 values",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("edit", "words"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said(edit: Callable[[Data], object], words: str) -> None:
    with pytest.raises(NotSaid) as caught:
        read(edited(edit))
    assert words in str(caught.value)


def _bomb(plan: Data) -> None:
    """Little text that stands for a great many values."""
    plan["values"] = [f"a/{n}" for n in range(10_000)]
    one = {**plan["changes"][1], "add": "0-9999"}
    plan["changes"] = [
        {**one, "computer": f"h{n}", "dn": f"CN={n}", "guid": str(uuid4())} for n in range(2_000)
    ]


REFUSED: dict[str, tuple[Callable[[Data], object], str]] = {
    "a value twice in the list": (lambda p: p["values"].append("HTTP/x"), "the value HTTP/x"),
    "a value twice in a change": (first(add="3,3"), "changes[0].add: "),
    "to add and to remove": (first(add="1"), "hv01: to add or to remove: cifs/hv99"),
    "a computer twice": (lambda p: p["changes"][1].update(computer="HV01"), "the computer hv01"),
    "an object twice": (
        lambda p: p["changes"][1].update(dn="cn=hv01, DC=corp,DC=example"),
        "the object cn=hv01",
    ),
    "a guid twice": (lambda p: p["changes"][1].update(guid=str(UUID(int=2))), "the objectGUID"),
    "another digest": (lambda p: p.update(digest="sha256:0"), "it was edited, or is damaged"),
    "a change less": (lambda p: p["changes"].pop(), "it was edited, or is damaged"),
    "another domain": (lambda p: p.update(domain="lab.example"), "it was edited, or is damaged"),
    "another value": (lambda p: p["values"].__setitem__(4, "cifs/dc1"), "edited, or is damaged"),
    "a flag less": (first(flags={}), "it was edited, or is damaged"),
}


@pytest.mark.parametrize(("edit", "words"), REFUSED.values(), ids=REFUSED)
def test_what_contradicts_itself_is_refused(edit: Callable[[Data], object], words: str) -> None:
    with pytest.raises(Refused) as caught:
        read(edited(edit))
    assert words in "\n".join([caught.value.what, *caught.value.details])


def test_little_text_does_not_stand_for_more_than_fits() -> None:
    with pytest.raises(NotSaid) as caught:
        read(edited(_bomb))
    assert "more than 5,000,000 values" in str(caught.value)


def test_a_thousand_mutations_end_in_words() -> None:
    """A mutated plan is refused, or its changes are those that were saved."""
    data, chance = saved(PLANNED), random.Random(15)
    bits = [b'"', b"{", b"]", b",", b"0", b"-", b"null", b"true", b"1e9", b"\\ud800", b"\xff", b""]
    read_all = 0
    for _ in range(1_000):
        at, to = sorted(chance.choices(range(len(data)), k=2))
        mutated = data[:at] + chance.choice(bits) + data[min(to, at + chance.randrange(40)) :]
        try:
            again = read(mutated)
        except (NotSaid, DelegationError):
            continue
        read_all += 1
        assert again.view.plan.digest == PLANNED.view.plan.digest
        assert again.view.plan.changes == PLANNED.view.plan.changes
    assert read_all
