"""What became of a run: one answer a machine, and complete only if all are where they should be."""

import json
from dataclasses import replace
from uuid import UUID

import pytest
from markdown_it import MarkdownIt

from delegation.migrations.lifecycle import Migration, MigrationState
from delegation.migrations.result import Became, MigrationResult, VmResult
from delegation.report import migration

GB = 1 << 30
MOVED = VmResult(
    "web01", "hv01", "hv02", Became.MOVED, "hv02", seconds=61.0, size=4 * GB, attempts=1
)
FAILED = VmResult(
    "db|01",
    "hv01",
    "hv03",
    Became.FAILED,
    "hv01",
    seconds=5.0,
    size=9 * GB,
    attempts=3,
    cause="access is *denied* (0x80070005)",
    fix="add the operator to Hyper-V Administrators",
)
RUN = MigrationResult(
    7,
    "corp.example",
    "CORP\\vmadmin",
    "2026-06-15T20:00:00.000+00:00",
    "2026-06-15T20:03:05.500+00:00",
    (MOVED, FAILED),
    "CHG-1",
    "sha256:abc",
)


@pytest.mark.parametrize("became", Became)
def test_only_where_all_are_where_they_should_be_is_a_run_complete(became: Became) -> None:
    run = replace(RUN, machines=(MOVED, replace(FAILED, became=became)))
    assert run.complete is (became in {Became.MOVED, Became.THERE})
    assert run.to_json()["complete"] is run.complete


def test_the_data_of_a_run() -> None:
    data = RUN.to_json()
    assert data["seconds"] == 185.5
    assert data["summary"] == {
        "asked": 2,
        "bytes": 4 * GB,
        "moved": 1,
        "there": 0,
        "failed": 1,
        "aborted": 0,
        "not_started": 0,
        "unknown": 0,
    }
    assert [one["vm"] for one in data["machines"]] == ["db|01", "web01"]
    assert data["pairs"] == [{"source": "hv01", "target": "hv02", "machines": 1, "bytes": 4 * GB}]
    assert data["failures"][0]["machines"] == ["db|01"]
    assert json.loads(json.dumps(data)) == data


def test_failures_of_one_cause_are_told_together() -> None:
    alike = replace(FAILED, name="db02")
    other = replace(FAILED, name="db03", cause="the disk is full")
    found = replace(RUN, machines=(FAILED, other, alike, MOVED)).to_json()["failures"]
    assert [one["machines"] for one in found] == [["db02", "db|01"], ["db03"]]


@pytest.mark.parametrize(
    ("state", "became"),
    [
        (MigrationState.MOVED, Became.MOVED),
        (MigrationState.FAILED, Became.FAILED),
        (MigrationState.ABORTED, Became.ABORTED),
        (MigrationState.QUEUED, Became.NOT_STARTED),
        (MigrationState.WAITING, Became.FAILED),
        (MigrationState.STARTING, Became.UNKNOWN),
        (MigrationState.RUNNING, Became.UNKNOWN),
        (MigrationState.STOPPING, Became.UNKNOWN),
        (MigrationState.UNKNOWN, Became.UNKNOWN),
    ],
)
def test_what_the_record_says(state: MigrationState, became: Became) -> None:
    recorded = Migration(
        UUID(int=1), "web01", "hv01", "hv02", size=3, state=state, at="hv01", to="hv02",
        attempts=2, reason="why", started="2026-06-15T20:00:00.000+00:00",
        ended="2026-06-15T20:01:00.000+00:00",
    )  # fmt: skip
    told = VmResult.of(replace(recorded, fix="what to do"))
    assert told.became is became
    assert told.size == 3
    assert told.seconds == 60.0
    assert told.cause == ("" if became is Became.MOVED else "why")
    assert told.fix == ("" if became is Became.MOVED else "what to do")
    assert told.at == ("" if became is Became.UNKNOWN else "hv01")


def test_every_state_of_a_migration_has_an_answer() -> None:
    for state in MigrationState:
        VmResult.of(Migration(UUID(int=1), "a", "hv01", "hv02", state=state))


def test_a_machine_that_never_started_is_at_its_source() -> None:
    told = VmResult.of(Migration(UUID(int=1), "a", "hv01", "hv02"))
    assert (told.at, told.seconds, told.attempts) == ("hv01", None, 0)


# The page


def cells(text: str) -> list[list[str]]:
    """Every row of every table of the page, as a reader sees it."""
    rows: list[list[str]] = []
    row: list[str] = []
    for token in MarkdownIt("gfm-like").disable("linkify").parse(text):
        if token.type == "tr_open":
            row = []
        elif token.type == "inline":
            row.append("".join(c.content for c in token.children or []))
        elif token.type == "tr_close":
            rows.append(row)
            row = []
    return rows


def test_the_page_tells_all_of_it() -> None:
    text = migration.markdown(RUN)
    assert text.startswith("# Migrations of corp\\.example, run 7\n")
    assert "**Not complete.** Of 2 machines: 1 moved, 1 failed." in text
    assert "(3 min 06 s)" in text
    assert "ticket CHG\\-1" in text
    rows = cells(text)
    assert ["failed", "db|01", FAILED.cause, FAILED.fix] in rows
    assert ["hv01", "hv02", "1", "4.0 GB"] in rows
    assert ["web01", "hv01", "hv02", "moved", "hv02", "1 min 01 s", "4.0 GB", "1"] in rows


def test_the_page_of_a_run_that_is_complete_names_no_failure() -> None:
    there = VmResult("x", "hv02", "hv02", Became.THERE, "hv02")
    text = migration.markdown(replace(RUN, machines=(MOVED, there)))
    assert "**Complete.** Every machine is where it should be: 1 moved, 1 there already." in text
    assert "Not where" not in text


def test_the_page_of_a_run_that_has_no_end_or_no_machine() -> None:
    text = migration.markdown(replace(RUN, machines=(), finished=None, ticket=None))
    assert "none was asked for" in text
    assert "no end yet" in text
    assert "ticket" not in text


def test_nothing_in_the_page_is_markup_or_obeyed() -> None:
    nasty = "<b>|x|\u202e\x1b[31m\n# y"
    run = replace(
        RUN,
        ticket=nasty,
        machines=(replace(FAILED, name=nasty, source=nasty, target=nasty, cause=nasty, fix=nasty),),
    )
    text = migration.markdown(run)
    assert not set("\u202e\x1b") & set(text)
    kinds = {t.type for t in MarkdownIt("gfm-like").disable("linkify").parse(text)}
    assert "html_block" not in kinds
    assert text.count("\n# ") == 0
