"""A person at a real browser, who looks at every page: what it is like, and what is wrong with it."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response, ViewportSize, sync_playwright

from tests.node_packages import ROOT, locked, node_modules

CHROMIUM = Path("/usr/bin/chromium")
PICTURES = Path(os.environ.get("BANNETTE_PICTURES") or ROOT / ".build" / "pictures")
"""Where pictures of all pages are left, for people to look at."""
WINDOWS: Mapping[str, ViewportSize] = {
    "desktop": {"width": 1280, "height": 800},
    "phone": {"width": 320, "height": 740},
}
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# However busy the machine is.
_SECONDS = 90
_STARTING = 240
_FOCUSED = """() => {
    const it = document.activeElement
    return {name: it.textContent.trim(), outline: getComputedStyle(it).outlineStyle}
}"""
_TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def chromium() -> Path:
    """Debian's Chromium, installed when it is missing."""
    with locked("chromium"):
        if not CHROMIUM.exists():
            subprocess.run(
                [ROOT / "requirements" / "system.sh", "chromium", "fonts-dejavu-core"], check=True, timeout=900
            )
    return CHROMIUM


@contextlib.contextmanager
def browsing(hosts: Mapping[str, int]) -> Iterator[Browser]:
    """Start a browser for which the names *hosts* are at ports of this machine, whatever port an address names."""
    rules = ",".join(f"MAP {host} 127.0.0.1:{port}" for host, port in hosts.items())
    with sync_playwright() as playwright:
        # The sandbox takes namespaces that root in a container may not make; only pages of these tests are opened.
        arguments = [f"--host-resolver-rules={rules}", "--no-sandbox", "--font-render-hinting=none"]
        browser = playwright.chromium.launch(executable_path=chromium(), args=arguments, timeout=1000 * _STARTING)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Person:
    """Somebody with a browser window.

    Attributes:
        ours: the origin whose pages are looked at. Pages of others are visited, and not judged.
        allowed: origins that pages of ours lead to.
        seen: the address and the source of every page of ours that was looked at.
    """

    page: Page
    ours: str
    allowed: frozenset[str]
    wrong: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(1000 * _SECONDS)
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        self.page.on("request", self._asked)
        self.page.on("response", self._answered)

    def open(self, url: str) -> Response:
        answer = self.page.goto(url)
        assert answer is not None
        return answer

    @property
    def heading(self) -> str:
        return self.page.locator("h1").inner_text()

    @property
    def text(self) -> str:
        return " ".join(self.page.locator("body").inner_text().split())

    def press(self, name: str) -> None:
        """Press the button, or follow the link, that is called *name*, and wait for the page that comes."""
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=name, exact=True).or_(
                self.page.get_by_role("link", name=name, exact=True)
            ).click()

    def agree(self, account: str, *, button: str = "Accept") -> None:
        """Go through the simulated Microsoft's pages: choose *account*, then press *button*."""
        self.press(account)
        self.press(button)

    def tab_to(self, name: str) -> None:
        """Press Tab until the button or link *name* has the focus, which can be seen."""
        for _ in range(40):
            self.page.keyboard.press("Tab")
            focused: Mapping[str, str] = self.page.evaluate(_FOCUSED)
            if focused["name"] == name:
                assert focused["outline"] == "solid", f"{name}: nobody sees that it has the focus"
                return
        raise AssertionError(f"No Tab leads to {name!r}")

    def press_enter(self) -> None:
        """Press Enter, and wait for the page that comes."""
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def look(self, name: str) -> None:
        """Look at this page of ours at a desk and on a phone: leave pictures, and find what is wrong with it.

        Raises:
            AssertionError: it isn't accessible, doesn't fit a window, or the browser complained about it.
        """
        assert self.page.url.startswith(f"{self.ours}/"), self.page.url
        self.seen.append(self.page.content())
        assert not self.wrong, f"{name}: the browser complained: {self.wrong}"
        assert self.page.locator("h1").count() == 1, f"{name}: a page has one heading of its own"
        for window, size in WINDOWS.items():
            self.page.set_viewport_size(size)
            picture = PICTURES / f"{name}.{window}.png"
            picture.parent.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=picture, full_page=True, animations="disabled")
            too_wide = self.page.evaluate(_TOO_WIDE)
            assert too_wide <= 0, f"{picture.stem}: the page is {too_wide} pixels wider than the window"
            found = violations(self.page)
            assert not found, f"{picture.stem}: {found}"

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning"):
            return
        # The status of a page that says what is wrong; pages have no parts that may be missing.
        told_status = message.text.startswith("Failed to load resource: the server responded with a status of")
        if told_status and message.location.get("url") == self.addresses[-1]:
            return
        self.wrong.append(f"{message.type}: {message.text}")

    def _asked(self, request: Request) -> None:
        if request.is_navigation_request():
            self.addresses.append(request.url)
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(request.url))
        if request.url.startswith("data:") or origin in {self.ours, *self.allowed}:
            return
        self.wrong.append(f"it asked {origin}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400 and not response.request.is_navigation_request():
            self.wrong.append(f"{response.status}: {response.url}")


def violations(page: Page) -> list[str]:
    """Return what axe-core finds on *page*."""
    axe = node_modules(Path(__file__).parent / "axe") / "axe-core" / "axe.min.js"
    page.evaluate(axe.read_text() + "; undefined")
    options = {"runOnly": {"type": "tag", "values": _RULES}, "resultTypes": ["violations"]}
    found: dict[str, Any] = page.evaluate("options => axe.run(document, options)", options)
    return [
        f"{one['impact']}: {one['id']}, {one['help']}: {', '.join(str(node['target']) for node in one['nodes'])}"
        for one in found["violations"]
    ]
