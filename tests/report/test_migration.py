"""The report of a migration run: its verdict, its page, its table; names that mean harm."""

import csv
import io
import re
from typing import Any

import pytest
from markdown_it import MarkdownIt

from delegation.report import migration, page, sheet
from delegation.report.any_report import AnyReport
from delegation.report.migration import MigrationRunReport
from tests.cli.test_hostile import HOSTILE
from tests.cli.test_report import NASTY, Page
from tests.report import runs
from tests.report.runs import NO_ROOM, Past

HARMFUL = {**HOSTILE, **NASTY}


def people(report: MigrationRunReport) -> dict[str, Any]:
    return {**report.to_json(), **report.people()}


def said(data: AnyReport) -> str:
    """The texts of its page, with a space between any two elements."""
    return " ".join(" ".join(Page(page.html(data)).texts).split())


def rows(data: MigrationRunReport) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(sheet.text(data))))


# The verdict


def test_complete() -> None:
    told = runs.one().to_json()["verdict"]
    assert told["standing"] == "complete"
    assert told["words"] == "every machine is where it should be: 1 moved"


def test_not_complete() -> None:
    assert runs.small().to_json()["verdict"] == {
        "standing": "incomplete",
        "words": "3 of 5 machines moved, 1 failed, 1 given up",
    }


def test_going_on() -> None:
    assert runs.going_on().to_json()["verdict"] == {
        "standing": "running",
        "words": "1 of 5 machines moved, 2 under way, 2 to come",
    }


def test_left() -> None:
    assert runs.left().to_json()["verdict"] == {
        "standing": "interrupted",
        "words": "1 of 5 machines moved, 2 unknown, 2 not moved yet; it can be resumed",
    }


def test_nothing_was_asked_for() -> None:
    data = Past().report(1)
    assert data.to_json()["verdict"] == {"standing": "complete", "words": "none was asked for"}
    shown = Page(page.html(data))
    assert "No machine was asked for" in shown.text
    assert "Timeline" not in shown.text
    assert rows(data) == []


# The data and the page


def test_the_data_is_that_of_a_result_and_of_a_run() -> None:
    data = runs.small().to_json()
    assert data["summary"]["moved"] == 3
    assert [one["vm"] for one in data["machines"]][:2] == ["sql01", "app01"], "the worst first"
    assert (data["kind"], data["status"], data["alive"]) == ("migrate", "failed", False)
    assert {one["id"] for one in data["machines"]} == {one["id"] for one in data["moves"]}
    assert len(data["timeline"]) == 6


def test_the_page_tells_all_of_it() -> None:
    shown = said(runs.small())
    for told in (
        "Migrations, run 12 corp.example",
        "Not complete 3 of 5 machines moved, 1 failed, 1 given up.",
        "116.0 GB moved in all",
        "Took 9 min 54 s",
        "CORP\\vmadmin on desk01",
        "Ticket CHG-7",
        f"{NO_ROOM[0]} sql01 Fix {NO_ROOM[1]}",
        "sql01 hv01 hv02 failed hv01 2026-06-15 20:03 UTC 6 min 15 s 220.0 GB 2",
        "legacy: hv02 to hv03, put aside, 20:00:10 to 20:01:35 UTC, 1 min 25 s",
        "sent 4, 2 at once",
    ):
        assert told in shown, told
    pictures = Page(page.html(runs.small())).of("svg")
    images = [one["aria-label"] for one in pictures if one.get("role") == "img"]
    assert images[0] == "At most 3 migrations at once"
    assert images[1] == "hv01: sent 4 times, at most 2 at once; received 1 time, at most 1 at once"


