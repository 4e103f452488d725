"""Migrations by the product on lab hosts: real tickets, real shares, real bytes, and trouble.

Afterwards every machine is on exactly one host, its files are what they were, and nothing is left
behind: no share, no staging folder, no partial file.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from dataclasses import replace

import pytest

from delegation.cli import opening
from delegation.cli.options import Options
from delegation.kerberos import tickets
from tests.lab.description import OPERATOR
from tests.lab.hosts import HostLab
from tests.lab.hosts.state import MIB
from tests.story import verdicts
from tests.story.farm import Farm, wait
from tests.story.workstation import Workstation

pytestmark = pytest.mark.lab

KIB = 1024


@pytest.fixture
def farm(desk: Workstation, hosts: HostLab) -> Farm:
    return Farm.ready(desk, hosts)


# What is asked for


def test_a_host_with_twelve_machines_is_drained(farm: Farm) -> None:
    farm.add("hv01", *(f"vm{n:02}" for n in range(12)), size=256 * KIB)
    farm.add("hv02", "other")
    done = farm.run("drain", "hv01", "--yes", "--ticket", "CHG-7")
    assert done.code == 0, done.text
    where = farm.where()
    assert where.pop("other") == "hv02"
    assert set(where.values()) == {"hv02", "hv03", "hv04"}
    farm.check()
    assert len(farm.starts()) == 12
    assert farm.run("drain", "hv01", "--yes").code == 0
    assert farm.run("status", "2").code == 0
    assert farm.run("status", "2", "--format", "json").data["result"]["ticket"] == "CHG-7"


def test_two_hosts_that_are_nearly_full_swap_their_machines(farm: Farm) -> None:
    """Neither has room for one more: some have to go through a third host."""
    ours, theirs = [f"a{n}" for n in range(4)], [f"b{n}" for n in range(4)]
    farm.add("hv01", *ours)
    farm.add("hv02", *theirs)
    for label in ("hv01", "hv02"):
        farm.hosts.host(label).set(disk=4 * MIB + 512 * KIB)
    farm.hosts.host("hv03").set(disk=2 * MIB)
    farm.hosts.host("hv04").set(disk=512 * KIB)
    list_ = farm.moves(dict.fromkeys(ours, "hv02") | dict.fromkeys(theirs, "hv01"))
    done = farm.run("run", list_, "--yes")
    assert done.code == 0, done.text
    assert farm.where() == dict.fromkeys(ours, "hv02") | dict.fromkeys(theirs, "hv01")
    farm.check()
    assert "aside to make room" in done.err


def test_what_does_not_fit_in_the_end_is_refused_by_name(farm: Farm) -> None:
    farm.add("hv01", "web01", "web02")
    farm.hosts.host("hv02").set(disk=MIB + 512 * KIB)
    refused = farm.run("run", farm.moves({"web01": "hv02", "web02": "hv02"}), "--yes")
    assert refused.code == 4
    assert "web01" in refused.err
    assert set(farm.where().values()) == {"hv01"}
    assert farm.run("status").code == 1


# Before the first one


def test_a_pair_that_does_not_work_is_explained_and_nothing_is_started(farm: Farm) -> None:
    farm.add("hv01", "web01", "web02")
    list_ = farm.moves({"web01": "hv02", "web02": "hv03"})

    assert farm.desk.run("rollback", "--yes").code == 0
    refused = farm.run("run", list_, "--yes")
    assert refused.code == 4
    assert "hv01 to hv02: values: 4 of 4 missing on HV01$" in refused.err
    assert "explain hv01 hv02 --hosts" in refused.err
    assert farm.desk.run("apply", "--yes").code == 0

    farm.hosts.host("hv03").set(enabled=False)
    refused = farm.run("run", list_, "--yes")
    assert refused.code == 4
    assert "hv03" in refused.err
    farm.hosts.host("hv03").set(enabled=True)

    farm.hosts.host("hv01").add_vm("odd", switch="Strange", disk_bytes=KIB)
    farm.files["odd"] = farm._digests("hv01", "odd")
    refused = farm.run("run", farm.moves({"odd": "hv02", "web01": "hv02"}), "--yes")
    assert refused.code == 4
    assert "migration check: odd" in refused.err
    assert ("33012" in refused.err) is farm.wording.numbers

    assert set(farm.where().values()) == {"hv01"}
    assert "no migration run yet" in farm.run("status").err
    farm.check()


# Trouble on the way


def test_a_target_that_dies_in_mid_copy(farm: Farm) -> None:
    """Its machines stay where they are until it is back; then they are moved, once."""
    farm.add("hv01", "web01", "web02", "web03", "web04")
    farm.slow()
    targets = {"web01": "hv02", "web02": "hv03", "web03": "hv02", "web04": "hv03"}
    running = farm.start("run", farm.moves(targets), "--yes")
    wait(lambda: "web01" in farm.copying("hv01"))
    farm.hosts.kill("hv02")
    wait(lambda: farm.states()["web01"] == "unknown")
    farm.hurry()
    wait(lambda: farm.states()["web04"] == "moved")
    assert farm.states()["web03"] == "queued"
    farm.hosts.start("hv02")
    done = running.end()
    stays = farm.stays(web01="hv01")
    assert done.code == len(stays), done.text
    assert farm.where() == targets | stays
    farm.check()


def test_a_dead_target_does_not_hold_up_the_others(farm: Farm) -> None:
    """Its source has one slot, and says that nothing moves the machine any more."""
    names = ["web01", "web02", "web03", "web04"]
    farm.add("hv01", *names, size=512 * KIB)
    farm.slow()
    targets = {"web01": "hv02", "web02": "hv03", "web03": "hv04", "web04": "hv03"}
    running = farm.start("run", farm.moves(targets), "--yes")
    wait(lambda: "web01" in farm.copying("hv01"))
    farm.hosts.host("hv01").limit(1)
    farm.hosts.kill("hv02")
    farm.hurry()
    wait(lambda: list(farm.states().values()) == ["unknown", "moved", "moved", "moved"])
    farm.hosts.start("hv02")
    done = running.end()
    stays = farm.stays(web01="hv01")
    assert done.code == len(stays), done.text
    assert farm.where() == targets | stays
    assert "hv02 can't be asked" in done.err
    assert "the run goes on by itself then" in done.err
    farm.check()


def test_a_machine_that_somebody_removed_is_not_waited_for(farm: Farm) -> None:
    farm.add("hv01", "web01", "web02")
    farm.slow()
    running = farm.start("run", farm.moves({"web01": "hv02", "web02": "hv03"}), "--yes")
    wait(lambda: "web01" in farm.copying("hv01"))
    running.process.kill()
    running.process.communicate()
    farm.hurry()
    wait(lambda: not farm.copying("hv01"))
    for label in ("hv01", "hv02"):
        with farm.hosts.host(label).store.change() as state:
            state.machines = [one for one in state.machines if one.name != "web01"]
    resumed = farm.run("resume", "--wait", "3600")
    assert resumed.code == 1
    assert farm.states()["web01"] == "failed"
    assert "failed: web01: neither hv01 nor hv02 has it" in resumed.out
    assert "look for it on the other hosts" in resumed.out


def test_a_state_folder_that_is_removed_in_mid_run(farm: Farm) -> None:
    farm.add("hv01", "web01", "web02")
    farm.slow()
    running = farm.start("run", farm.moves({"web01": "hv02", "web02": "hv03"}), "--yes")
    wait(lambda: "web01" in farm.copying("hv01"))
    shutil.rmtree(farm.desk.state)
    done = running.end()
    assert done.code == 1
    assert "journal.sqlite was removed while run 2 went on" in done.err
    assert "web01 may go on, without us: hv01 to hv02" in done.err
    assert "migrate resume 2" in done.err
    assert "Traceback" not in done.err
    wait(lambda: not farm.copying("hv01"))
    farm.check()


def test_a_ticket_that_expires_in_mid_run(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another one, got in another terminal, is enough."""
    cache = farm.desk.folder / "tickets"
    desk = replace(
        farm.desk,
        variables={
            "KRB5_CONFIG": str(farm.desk.lab.krb5_conf),
            "KRB5CCNAME": f"FILE:{cache}",
        },
    )
    farm = Farm(desk, farm.hosts)
    farm.add("hv01", "web01", "web02", "web03")
    farm.slow(speed=64 * KIB)
    farm.hosts.host("hv01").limit(1)

    def kinit(*life: str) -> None:
        word = desk.lab.accounts[OPERATOR]
        environment = {**os.environ, **desk.variables}
        command = ["kinit", *life, f"{OPERATOR}@{desk.lab.realm}"]
        subprocess.run(
            command, input=word, text=True, env=environment, check=True, capture_output=True
        )

    kinit()
    for name, value in desk.variables.items():
        monkeypatch.setenv(name, value)
    given = Options(inventory=desk.folder / "inventory.yaml")
    left = opening.world(given).ticket_seconds("hv01")
    assert left
    assert left > 3600
    assert tickets.lifetime(None) > 3600
    targets = dict.fromkeys(["web01", "web02", "web03"], "hv02")
    running = farm.start("run", farm.moves(targets), "--yes")
    wait(lambda: "web01" in farm.copying("hv01"))
    kinit("-l", "1s")
    wait(lambda: farm.states()["web01"] == "unknown")
    assert running.process.stderr
    assert any("get a new one with kinit" in line for line in running.process.stderr)
    assert any("nothing else can be done" in line for line in running.process.stderr)
    status = farm.run("status").out
    assert "the Kerberos ticket has expired; " not in status
    assert "web01: get a new one with kinit" in status
    farm.hurry()
    kinit()
    done = running.end()
    assert done.code == 0, done.text
    assert farm.where() == targets
    farm.check()


