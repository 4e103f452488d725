"""64 hosts rolled back: three in conflict, one gone, two undone already; and back to a run."""

from __future__ import annotations

import pytest

from tests.lab import Lab, admin, recycle_bin
from tests.lab.description import WRITER
from tests.story.witness import EMPTY, first, holding, mesh, towards, untouched
from tests.story.workstation import Workstation

pytestmark = pytest.mark.lab

HOSTS = first(64)
IN_CONFLICT, GONE, UNDONE = ("hv01", "hv02", "hv03"), "hv10", ("hv20", "hv21")
FLAG = 0x1000000


@pytest.fixture
def night(desk: Workstation, fresh_lab: Lab) -> Workstation:
    desk.inventory("hosts: {'hv[01-64]': }\n")
    applied = desk.run("apply", "--yes", "--ticket", "CHG-1")
    assert applied.code == 0
    for host in IN_CONFLICT:
        admin.remove_values(fresh_lab, host, "cifs/hv64")
    assert desk.run("apply", "--yes", "--limit", "hv[01-03]").code == 0
    for host in UNDONE:
        admin.remove_values(fresh_lab, host, *sorted(towards(*HOSTS) - towards(host)))
        admin.set_flags(fresh_lab, host, off=FLAG)
    return desk


def test_what_is_undone_what_stays_and_what_is_said(night: Workstation, fresh_lab: Lab) -> None:
    deleted = recycle_bin.delete(fresh_lab, GONE)
    stays = "cifs/hv64, written again by run 2; protocol_transition, which governs what stays"
    with untouched(fresh_lab):
        refused = night.run("rollback", "1", "--yes")
    assert refused.code == 4
    assert f"hv[01-03]: {stays} [conflict]" in refused.err

    back = night.run("rollback", "1", "--yes", "--skip-conflicts")
    assert back.code == 1
    assert "61 hosts to change: 0 values to restore, 15,369 to take back, 58 flags" in back.out
    assert "504 values and 2 flags of hv[20-21] as before already" in back.out
    assert f"left on hv[01-03]: {stays}" in back.err
    assert "hv10: left: not found by GUID" in back.err
    assert holding(fresh_lab) == {host: {"cifs/hv64"} for host in IN_CONFLICT}
    assert all(uac == EMPTY for host, (uac, _) in mesh(fresh_lab).items() if host == "hv40")

    page = night.run("history", "3", "--format", "json").data
    assert page["skip_conflicts"] is True
    assert [left["hosts"] for left in page["left"]] == [GONE, "hv[01-03]"]
    assert page["summary"] == {"objects": 61, "applied": 61, "as before": 2, "unreached": 1}
    assert page["account"].startswith(f"{WRITER} (S-1-5-21-")
    assert page["inventory"] == str(night.folder / "inventory.yaml")
    report = night.run("report", "markdown", "3").out
    assert "- as svc" in report
    assert "- conflicts skipped" in report
    assert "written again by run 2" in report

    with untouched(fresh_lab):
        again = night.run("rollback", "1", "--yes", "--skip-conflicts")
    assert again.code == 1
    assert "nothing of run 1 can be taken back now; nothing was written" in again.err
    assert len(night.runs()) == 3, "and nothing is recorded anew"

    admin.add_values(fresh_lab, "hv20", "cifs/hv64")
    recycle_bin.restore(fresh_lab, GONE, deleted)
    assert night.run("rollback", "2", "--yes").code == 0
    assert night.run("rollback", "--yes").code == 0
    assert holding(fresh_lab) == {"hv20": {"cifs/hv64"}}, "a colleague's own since"


def test_back_to_a_run_over_all_that_came_after(night: Workstation, fresh_lab: Lab) -> None:
    """What the runs did is undone by one modify an object; what was done by hand stays so."""
    assert night.run("rollback", "2", "--yes").code == 0
    night.inventory("hosts: {'hv[01-62]': }\nretired: [hv63, hv64]\n")
    assert night.run("apply", "--yes", "--allow", "removals").code == 0
    back = night.run("rollback", "--to", "1", "--yes", "--ticket", "CHG-9")
    assert back.code == 0
    assert "Undo of all after run 1 (runs 2, 3, 4)" in back.out
    now = holding(fresh_lab)
    for host in HOSTS:
        by_hand = towards(*HOSTS) - towards(host) if host in UNDONE else set()
        lost = {"cifs/hv64"} if host in IN_CONFLICT else by_hand
        assert now.get(host, set()) == towards(*HOSTS) - towards(host) - lost
    page = night.run("history", "5", "--format", "json").data
    assert (page["back_to"], page["reverses"], page["ticket"]) == (1, None, "CHG-9")
    assert "rollback to 1" in night.run("history").out
    with untouched(fresh_lab):
        again = night.run("rollback", "--to", "1", "--yes")
    assert again.code == 0
    assert "nothing to do: all that the runs after run 1 changed is as it was before" in again.err
    assert night.run("rollback", "--yes").code == 0, "run 1 is the newest that is left"
    assert holding(fresh_lab) == {}
