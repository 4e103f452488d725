"""``delegation history``: what was done, by whom, and what became of it. It needs no directory."""

import shutil
from pathlib import Path

import pytest

from tests.cli.program import Delegation, Ran
from tests.cli.world import INVENTORY, ROOT, edited, forms, tree

RUN = {
    "run",
    "kind",
    "status",
    "started",
    "finished",
    "who",
    "machine",
    "directory",
    "domain",
    "dc",
    "inventory_digest",
    "digest",
    "ticket",
    "reverses",
    "back_to",
    "account",
    "inventory",
    "limit",
    "allow",
    "skip_conflicts",
    "left",
    "summary",
}


@pytest.fixture
def eventful(delegation: Delegation, here: Path) -> Delegation:
    """An audit, an apply, its rollback; then inventory and directory are gone."""
    delegation("audit")
    delegation("apply", "--yes", "--ticket", "CHG-7")
    delegation("rollback", "--yes")
    (here / "directory.ldif").unlink()
    return delegation


def test_all_runs_are_listed_the_oldest_first(eventful: Delegation) -> None:
    ran = eventful("history")
    assert ran.code == 0
    header, *lines = ran.out.splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["1", "audit"],
        ["2", "apply"],
        ["3", "rollback"],
    ]
    assert "CHG-7" in lines[1]
    assert "3 applied" in lines[1]
    assert "rollback of 2" in lines[2]
    assert "drift" in lines[0]
    assert header.split()[0] == "run"


def test_their_json(eventful: Delegation) -> None:
    data = eventful("history", "--format", "json").json
    assert data.keys() == {"runs"}
    runs = data["runs"]
    assert [run.keys() for run in runs] == [RUN | {"unsettled"}] * 3
    assert [run["kind"] for run in runs] == ["audit", "apply", "rollback"]
    assert [run["run"] for run in runs] == [1, 2, 3]
    assert [run["reverses"] for run in runs] == [None, None, 2]
    assert [run["status"] for run in runs] == ["done"] * 3
    assert [run["unsettled"] for run in runs] == [False] * 3
    assert runs[0]["summary"]["drift"] is True
    assert runs[1]["summary"]["applied"] == 3
    assert runs[1]["ticket"] == "CHG-7"
    assert all(run["started"] <= run["finished"] for run in runs)


def test_one_run_has_its_changes(eventful: Delegation, here: Path) -> None:
    data = eventful("history", "2", "--format", "json").json
    assert data.keys() == RUN | {"changes", "as_before", "undo_file"}
    assert [change["computer"] for change in data["changes"]] == ["hv01", "hv02", "hv03"]
    first = data["changes"][0]
    assert first.keys() == {
        "computer", "dn", "guid", "add", "remove", "flags", "before", "after",
        "intended", "result", "settled", "reason",
    }  # fmt: skip
    assert sorted(first["add"]) == sorted(forms("hv02", "hv03"))
    assert first["result"] == "applied"
    assert first["before"]["values"] == []
    assert sorted(first["after"]["values"]) == sorted(forms("hv02", "hv03"))


def test_one_run_to_read(eventful: Delegation) -> None:
    text = eventful("history", "2").out
    for word in ("Run 2: apply", "CHG-7", "hv[01-03]", "applied", "sha256:", "undo file   run-2-"):
        assert word in text
    assert "cifs/hv02" not in text
    for options in (("history", "2", "-v"), ("-v", "history", "2")):
        detailed = eventful(*options).out
        assert all(f"+ {value}\n" in detailed for value in forms("hv01", "hv02", "hv03"))


def test_audits_tell_their_findings_and_what_was_new(delegation: Delegation, here: Path) -> None:
    night = ("audit", "--new-only", "--baseline", "--format", "json")
    delegation(*night)
    held_before = (here / "directory.ldif").read_bytes()
    edited(here / "directory.ldif", hv01=["cifs/iso"])
    found = delegation("audit", "--baseline", "--format", "json").json["findings"]
    (here / "directory.ldif").write_bytes(held_before)
    delegation("audit")
    (here / "directory.ldif").unlink()
    _, *lines = delegation("history").out.splitlines()
    assert lines[0].endswith("drift, 27 findings, baseline")
    new = len(found) - 27
    assert lines[1].endswith(f"drift, {len(found)} findings, {new} new since run 1, baseline")
    assert lines[2].endswith("drift, 27 findings, 0 new since run 2")
    text = delegation("history", "2").out
    assert "KCD003  hv01: cifs/iso" in text
    assert "new since run 1" in text
    data = delegation("history", "2", "--format", "json").json
    assert data.keys() == RUN | {"changes", "as_before", "findings", "undo_file"}
    assert data["findings"] == found
    assert data["summary"]["since"] == 1
    assert data["summary"]["new"] == len(found) - 27
    assert data["summary"]["resolved"] == 0
    assert "since" not in delegation("history", "1", "--format", "json").json["summary"]


def test_the_plans_digest_is_the_runs(delegation: Delegation) -> None:
    planned = delegation("plan", "--format", "json").json["digest"]
    delegation("apply", "--yes")
    assert delegation("history", "1", "--format", "json").json["digest"] == planned


