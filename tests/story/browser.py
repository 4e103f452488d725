"""Somebody who opens a report in a browser: Debian's Chromium, without a screen.

Whatever a page logs, throws or asks for is written down, and must be nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Dialog, Locator, Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
Scheme = Literal["light", "dark"]


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser of its own, which finds nobody but this machine."""
    with sync_playwright() as driver:
        # No sandbox, for root has none to offer; the files are our own.
        options = ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND"]
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=options)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Reader:
    """Somebody who reads one file, and what happens meanwhile."""

    page: Page
    file: Path
    happened: list[str] = field(default_factory=list)

    @property
    def cells(self) -> Locator:
        """The pairs that are drawn."""
        return self.page.locator("td.c")

    def cell(self, source: str, target: str) -> Locator:
        return self.page.locator(f"td.c[aria-label^='{source} to {target}:']")

    def only(self, state: str) -> Locator:
        """The box that leaves only pairs of a state."""
        return self.page.get_by_role("checkbox", name=state)

    @property
    def detail(self) -> str:
        """What is told of the pair under the pointer or the focus."""
        return self.page.locator("#detail").inner_text()

    @property
    def shown(self) -> str:
        return self.page.locator("#shown").inner_text()

    @property
    def focused(self) -> str:
        """What a screen reader calls the element that has the focus."""
        name: str = self.page.evaluate(
            "(document.activeElement.ariaLabel || document.activeElement.innerText).trim()"
        )
        return name

    def dismiss(self, dialog: Dialog) -> None:
        """Close what a page pops up, which is not to happen."""
        self.happened.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def headings(self, axis: Literal["row", "col"]) -> list[str]:
        """The hosts at the head of the rows or columns."""
        found = self.page.locator(f"#frame th[scope={axis}] > :first-child")
        return [text.strip() for text in found.all_inner_texts()]

    def violations(self) -> list[tuple[str, str, str]]:
        """What axe finds against WCAG 2.1 AA and good practice: (rule, impact, element)."""
        found: dict[str, Any] = Axe().run(self.page).response
        return [
            (violation["id"], violation["impact"], node["html"][:200])
            for violation in found["violations"]
            for node in violation["nodes"]
        ]


@contextmanager
def reading(
    browser: Browser, file: Path, *, scheme: Scheme = "light", script: bool = True, scale: float = 1
) -> Iterator[Reader]:
    """Open a file, offline; in the end nothing was logged, thrown, opened or asked for."""
    context = browser.new_context(
        viewport={"width": 1360, "height": 1000},
        color_scheme=scheme,
        java_script_enabled=script,
        offline=True,
        device_scale_factor=scale,
    )
    page = context.new_page()
    reader = Reader(page, file)
    page.on("console", lambda message: reader.happened.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: reader.happened.append(f"error: {error}"))
    page.on("dialog", reader.dismiss)
    page.on("request", lambda request: reader.happened.append(f"request: {request.url}"))
    context.on("page", lambda other: reader.happened.append(f"window: {other.url}"))
    try:
        page.goto(file.as_uri())
        yield reader
        assert reader.happened == [f"request: {file.as_uri()}"], reader.happened
    finally:
        context.close()