def test_a_source_that_dies_in_mid_copy(farm: Farm) -> None:
    farm.add("hv01", "web01")
    farm.add("hv02", "sql01")
    farm.slow()
    running = farm.start("run", farm.moves({"web01": "hv03", "sql01": "hv03"}), "--yes")
    wait(lambda: farm.copying("hv01") and farm.copying("hv02"))
    farm.hosts.kill("hv01")
    farm.hurry()
    wait(lambda: farm.states() == {"web01": "unknown", "sql01": "moved"})
    farm.hosts.start("hv01")
    done = running.end()
    assert done.code == 0, done.text
    assert farm.where() == {"web01": "hv03", "sql01": "hv03"}
    farm.check()


def test_a_target_that_does_not_come_back_is_named_and_settled_later(farm: Farm) -> None:
    farm.add("hv01", "web01", "web02")
    farm.slow()
    list_ = farm.moves({"web01": "hv02", "web02": "hv03"})
    running = farm.start("run", list_, "--yes", "--wait", "3")
    wait(lambda: "web01" in farm.copying("hv01"))
    farm.hosts.kill("hv02")
    farm.hurry()
    done = running.end()
    assert done.code == 1
    assert "unknown: web01" in done.out
    assert "hv02.corp.example" in done.out
    assert farm.states() == {"web01": "unknown", "web02": "moved"}
    resumed = farm.run("resume", "--wait", "1")
    assert resumed.code == 1
    assert farm.states() == {"web01": "unknown", "web02": "moved"}
    farm.hosts.start("hv02")

    again = farm.run("run", list_, "--yes")
    assert again.code == 4
    assert "web01: unknown in run 2" in again.err
    resumed = farm.run("resume")
    stays = farm.stays(web01="hv01")
    assert resumed.code == len(stays), resumed.text
    assert farm.where() == {"web01": "hv02", "web02": "hv03"} | stays
    farm.check()


