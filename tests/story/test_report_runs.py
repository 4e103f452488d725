"""The reports of runs that moved machines or set hosts, read in a browser.

``SCREENSHOTS=docs/images`` keeps the picture that the documents show.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from pypdf import PdfReader

from delegation.report import page
from delegation.report.any_report import AnyReport
from tests.report import runs, settings
from tests.story.browser import Reader, Scheme, chromium, reading
from tests.story.test_report import NASTY, SCHEMES, schemes

pytestmark = pytest.mark.lab

RUNS: dict[str, Callable[[], AnyReport]] = {
    "one": runs.one,
    "small": runs.small,
    "big": runs.big,
    "going on": runs.going_on,
    "left": runs.left,
    "resumed": runs.resumed,
    "settings": settings.mixed,
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def opened(tmp_path: Path) -> Callable[[AnyReport], Path]:
    def written(data: AnyReport) -> Path:
        file = tmp_path / "run.html"
        file.write_text(page.html(data))
        return file

    return written


def bars(reader: Reader) -> dict[str, tuple[float, float, float]]:
    """Where each bar stands on the screen, by its machine and its kind: x, y, width."""
    found = reader.page.evaluate(
        "[...document.querySelectorAll('.timeline svg.try')].map((one) => {"
        " const box = one.querySelector('rect').getBoundingClientRect();"
        " const machine = one.querySelector('title').textContent.split(':')[0];"
        " return [`${machine} ${one.classList[1]}`, box.x, box.y, box.width]; })"
    )
    return {name: tuple(box) for name, *box in found}


def test_the_timeline_is_drawn_to_scale(
    browser: Browser, opened: Callable[[AnyReport], Path]
) -> None:
    with reading(browser, opened(runs.small())) as reader:
        found = bars(reader)
        assert len(found) == 6
        web01, web02 = found["web01 moved"], found["web02 moved"]
        assert web01[2] / web02[2] == pytest.approx(214 / 409.8, rel=0.01)
        assert web02[1] - web01[1] == 20, "at once: one below the other"
        assert found["sql01 again"][1] == web01[1], "one after the other: in one row"
        fills = {
            kind: reader.page.locator(f".timeline .try.{kind} rect").first.evaluate(
                "(one) => { const s = getComputedStyle(one);"
                " return [s.fill, s.stroke, s.strokeWidth, s.strokeDasharray].join(); }"
            )
            for kind in ("moved", "aside", "again", "failed")
        }
        assert len(set(fills.values())) == 4
        rows = reader.page.locator(".timeline tbody th")
        assert [text.split()[0] for text in rows.all_inner_texts()] == [
            "All", "hv01", "hv02", "hv03",
        ]  # fmt: skip
        expect(reader.page.locator(".timeline .try text", has_text="web01")).to_be_visible()


@schemes
@pytest.mark.parametrize("run", RUNS)
def test_it_is_accessible_and_breaks_no_policy(
    browser: Browser, opened: Callable[[AnyReport], Path], run: str, scheme: Scheme
) -> None:
    """What a page logs, a refused style among it, and what it asks for, fails in ``reading``."""
    with reading(browser, opened(RUNS[run]()), scheme=scheme) as reader:
        for one in reader.page.locator("details.host > summary").all()[:2]:
            one.click()
        assert reader.violations() == []


def test_in_the_dark(browser: Browser, opened: Callable[[AnyReport], Path]) -> None:
    shade = "getComputedStyle(document.querySelector('.timeline th')).backgroundColor"
    with reading(browser, opened(runs.small()), scheme="dark") as reader:
        assert reader.page.evaluate(shade) == "rgb(17, 22, 29)"
        reader.page.get_by_role("button", name="Dark").click()
        assert reader.page.evaluate(shade) == "rgb(255, 255, 255)"


@pytest.mark.parametrize("width", [400, 1280])
def test_nothing_but_tables_is_wider_than_the_screen(
    browser: Browser, opened: Callable[[AnyReport], Path], width: int
) -> None:
    with reading(browser, opened(runs.big())) as reader:
        reader.page.set_viewport_size({"width": width, "height": 900})
        assert reader.page.evaluate("document.documentElement.scrollWidth") <= width


def test_on_paper(browser: Browser, opened: Callable[[AnyReport], Path], tmp_path: Path) -> None:
    with reading(browser, opened(runs.big())) as reader:
        reader.page.pdf(path=tmp_path / "run.pdf", prefer_css_page_size=True)
        paper = PdfReader(tmp_path / "run.pdf").pages
        assert 6 <= len(paper) <= 16
        assert {(round(p.mediabox.width), round(p.mediabox.height)) for p in paper} == {(595, 842)}
        texts = [one.extract_text() for one in paper]
        assert all(len(text) > 100 for text in texts), "no page is empty"
        assert "Not complete" in texts[0]
        assert any("hv16" in text and "vm048" in text for text in texts[:3]), "the timeline"
        reader.page.emulate_media(media="print")
        reader.page.set_viewport_size({"width": 703, "height": 1000})
        assert reader.page.evaluate("document.documentElement.scrollWidth") <= 703


def test_without_its_script(browser: Browser, opened: Callable[[AnyReport], Path]) -> None:
    with reading(browser, opened(runs.small()), script=False) as reader:
        expect(reader.page.locator(".timeline .try").first).to_be_visible()
        assert reader.page.locator("table.machines tbody tr").count() == 5


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
def test_nothing_in_a_record_does_harm(
    browser: Browser, opened: Callable[[AnyReport], Path], text: str
) -> None:
    with reading(browser, opened(runs.hostile([text, "web01"], hosts=(text, "hv02")))) as reader:
        found = reader.page.evaluate(
            "[...document.querySelectorAll('img,iframe,object,embed,link,base,form,image,use,a')]"
            ".map((one) => one.localName + (one.getAttribute('href') ?? ''))"
        )
        assert {one for one in found if not one.startswith("a#")} == set()
        named = "[...document.querySelectorAll('*')].flatMap((one) => one.getAttributeNames())"
        assert not [one for one in reader.page.evaluate(named) if one.startswith("on")]
        assert reader.page.locator(".timeline svg.try").count() == 2


def test_picture(browser: Browser, opened: Callable[[AnyReport], Path], tmp_path: Path) -> None:
    folder = Path(os.environ.get("SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "report-migration.png"
    with reading(browser, opened(runs.big(90, hosts=8)), scheme=SCHEMES[0]) as reader:
        reader.page.set_viewport_size({"width": 1280, "height": 1160})
        reader.page.screenshot(path=file)
    assert 10_000 < file.stat().st_size < 150_000
