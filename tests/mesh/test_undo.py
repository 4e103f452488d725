"""Taking back what a run did, and telling what became of it, from the objects as they are now."""

from collections.abc import Iterable

import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st

from delegation.changes.evidence import what_became_of
from delegation.changes.outcomes import Absent, Result
from delegation.changes.rewrites import Rewrite
from delegation.mesh import undo
from delegation.mesh.snapshot import Computer
from delegation.mesh.state import FLAGS, Delegation, DelegationChange, added, removed
from delegation.mesh.undo import Reversal, StayingPart
from tests.builders import (
    DISABLED,
    DOMAIN,
    ENABLED,
    EVERY_OVERRIDE,
    FOREIGN_VALUES,
    READ_ONLY_DC,
    TRANSITION,
    UNCONSTRAINED,
    WRITABLE_DC,
    MemoryDirectory,
    World,
    applied,
    change,
    computer,
    found_values,
    planned,
    worlds,
)

BITS = TRANSITION | UNCONSTRAINED


def _run(world: World, directory: MemoryDirectory) -> tuple[DelegationChange, ...]:
    """Apply the world's inventory; what the run changed."""
    plan = planned(world.inventory, directory, allow=EVERY_OVERRIDE)
    applied(plan, directory)
    return plan.changes


def _reversal(
    changes: Iterable[DelegationChange],
    directory: MemoryDirectory,
    allow: Iterable[str] = ("unconstrained",),
) -> Reversal:
    listed = list(changes)
    now = directory.read([change.target.guid for change in listed])
    return undo.reversal(DOMAIN, listed, now, frozenset(), tuple(allow))


# Laws


@given(worlds())
def test_the_reverse_restores_the_original_exactly(world: World) -> None:
    directory = world.directory
    before = dict(directory.accounts)
    back = _reversal(_run(world, directory), directory)
    assert not back.plan.blocked
    assert all(
        change.after == Delegation.of(before[change.target.guid]) for change in back.plan.changes
    )
    applied(back.plan, directory)
    assert directory.state() == MemoryDirectory(before.values()).state()


@given(worlds(), st.data())
def test_what_others_did_meanwhile_survives_the_reverse(world: World, data: st.DataObject) -> None:
    """A value of theirs, another one taken away, a bit that is none of ours, a move."""
    directory = world.directory
    expected = directory.state()
    changes = _run(world, directory)
    assume(changes)
    victim = directory.accounts[data.draw(st.sampled_from(changes)).target.guid]
    touched = next(c for c in changes if c.target.guid == victim.guid)
    ours = {v.casefold() for v in (*added(touched), *removed(touched))}
    takes = data.draw(
        st.sets(st.sampled_from([v for v in victim.values if v.casefold() not in ours] or ["-"]))
    )
    values = (*(v for v in victim.values if v not in takes), "HTTP/Late")
    moved = victim._replace(values=values, uac=victim.uac ^ DISABLED, dn=f"OU=new,{victim.dn}")
    directory.put(moved)

    back = _reversal(changes, directory)
    assert not back.plan.blocked
    applied(back.plan, directory)

    was_values, was_uac = expected[victim.guid]
    expected[victim.guid] = (
        sorted([*(v for v in was_values if v not in takes), "HTTP/Late"]),
        was_uac ^ DISABLED,
    )
    assert directory.state() == expected


@given(worlds(), found_values, st.integers(0, 3), st.data())
def test_a_reverse_touches_nothing_that_the_run_did_not(
    world: World, values: tuple[str, ...], flags: int, data: st.DataObject
) -> None:
    """Whatever the object holds now: a value or a bit that is restored is one the run took."""
    directory = world.directory
    changes = _run(world, directory)
    assume(changes)
    chosen = data.draw(st.sampled_from(changes))
    account = directory.accounts[chosen.target.guid]
    mixed = tuple(dict.fromkeys((*data.draw(st.permutations(account.values)), *values)))
    bits = (0, TRANSITION, UNCONSTRAINED, BITS)[flags]
    directory.put(account._replace(values=mixed, uac=account.uac & ~BITS | bits))
    back = _reversal(changes, directory)
    event("conflict" if back.plan.blocked else "no conflict")
    made = {change.target.guid: change for change in changes}
    for undone in back.plan.changes:
        run = made[undone.target.guid]
        assert set(added(undone)) <= set(removed(run))
        gave = {value.casefold() for value in added(run)}
        assert {value.casefold() for value in removed(undone)} <= gave
        flipped = run.before.uac ^ run.after.uac
        assert not (undone.before.uac ^ undone.after.uac) & ~flipped
        assert undone.before == Delegation.of(directory.accounts[undone.target.guid])


