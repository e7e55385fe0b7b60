"""People at their browsers, over HTTP, with session, CSRF and forms as pages give them. Without Django, to start fast.

A browser is a process of its own. What it saw comes back as visits.
"""

from __future__ import annotations

import http.client
import itertools
import re
import time
import urllib.parse
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from html import unescape
from http.cookies import SimpleCookie
from multiprocessing import get_context
from typing import NamedTuple

ADDRESS = {"name": "Ada", "line1": "Mill Lane 1", "city": "Ely", "postcode": "CB7", "country": "England"}
FAILED = "failed checkout"
PLACED = re.compile(r"/checkout/done/(\d+)/")
# Longer than the longest any page may take.
PATIENCE = 90.0


class Visit(NamedTuple):
    """One request: what for, its status (0: no answer), and how long it took in seconds."""

    what: str
    status: int
    seconds: float


class Page(NamedTuple):
    status: int
    location: str
    body: str


class Browser:
    """Cookies and the visits so far."""

    def __init__(self, port: int) -> None:
        self.visits: list[Visit] = []
        self._port = port
        self._cookies: dict[str, str] = {}

    def get(self, what: str, path: str) -> Page:
        return self._ask(what, "GET", path, "")

    def post(self, what: str, path: str, fields: dict[str, str]) -> Page:
        return self._ask(what, "POST", path, urllib.parse.urlencode(fields))

    def submit(self, what: str, path: str, page: Page, fields: dict[str, str]) -> Page:
        """Post a form of the page: its hidden fields, and those filled in."""
        return self.post(what, path, hidden(page) | fields)

    def _ask(self, what: str, method: str, path: str, body: str) -> Page:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        began = time.perf_counter()
        try:
            connection.request(method, path, body or None, headers)
            response = connection.getresponse()
            page = Page(response.status, response.getheader("Location", ""), response.read().decode())
        except (OSError, http.client.HTTPException) as error:
            page = Page(0, "", str(error))
        else:
            for header in response.headers.get_all("Set-Cookie", []):
                self._cookies |= {name: cookie.value for name, cookie in SimpleCookie(header).items()}
        finally:
            connection.close()
        self.visits.append(Visit(what, page.status, time.perf_counter() - began))
        return page


def hidden(page: Page) -> dict[str, str]:
    """The hidden fields of a page, by name."""
    inputs = re.findall(r'<input type="hidden"[^>]*>', page.body)
    found = [re.search(r'name="([^"]+)"\s+value="([^"]*)"', each) for each in inputs]
    return {match.group(1): unescape(match.group(2)) for match in found if match}


class Person:
    """A browser in a process of its own, signed in, that goes round again and again."""

    def __init__(self, port: int, email: str, password: str, pace: float, pages: tuple[str, ...] = ()) -> None:
        """pace: seconds from one round to the next. pages: looked at in turn; without them each round is an order."""
        self._pool = ProcessPoolExecutor(1, get_context("spawn"), _sign_in, (port, email, password))
        self._round = (pace, pages)

    def go(self, seconds: float) -> Future[list[Visit]]:
        return self._pool.submit(_go, seconds, *self._round)

    def leave(self) -> None:
        self._pool.shutdown()


_browser: Browser  # of this process


def _sign_in(port: int, email: str, password: str) -> None:
    global _browser  # noqa: PLW0603
    _browser = Browser(port)
    page = _browser.get("sign in", "/account/login/")
    answer = _browser.submit("sign in", "/account/login/", page, {"login": email, "password": password})
    assert answer.status == 302, answer


def _go(seconds: float, pace: float, pages: tuple[str, ...]) -> list[Visit]:
    _browser.visits = []
    turns = itertools.cycle(pages)
    for number in _rounds(seconds, pace):
        if pages:
            path = next(turns)
            _browser.get(path, path)
        else:
            _order(number)
    return _browser.visits


def _rounds(seconds: float, pace: float) -> Iterator[int]:
    """One every `pace` seconds, by the clock: who is late does not wait."""
    began = time.monotonic()
    for number in itertools.count():
        due = number * pace
        if due >= seconds:
            return
        time.sleep(max(0.0, began + due - time.monotonic()))
        yield number


def _order(number: int) -> None:
    """Put something in the cart, check out; now and then look at the order and at the list of all."""
    links = re.findall(r'href="(/p/[^"]+)"', _browser.get("shop", "/").body)
    if links:
        product = _browser.get("product", links[number % len(links)])
        _browser.submit("add to cart", "/cart/add/", product, {"quantity": "1"})
    page = _browser.get("checkout page", "/checkout/")
    done = _browser.submit("checkout", "/checkout/", page, ADDRESS)
    placed = PLACED.search(done.location)
    if not placed:
        _browser.visits[-1] = _browser.visits[-1]._replace(what=FAILED)
        return
    _browser.get("confirmation", done.location)
    if number % 3 == 0:
        _browser.get("order page", f"/orders/{placed.group(1)}/")
        _browser.get("my orders", "/orders/")
