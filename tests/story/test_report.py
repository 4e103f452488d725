"""The report of 64 hosts on the lab's domain controller, read in a browser.

``SCREENSHOTS=docs/images`` keeps the pictures that the documents show.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FloatRect, expect
from pypdf import PdfReader

from delegation.inventory import Inventory, Keep
from delegation.mesh import checks
from delegation.mesh.desired import expand
from delegation.mesh.past_runs import MeshPast
from delegation.mesh.snapshot import Computer
from delegation.names import MIGRATION
from delegation.report import contents, page
from delegation.report.contents import DirectoryReport
from tests import builders
from tests.cli.test_hostile import HOSTILE
from tests.lab import Lab, admin, domain
from tests.lab.description import (
    ACCOUNTS,
    TRUSTED_FOR_DELEGATION,
    TRUSTED_TO_AUTH_FOR_DELEGATION,
    cifs_values,
    migration_values,
)
from tests.story.browser import Reader, Scheme, chromium, reading
from tests.story.witness import towards
from tests.story.workstation import Workstation

pytestmark = pytest.mark.lab

INVENTORY = """
    hosts: {'hv[01-64]': }
    meshes:
      production: {members: ['hv[01-64]']}
    file_servers: {sofs01: {reached_from: [production]}}
    keep:
      - {value: HTTP/*, hosts: [hv03], reason: reporting portal, owner: web team}
"""
APART = """
    hosts: {'hv[01-64]': }
    meshes:
      production: {members: ['hv[01-40]']}
      staging: {members: ['hv[41-56]']}
      recovery: {sources: ['hv[01-40]'], targets: ['hv[57-64]']}
"""
"""The same hosts in meshes that are apart: what leads from one to another is unexpected."""

schemes = pytest.mark.parametrize("scheme", ["light", "dark"])


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@dataclass(frozen=True)
class Reports:
    """The folder with the reports of one domain, each called by its subject."""

    folder: Path

    def __getitem__(self, subject: str) -> Path:
        return self.folder / f"{subject}.html"


@pytest.fixture(scope="module")
def reports(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Reports:
    """64 hosts get their mesh; then somebody changes things by hand; then it is reported."""
    domain.reset(lab)
    desk = Workstation(tmp_path_factory.mktemp("desk"), lab)
    desk.inventory(INVENTORY)
    admin.add_values(lab, "hv03", "HTTP/portal")
    applied = desk.run("apply", "--yes", "--ticket", "CHG-64", "--allow", "flag-change")
    assert applied.code == 0, applied.text
    admin.remove_values(lab, "hv12", *cifs_values("hv05"))
    admin.add_values(lab, "hv12", "cifs/nas01", "HTTP/hv33")
    for host in ("hv20", "hv21", "hv22"):
        gone = (*towards("hv40", "hv41"), migration_values("hv07")[0])
        admin.remove_values(lab, host, *gone)
    admin.set_flags(lab, "hv44", on=TRUSTED_FOR_DELEGATION)
    admin.set_flags(lab, "hv51", off=TRUSTED_TO_AUTH_FOR_DELEGATION)
    desk.run("audit")
    for subject in ("state", "plan", "audit", "1"):
        written = desk.run("report", "html", subject, "-o", f"{subject}.html")
        assert written.code == 0, written.text
    assert desk.run("plan", "-o", "plan.json", "--limit", "hv[12-22]").code == 3
    written = desk.run("report", "html", "plan.json", "-o", "saved.html")
    assert written.code == 0, written.text
    desk.inventory(APART)
    written = desk.run("report", "html", "-o", "apart.html")
    assert written.code == 0, written.text
    for file in desk.folder.glob("*.html"):
        assert not [word for word in ACCOUNTS.values() if word.encode() in file.read_bytes()]
    return Reports(desk.folder)


@pytest.fixture
def reader(browser: Browser, reports: Reports) -> Iterator[Reader]:
    with reading(browser, reports["state"]) as reader:
        yield reader


# What is seen


def test_every_pair_is_drawn_as_it_is(reader: Reader) -> None:
    assert reader.cells.count() == 64 * 65
    counts = {state: reader.page.locator(f"td.c.{state}").count() for state in STATES}
    assert counts == {
        "complete": 64 * 63 + 64 - 4 - 6, "partial": 4, "missing": 6, "self": 64,
        "unexpected": 0, "kept": 0, "outside": 0, "unread": 0,
    }  # fmt: skip
    assert reader.headings("row") == [f"hv{n:02}" for n in range(1, 65)]
    assert reader.headings("col") == [*(f"hv{n:02}" for n in range(1, 65)), "sofs01"]
    lost = reader.cell("hv12", "hv05")
    assert lost.get_attribute("class") == "c partial b2 b3"
    assert reader.page.locator("td.c.extra").get_attribute("aria-label") == (
        "hv12 to hv33: complete; foreign: HTTP/hv33"
    )
    flags = reader.page.locator("#frame .flag.open, #frame .flag.off")
    assert flags.evaluate_all("all => all.map((one) => one.ariaLabel)") == [
        "unconstrained delegation",
        "protocol transition is off, declared on",
    ]


STATES = ("complete", "partial", "missing", "unexpected", "kept", "outside", "self", "unread")


def test_the_head_tells_how_it_stands_and_of_what(reader: Reader) -> None:
    head = reader.page.locator("main").inner_text().partition("Mesh\n")[0]
    for told in ("Drift", "6 of 64 hosts differ", "dc1.corp.example", "sha256:", "2 (audit)"):
        assert told in head


def test_the_pair_under_the_pointer_is_told_value_by_value(reader: Reader) -> None:
    reader.cell("hv12", "hv05").hover()
    assert "hv12 → hv05" in reader.detail
    values = reader.page.locator("#detail li").all_inner_texts()
    assert [" ".join(value.split()) for value in values] == [
        "cifs/hv05 missing",
        "cifs/hv05.corp.example missing",
        "Microsoft Virtual System Migration Service/hv05 there",
        "Microsoft Virtual System Migration Service/hv05.corp.example there",
    ]
    assert reader.page.locator("#frame th.here").all_inner_texts() == ["hv05", "hv12T"]
    reader.cell("hv12", "hv33").hover()
    assert "HTTP/hv33" in reader.detail
    assert "not in the inventory" in reader.detail
    reader.cell("hv07", "hv07").hover()
    assert "the host itself" in reader.detail


def test_a_click_leads_to_the_hosts_section_and_back(reader: Reader) -> None:
    section = reader.page.locator("#host-hv20")
    assert section.get_attribute("open") is None
    reader.cell("hv20", "hv40").click()
    reader.page.wait_for_url("**#host-hv20")
    assert section.get_attribute("open") is not None
    expect(reader.page.locator("#host-hv20 > summary")).to_be_focused()
    told = section.inner_text()
    for words in ("HV20$", "CN=HV20", "lacks Microsoft Virtual System Migration Service/hv07"):
        assert words in told
    assert "hv[40-41]" in told
    assert "KCD001" in told
    assert "run 1: 254 added" in told
    every = section.locator("details.every")
    every.locator("summary").click()
    assert every.locator("li").count() == 254 - 9
    reader.page.go_back()
    reader.page.locator("#frame tbody a", has_text="hv44").click()
    expect(reader.page.locator("#host-hv44")).to_contain_text("unconstrained on")


# Filters


def test_only_what_is_wrong(reader: Reader) -> None:
    reader.only("missing").check()
    assert reader.headings("row") == ["hv20", "hv21", "hv22"]
    assert reader.headings("col") == ["hv40", "hv41"]
    assert "3 of 64 sources" in reader.shown
    reader.only("partial").check()
    assert reader.headings("row") == ["hv12", "hv20", "hv21", "hv22"]
    assert reader.page.locator("td.c.complete:not(.dim)").count() == 0
    listed = reader.page.locator("table.hosts tbody tr:visible th").all_inner_texts()
    assert listed == ["hv12", "hv20", "hv21", "hv22"]
    assert reader.page.locator("details.host:visible").count() == 4
    reader.only("missing").uncheck()
    reader.only("partial").uncheck()
    reader.only("unexpected").check()
    assert reader.headings("row") == ["hv12"]
    assert reader.headings("col") == ["hv33"]
    reader.page.get_by_role("button", name="Show all").click()
    expect(reader.cells).to_have_count(64 * 65)
    assert reader.page.locator("details.host:visible").count() == 64


@pytest.mark.parametrize(
    ("sought", "found"),
    [
        ("hv12", ["hv12"]),
        ("HV12", ["hv12"]),
        ("hv[01-03],hv64", ["hv01", "hv02", "hv03", "hv64"]),
        ("hv1", [f"hv{n}" for n in range(10, 20)]),
        ("hv05.corp", ["hv05"]),
        ("[", []),
        ("nobody", []),
    ],
)
def test_a_host_is_found(reader: Reader, sought: str, found: list[str]) -> None:
    reader.page.get_by_label("Host", exact=True).fill(sought)
    expect(reader.cells).to_have_count(len(found) * 65)
    assert reader.headings("row") == found
    if not found:
        assert "No pair is like that" in reader.page.locator("#frame").inner_text()


def test_meshes_that_are_apart(browser: Browser, reports: Reports) -> None:
    with reading(browser, reports["apart"]) as reader:
        desired_pairs = 40 * 39 + 16 * 15 + 40 * 8
        assert reader.page.locator("td.c.outside").count() == 3
        unexpected = reader.page.locator("td.c.unexpected").count()
        assert unexpected == 64 * 63 - desired_pairs - 3, "the old mesh is still there"
        reader.page.get_by_role("combobox", name="Mesh").select_option(label="recovery")
        assert reader.headings("row") == [f"hv{n:02}" for n in range(1, 41)]
        assert reader.headings("col") == [f"hv{n:02}" for n in range(57, 65)]
        assert reader.page.locator("td.c.complete").count() == 40 * 8
        assert reader.violations() == []
        reader.page.get_by_role("combobox", name="Mesh").select_option(label="staging")
        assert reader.cells.count() == 16 * 16


def test_a_mesh_that_asks_for_the_migration_service_alone(browser: Browser, tmp_path: Path) -> None:
    farm = builders.inventory(
        "hv01",
        "hv02",
        "hv03",
        meshes=[
            builders.on_shares("farm", "hv01", "hv02", "hv03"),
            builders.one_way("dr", ["hv01"], ["hv02"]),
        ],
    )
    values = {"hv01": builders.forms("hv02"), "hv02": builders.forms("hv01", MIGRATION)[:1]}
    accounts = [builders.computer(label, *values.get(label, ())) for label in farm.hosts]
    file = tmp_path / "farm.html"
    file.write_text(page.html(reported(farm, accounts)), encoding="ascii")
    with reading(browser, file) as reader:
        assert reader.page.locator("td.c.complete").count() == 1
        assert reader.cell("hv02", "hv01").get_attribute("class") == "c partial b2"
        reader.cell("hv02", "hv01").hover()
        shown = reader.page.locator("#detail li").all_inner_texts()
        assert [" ".join(value.split()) for value in shown] == [
            f"{MIGRATION}/hv01 there",
            f"{MIGRATION}/hv01.corp.example missing",
        ]
        reader.page.get_by_role("combobox", name="Mesh").select_option(label="dr")
        assert reader.cells.count() == 1
        assert reader.violations() == []


# Without a mouse, in the dark, on paper, without a script


def test_by_keyboard_alone(reader: Reader) -> None:
    reader.press("Tab")
    assert reader.focused == "Skip to the report"
    for _ in range(30):
        if reader.page.evaluate("document.activeElement.matches('td.c')"):
            break
        reader.press("Tab")
    assert reader.focused == "hv01 to hv01: the host itself", "one stop for the whole mesh"
    reader.press("ArrowRight", "ArrowRight", "ArrowDown")
    assert reader.focused == "hv02 to hv03: complete"
    assert "hv02 → hv03" in reader.detail
    reader.press("End")
    assert reader.focused == "hv02 to sofs01: complete"
    reader.press("ArrowRight", "Control+End", "PageUp")
    assert reader.focused == "hv54 to sofs01: complete"
    reader.press("Control+Home", "ArrowLeft")
    assert reader.focused == "hv01", "the head of the row is a link"
    reader.press("PageDown", "ArrowDown")
    reader.press(*["ArrowRight"] * 5)
    assert reader.focused == (
        "hv12 to hv05: partial, 2 of 4 values, without cifs/hv05, cifs/hv05.corp.example"
    )
    reader.press("Enter")
    reader.page.wait_for_url("**#host-hv12")
    expect(reader.page.locator("#host-hv12 > summary")).to_be_focused()
    reader.press("Shift+Tab")
    assert not reader.page.evaluate("document.activeElement.matches('td.c, .grid a')")


def test_the_mesh_is_one_stop_on_the_way(reader: Reader) -> None:
    stops = "document.querySelectorAll('#frame [tabindex=\"0\"]').length"
    assert reader.page.evaluate(stops) == 1
    reader.cell("hv09", "hv10").focus()
    assert reader.page.evaluate(stops) == 1
    reader.press("Tab")
    assert not reader.page.evaluate("document.activeElement.closest('#frame')")


def test_light_and_dark(browser: Browser, reports: Reports) -> None:
    shade = "getComputedStyle(document.body).backgroundColor"
    seen: dict[str, str] = {}
    for scheme in SCHEMES:
        with reading(browser, reports["state"], scheme=scheme) as reader:
            seen[scheme] = reader.page.evaluate(shade)
            toggle = reader.page.get_by_role("button", name="Dark")
            assert toggle.get_attribute("aria-pressed") == str(scheme == "dark").lower()
            toggle.click()
            seen[f"toggled {scheme}"] = reader.page.evaluate(shade)
    assert seen["light"] == seen["toggled dark"] == "rgb(255, 255, 255)"
    assert seen["dark"] == seen["toggled light"] == "rgb(17, 22, 29)"


SCHEMES: tuple[Scheme, ...] = ("light", "dark")


@schemes
@pytest.mark.parametrize("subject", ["state", "plan", "saved", "audit", "1"])
def test_it_is_accessible(browser: Browser, reports: Reports, subject: str, scheme: Scheme) -> None:
    with reading(browser, reports[subject], scheme=scheme) as reader:
        for host in ("hv12", "hv20", "hv44"):
            if reader.page.locator(f"#host-{host}").count():
                reader.page.locator(f"#host-{host} > summary").click()
        assert reader.violations() == []


@pytest.mark.parametrize("subject", ["state", "plan", "saved", "audit", "1", "apart"])
def test_on_a_narrow_screen_lines_wrap(browser: Browser, reports: Reports, subject: str) -> None:
    with reading(browser, reports[subject]) as reader:
        reader.page.set_viewport_size({"width": 420, "height": 900})
        widths = "[document.documentElement.scrollWidth, window.innerWidth]"
        wide, screen = reader.page.evaluate(widths)
        assert wide <= screen
        texts = "[...document.querySelectorAll('body, main p')]"
        spaces = reader.page.evaluate(f"{texts}.map((one) => getComputedStyle(one).whiteSpace)")
        assert set(spaces) == {"normal"}


def test_a_saved_plan_tells_its_reviewer_what_it_would_do(
    browser: Browser, reports: Reports
) -> None:
    with reading(browser, reports["saved"]) as reader:
        head = reader.page.locator("dl.origin").inner_text()
        assert "Planned by" in head
        assert "hv[12-22]" in head
        reader.page.locator("#host-hv12 > summary").click()
        told = reader.page.locator("#host-hv12").inner_text()
        assert "cifs/hv05" in told
        assert not reader.page.locator("#host-hv44").count(), "which was not planned for"


def test_on_paper(reader: Reader, tmp_path: Path) -> None:
    reader.page.pdf(path=tmp_path / "mesh.pdf", prefer_css_page_size=True)
    paper = PdfReader(tmp_path / "mesh.pdf").pages
    assert 4 <= len(paper) <= 12
    assert {(round(p.mediabox.width), round(p.mediabox.height)) for p in paper} == {(595, 842)}
    texts = [one.extract_text() for one in paper]
    assert all(len(text) > 100 for text in texts), "no page is empty"
    assert "Drift" in texts[0]
    assert texts[0].count("hv64") >= 2, "the mesh is whole on the first page"
    assert "Show all" not in texts[0]
    assert any("HV20$" in text for text in texts), "sections are open"
    assert not any("HV33$" in text for text in texts), "hosts with nothing to tell are left out"
    assert reader.page.locator("#host-hv20").get_attribute("open") is None, "closed again"


def test_without_its_script(browser: Browser, reports: Reports) -> None:
    with reading(browser, reports["state"], script=False) as reader:
        assert "switched off" in reader.page.locator("noscript").inner_text()
        assert not reader.page.locator("#filter").is_visible()
        rows = reader.page.locator("table.hosts tbody tr")
        assert rows.count() == 64
        told = " ".join(rows.nth(11).inner_text().split())
        assert told.startswith("hv12 production on no 252 63 1 0 1 ")
        reader.page.locator("#host-hv12 > summary").click()
        told = reader.page.locator("#host-hv12").inner_text()
        assert "lacks cifs/hv05, cifs/hv05.corp.example" in told


def test_a_request_would_have_been_seen(browser: Browser, tmp_path: Path) -> None:
    """The other half of what each test here ends with."""
    file = tmp_path / "asking.html"
    file.write_text("<img src='https://corp.example/x.png'><script>alert(1)</script>")
    with pytest.raises(AssertionError, match=r"corp\.example"), reading(browser, file) as reader:
        reader.page.wait_for_timeout(300)


# A thousand hosts, and somebody who means harm


@cache
def thousand() -> str:
    """The page of 1,000 hosts in meshes of 64, in which something has happened here and there."""
    hosts = [f"hv{number:04}" for number in range(1, 1001)]
    racks = [
        builders.two_way(f"rack {index // 64 + 1:02}", *hosts[index : index + 64])
        for index in range(0, 1000, 64)
    ]
    inventory = builders.inventory(*hosts, meshes=racks)
    delegates = expand(inventory).delegates
    accounts = []
    for number, host in enumerate(hosts, 1):
        values = [value for _, value in delegates[host].values()]
        if number % 97 == 0:
            del values[:8]
        if number % 131 == 0:
            del values[5]
        if number == 300:
            values += builders.forms("hv0900")
        accounts.append(builders.computer(host, *values, uac=0x1000 | builders.TRANSITION))
    return page.html(reported(inventory, accounts))


def reported(inventory: Inventory, accounts: list[Computer]) -> DirectoryReport:
    comparison = builders.survey(inventory, builders.MemoryDirectory(accounts))
    origin = contents.Origin("state", "2026-06-15T08:00:00+00:00", "delegation")
    return contents.state(origin, comparison, checks.findings(comparison), MeshPast())


def test_a_thousand_hosts_are_folded_by_mesh(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "thousand.html"
    file.write_text(thousand())
    assert file.stat().st_size < 3_000_000
    with reading(browser, file) as reader:
        tiles = reader.page.locator("td.tile")
        assert tiles.count() == 16 * 16
        assert reader.cells.count() == 0
        assert "folded by mesh" in reader.shown
        tile = reader.page.locator("td.tile[aria-label^='rack 05 to rack 15:']")
        assert tile.get_attribute("class") == "tile unexpected"
        tile.click()
        assert reader.cells.count() == 64 * 64
        assert reader.cell("hv0300", "hv0900").get_attribute("class") == "c unexpected"
        reader.page.get_by_role("button", name="Back to the overview").click()
        assert tiles.count() == 16 * 16
        reader.only("missing").check()
        assert reader.headings("row") == [f"hv{n:04}" for n in range(97, 1000, 97)]
        assert reader.cells.count() == 10 * 20
        reader.page.get_by_label("Host", exact=True).fill("hv0097")
        expect(reader.cells).to_have_count(2)
        reader.cell("hv0097", "hv0065").click()
        assert "hv[0065-0066]" in reader.page.locator("#host-hv0097").inner_text()
        reader.press("Control+Home")
        reader.page.get_by_role("button", name="Show all").click()
        reader.page.get_by_role("combobox", name="Mesh").select_option(label="rack 16")
        assert reader.cells.count() == 40 * 40
        assert reader.violations() == []


def test_the_overview_is_gone_over_by_keyboard(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "thousand.html"
    file.write_text(thousand())
    with reading(browser, file) as reader:
        reader.page.locator("td.tile").first.focus()
        reader.press("ArrowRight", "ArrowDown")
        assert reader.focused.startswith("rack 02 to rack 02: ")
        reader.press("Enter")
        assert reader.focused == "hv0065 to hv0065: the host itself"


def test_a_source_without_an_account_is_hatched(browser: Browser, tmp_path: Path) -> None:
    """Nothing is claimed about its values."""
    accounts = [
        builders.computer("hv01", *builders.forms("hv02")),
        builders.computer("hv03"),
    ]
    file = tmp_path / "unread.html"
    file.write_text(page.html(reported(builders.inventory("hv01", "hv02", "hv03"), accounts)))
    with reading(browser, file) as reader:
        assert reader.headings("row") == ["hv01", "hv02", "hv03"]
        assert reader.page.locator("td.c.unread").count() == 3
        reader.cell("hv02", "hv01").hover()
        assert "no account was read" in reader.detail
        assert reader.page.locator("#detail li").count() == 0
        reader.cell("hv02", "hv01").click()
        assert reader.cell("hv01", "hv02").get_attribute("class") == "c complete"


NASTY = {
    **HOSTILE,
    "page": "</script><script>alert(1)</script><img src=//evil.example/x onerror=alert(1)>'\">"
    "<svg onload=alert(1)><!--<script>\u2028\u2029&lt;b&gt;]]><a href=javascript:alert(1)>x",
    "clobbering": '"><form id=filter><input name=state><p id=grid>{}</p>',
}


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
def test_nothing_in_a_directory_does_harm(browser: Browser, tmp_path: Path, text: str) -> None:
    """Names, values, reasons: whatever they hold is text, and nothing is run, opened or asked."""
    keep = Keep("HTTP/*", reason=text, owner=text)
    inventory = builders.inventory(
        "hv01",
        "hv02",
        "hv03",
        meshes=[builders.two_way(text, "hv01", "hv02"), builders.two_way("b", "hv02", "hv03")],
        keep=[keep],
    )
    values = (f"cifs/{text}", text, f"HTTP/{text}", f"HTTP/hv02/{text}", f"{MIGRATION}/hv03/{text}")
    accounts = [
        builders.computer("hv01", *values, dns=text),
        builders.computer("hv02", base=f"OU={text.replace(',', '')},{builders.BASE}"),
        builders.computer("hv03"),
    ]
    file = tmp_path / "hostile.html"
    file.write_text(page.html(reported(inventory, accounts)))
    with reading(browser, file) as reader:
        assert reader.cells.count() == 9
        reader.cell("hv01", "hv03").hover()
        assert "unexpected" in reader.detail
        reader.cell("hv01", "hv02").click()
        reader.page.locator("#host-hv01 details.every summary").click()
        reader.page.get_by_role("combobox", name="Mesh").select_option(index=1)
        reader.page.locator("td.c").first.focus()
        elements = reader.page.evaluate(
            "[...document.querySelectorAll('img,iframe,object,embed,link,base,form,main svg')]"
            ".map((one) => one.localName).sort()"
        )
        assert elements == ["form", "svg"]
        assert reader.page.locator("script").count() == 2
        named = "[...document.querySelectorAll('*')].flatMap((one) => one.getAttributeNames())"
        attributes = set(reader.page.evaluate(named))
        assert not [name for name in attributes if name.startswith("on")]


# Pictures


def test_pictures(browser: Browser, reports: Reports, tmp_path: Path) -> None:
    folder = Path(os.environ.get("SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    for scheme in SCHEMES:
        with reading(browser, reports["state"], scheme=scheme) as reader:
            reader.page.set_viewport_size({"width": 1280, "height": 1460})
            reader.cell("hv20", "hv07").hover()
            reader.page.screenshot(path=folder / f"report-{scheme}.png")
    with reading(browser, reports["state"]) as reader:
        reader.page.set_viewport_size({"width": 1280, "height": 1460})
        reader.only("partial").check()
        reader.only("missing").check()
        reader.cell("hv12", "hv05").focus()
        reader.page.screenshot(path=folder / "report-partial.png", clip=framed(reader))
        reader.cell("hv12", "hv05").click()
        section = reader.page.locator("#host-hv12")
        expect(section.locator("> summary")).to_be_focused()
        section.screenshot(path=folder / "report-host.png")
    file = tmp_path / "thousand.html"
    file.write_text(thousand())
    with reading(browser, file) as reader:
        reader.page.set_viewport_size({"width": 1280, "height": 1460})
        reader.page.locator("td.tile[aria-label^='rack 05 to rack 15:']").focus()
        reader.page.screenshot(path=folder / "report-thousand.png", clip=framed(reader))
    for picture in folder.glob("report-*.png"):
        assert 10_000 < picture.stat().st_size < 200_000, picture


def framed(reader: Reader) -> FloatRect:
    """The part of the page that shows the mesh, with a margin."""
    reader.page.evaluate("scrollTo(0, 0)")
    box = reader.page.locator("#mesh").bounding_box()
    assert box is not None
    return {"x": 0, "y": box["y"] - 16, "width": box["width"] + 80, "height": box["height"] + 32}
