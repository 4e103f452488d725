"""A killed apply, and what happens to its objects before anybody looks: nothing is lost by it.

The program dies when hv01 and hv02 are written and their outcome is not on record yet.
"""

from __future__ import annotations

import json
import signal
import sqlite3
from contextlib import closing

import pytest

from tests.lab import Lab, admin, independent, recycle_bin
from tests.story.witness import EMPTY, first, holding, mesh, restored, towards
from tests.story.workstation import Workstation

pytestmark = pytest.mark.lab

INVENTORY = "hosts: {'hv[01-06]': }"
WRITTEN = set(first(2))
GONE = "dc9.corp.example"


@pytest.fixture
def killed(desk: Workstation) -> Workstation:
    """The workstation after the death of run 1."""
    desk.inventory(INVENTORY, dns_servers=f"[{desk.lab.address}]")
    assert desk.run_by("tests.story.lethal", "before settle 1").code == -signal.SIGKILL
    assert holding(desk.lab).keys() == WRITTEN
    return desk


def in_doubt(desk: Workstation, run: int = 1) -> bool:
    """The history and an audit say so, and change nothing of it."""
    audit = desk.run("audit")
    told = "is in doubt; see delegation history" in audit.err
    return next(one for one in desk.runs() if one["run"] == run)["unsettled"] and told


def test_a_colleague_took_one_value_back(killed: Workstation, fresh_lab: Lab) -> None:
    """19 values and the flag that nobody else makes prove the write: they are ours to take back."""
    admin.remove_values(fresh_lab, "hv01", "cifs/hv02")
    assert in_doubt(killed)
    back = killed.run("rollback", "--yes")
    assert back.code == 0
    assert "had been written: hv[01-02]" in back.err
    assert "1 value of hv01 as before already" in back.out
    assert killed.became(1)["hv01"] == "applied"
    assert holding(fresh_lab) == {}


def test_a_colleague_took_a_pair_back(killed: Workstation, fresh_lab: Lab) -> None:
    """That may as well be what another run made: it stays in doubt until a person says."""
    pair = sorted(towards("hv02"))
    admin.remove_values(fresh_lab, "hv01", *pair)
    left = mesh(fresh_lab)["hv01"]

    back = killed.run("rollback", "--yes")
    assert back.code == 1
    assert "can't be told: hv01" in back.err
    assert "hv01: left: in doubt whether run 1 changed it" in back.err
    assert holding(fresh_lab).keys() == {"hv01"}
    assert mesh(fresh_lab)["hv01"] == left
    assert in_doubt(killed)
    for words in (["rollback"], ["rollback", "1"]):
        again = killed.run(*words, "--yes")
        assert again.code == 1
        assert " settle 1 --host hv01 --as made|not-made" in again.err
        assert "nothing of run 1 can be taken back now; nothing was written" in again.err

    apply = killed.run("apply", "--yes")
    assert apply.code == 0, "an apply ends by its own outcomes"
    assert "can't be told: hv01" in apply.err
    assert killed.run("rollback", "--yes").code == 0, "and is undone by itself"
    assert mesh(fresh_lab)["hv01"] == left
    assert in_doubt(killed), "what an apply repairs settles nothing"

    said = killed.run("settle", "1", "--host", "hv01", "--as", "made", "--yes", "--ticket", "CHG-7")
    assert said.code == 0
    assert "17 of 21 parts are as written" in said.out
    assert not any(run["unsettled"] for run in killed.runs())
    assert killed.run("rollback", "1", "--yes").code == 0
    assert mesh(fresh_lab)["hv01"] == (EMPTY, [])
    shown = killed.run("history", "1").out
    assert "said to be made in run" in shown


def test_it_was_not_made_and_a_colleague_made_one_value(desk: Workstation, fresh_lab: Lab) -> None:
    """The value is his: neither is it taken back, nor is it called ours."""
    desk.inventory(INVENTORY)
    assert desk.run_by("tests.story.lethal", "after intend 1").code == -signal.SIGKILL
    admin.add_values(fresh_lab, "hv01", "cifs/hv02")
    assert desk.run("rollback", "--yes").code == 1
    assert holding(fresh_lab) == {"hv01": {"cifs/hv02"}}
    told = desk.run("settle", "1", "--host", "hv02", "--as", "made", "--yes")
    assert told.code == 4
    assert "hv02: not made: found not made" in told.err
    assert desk.run("settle", "1", "--host", "hv01", "--as", "not-made", "--yes").code == 0
    assert desk.run("rollback", "1", "--yes").code == 1
    assert holding(fresh_lab) == {"hv01": {"cifs/hv02"}}
    assert not any(run["unsettled"] for run in desk.runs())