def test_a_limit_that_is_lowered_counts_from_the_next_start_on(farm: Farm) -> None:
    names = [f"web{n}" for n in range(6)]
    farm.add("hv01", *names, size=512 * KIB)
    farm.slow()
    running = farm.start("run", farm.moves(dict.fromkeys(names, "hv02")), "--yes")
    wait(lambda: len(farm.copying("hv01")) == 2)
    farm.hosts.host("hv01").limit(1)
    wait(lambda: "moved" in farm.states().values())
    most = 0
    while running.process.poll() is None:
        going_on = {"starting", "running"}
        states = list(farm.states().values())
        if states.count("moved") > 1:
            most = max(most, sum(state in going_on for state in states))
        time.sleep(0.02)
    done = running.end()
    assert done.code == 0, done.text
    assert most == 1
    assert all(move.attempts == 0 for move in farm.record().values())
    farm.check()


def test_a_disk_that_fills_up_fails_what_needs_it_and_nothing_else(farm: Farm) -> None:
    farm.add("hv01", "web01", "web02", "web03")
    farm.slow()
    targets = {"web01": "hv02", "web02": "hv03", "web03": "hv02"}
    running = farm.start("run", farm.moves(targets), "--yes")
    wait(lambda: "web01" in farm.copying("hv01"))
    farm.hosts.host("hv02").set(disk=256 * KIB)
    done = running.end()
    assert done.code == 1
    assert farm.states() == {"web01": "failed", "web02": "moved", "web03": "failed"}
    assert farm.wording.cause("0x80070070") in done.out
    assert farm.wording.cause("make room") in done.out
    assert farm.where() == {"web01": "hv01", "web02": "hv03", "web03": "hv01"}
    farm.check()


