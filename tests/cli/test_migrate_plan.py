"""``migrate plan`` and ``migrate drain`` up to the first move: what is told, saved and refused."""

import json
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from delegation.changes import store
from delegation.changes.journal import Journal
from delegation.changes.run import NewRun
from delegation.migrations import MIGRATE
from delegation.migrations.lifecycle import Migration, MigrationStep
from delegation.migrations.record import queue
from delegation.wiring import KINDS
from tests.cli.program import Delegation, Ran, forked, spawned
from tests.cli.world import tree
from tests.migrations.fleet import machine

GB = 1 << 30
INVENTORY = """\
domain: corp.example
directory:
  url: ldif:directory.ldif
hosts:
  hv[01-03]:
migrate:
  affinity:
    - {apart: [dc1, dc2]}
"""
LIST = """\
moves:
  - {vm: web01, target: hv02}
  - {vm: web02, source: hv01, target: hv03, storage: 'D:\\VMs'}
"""


class Desk:
    """A folder with an inventory of three hosts, which hold what ``hosts`` says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.write("inventory.yaml", INVENTORY)
        self.write("moves.yaml", LIST)
        self.hosts: dict[str, dict[str, Any]] = {
            "hv01": {"machines": [vm("web01"), vm("web02"), vm("dc1", memory=4 * GB)]},
            "hv02": {"machines": [vm("dc2")]},
            "hv03": {},
        }

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def __call__(self, *arguments: str) -> Ran:
        self.write("machines.json", json.dumps(self.hosts))
        return forked("tests.cli.migrate_program", "migrate", *arguments, cwd=self.folder)


def vm(name: str, **more: object) -> dict[str, object]:
    return {"name": name, **more}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "desk")


def moves(ran: Ran) -> dict[str, tuple[str, str]]:
    return {one["vm"]: (one["source"], one["target"]) for one in ran.json["moves"]}


def test_a_plan_tells_what_would_happen_and_touches_nothing(desk: Desk) -> None:
    desk("plan", "moves.yaml")
    before = tree(desk.folder)
    ran = desk("plan", "moves.yaml")
    assert tree(desk.folder) == before
    assert ran.code == 3
    lines = ran.out.splitlines()
    assert lines[0] == "Migration plan for corp.example"
    assert "  2 machines to move, 44.0 GB" in lines
    assert any(line.startswith("  expected to take ") for line in lines)
    assert any(line.startswith("  at least ") for line in lines)
    rows = [line.split() for line in lines]
    assert ["hv01", "2", "0", "2"] in [row[:4] for row in rows]
    web01 = next(row for row in rows if "web01" in row and row[0] == "0:00:00")
    assert web01[-6:] == ["web01", "hv01", "hv02", "22.0", "GB", "D:\\VMs\\web01"]
    [digest] = [line.removeprefix("digest  ") for line in lines if line.startswith("digest")]
    assert f"migrate run moves.yaml --expect {digest}" in ran.err


def test_json_is_pure_and_has_the_same_digest(desk: Desk) -> None:
    ran = desk("plan", "moves.yaml", "--format", "json")
    assert ran.code == 3
    assert moves(ran) == {"web01": ("hv01", "hv02"), "web02": ("hv01", "hv03")}
    assert ran.json["digest"] in desk("plan", "moves.yaml").out
    assert {host["host"] for host in ran.json["hosts"]} == {"hv01", "hv02", "hv03"}


def test_a_spreadsheet_gives_the_same_plan(desk: Desk) -> None:
    desk.write("moves.csv", "\ufeffVM;Source;Target;Storage\nweb01;;hv02\nweb02;hv01;hv03;D:\\VMs")
    first, second = (
        desk("plan", file, "--format", "json").json for file in ("moves.yaml", "moves.csv")
    )
    assert first["digest"] == second["digest"]


def test_nothing_to_do_is_0(desk: Desk) -> None:
    desk.write("moves.yaml", "moves: [{vm: dc2, target: hv02}]")
    ran = desk("plan", "moves.yaml")
    assert ran.code == 0
    assert "1 machine there already" in ran.out
    assert "nothing to do" in ran.err


def test_every_problem_of_a_list_is_told_with_its_place(desk: Desk) -> None:
    desk.write("moves.yaml", "moves:\n  - {vm: web01, target: hv09}\n  - {target: hv02}\n")
    ran = desk("plan", "moves.yaml")
    assert ran.code == 2
    assert "moves.yaml:2:25: unknown host 'hv09'" in ran.err
    assert "moves.yaml:3:5: a move lacks 'vm'" in ran.err
    assert not ran.out


def test_what_can_not_be_moved_is_4_with_the_names(desk: Desk) -> None:
    desk.hosts["hv02"]["memory"] = 1 * GB
    desk.write("moves.yaml", LIST + "  - {vm: nobody, target: hv02}\n")
    ran = desk("plan", "moves.yaml")
    assert ran.code == 4
    assert "web01 on hv01 (line 2, column 10): hv02 has no room for it: 1.0 GB of memory" in ran.out
    assert "nobody (line 4, column 10): no host that was read has it" in ran.out
    assert "a run would move nothing" in ran.err
    [web01] = [
        one
        for one in desk("plan", "moves.yaml", "--format", "json").json["unmovable"]
        if one["vm"] == "web01"
    ]
    assert web01["fix"]


def test_a_host_that_is_down_costs_only_its_own_moves(desk: Desk) -> None:
    desk.hosts["hv03"]["trouble"] = "no answer"
    ran = desk("plan", "moves.yaml")
    assert ran.code == 4
    assert "hv03: hv03.corp.example: no answer" in ran.out
    assert "web02 on hv01 (line 3, column 10): hv03 was not read" in ran.out
    desk.write("moves.yaml", "moves: [{vm: web01, target: hv02}]")
    assert desk("plan", "moves.yaml").code == 3


def test_where_no_host_answers_there_is_no_plan(desk: Desk) -> None:
    desk.hosts = {label: {"trouble": "no answer"} for label in desk.hosts}
    ran = desk("plan", "moves.yaml")
    assert ran.code == 1
    assert "error: no host could be read" in ran.err
    assert "hv02.corp.example: no answer" in ran.err


def test_a_rule_that_a_list_breaks_is_worth_a_look(desk: Desk) -> None:
    desk.write("moves.yaml", "moves: [{vm: dc1, target: hv02}]")
    ran = desk("plan", "moves.yaml")
    assert ran.code == 3
    assert "after the moves, dc1, dc2 are on hv02, against {apart: [dc1, dc2]}" in ran.out


def test_the_plan_of_a_drain_respects_the_rules(desk: Desk) -> None:
    ran = desk("plan", "--drain", "hv01", "--format", "json")
    assert ran.code == 3
    found = moves(ran)
    assert set(found) == {"web01", "web02", "dc1"}
    assert found["dc1"] == ("hv01", "hv03")
    assert "migrate drain hv01" in ran.err


def test_a_saved_plan_gives_the_plan_again(desk: Desk) -> None:
    drained = desk("plan", "--drain", "hv01", "-o", "drain.yaml")
    assert drained.code == 3
    [digest] = [line for line in drained.out.splitlines() if line.startswith("digest")]
    assert f"migrate run drain.yaml --expect {digest.split()[1]}" in drained.err
    again = desk("plan", "drain.yaml")
    assert digest in again.out
    assert desk("plan", "drain.yaml", "-o", "drain.yaml").code == 2
    assert desk("plan", "drain.yaml", "-o", "inventory.yaml").code == 2
    assert (desk.folder / "inventory.yaml").read_text() == INVENTORY


def test_drain_can_save_its_moves_and_run_nothing(desk: Desk) -> None:
    ran = desk("drain", "hv01", "-o", "drain.yaml")
    assert ran.code == 0
    assert "3 moves are in drain.yaml" in ran.err
    saved = desk("plan", "drain.yaml", "--format", "json")
    assert set(moves(saved)) == {"web01", "web02", "dc1"}
    assert saved.json["digest"] in ran.out


def test_a_drain_that_leaves_one_behind_is_refused(desk: Desk) -> None:
    desk.hosts["hv01"]["machines"].append(vm("role", checkpoints=2))
    ran = desk("drain", "hv01", "--yes")
    assert ran.code == 4
    assert "role on hv01: it has 2 checkpoints" in ran.err
    saved = desk("drain", "hv01", "-o", "rest.yaml")
    assert saved.code == 4
    assert "migrate run rest.yaml" in saved.err
    assert len(moves(desk("plan", "rest.yaml", "--format", "json"))) == 3


@pytest.mark.parametrize("cut", ["hv01", "hv02"])
def test_a_list_that_is_cut_is_neither_drained_nor_moved_to(desk: Desk, cut: str) -> None:
    """Missing rights look like an empty host: on the source, or on the target alone."""
    desk.hosts[cut]["cut"] = "lists no object of its own"
    del desk.hosts["hv03"]
    desk.hosts["hv03"] = {"trouble": "is off"}
    ran = desk("drain", "hv01", "--yes")
    assert ran.code == 4
    assert "nothing was moved" in ran.err
    plan = desk("plan", "--drain", "hv01")
    assert plan.code == 4
    assert f"{cut}: {cut}.corp.example lists no object of its own" in plan.out


def test_what_no_host_tells_is_said_and_never_zero(desk: Desk) -> None:
    desk.hosts["hv01"]["machines"] = [vm("web01", disk=None)]
    for label in ("hv02", "hv03"):
        desk.hosts[label] |= {"disk": None, "not_told": {"disk": "joe gets no access"}}
    ran = desk("plan", "--drain", "hv01", "--format", "json")
    assert ran.code == 3
    [move] = ran.json["moves"]
    assert move["bytes"] is None
    assert ran.json["summary"]["bytes_not_told"] == 1
    [least] = {host["least_disk"] for host in ran.json["hosts"] if host["host"] != "hv01"}
    assert least is None
    text = desk("plan", "--drain", "hv01").out
    assert "and 1 machine whose size is not told" in text
    assert "free is not told (joe gets no access): not looked at" in text
    assert "how large the disks of web01 are is not told" in text
    full = desk("plan", "--drain", "hv01", "--assume-full")
    assert full.code == 4
    assert "what is not told fits nowhere" in full.out
    assert "without --assume-full" in full.out


def test_a_machine_with_checkpoints_goes_where_somebody_says_so(desk: Desk) -> None:
    desk.hosts["hv01"]["machines"] = [vm("web01", checkpoints=1)]
    ran = desk("plan", "--drain", "hv01", "--with-checkpoints")
    assert ran.code == 3
    assert "how Windows does that was never seen" in ran.out
    assert "migrate drain hv01 --with-checkpoints --expect" in ran.err


def test_a_drain_of_an_empty_host_has_nothing_to_do(desk: Desk) -> None:
    ran = desk("drain", "hv03")
    assert ran.code == 0
    assert "nothing to do: the hosts are empty" in ran.err


def test_a_drain_asks(desk: Desk) -> None:
    """Nobody is at a terminal here."""
    ran = desk("drain", "hv01")
    assert ran.code == 2
    assert "add --yes" in ran.err


def test_a_host_is_known_by_its_full_name_as_in_a_list(desk: Desk) -> None:
    ran = desk("plan", "--drain", "HV01.corp.example", "--format", "json")
    assert ran.code == 3
    assert set(moves(ran)) == {"web01", "web02", "dc1"}


def test_a_machine_that_a_run_was_left_with_names_that_run(desk: Desk) -> None:
    with closing(Journal.writable(desk.folder / ".delegation", KINDS)) as journal:
        found = machine("web01")
        move = Migration(found.id, "web01", "hv01", "hv02", at="hv01")
        run = NewRun(MIGRATE, "hosts:corp.example", "corp.example", "hv01", {})
        queued = queue.begin(journal, run, [move])
        queued.step(found.id, MigrationStep.INTENDED, at="hv01", to="hv02", handle="1")
    desk.hosts["hv01"]["machines"] = [
        vm("web01", activity="migrating"),
        vm("web02", activity="migrating"),
    ]
    ran = desk("plan", "moves.yaml")
    assert ran.code == 4
    assert "run 1 was left with it; go on with that: delegation migrate resume 1" in ran.out
    assert "wait for the end of that" in ran.out, "of web02 no run knows"
    with store.lock(desk.folder / ".delegation", store.MIGRATING):
        assert "resume 1" not in desk("plan", "moves.yaml").out


def test_a_drain_can_be_held_to_what_its_plan_said(desk: Desk) -> None:
    ran = desk("plan", "--drain", "hv01")
    [digest] = [line.split()[1] for line in ran.out.splitlines() if line.startswith("digest")]
    assert f"migrate drain hv01 --expect {digest}" in ran.err
    assert "add --yes" in desk("drain", "hv01", "--expect", digest, "--wait", "5").err
    desk.hosts["hv01"]["machines"].append(vm("web03"))
    saved = desk("drain", "hv01", "--expect", digest, "-o", "drain.yaml")
    assert saved.code == 4
    assert "the plan is not the expected one" in saved.err
    assert "migrate plan --drain hv01" in saved.err
    assert not (desk.folder / "drain.yaml").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["plan"], "a plan is of a list of moves or of a drain"),
        (["plan", "moves.yaml", "--drain", "hv01"], "a plan is of a list of moves or of a drain"),
        (["plan", "none.yaml"], "the list of moves 'none.yaml' can't be read"),
        (["plan", "--drain", "hv[01-04]"], "no host of the inventory: hv04"),
        (["plan", "--drain", "hv[1"], "unbalanced brackets"),
        (["plan", "--drain", ""], "nothing was named"),
        (["drain", "hv07"], "no host of the inventory: hv07"),
        (["drain"], "Missing argument 'HOST...'"),
        (["plan", "moves.yaml", "-o", "x.csv"], "lists are written as YAML"),
        (["watch", "hv[01-02]"], "is more than one host"),
    ],
)
def test_wrong_usage(desk: Desk, arguments: list[str], words: str) -> None:
    ran = desk(*arguments)
    assert ran.code == 2
    assert words in ran.err


def test_names_that_a_terminal_would_obey_are_shown_as_escapes(desk: Desk) -> None:
    """``spawned`` looks at everything that is printed."""
    nasty = "we\x1b[31mb\u202e"
    desk.hosts["hv01"]["machines"] = [vm(nasty), vm("role\x07", checkpoints=1)]
    ran = desk("plan", "--drain", "hv01")
    assert ran.code == 4
    assert "we\\x1b[31mb\\u202e" in ran.out
    desk("drain", "hv01", "-o", "list.yaml")
    assert desk("plan", "list.yaml", "--format", "json").json["moves"][0]["vm"] == nasty


def test_many_machines_are_counted_unless_all_are_wanted(desk: Desk) -> None:
    machines = [vm(f"vm{n:03}", memory=GB, disk=GB) for n in range(60)]
    desk.hosts["hv01"]["machines"] = machines
    short, long = desk("plan", "--drain", "hv01"), desk("plan", "--drain", "hv01", "-v")
    assert "more; -v shows them" in short.out
    assert sum("vm0" in line for line in long.out.splitlines()) == 60


def test_the_groups_help_lists_its_commands(delegation: Delegation) -> None:
    ran = delegation("migrate", "--help")
    assert ran.code == 0
    for name in ("plan", "drain", "run", "resume", "status", "abort", "watch"):
        assert f"\n  {name} " in ran.out


def test_a_plan_loads_no_library_for_the_wire(desk: Desk) -> None:
    """The help and a plan's own part are light; WinRM and SMB are loaded where they are used."""
    text = (
        "import json, sys\n"
        "from delegation.cli import run\n"
        "run(['migrate', 'plan', '--help'])\n"
        "print('LOADED', json.dumps(list(sys.modules)))\n"
    )
    ran = spawned(program=(sys.executable, "-c", text), cwd=desk.folder)
    loaded: Mapping[str, Any] = dict.fromkeys(json.loads(ran.out.rpartition("LOADED ")[2]))
    assert not [
        name for name in ("impacket", "pypsrp", "spnego", "rich", "ldap3") if name in loaded
    ]