@given(worlds(), st.data())
def test_what_others_have_undone_is_done_and_the_rest_is_undone(
    world: World, data: st.DataObject
) -> None:
    directory = world.directory
    before = directory.state()
    changes = _run(world, directory)
    assume(changes)
    chosen = data.draw(st.sampled_from(changes))
    undone = data.draw(st.sets(st.sampled_from(sorted(chosen.parts))))
    state = chosen.after.with_parts_of(chosen.before, undone)
    account = directory.accounts[chosen.target.guid]
    directory.put(account._replace(values=state.values, uac=state.uac))
    back = _reversal(changes, directory)
    assert not back.plan.blocked
    assert {part for done in back.as_before.values() for part in done} == undone
    of_chosen = [one.parts for one in back.plan.changes if one.target.guid == account.guid]
    assert of_chosen == [parts for parts in [chosen.parts - undone] if parts]
    applied(back.plan, directory)
    assert directory.state() == before


@given(worlds())
def test_a_reverse_of_the_reverse_is_the_run(world: World) -> None:
    directory = world.directory
    changes = _run(world, directory)
    after = directory.state()
    back = _reversal(changes, directory).plan
    applied(back, directory)
    applied(_reversal(back.changes, directory).plan, directory)
    assert directory.state() == after


@given(worlds())
def test_a_run_can_be_taken_back_once(world: World) -> None:
    directory = world.directory
    changes = _run(world, directory)
    applied(_reversal(changes, directory).plan, directory)
    again = _reversal(changes, directory)
    assert again.plan.changes == ()
    assert again.plan.blocked == ()
    assert again.conflicts == ()
    own_names = {directory.accounts[change.target.guid].name.casefold() for change in changes}
    assert {name.casefold() for name in again.as_before} == own_names


@given(worlds(), st.data())
def test_it_is_told_from_the_object_what_became_of_a_write(
    world: World, data: st.DataObject
) -> None:
    changes = planned(world.inventory, world.directory).changes
    assume(changes)
    chosen = data.draw(st.sampled_from(changes))
    account = world.directory.accounts[chosen.target.guid]
    late = (data.draw(st.sampled_from(["HTTP/Late", "cifs/late"])),)
    for state, result in ((chosen.before, Result.REFUSED), (chosen.after, Result.APPLIED)):
        now = account._replace(values=state.values + late, uac=state.uac ^ DISABLED)
        assert what_became_of(chosen, Delegation.of(now))[0] is result
    assert what_became_of(chosen, Absent("gone")) == (Result.UNKNOWN, "gone")


# By example: hv01 lost CIFS/Old, was given cifs/hv02, its flags were swapped.

HV01 = computer("hv01", "CIFS/Old", "HTTP/portal", uac=ENABLED | UNCONSTRAINED)
RUN = change(HV01, add=["cifs/hv02"], remove=["CIFS/Old"], uac=ENABLED | TRANSITION)
DONE = HV01._replace(values=RUN.after.values, uac=RUN.after.uac)


def _back(now: Computer | None, *, allow: Iterable[str] = ("unconstrained",)) -> Reversal:
    accounts = [] if now is None else [now]
    return _reversal([RUN], MemoryDirectory(accounts), allow)


def test_the_original_comes_back_in_its_spelling_and_order() -> None:
    [undone] = _back(DONE).plan.changes
    assert undone.after == Delegation(("CIFS/Old", "HTTP/portal"), ENABLED | UNCONSTRAINED)


PARTS = frozenset({"cifs/hv02", "cifs/old", "protocol_transition", "unconstrained"})


@pytest.mark.parametrize(
    ("now", "done"),
    [
        pytest.param(HV01, PARTS, id="taken back by hand"),
        pytest.param(DONE._replace(values=("HTTP/portal",)), {"cifs/hv02"}, id="its value removed"),
        pytest.param(DONE._replace(values=(*DONE.values, "CIFS/Old")), {"cifs/old"}, id="put back"),
        pytest.param(
            DONE._replace(values=(*DONE.values, "cifs/OLD")),
            {"cifs/old"},
            id="put back in another case",
        ),
        pytest.param(DONE._replace(uac=ENABLED), {"protocol_transition"}, id="its flag cleared"),
        pytest.param(
            DONE._replace(uac=DONE.uac | UNCONSTRAINED), {"unconstrained"}, id="its flag set"
        ),
    ],
)
def test_what_is_as_before_already_is_done_and_the_rest_is_undone(
    now: Computer, done: frozenset[str]
) -> None:
    back = _back(now)
    assert back.as_before == {"hv01": done}
    assert not back.plan.blocked
    assert not back.conflicts
    [undone] = back.plan.changes or [change(HV01)]
    assert undone.parts == PARTS - done
    assert sorted(value.casefold() for value in undone.after.values) == ["cifs/old", "http/portal"]
    assert undone.after.uac == HV01.uac