def test_an_object_was_deleted_and_is_restored(killed: Workstation, fresh_lab: Lab) -> None:
    desk = killed
    deleted = recycle_bin.delete(fresh_lab, "hv01")
    back = desk.run("rollback", "--yes")
    assert back.code == 1
    assert "can't be told: hv01" in back.err
    assert "hv01: left: not found by GUID" in back.err
    assert holding(fresh_lab) == {}
    plain = desk.run("rollback", "--yes")
    assert plain.code == 1
    assert "run 1 is passed over: hv01" in plain.err
    assert "there is no apply left to undo" in plain.err
    assert desk.run("rollback", "1", "--yes").code == 1
    assert in_doubt(desk)
    apply = desk.run("apply", "--yes", "--limit", "hv[02-03]")
    assert apply.code == 1
    assert "can't be told: hv01" in apply.err
    assert "there is no computer hv01$" in apply.err

    recycle_bin.restore(fresh_lab, "hv01", deleted)
    assert holding(fresh_lab).keys() == {"hv01"}
    assert desk.run("rollback", "1", "--yes").code == 0
    assert mesh(fresh_lab)["hv01"] == (EMPTY, [])
    assert not any(run["unsettled"] for run in desk.runs())


def test_an_account_was_deleted_and_made_again(killed: Workstation, fresh_lab: Lab) -> None:
    """It has the name, and the same values: and is another object all the same."""
    admin.delete(fresh_lab, "hv01")
    admin.add_computer(fresh_lab, "hv01", dns="hv01.corp.example")
    admin.add_values(fresh_lab, "hv01", *sorted(towards(*first(6)) - towards("hv01")))
    anew = mesh(fresh_lab)["hv01"]
    assert killed.run("rollback", "--yes").code == 1
    assert holding(fresh_lab).keys() == {"hv01"}
    for words in (["rollback"], ["rollback", "1"]):
        again = killed.run(*words, "--yes")
        assert again.code == 1
        assert "hv01: left: not found by GUID" in again.err
    assert killed.run("settle", "1", "--host", "hv01", "--as", "not-made", "--yes").code == 0
    assert killed.run("rollback", "--yes").code == 1
    assert mesh(fresh_lab)["hv01"] == anew


def lose_the_dc(desk: Workstation) -> Workstation:
    """Of run 1: nobody answers any more where it was made."""
    with closing(sqlite3.connect(desk.state / "journal.sqlite")) as db, db:
        [connection] = db.execute("SELECT connection FROM runs WHERE id = 1").fetchone()
        told = json.loads(connection) | {"url": f"ldaps://{GONE}"}
        update = "UPDATE runs SET dc = ?, connection = ? WHERE id = 1"
        db.execute(update, (GONE, json.dumps(told)))
    return Workstation(desk.folder, desk.lab, url="-")


def test_the_domain_controller_is_gone(killed: Workstation, fresh_lab: Lab) -> None:
    desk = lose_the_dc(killed)
    lost = desk.run("rollback", "--yes")
    assert lost.code == 1
    assert f"run 1 was made on {GONE}, which can't be used" in lost.err
    assert "or choose another one: delegation rollback 1 --on DC" in lost.err
    assert in_doubt(desk)
    apply = desk.run("apply", "--yes", "--limit", "hv[02-03]")
    assert apply.code == 0
    assert "which can't tell what became of it" in apply.err
    assert desk.run("rollback", str(desk.runs()[-1]["run"]), "--yes").code == 0

    elsewhere = killed.run("rollback", "1", "--yes")
    assert elsewhere.code == 4, "--directory alone chooses none"
    assert f"--on {fresh_lab.dc_fqdn}" in elsewhere.err
    with restored(fresh_lab):
        assert desk.run("rollback", "1", "--on", "ldif:directory.ldif", "--yes").code == 2

    on = desk.run("rollback", "1", "--on", fresh_lab.ldaps_url, "--yes")
    assert on.code == 0
    assert "what has not replicated yet looks undone, or not made" in on.err
    assert holding(fresh_lab) == {}
    assert desk.runs()[-1]["dc"] == fresh_lab.dc_fqdn


def test_the_domain_controller_is_gone_with_what_it_wrote(
    killed: Workstation, fresh_lab: Lab
) -> None:
    """It did not get to replicate hv01: that looks unmade on every other one."""
    admin.set_attribute(fresh_lab, "hv01", independent.DELEGATION)
    admin.set_flags(fresh_lab, "hv01", off=0x1000000)
    desk = lose_the_dc(killed)
    on = desk.run("rollback", "1", "--on", fresh_lab.ldaps_url, "--yes")
    assert on.code == 1
    assert f"not found made on {fresh_lab.dc_fqdn}" in on.err
    assert holding(fresh_lab) == {}
    assert in_doubt(desk)
    unseen = desk.run("settle", "1", "--host", "hv01", "--as", "not-made", "--yes")
    assert unseen.code == 0
    assert "nothing could be seen" in unseen.out
    assert desk.run("rollback", "1", "--yes").code == 1
    assert not any(run["unsettled"] for run in desk.runs())
