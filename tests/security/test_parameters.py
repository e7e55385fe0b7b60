"""Whatever stands in a parameter, a form, an address or a header: a sensible answer within a second, never a 500."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator

import pytest

from tests.security import asking
from tests.security.asking import Asked, Question
from tests.security.hostile import LOOKUPS, ROWS, quoted
from tests.security.pages import text

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(300)]

# Every text in every parameter of every page on its own: some ten thousand questions.
ALL = bool(os.environ.get("ATTACK_ALL"))
TIME = re.compile(r"\d\d?:\d\d(:\d\d)?")


@pytest.fixture(scope="module")
def pages(shop, every_address):
    return asking.pages(shop, every_address)


def addressed(page: Asked, row: str, number: int) -> Iterator[str]:
    """The page's address with hostile texts in all of its parameters at once, and in some alone."""
    texts = [quoted(each)[:3500] for each in ROWS[row]]
    few = texts if len(texts[0]) < 500 else texts[number % len(texts) :][:1]
    share = [few[(number + at) % len(few)][: 3500 // len(page.parameters)] for at in range(len(page.parameters))]
    yield "&".join(f"{name}={each}" for name, each in zip(page.parameters, share, strict=True))
    every = [f"{name}={each}" for name in page.parameters for each in texts]
    yield from every if ALL else [every[number * 7 % len(every)]]


def few(row: str, number: int) -> tuple[str | bytes, ...]:
    """Two texts of the row, others for each number: the addresses next to each other are of one kind."""
    texts = ROWS[row]
    return texts if ALL else (texts[number % len(texts)], texts[(number + len(texts) // 2) % len(texts)])


@pytest.mark.parametrize("row", ROWS)
def test_a_page_answers_whatever_its_parameters_hold(shop, pages, row):
    questions = [
        Question(page.who, f"{page.path}?{query}")
        for number, page in enumerate(pages)
        for query in addressed(page, row, number)
    ]

    assert len(pages) > 60
    assert asking.faults(shop, questions) == []


@pytest.mark.parametrize("row", ["sql", "no text", "numbers", "lines", "brackets"])
def test_an_address_is_answered_whatever_its_arguments_are(shop, every_address, row):
    questions = [
        Question(asking.who_sees(address), address.of(**dict.fromkeys(address.takes, quoted(each)[:1500])))
        for number, address in enumerate(address for address in every_address if address.takes)
        for each in few(row, number)
    ]

    assert len(questions) > 100
    assert asking.faults(shop, questions) == []


@pytest.mark.parametrize("row", ["numbers", "no text", "sql", "operators"])
def test_the_api_answers_whatever_it_is_asked(shop, every_address, row):
    """Its bodies are test_operators'."""
    client = shop.client("all")
    wrong = []
    for number, address in enumerate(address for address in every_address if address.is_api):
        for each in few(row, number):
            arguments = dict.fromkeys(address.takes, quoted(each))
            for path in (address.of(**arguments), f"{address.path}?cursor={quoted(each)}&limit={quoted(each)}"):
                if fault := asking.wrong(client.get(path)):
                    wrong.append(f"{path}: {fault}")

    assert wrong == []


def seen(answer) -> str:
    """What a page says, times aside."""
    return TIME.sub("", text(answer.text))


def test_no_operator_narrows_or_widens_a_list(shop, pages):
    """As of ?status[$ne]=x: a parameter of such a name is none, and a list says what it says without."""
    visitors = {who: shop.visitor(who) for who in {page.who for page in pages}}
    wrong = []
    # A secret is drawn by lot, a new product's page tells of now.
    for page in [page for page in pages if not page.path.endswith(("/add/", "/activate/"))]:
        names = [name for name in page.parameters if name not in asking.HIDDEN] or ["q"]
        query = "&".join(f"{quoted(name + end)}=x" for name in names for end in ("[$ne]", "[$gt]", "[]")) + "&$where=1"
        plain, asked = (visitors[page.who].get(path) for path in (page.path, f"{page.path}?{query}"))
        # The back office says of a filter that there is none.
        if not asked.location.endswith("?e=1") and seen(plain) != seen(asked):
            wrong.append(page.path)

    assert wrong == []


def test_no_lookup_of_a_column_that_no_filter_offers(shop, pages):
    lists = [page for page in pages if re.fullmatch(r"/admin/(?!password_change)\w+/\w+/", page.path)]
    wrong = []
    for page in lists:
        visitor = shop.visitor(page.who)
        for lookup in LOOKUPS:
            answer = visitor.get(f"{page.path}?{lookup}=a")
            if answer.status not in (400, 404) and not answer.location.endswith("?e=1"):
                wrong.append(f"{page.path}?{lookup}: {answer.status}")

    assert len(lists) > 10
    assert wrong == []


def test_no_page_of_the_back_office_fails_on_an_address_that_ends_early(shop, pages):
    boss, names = shop.visitor("a superuser"), ("_to_field", "_popup", "_changelist_filters", "as_of", "next")
    changed = [page.path for page in pages if re.fullmatch(r"/admin/.*/(change|delete)/", page.path)]

    wrong = [path for path in changed if asking.wrong(boss.get(f"{path}?{'=&'.join(names)}="))]

    assert len(changed) > 10
    assert wrong == []


HEADERS = {
    "Cookie": ['__Host-sessionid="' + "a" * 31 + '\\000"', "__Host-sessionid=" + "x" * 3000, '__Host-csrftoken="\\000"',
               'language="\\000"; messages=x', "=;;;=", "__Host-sessionid=$ne"],
    "Content-Type": ["text/plain; charset=rot13", "text/html; charset=undefined", "multipart/form-data", "x" * 3000,
                     "application/json; charset=utf-16", "multipart/form-data; boundary=\xe9"],
    "Accept-Language": ["x" * 5000, ",".join(f"de-{n};q=0.{n}" for n in range(500)), "*;q=999999999", "../../etc"],
    "Referer": ["http://[", "javascript:alert(1)", "https://shop.example@evil.example/", "\xff"],
    "Origin": ["http://[", "null", "https://evil.example"],
    "HX-Request": ["true"], "HX-Current-URL": ["http://[", "\xff"], "HX-Boosted": ["true"],
    "Authorization": ["Bearer \xff", "Basic Og==", "Bearer " + "x" * 5000, "x"],
    "Range": ["bytes=99999999999999999999-", "bytes=-1", "bytes=5-1", "x=1", "bytes=0-0,1-1,2-2"],
    "If-Modified-Since": ["x", "Thu, 01 Jan 99999 00:00:00 GMT"], "If-None-Match": ['"' * 1000],
    "X-Forwarded-For": ["x", "1, 2", "[::1", "10.0.0.1" * 300], "X-Forwarded-Host": ["evil.example"],
    "User-Agent": ["\xff" * 2000, "() { :;}; /bin/true"], "Idempotency-Key": ["\xff", "x" * 300],
    "X-HTTP-Method-Override": ["DELETE"], "Accept-Encoding": ["gzip;q=x, br, *"], "X-Request-Id": ["a" * 5000, "\xff"],
}  # fmt: skip
ANYWHERE = ["/", "/search/?q=lamp", "/cart/", "/account/login/", "/orders/", "/admin/", "/static/css/shop.css",
            "/api/v1/products?limit=1", "/healthz", "/nowhere/"]  # fmt: skip


def test_headers_are_answered_whatever_they_say(shop):
    visitor = shop.visitor("the owner")
    session, wrong = visitor.session, []
    for path in ANYWHERE:
        for name, values in HEADERS.items():
            for value in values:
                visitor.session = session
                answer = visitor.get(path, **{name: value})
                if fault := asking.wrong(answer):
                    wrong.append(f"{path} {name}: {value[:60]}: {fault}")

    assert wrong == []


@pytest.mark.parametrize("path", ["/cart/add/", "/account/login/", "/language/", "/checkout/", "/admin/login/"])
def test_a_body_is_answered_whatever_it_is_called(shop, path):
    visitor = shop.visitor()
    body = b'{"product": {"$ne": 1}, "quantity": {"$gt": ""}}'
    wrong = []
    for kind in [*HEADERS["Content-Type"], "application/json", "multipart/form-data; boundary=x", ""]:
        answer = visitor.ask("POST", path, body, visitor.token() | {"Content-Type": kind})
        if fault := asking.wrong(answer):
            wrong.append(f"{kind[:60]}: {fault}")

    assert wrong == []


def test_no_operation_of_the_api_takes_an_operator_for_a_value(shop, every_address):
    client = shop.client("all")
    bodies = ['{"$ne": null}', '[{"$gt": ""}]', '"$where"', "[" * 3000, '{"items": {"$ne": 1}}', "1e999", "\x00", ""]
    before = shop.rows("SELECT count(*), sum(rev) FROM orders")

    wrong = []
    for address in every_address:
        for body in bodies if address.is_api else ():
            sent = {"Content-Type": "application/json", "Idempotency-Key": json.dumps(body)[:9].replace(" ", "")}
            answer = client.ask("POST", address.path, body, sent)
            if answer.status < 400 or asking.wrong(answer):
                wrong.append(f"{address.path} {body[:30]}: {answer.status}")

    assert wrong == []
    assert shop.rows("SELECT count(*), sum(rev) FROM orders") == before