def _in_conflict(*parts: str, now: Computer = DONE, run: DelegationChange = RUN) -> Reversal:
    """Run 14 has written these parts again."""
    again = {now.guid: dict.fromkeys(parts, Rewrite(14))}
    return undo.reversal(DOMAIN, [run], {now.guid: now}, frozenset(), ("unconstrained",), again)


def test_what_a_later_run_wrote_again_stays_and_the_rest_is_undone() -> None:
    back = _in_conflict("cifs/old")
    assert back.conflicts == (StayingPart("hv01", "CIFS/Old", "written again by run 14"),)
    [undone] = back.plan.changes
    assert undone.after == Delegation(("HTTP/portal",), ENABLED | UNCONSTRAINED)


def test_a_flag_stays_where_values_stay_that_it_governs() -> None:
    back = _in_conflict("cifs/hv02")
    assert [(one.part, one.why) for one in back.conflicts] == [
        ("cifs/hv02", "written again by run 14"),
        ("protocol_transition", "which governs what stays"),
        ("unconstrained", "which governs what stays"),
    ]
    [undone] = back.plan.changes
    assert added(undone) == ("CIFS/Old",)
    assert removed(undone) == ()
    assert undone.after.uac == DONE.uac


def test_what_was_written_again_and_is_as_before_all_the_same_is_done() -> None:
    back = _in_conflict(*PARTS, now=HV01)
    assert not back.conflicts
    assert not back.plan.changes


def test_conflicts_fold() -> None:
    values = [f"cifs/hv{number}" for number in range(9)]
    conflicts = [
        StayingPart(host, part, "written again by run 14")
        for host in ("hv10", "hv11", "hv12")
        for part in (*values[: 9 if host != "hv12" else 1], "protocol_transition")
    ]
    assert [(one.computer, one.why, one.message) for one in undo.refusals(conflicts)] == [
        ("hv[10-11]", "conflict", "9 values and protocol_transition, written again by run 14"),
        ("hv12", "conflict", "cifs/hv0 and protocol_transition, written again by run 14"),
    ]


@pytest.mark.parametrize(
    "now",
    [
        pytest.param(DONE._replace(values=("HTTP/new", *DONE.values)), id="a value added"),
        pytest.param(DONE._replace(values=("cifs/hv02",)), id="a value of theirs removed"),
        pytest.param(DONE._replace(values=("HTTP/portal", "CIFS/HV02")), id="another spelling"),
        pytest.param(DONE._replace(uac=DONE.uac | DISABLED), id="another bit"),
        pytest.param(DONE._replace(dn="CN=HV01,OU=moved,DC=corp,DC=example"), id="moved"),
        pytest.param(DONE._replace(account="HVX$"), id="renamed"),
    ],
)
def test_other_changes_are_left_alone(now: Computer) -> None:
    back = _back(now)
    assert not back.plan.blocked
    [undone] = back.plan.changes
    assert undone.target.dn == now.dn
    assert undone.before == Delegation.of(now)
    others = [v for v in now.values if v.casefold() != "cifs/hv02"]
    assert sorted(undone.after.values) == sorted([*others, "CIFS/Old"])
    assert undone.after.uac == now.uac ^ BITS


def test_unconstrained_delegation_comes_back_only_where_it_is_allowed() -> None:
    [refusal] = _back(DONE, allow=["removals", "flag-change"]).plan.blocked
    assert (refusal.why, refusal.override) == ("unconstrained", "unconstrained")
    assert _back(DONE, allow=["unconstrained"]).plan.blocked == ()


def test_unconstrained_delegation_goes_without_asking() -> None:
    given = change(HV01, uac=ENABLED | UNCONSTRAINED | TRANSITION).reversed()
    back = undo.reversal(DOMAIN, [given], {HV01.guid: HV01}, frozenset())
    assert not back.plan.blocked


@pytest.mark.parametrize(
    "value",
    [
        "cifs/old",
        "cifs/OLD",
        "cifs/old.corp.example",
        "OLD$",
        "old",
        "krbtgt",
        "krbtgt/CORP.EXAMPLE",
    ],
)
def test_a_value_towards_a_domain_controller_is_not_restored(value: str) -> None:
    run = change(HV01._replace(values=(value,)), remove=[value])
    now = {HV01.guid: HV01._replace(values=())}
    controllers = frozenset({"old", "old.corp.example"})
    [refusal] = undo.reversal(DOMAIN, [run], now, controllers, EVERY_OVERRIDE).plan.blocked
    assert (refusal.why, refusal.override) == ("domain-controller", "")