def test_a_run_that_goes_on_tells_how_far_each_machine_is() -> None:
    data = people(runs.going_on())
    machines = {one["vm"]: (one["now"], one["on"]) for one in data["told_machines"]}
    assert machines == {
        "web01": ("moved", "hv03"),
        "web02": ("running", "0% to hv02"),
        "web03": ("running", "0% to hv03"),
        "web04": ("waiting", "hv01"),
        "web05": ("queued", "hv01"),
    }
    assert data["told_failures"] == [], "nothing is lost yet"
    shown = said(runs.going_on())
    assert "Going on" in shown
    assert "Finished not yet" in shown


def test_a_run_that_was_left_tells_what_nobody_knows() -> None:
    data = people(runs.left())
    assert [(one["state"], one["count"]) for one in data["told_failures"]] == [
        ("unknown", 2),
        ("failed", 1),
        ("not started", 1),
    ]
    shown = said(runs.left())
    assert "Not both of its hosts have said yet" in shown
    assert "no end on record" in shown


def test_failures_of_one_cause_are_one_and_their_machines_are_folded() -> None:
    data = people(runs.big())
    assert [(one["count"], one["machines"]) for one in data["told_failures"]] == [
        (6, "vm[034,080,126,172,218,264]"),
        (7, "vm[011,057,103,149,195,241,287]"),
    ]


@pytest.mark.parametrize("count", [300, 1000])
def test_a_page_of_many_machines_is_small(count: int) -> None:
    text = page.html(runs.big(count, hosts=32))
    assert len(text) < 60_000 + 650 * count
    assert text.count("<title>") == 1 + len(runs.big(count, hosts=32).to_json()["timeline"])


def test_the_markdown_is_that_of_migrate_status() -> None:
    of_status = migration.markdown_of(runs.small_past().view(592))
    assert page.markdown(runs.small()) == of_status


# The table


def test_a_row_for_each_machine() -> None:
    found = rows(runs.small())
    assert tuple(found[0]) == migration.COLUMNS
    assert [row["machine"] for row in found] == ["sql01", "app01", "web01", "web02", "legacy"]
    first = found[0]
    assert (first["state"], first["is_on"], first["bytes"]) == ("failed", "hv01", str(220 << 30))
    assert (first["cause"], first["fix"]) == NO_ROOM
    assert (first["run"], first["ticket"], first["domain"]) == ("12", "CHG-7", "corp.example")
    assert first["started"] == runs.at(215)


def test_two_machines_of_one_name_are_two() -> None:
    past = Past()
    past.moved(0, 10, past.asked("web01", "hv01", "hv02"))
    past.moved(0, 20, past.asked("web01", "hv03", "hv02"))
    found = rows(past.report(21))
    assert [row["ended"] for row in found] == [runs.at(10), runs.at(20)]
    assert len({row["id"] for row in found}) == 2


# Names that mean harm


@pytest.mark.parametrize("text", HARMFUL.values(), ids=HARMFUL)
def test_nothing_in_a_record_does_harm(text: str) -> None:
    data = runs.hostile([text, "web01"], hosts=(text, "hv02"))
    shown = page.html(data)
    assert shown.isascii()
    parsed = Page(shown)
    assert not [tag for tag, _ in parsed.elements if tag in {"img", "b1", "iframe", "form"}]
    assert len(parsed.of("script")) == 1
    for _, attributes in parsed.elements:
        assert not [name for name in attributes if name.startswith("on")]
        assert not {"style", "src", "href", "xlink:href"} & attributes.keys() - {"href"}
        assert (attributes.get("href") or "#").startswith("#")
    for row in rows(data):
        for cell in row.values():
            assert not re.match(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]", cell)
            assert not re.search(r";\s*[=+\-@\uff1d\uff0b\uff0d\uff20]", cell)
            assert not set(cell) & set("\r\n\t\x1b\u202e\u2028")
    markdown = MarkdownIt("gfm-like").disable("linkify").parse(page.markdown(data))
    kinds = {child.type for token in markdown for child in token.children or []}
    assert kinds <= {"text", "text_special", "strong_open", "strong_close", "softbreak"}
    assert {"html_block", "fence", "code_block"} & {token.type for token in markdown} == set()
