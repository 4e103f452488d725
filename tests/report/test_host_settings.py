"""The report of a run that set hosts: before, after, what became of it and why."""

import csv
import io
import re

import pytest
from markdown_it import MarkdownIt

from delegation.report import host_settings, page, sheet
from delegation.report.host_settings import SettingsRunReport
from tests.cli.test_report import Page
from tests.report import settings
from tests.report.settings import CHANGES, setting
from tests.report.test_migration import HARMFUL, said


def rows(data: SettingsRunReport) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(sheet.text(data))))


def test_the_verdict_counts_settings() -> None:
    assert settings.mixed().verdict.to_json() == {
        "standing": "failed",
        "words": "15 of 20 settings applied on 4 hosts, 1 failed, 3 refused, 1 not settled",
    }
    unsettled = settings.run(setting("hv01", *CHANGES[0], None), settled=False)
    assert unsettled.verdict.standing == "unsettled"
    assert "0 of 1 setting applied on 1 host" in unsettled.verdict.words


def test_the_page_folds_hosts_and_tells_each() -> None:
    shown = said(settings.mixed())
    for told in (
        "Host settings, run 4 corp.example",
        "Kind hosts apply",
        "Ticket CHG-8",
        "network 10.20.0.0/24 absent 0 hv[01-03] 3 applied",
        "network 10.20.0.0/24 absent 0 hv04 1 failed access is denied (0x80070005)",
        "any_network on off hv[01-03] 3 applied",
        "hv04 5 not applied 5 settings",
    ):
        assert told in shown, told
    first = shown.index("access is denied")
    assert first < shown.index("hv[01-03]", shown.index("Became")), "what failed is first"
    parsed = Page(page.html(settings.mixed()))
    links = {str(one["href"]).removeprefix("#") for one in parsed.of("a")}
    assert links <= {one.get("id") for _, one in parsed.elements}


def test_a_run_that_changed_nothing() -> None:
    data = settings.run()
    assert "Nothing was changed" in Page(page.html(data)).text
    assert "None." in page.markdown(data)
    assert rows(data) == []


def test_a_row_for_each_setting_with_values_in_words() -> None:
    found = rows(settings.mixed())
    assert tuple(found[0]) == host_settings.COLUMNS
    assert len(found) == 20
    assert (found[0]["before"], found[0]["after"]) == ("absent", "0"), "a priority of 0 is one"
    assert (found[1]["before"], found[1]["after"]) == ("on", "off")
    assert [row["result"] for row in found[15:]] == ["failed", *["refused"] * 3, "not settled"]
    assert {row["ticket"] for row in found} == {"CHG-8"}


def test_the_json_has_values_as_they_are() -> None:
    first = settings.mixed().to_json()["changes"][0]
    assert (first["host"], first["before"], first["after"]) == ("hv01", None, 0)
    assert first["result"] == "applied"


@pytest.mark.parametrize("text", HARMFUL.values(), ids=HARMFUL)
def test_nothing_in_a_record_does_harm(text: str) -> None:
    data = settings.run(
        setting("hv01", f"network {text}", text, text, reason=text),
        setting(text, "authentication", text, "Kerberos"),
        ticket=text,
    )
    parsed = Page(page.html(data))
    assert not [tag for tag, _ in parsed.elements if tag in {"img", "b1", "iframe"}]
    assert len(parsed.of("svg")) == len(parsed.of("script")) == 1
    for _, attributes in parsed.elements:
        assert not [name for name in attributes if name.startswith("on")]
    for row in rows(data):
        for cell in row.values():
            assert not re.match(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]", cell)
            assert not set(cell) & set("\r\n\t\x1b\u202e\u2028")
    markdown = MarkdownIt("gfm-like").disable("linkify").parse(page.markdown(data))
    kinds = {child.type for token in markdown for child in token.children or []}
    assert kinds <= {"text", "text_special", "strong_open", "strong_close", "softbreak"}