@pytest.mark.parametrize(
    "became",
    [
        {"uac": DONE.uac | WRITABLE_DC},
        {"uac": DONE.uac | READ_ONLY_DC},
        {"primary_group": 521},
    ],
)
def test_nothing_is_restored_on_what_became_a_domain_controller(became: dict[str, int]) -> None:
    now = DONE._replace(**became)  # type: ignore[arg-type]
    refusals = _back(now, allow=EVERY_OVERRIDE).plan.blocked
    assert [(b.why, b.override) for b in refusals] == [("domain-controller", "")]


def test_values_are_taken_from_what_became_a_domain_controller() -> None:
    given = change(HV01._replace(values=(), uac=ENABLED), add=["cifs/hv02"])
    now = HV01._replace(values=("cifs/hv02",), uac=ENABLED | WRITABLE_DC)
    assert not undo.reversal(DOMAIN, [given], {HV01.guid: now}, frozenset({"hv02"})).plan.blocked


@pytest.mark.parametrize(
    ("values", "warned"),
    [
        pytest.param((), [], id="none"),
        pytest.param(("HTTP/portal",), ["HTTP/portal"], id="there before"),
        pytest.param(("HTTP/late",), ["HTTP/late"], id="added since"),
    ],
)
def test_a_restored_flag_over_values_of_others_is_warned_about_and_not_refused(
    values: tuple[str, ...], warned: list[str]
) -> None:
    was = computer("hv01", *(v for v in values if v != "HTTP/late"))
    run = change(was, add=["cifs/hv02"], uac=ENABLED | TRANSITION)
    now = was._replace(values=(*values, "cifs/hv02"), uac=ENABLED | TRANSITION)
    back = undo.reversal(DOMAIN, [run], {was.guid: now}, frozenset())
    assert not back.plan.blocked
    assert len(back.warnings) == len(warned)
    assert all(value in warning for value, warning in zip(warned, back.warnings, strict=True))


def test_without_a_flag_there_is_nothing_to_warn_about() -> None:
    run = change(HV01, add=["cifs/hv02"])
    now = HV01._replace(values=run.after.values)
    assert undo.reversal(DOMAIN, [run], {HV01.guid: now}, frozenset()).warnings == ()


def test_the_plan_is_sorted() -> None:
    accounts = [computer(f"hv0{n}") for n in (3, 1, 2)]
    runs = [change(a, add=["cifs/x"]) for a in accounts]
    now = {a.guid: a._replace(values=("cifs/x",)) for a in accounts}
    plan = undo.reversal(DOMAIN, runs, now, frozenset()).plan
    assert [c.target.name for c in plan.changes] == ["hv01", "hv02", "hv03"]


def test_an_object_that_is_not_found_by_its_guid_is_left_out() -> None:
    """As in the recycle bin. Another account of its name is another object."""
    anew = DONE._replace(guid=computer("hv77").guid)
    back = _back(anew)
    assert back.not_found == ("hv01",)
    assert not back.plan.changes
    assert not back.plan.blocked


def test_half_a_change_is_unknown() -> None:
    half = HV01._replace(values=RUN.after.values)
    result, reason = what_became_of(RUN, Delegation.of(half))
    assert result is Result.UNKNOWN
    assert "protocol_transition" in reason


@given(found_values, st.sampled_from(FOREIGN_VALUES))
def test_differences_are_told_for_what_was_touched_alone(
    values: tuple[str, ...], value: str
) -> None:
    account = computer("hv01", *values)
    assume(value.casefold() not in {v.casefold() for v in values})
    run = change(account, add=[value])
    assert run.departures(Delegation.of(account)) == [f"{value} is not there"]
    assert run.departures(Delegation((value,), 0)) == []
    assert set(FLAGS.values()) == {TRANSITION, UNCONSTRAINED}


def test_a_flag_over_many_values_is_warned_about_in_one_short_line() -> None:
    values = tuple(f"HTTP/portal{number}" for number in range(undo.FEW + 1))
    was = computer("hv01", *values)
    run = change(was, add=["cifs/hv02"], uac=ENABLED | TRANSITION)
    now = was._replace(values=(*values, "cifs/hv02"), uac=ENABLED | TRANSITION)
    [warning] = undo.reversal(DOMAIN, [run], {was.guid: now}, frozenset()).warnings
    assert f"its {len(values)} values" in warning
    assert "portal0" not in warning
