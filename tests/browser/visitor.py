"""Somebody with a browser: goes to pages, signs in, looks whether a page is in order."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

PASSWORD = "demo-shop-2024"
# Milliseconds for a page, and for what it is to show: an order's page asks every four seconds, and answers take longer
# on a busy machine.
PATIENCE = 15_000
expect.set_options(timeout=PATIENCE)
# (dark, width) that show whatever depends on colours or on room.
LOOKS = [(False, 1280), (True, 320)]
# The other way round: of a list of pages each second one, so that what they have in common is seen in all four.
OTHER_LOOKS = [(True, 1280), (False, 320)]

# Without preload: no rule we run needs it, and its styles are refused by the policy, which would count as a fault. Of
# what is in order nothing is told: that takes time.
BRIEFLY = {"preload": False, "resultTypes": ["violations"]}
STANDARDS = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], **BRIEFLY}
# Rows that are made like those above them; a hundred of them take seconds to look at.
ALIKE = {"exclude": [["tbody tr:nth-child(n+16)"]]}

FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
OVERFLOW = """() => [...document.querySelectorAll('body *')].filter(e => {
    const box = e.getBoundingClientRect();
    if (box.width === 0 || box.right <= document.documentElement.clientWidth + 1) return false;
    for (let p = e.parentElement; p; p = p.parentElement) {
        if (['auto', 'scroll', 'hidden', 'clip'].includes(getComputedStyle(p).overflowX)) return false;
    }
    return true;
}).map(e => e.outerHTML.slice(0, 120))"""


class Visitor:
    """faults: what the console complained of, breaches of the Content-Security-Policy among it."""

    def __init__(
        self, browser: Browser, url: str, *, javascript: bool = True, dark: bool = False, width: int = 1280
    ) -> None:
        self._context = browser.new_context(
            base_url=url,
            java_script_enabled=javascript,
            color_scheme="dark" if dark else "light",
            viewport={"width": width, "height": 900},
            # A colour half-way through its transition has half its contrast.
            reduced_motion="reduce",
        )
        self._context.set_default_timeout(PATIENCE)
        self.faults: list[str] = []
        self._expected: set[int] = set()
        self.page: Page = self._context.new_page()
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.faults.append(f"{self.page.url}: {error}"))

    def leave(self) -> None:
        self._context.close()

    def go(self, path: str) -> Page:
        self.page.goto(path)
        return self.page

    def follow(self, lead: Locator) -> None:
        """Click what leads to another page and wait for that: the click alone returns before its document is there."""
        with self.page.expect_event("load"):
            lead.click()

    def sign_in(self, email: str) -> None:
        self.go("/account/login/")
        self.page.locator("input[name=login]").fill(email)
        self.page.locator("input[name=password]").fill(PASSWORD)
        self.follow(self.page.locator("main").get_by_role("button", name="Sign in"))
        expect(self.page).not_to_have_url(re.compile("/account/login/"))

    @contextlib.contextmanager
    def expecting(self, *statuses: int) -> Iterator[None]:
        """Answers of these statuses, which the browser reports as errors, are meant here."""
        self._expected = set(statuses)
        yield
        self._expected = set()

    def dress(self, *, dark: bool, width: int) -> None:
        """Look at the same page again, otherwise."""
        self.page.emulate_media(color_scheme="dark" if dark else "light")
        self.page.set_viewport_size({"width": width, "height": 900})

    def is_too_wide(self) -> bool:
        """Whether the page scrolls sideways. Charts follow the window's width some frames later, so wait for them."""
        try:
            self.page.wait_for_function(FITS, timeout=10_000)
        except PlaywrightTimeout:
            return True
        return False

    def flaws(self, *, is_known: bool = False) -> list[str]:
        """What is wrong with the page as it stands: accessibility (WCAG 2.2 AA), and what sticks out at the side.

        is_known: the page was looked at as a whole before, only otherwise dressed.
        """
        # A part of it seen is not all of it there.
        self.page.wait_for_load_state()
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE_SCRIPT)
        asked = [ALIKE if is_known else {"exclude": []}, STANDARDS]
        found = self.page.evaluate("asked => axe.run(...asked).then(told => told.violations)", asked)
        flaws = [f"{each['id']}: {node['html'][:160]}" for each in found for node in each["nodes"]]
        if self.is_too_wide():
            flaws += [f"sticks out: {html}" for html in self.page.evaluate(OVERFLOW)] or ["the page scrolls sideways"]
        return flaws

    def flaws_by_look(self, looks: Sequence[tuple[bool, int]] = LOOKS) -> dict[str, list[str]]:
        """What is wrong with the page in each look, by address and look; it stays in the last one."""
        found = {}
        for number, (dark, width) in enumerate(looks):
            self.dress(dark=dark, width=width)
            if seen := self.flaws(is_known=number > 0):
                found[f"{self.page.url} {'dark' if dark else 'light'} {width}"] = seen
        return found

    def flaws_of(self, paths: Sequence[str]) -> dict[str, list[str]]:
        """What is wrong with each page, light and dark, wide and narrow."""
        found = {}
        for number, path in enumerate(paths):
            self.go(path)
            found |= self.flaws_by_look(OTHER_LOOKS if number % 2 else LOOKS)
        return found

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning"):
            return
        if any(f"status of {status}" in message.text for status in self._expected):
            return
        self.faults.append(f"{self.page.url}: {message.text}")