@pytest.mark.every_wording
def test_a_target_that_believes_in_no_tickets_any_more(farm: Farm) -> None:
    """It is not tried again, and what the source said of it is on record in its own words."""
    farm.add("hv01", "web01", "web02")
    farm.hosts.host("hv01").limit(1)
    farm.slow()
    running = farm.start("run", farm.moves(dict.fromkeys(["web01", "web02"], "hv02")), "--yes")
    wait(lambda: farm.copying("hv01"))
    farm.hosts.host("hv02").set(authentication="CredSSP")
    farm.hurry()
    done = running.end()
    assert done.code == 1
    # What was in the midst of its copy may have come through, or not.
    assert farm.states()["web02"] == "failed"
    assert farm.where()["web02"] == "hv01"
    failed = farm.record()["web02"]
    for known in ("the source has no credentials for the target", "0x8009030E"):
        assert farm.wording.cause(known) in failed.reason
    assert failed.said
    assert failed.said.hresult == farm.wording.verdict("0x8009030E", without="")
    assert failed.said.message.split()[0] in farm.run("status", "-v").out
    assert len(farm.starts()) == 2
    farm.check()


def test_slots_that_somebody_else_uses_are_waited_for(farm: Farm) -> None:
    """By what the target counts: nothing is sent that it would refuse."""
    farm.add("hv01", "web01")
    farm.add("hv03", "other1", "other2")
    farm.slow("hv03")
    targets = {"other1": "hv02", "other2": "hv02"}
    theirs = farm.start("run", farm.moves(targets), "--yes")
    wait(lambda: len(farm.copying("hv03")) == 2)
    elsewhere = farm.desk.folder / "elsewhere"
    desk = replace(farm.desk, variables={**farm.desk.variables, "DELEGATION_STATE": str(elsewhere)})
    running = desk.start("migrate", "run", farm.moves({"web01": "hv02"}), "--yes")
    wait((elsewhere / "journal.sqlite").exists)
    assert farm.hosts.host("hv01").state.moves_begun == 0
    ended = running.end()
    assert ended.code == 0, ended.text
    assert "tried again" not in ended.err
    assert theirs.end().code == 0
    assert farm.where() == {**targets, "web01": "hv02"}
    farm.check()


def test_a_limit_that_was_met_is_told_by_counts_and_tried_again(farm: Farm) -> None:
    """It has no number on Windows: the target gets no free slot back while ours is on its way."""
    farm.add("hv01", "web01")
    farm.add("hv03", "other")
    source, target = farm.hosts.host("hv01"), farm.hosts.host("hv02")
    farm.slow("hv03", speed=8 * KIB)
    elsewhere = {**farm.desk.variables, "DELEGATION_STATE": str(farm.desk.folder / "elsewhere")}
    desk = replace(farm.desk, variables=elsewhere)
    theirs = desk.start("migrate", "run", farm.moves({"other": "hv02"}), "--yes")
    wait(lambda: farm.copying("hv03"))
    source.set(lost_answers=["MigrateVirtualSystemToHost"], late=1.0)
    running = farm.start("run", farm.moves({"web01": "hv02"}), "--yes")
    wait(lambda: not source.state.lost_answers)
    target.limit(1)
    wait(lambda: farm.states().get("web01") == "waiting")
    assert farm.record()["web01"].reason.startswith(verdicts.LIMIT)
    farm.hurry()
    assert theirs.end().code == 0
    done = running.end()
    assert done.code == 0, done.text
    assert farm.where() == {"web01": "hv02", "other": "hv02"}
    assert farm.record()["web01"].attempts == 1
    farm.check()


def test_a_right_that_is_taken_away_fails_at_once(farm: Farm) -> None:
    """What is refused is not tried again, and the rest goes on."""
    farm.add("hv01", "web01", "web02", "web03")
    farm.hosts.host("hv01").limit(1)
    farm.slow()
    targets = {"web01": "hv03", "web02": "hv02", "web03": "hv03"}
    running = farm.start("run", farm.moves(targets), "--yes")
    wait(lambda: "web01" in farm.copying("hv01"))
    farm.hosts.host("hv02").deny(OPERATOR)
    farm.hurry()
    done = running.end()
    assert done.code == 1
    assert farm.states() == {"web01": "moved", "web02": "failed", "web03": "moved"}
    assert len(farm.starts()) == 2, "it was found out before anything was sent"
    assert "failed: web02: hv02.corp.example" in done.out
    assert farm.where() == {"web01": "hv03", "web02": "hv01", "web03": "hv03"}
    farm.check()
