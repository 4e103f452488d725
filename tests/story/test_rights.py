"""Who may not write is told so once, and leaves nothing half done; who may only read, reads."""

from __future__ import annotations

import pytest

from tests.lab import Lab, admin
from tests.lab.description import (
    ADMINISTRATOR,
    READER,
    TRUSTED_TO_AUTH_FOR_DELEGATION,
    WRITER_WITHOUT_PRIVILEGE,
)
from tests.story.wiretap import MODIFY, Wiretap
from tests.story.witness import holding, restored, towards, untouched
from tests.story.workstation import Workstation

pytestmark = pytest.mark.lab

FOUR = "hosts: {'hv[01-04]': }\n"
READING = {"bindRequest", "searchRequest", "unbindRequest"}


def test_who_surely_may_not_write_is_refused_before_the_first_write(
    desk: Workstation, fresh_lab: Lab
) -> None:
    """The ACL says no, and a plan remarks it: somebody else may carry it out."""
    poor = Workstation(desk.folder, fresh_lab, account=READER)
    poor.inventory(FOUR)
    with untouched(fresh_lab):
        planned = poor.run("plan")
        assert planned.code == 3
        assert "hv[01-04]: this account may not write msDS-AllowedToDelegateTo and" in planned.err
        refused = poor.run("apply", "--yes")
        assert refused.code == 4
        assert "hv[01-04]: this account may not write" in refused.err
        assert "or accept it: --allow unwritable" in refused.err
        left = poor.run("apply", "--yes", "--allow", "unwritable")
    assert left.code == 1
    assert "hv[01-04]: left: this account may not write" in left.err
    assert not any(poor.runs())
    desk.inventory(FOUR)
    assert "may not write" not in desk.run("plan").err


def test_who_may_not_write_is_told_once(desk: Workstation, fresh_lab: Lab) -> None:
    """That it lacks the privilege no ACL tells: one write finds it out."""
    poor = Workstation(desk.folder, fresh_lab, account=WRITER_WITHOUT_PRIVILEGE)
    poor.inventory(FOUR)
    with untouched(fresh_lab):
        assert poor.run("plan").code == 3
        failed = poor.run("apply", "--yes")
    assert failed.code == 1
    assert failed.err.count("SeEnableDelegationPrivilege") == 1
    assert "hv01: failed: no right to write this" in failed.err
    assert "hv[02-04]: failed: not tried" in failed.err
    assert set(poor.became(1).values()) <= {"failed", None}
    assert not any(run["unsettled"] for run in poor.runs())
    nothing = poor.run("rollback", "--yes")
    assert nothing.code == 1
    assert "no apply left to undo" in nothing.err

    desk.inventory(FOUR)
    assert desk.run("apply", "--yes").code == 0


def test_only_the_canary_asks(desk: Workstation, wire: Wiretap, fresh_lab: Lab) -> None:
    """Missing rights are found out on one object."""
    poor = Workstation(desk.folder, fresh_lab, WRITER_WITHOUT_PRIVILEGE, wire.url)
    poor.inventory(FOUR)
    assert poor.run("apply", "--yes").code == 1
    assert len(wire.of_kind(MODIFY)) == 1


def test_rights_on_some_objects_only(desk: Workstation, fresh_lab: Lab) -> None:
    """One host lies where the account may not write: it is named, the others are written."""
    admin.move(fresh_lab, "hv03", f"CN=HV03,CN=Computers,{fresh_lab.base_dn}")
    desk.inventory("hosts: {'hv[01-06]': }\n")
    with untouched(fresh_lab):
        refused = desk.run("apply", "--yes")
    assert refused.code == 4
    assert "hv03: this account may not write" in refused.err
    assert not any(desk.runs())
    with restored(fresh_lab):
        digest = desk.run("plan", "--format", "json", "-o", "plan.json").data["digest"]
        reviewed = ("plan.json", "--expect", digest, "--allow", "unwritable")
        applied = desk.run("apply", *reviewed, "--yes")
        assert applied.code == 1
        others = dict.fromkeys(("hv01", "hv02", "hv04", "hv05", "hv06"), "applied")
        assert "hv03: left: this account may not write" in applied.err
        assert desk.became(1) == others
        assert holding(fresh_lab).keys() == others.keys()
        page = desk.run("history", "1", "--format", "json").data
        assert page["allow"] == ["unwritable"]
        assert [left["hosts"] for left in page["left"]] == ["hv03"]
        assert desk.run("rollback", "--yes").code == 0


