"""Whatever ends a migration run, and whenever: nothing is lost, nothing is moved twice."""

from __future__ import annotations

import os
import signal
from random import Random

import pytest

from tests.lab.hosts import HostLab
from tests.lab.hosts.host_wording import HostWording
from tests.story.farm import Farm, wait
from tests.story.workstation import Workstation

pytestmark = pytest.mark.lab

KIB = 1024
IN_A_ROW = 6
"""How often one run is killed before it is left alone."""
KILLS = 20
MANY_KILLS = 200


@pytest.fixture
def farm(desk: Workstation, hosts: HostLab) -> Farm:
    return Farm.ready(desk, hosts)


def test_killed_at_random_moments_and_resumed_each_time(farm: Farm) -> None:
    """Machines go to and fro; whoever moves them is killed, again and again."""
    there = {"vm0": "hv02", "vm1": "hv03", "vm2": "hv02", "vm3": "hv03", "vm4": "hv01"}
    back = dict.fromkeys(["vm0", "vm1", "vm2", "vm3"], "hv01") | {"vm4": "hv02"}
    farm.add("hv01", "vm0", "vm1", "vm2", "vm3", size=256 * KIB)
    farm.add("hv02", "vm4", size=256 * KIB)
    random = Random(os.environ.get("DELEGATION_TEST_SEED", "20"))
    is_full = bool(os.environ.get("DELEGATION_TEST_FULL")) and farm.wording is HostWording.ENGLISH
    wanted = MANY_KILLS if is_full else KILLS
    kills, run = 0, 1
    while kills < wanted:
        run += 1
        farm.slow(speed=200 * KIB)
        targets = there if run % 2 == 0 else back
        words = ["run", farm.moves(targets), "--yes"]
        most = min(kills + IN_A_ROW, wanted)
        while True:
            if kills == most:
                farm.hurry()
            seconds = random.uniform(0, 6) if kills < most else 1000
            answer = farm.desk.run_by("tests.story.lethal_migrate", "migrate", *words, f"{seconds}")
            if answer.code != -signal.SIGKILL:
                break
            kills += 1
            words = ["resume"]
        assert answer.code == 0, answer.text
        assert farm.where() == targets, f"run {run}"
        assert set(farm.states(run).values()) == {"moved"}
        farm.check()
    arrivals = sum(len(farm.hosts.host(label).state.arrived) for label in farm.hosts.names)
    assert arrivals == (run - 1) * len(there), "some were moved more often than was asked for"


def test_the_record_tells_while_nobody_is_there(farm: Farm) -> None:
    farm.add("hv01", "web01", "web02", "web03")
    farm.hosts.host("hv01").limit(1)
    farm.slow()
    targets = {"web01": "hv02", "web02": "hv03", "web03": "hv02"}
    running = farm.start("run", farm.moves(targets), "--yes")
    wait(lambda: "web01" in farm.copying("hv01"))
    assert farm.run("run", "moves.yaml", "--yes").code == 4
    running.process.kill()
    running.process.communicate()

    status = farm.run("status")
    assert status.code == 1
    assert "was left" in status.out
    assert "migrate resume 2" in status.err

    aborted = farm.run("abort", "web03")
    assert aborted.code == 0
    assert "given up: 1 migration that waited" in aborted.err
    assert farm.states()["web03"] == "aborted"
    aborted = farm.run("abort", "web01")
    assert "migrate resume 2" in aborted.err

    farm.hurry()
    resumed = farm.run("resume")
    assert resumed.code == 1
    states = farm.states()
    assert (states["web02"], states["web03"]) == ("moved", "aborted")
    assert states["web01"] in {"aborted", "moved"}
    assert farm.where()["web03"] == "hv01"
    farm.check()
    assert farm.run("resume").code == 1
    assert farm.run("abort").code == 1


def test_ctrl_c_finishes_what_runs_and_starts_nothing_more(farm: Farm) -> None:
    farm.add("hv01", "web01", "web02")
    farm.hosts.host("hv01").limit(1)
    farm.slow()
    running = farm.start("run", farm.moves({"web01": "hv02", "web02": "hv03"}), "--yes")
    wait(lambda: "web01" in farm.copying("hv01"))
    running.interrupt()
    ended = running.end()
    assert ended.code == 130
    assert "nothing more is started" in ended.err
    assert farm.states() == {"web01": "moved", "web02": "queued"}
    assert farm.where() == {"web01": "hv02", "web02": "hv01"}
    farm.check()
    farm.hurry()
    assert farm.run("resume").code == 0
    assert farm.where() == {"web01": "hv02", "web02": "hv03"}