def test_a_run_that_is_none_is_2(eventful: Delegation) -> None:
    for number in ("4", "0", "x", "9" * 30):
        ran = eventful("history", number)
        assert ran.code == 2
        assert ran.out == ""


def test_no_runs_yet(delegation: Delegation, here: Path) -> None:
    before = tree(here)
    ran = delegation("history")
    assert ran.code == 0
    assert "no runs yet" in ran.err
    assert delegation("history", "--format", "json").json == {"runs": []}
    assert tree(here) == before, "to look creates nothing"


@pytest.mark.parametrize("content", [None, b"", b"hosts: [", b"\xff\xfe\x00"])
def test_no_valid_inventory_is_needed(
    eventful: Delegation, here: Path, content: bytes | None
) -> None:
    if content is None:
        (here / "inventory.yaml").unlink()
    else:
        (here / "inventory.yaml").write_bytes(content)
    ran = eventful("history")
    assert ran.code == 0
    assert "CHG-7" in ran.out


def test_the_inventory_names_the_state_folder(delegation: Delegation, here: Path) -> None:
    (here / "inventory.yaml").write_text(INVENTORY + "state: record/of/runs\n", encoding="utf-8")
    delegation("apply", "--yes")
    assert (here / "record" / "of" / "runs" / "journal.sqlite").is_file()
    assert "apply" in delegation("history").out
    assert "no runs" in delegation("--state", "elsewhere", "history").err


def test_to_look_changes_nothing(eventful: Delegation, here: Path) -> None:
    before = tree(here)
    eventful("history")
    eventful("history", "2", "-v")
    eventful("history", "--format", "json")
    assert tree(here) == before


# Some of them


@pytest.fixture
def several(delegation: Delegation, here: Path) -> Delegation:
    """Applies to hv01 and hv02, an audit that finds hv03 wanting, and a rollback of the second."""
    assert delegation("apply", "--yes", "--limit", "hv01").code == 0
    assert delegation("apply", "--yes", "--limit", "hv02", "--allow", "removals").code == 0
    delegation("audit")
    assert delegation("rollback", "--yes", "--skip-conflicts").code == 0
    return delegation


def listed(ran: Ran) -> list[int]:
    assert ran.code == 0, ran.err
    return [run["run"] for run in ran.json["runs"]]


@pytest.mark.parametrize(
    ("options", "runs"),
    [
        ("--host hv02", [2, 4]),
        ("--host HV[01-02]", [1, 2, 4]),
        ("--host hv03", [3]),
        ("--host hv77", []),
        ("--kind rollback", [4]),
        ("--kind settle", []),
        ("--last 2", [3, 4]),
        ("--last 9", [1, 2, 3, 4]),
        ("--kind apply --last 1", [2]),
        ("--host hv02 --kind apply", [2]),
        ("--since 1d", [1, 2, 3, 4]),
        ("--since 2001-01-01", [1, 2, 3, 4]),
        ("--since 9999-12-31T10:00+02:00", []),
    ],
)
def test_some_of_them(several: Delegation, options: str, runs: list[int]) -> None:
    assert listed(several("history", *options.split(), "--format", "json")) == runs
    ran = several("history", *options.split())
    assert ("no such run" in ran.err) is (not runs)


@pytest.mark.parametrize(
    "options",
    [
        "--kind everything",
        "--since yesterday",
        "--since 0d",
        "--last 0",
        "--host hv[",
        "1 --last 2",
    ],
)
def test_what_is_none_is_2(several: Delegation, options: str) -> None:
    assert several("history", *options.split()).code == 2


def test_the_time_since_which_is_exact(several: Delegation) -> None:
    runs = several("history", "--format", "json").json["runs"]
    assert listed(several("history", "--since", runs[2]["started"], "--format", "json")) == [3, 4]


def test_a_run_tells_what_it_was_told(several: Delegation, here: Path) -> None:
    applied, undone = (several("history", str(n), "--format", "json").json for n in (2, 4))
    told = ("limit", "allow", "skip_conflicts", "left", "account", "inventory")
    assert [applied[name] for name in told] == [
        *("hv02", ["removals"], False, [], None),
        str(here / "inventory.yaml"),
    ]
    assert [undone[name] for name in told[:3]] == [None, [], True]
    text = several("history", "2").out
    for words in ("limit       hv02", "allowed     removals", "inventory.yaml"):
        assert words in text
    assert "conflicts   skipped" in several("history", "4").out


def test_a_journal_of_0_1_is_asked_the_same(delegation: Delegation, here: Path) -> None:
    """It is only looked at, and has none of what came later."""
    state = ROOT / "tests" / "recordings" / "journal_0_1" / "state"
    shutil.copytree(state, here / "old")
    before = (here / "old" / "journal.sqlite").read_bytes()
    options = ("--state", "old", "history", "--format", "json")
    assert listed(delegation(*options, "--kind", "migrate")) == [8, 9]
    assert listed(delegation(*options, "--last", "1")) == [9]
    of_host = listed(delegation(*options, "--host", "hv01"))
    assert {1, 8} <= set(of_host)
    page = delegation(*options, "1").json
    assert (page["limit"], page["allow"], page["back_to"]) == (None, [], None)
    assert (here / "old" / "journal.sqlite").read_bytes() == before
