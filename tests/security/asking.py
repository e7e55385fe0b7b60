"""Asking every page with every parameter that it has, and what no answer may be."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median

from tests.security.addresses import PUBLIC, Address
from tests.security.pages import Page
from tests.security.shops import Shop
from tests.security.visitor import Answer, Visitor

# Whatever is asked is answered within so many seconds; on a busy machine, within the time of so many usual pages.
SECOND, PAGES = 1.0, 40
# Whoever waits for others does not do so each time.
TRIES = 3
# The server has four threads.
AT_ONCE = 3
# What a page may take beside what its forms and links say.
HIDDEN = ("q", "page", "p", "o", "next", "e", "as_of", "after", "rev", "_popup", "_to_field", "_changelist_filters")
# They show no page.
NO_PAGES = {"catalog:picture", "catalog:placeholder", "account_logout", "admin:logout"}
# How a server gives itself away.
TOLD = re.compile(rb"Traceback|psycopg|pymongo|site-packages|\.py\"|SELECT |argon2\$|WSGIRequest|Django/")


@dataclass(frozen=True)
class Question:
    """What somebody sends; with fields it is a form."""

    who: str
    path: str
    fields: Mapping[str, object] | None = None

    def __str__(self) -> str:
        return f"{self.who or 'a visitor'} {self.path[:160]} {str(self.fields or '')[:160]}"


@dataclass(frozen=True)
class Asked:
    """A page, whom it lets in, its parameters, and what it says without any."""

    who: str
    path: str
    parameters: tuple[str, ...]
    page: Page


def who_sees(address: Address) -> str:
    """Somebody whom it lets in, if it lets in anybody."""
    if address.path.startswith(("/admin/", "/reports/")):
        return "a superuser"
    return "" if address.name in PUBLIC else "the owner"


def pages(shop: Shop, addresses: Iterable[Address]) -> list[Asked]:
    """Every page that there is to look at."""
    found = []
    for address in addresses:
        if address.is_api or address.name in NO_PAGES:
            continue
        who = who_sees(address)
        answer = shop.visitor(who).get(address.path)
        if answer.status == 200 and "html" in answer.headers["Content-Type"]:
            page = Page(answer.text, address.path)
            own = {name for form in page.forms if form.method == "get" for name in form.fields}
            found.append(Asked(who, address.path, tuple(sorted({*own, *page.queries, *HIDDEN})), page))
    return found


def faults(shop: Shop, questions: Iterable[Question]) -> list[str]:
    """Ask them all, several at once; return what is wrong with the answers."""
    some, patience = list(questions), allowed(shop)
    with ThreadPoolExecutor(AT_ONCE) as threads:
        parts = threads.map(lambda at: _faults(shop, some[at::AT_ONCE], patience), range(AT_ONCE))
        return [fault for part in parts for fault in part]


def allowed(shop: Shop) -> float:
    """How many seconds an answer may take."""
    usual = []
    for _ in range(5):
        began = time.perf_counter()
        shop.visitor("the owner").get("/account/")
        usual.append(time.perf_counter() - began)
    return max(SECOND, PAGES * median(usual))


def _faults(shop: Shop, questions: Iterable[Question], patience: float) -> list[str]:
    visitors: dict[str, Visitor] = {}
    found = []
    for question in questions:
        if question.who not in visitors:
            visitors[question.who] = shop.visitor(question.who)
        answer, seconds = _ask(visitors[question.who], question, patience)
        fault = wrong(answer) or (f"{seconds:.1f} seconds" if seconds > patience else "")
        if fault:
            found.append(f"{question}: {fault}")
    return found


def _ask(visitor: Visitor, question: Question, patience: float) -> tuple[Answer, float]:
    """The answer, and how long it took; again where that was too long."""
    quickest = float("inf")
    for _ in range(TRIES):
        began = time.perf_counter()
        answer = visitor.get(question.path) if question.fields is None else visitor.post(question.path, question.fields)
        quickest = min(quickest, time.perf_counter() - began)
        if quickest < patience:
            break
    return answer, quickest


def wrong(answer: Answer) -> str:
    """What is wrong with an answer, whatever was asked; "" for nothing."""
    if answer.status >= 500:
        return f"status {answer.status}"
    names = [*answer.headers, *answer.cookies]
    if any(name.lower().startswith("x-injected") for name in names):
        return f"an injected header: {answer.headers}"
    if found := TOLD.search(answer.body):
        return f"tells of itself: {found.group()!r}"
    if "html" in answer.headers.get("Content-Type", "") and (escaped := Page(answer.text).escaped):
        return f"HTML of the attacker's: {escaped[0][:80]}"
    return ""