def test_ctrl_c_again_stops_what_runs_cleanly(farm: Farm) -> None:
    farm.add("hv01", "web01", "web02")
    farm.slow(speed=64 * KIB)
    running = farm.start("run", farm.moves({"web01": "hv02", "web02": "hv03"}), "--yes")
    wait(lambda: len(farm.copying("hv01")) == 2)
    running.interrupt()
    # Two signals at once would count as one.
    assert running.process.stderr
    assert any("nothing more is started" in line for line in running.process.stderr)
    running.interrupt()
    ended = running.end()
    assert ended.code == 130
    assert farm.states() == {"web01": "queued", "web02": "queued"}
    assert set(farm.where().values()) == {"hv01"}
    farm.check()


def test_sigterm_is_as_one_ctrl_c(farm: Farm) -> None:
    farm.add("hv01", "web01", "web02")
    farm.hosts.host("hv01").limit(1)
    farm.slow()
    running = farm.start("run", farm.moves({"web01": "hv02", "web02": "hv03"}), "--yes")
    wait(lambda: "web01" in farm.copying("hv01"))
    for _ in range(3):
        running.process.send_signal(signal.SIGTERM)
    assert running.end().code == 130
    assert farm.states() == {"web01": "moved", "web02": "queued"}
    farm.check()


def test_an_abort_from_another_terminal(farm: Farm) -> None:
    farm.add("hv01", "web01", "web02", "web03")
    farm.slow(speed=128 * KIB)
    targets = dict.fromkeys(["web01", "web02", "web03"], "hv02")
    running = farm.start("run", farm.moves(targets), "--yes")
    wait(lambda: "web01" in farm.copying("hv01"))
    status = farm.run("status", "--format", "json").data
    assert status["alive"]
    assert {move["vm"]: move["state"] for move in status["moves"]}["web01"] == "running"
    assert farm.run("abort", "nobody").code == 2
    assert farm.run("abort", "WEB01", "web03").code == 0
    wait(lambda: list(farm.states().values()).count("aborted") == 2)
    farm.hurry()
    done = running.end()
    assert done.code == 1
    assert farm.states() == {"web01": "aborted", "web02": "moved", "web03": "aborted"}
    assert farm.where() == {"web01": "hv01", "web02": "hv02", "web03": "hv01"}
    farm.check()


def test_what_is_given_up_leaves_nothing_of_ours_and_all_of_others(farm: Farm) -> None:
    """Its host leaves a planned machine behind; of the other one somebody has staged one."""
    farm.add("hv01", "web01", "web02")
    farm.hosts.host("hv01").limit(1)
    farm.hosts.host("hv02").set(leaves_planned=True)
    farm.slow(speed=128 * KIB)
    targets = {"web01": "hv02", "web02": "hv02"}
    running = farm.start("run", farm.moves(targets), "--yes")
    wait(lambda: "web01" in farm.copying("hv01"))
    farm.stage("hv01", "web02", "hv02")
    farm.hosts.host("hv01").set(rollback_seconds=2.0)
    assert farm.run("abort", "web01").code == 0
    done = running.end()
    assert done.code == 1
    assert farm.states() == {"web01": "aborted", "web02": "failed"}
    assert set(farm.where().values()) == {"hv01"}
    assert "look into C:\\Hyper-V\\web01 on hv02 for files" in done.out
    farm.check()


def test_what_does_not_let_itself_be_stopped_is_moved_and_told(farm: Farm) -> None:
    farm.add("hv01", "web01")
    farm.hosts.host("hv01").set(cancelling="refused")
    farm.slow(speed=128 * KIB)
    running = farm.start("run", farm.moves({"web01": "hv02"}), "--yes")
    wait(lambda: "web01" in farm.copying("hv01"))
    assert farm.run("abort", "web01").code == 0
    wait(lambda: "does not let it be stopped now" in farm.record()["web01"].reason)
    assert farm.run("abort", "web01", "--kill-job", "--yes").code == 0
    farm.hurry()
    done = running.end()
    assert done.code == 0
    assert farm.where() == {"web01": "hv02"}
    assert "moved to hv02 before it could be stopped" in done.err
    farm.check()


def test_at_a_terminal_it_is_a_picture(farm: Farm) -> None:
    farm.add("hv01", "web01")
    farm.slow(speed=64 * KIB)
    farm.moves({"web01": "hv02"})
    terminal = farm.desk.at_terminal("migrate", "run", "moves.yaml")
    terminal.wait_for("Move 1 machine now? [y/N]")
    terminal.type("y\n")
    terminal.wait_for("of 1 moved, 1 under way")
    terminal.wait_for("sends")
    terminal.wait_for("%")
    terminal.wait_for("share HV01.")
    terminal.wait_for("of vmadmin from")
    terminal.wait_for("web01.vhdx")
    farm.hurry()
    terminal.wait_for("web01: moved to hv02")
    ended = terminal.end()
    assert ended.code == 0, ended.text
    assert "run 2: 1 moved" in ended.text
    farm.check()