def test_what_a_rollback_could_not_take_back_the_next_one_does(
    desk: Workstation, fresh_lab: Lab
) -> None:
    desk.inventory(FOUR)
    with restored(fresh_lab):
        assert desk.run("apply", "--yes").code == 0
        admin.move(fresh_lab, "hv02", f"CN=HV02,CN=Computers,{fresh_lab.base_dn}")
        failed = desk.run("rollback", "--yes")
        assert failed.code == 1
        assert "hv02: failed: no right to write this" in failed.err
        assert holding(fresh_lab).keys() == {"hv02"}
        admin.move(fresh_lab, "hv02", fresh_lab.computer_dn("hv02"))
        again = desk.run("rollback", "--yes")
        assert again.code == 0
        assert "run 3: rolled back: 1 applied" in again.err
    assert desk.run("rollback", "--yes").code == 1


def test_an_auditor_plans_and_audits(desk: Workstation, wire: Wiretap, fresh_lab: Lab) -> None:
    auditor = Workstation(desk.folder, fresh_lab, READER, wire.url)
    auditor.inventory(FOUR)
    with untouched(fresh_lab):
        assert auditor.run("check").code == 0
        assert auditor.run("plan").code == 3
        drift = auditor.run("audit", "--inside-only", "--format", "json")
    assert drift.code == 3
    assert drift.data["drift"]
    assert {one["rule"] for one in drift.data["findings"]} == {"KCD001", "KCD004"}

    boss = Workstation(desk.folder, fresh_lab, ADMINISTRATOR)
    boss.inventory(FOUR)
    assert boss.run("apply", "--yes").code == 0
    auditor.inventory(FOUR)
    with untouched(fresh_lab):
        clean = auditor.run("audit", "--inside-only", "--format", "json")
        assert clean.code == 0
        assert not clean.data["drift"]
        assert auditor.run("audit", "--fail-on", "medium").code == 0
        assert auditor.run("plan").code == 0
    assert {seen.kind for seen in wire.requests} == READING


def test_an_audit_sees_what_was_done_by_hand(
    desk: Workstation, wire: Wiretap, fresh_lab: Lab
) -> None:
    desk.inventory(FOUR)
    assert desk.run("apply", "--yes").code == 0
    admin.add_values(fresh_lab, "hv01", "MSSQLSvc/db1")
    admin.remove_values(fresh_lab, "hv02", "cifs/hv01")
    admin.set_flags(fresh_lab, "hv03", off=TRUSTED_TO_AUTH_FOR_DELEGATION)
    tapped = Workstation(desk.folder, fresh_lab, READER, wire.url)
    tapped.inventory(FOUR)
    with untouched(fresh_lab):
        audit = tapped.run("audit", "--inside-only", "--format", "json")
    assert audit.code == 3
    found = {(one["rule"], one["computer"], one["value"]) for one in audit.data["findings"]}
    assert found == {
        ("KCD001", "hv02", "cifs/hv01"),
        ("KCD003", "hv01", "MSSQLSvc/db1"),
        ("KCD004", "hv03", ""),
        ("KCD012", "hv01", "MSSQLSvc/db1"),
    }
    assert {seen.kind for seen in wire.requests} == READING
    assert holding(fresh_lab)["hv01"] == towards("hv02", "hv03", "hv04") | {"MSSQLSvc/db1"}


def test_who_undoes_a_run_need_not_be_who_made_it(desk: Workstation, fresh_lab: Lab) -> None:
    """The run's own domain controller, but the account of whoever sits there at night."""
    night = Workstation(desk.folder, fresh_lab, account=ADMINISTRATOR)
    with restored(fresh_lab):
        desk.inventory(FOUR)
        assert desk.run("apply", "--yes").code == 0
        night.inventory(FOUR)
        assert night.run("rollback", "--yes").code == 0
