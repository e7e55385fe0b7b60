"""What every answer tells the browser, whoever asked, whatever became of it."""

from __future__ import annotations

import re
from http.cookies import SimpleCookie

import pytest

from tests.factories import PASSWORD
from tests.security.buying import put_in_cart
from tests.security.shops import Shop
from tests.security.tours import VISITOR, Look, Tour
from tests.security.visitor import Answer

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(600)]

# One content under one address, for everybody alike.
SHARED = {"catalog:picture", "catalog:placeholder", "admin:jsi18n"}
EVERYWHERE = {
    "Strict-Transport-Security": re.compile(r"max-age=31536000; includeSubDomains; preload"),
    "X-Content-Type-Options": re.compile("nosniff"),
    "Referrer-Policy": re.compile("same-origin"),
    "Cross-Origin-Opener-Policy": re.compile("same-origin"),
    "Content-Security-Policy": re.compile(r"(?=.*default-src 'self')(?=.*frame-ancestors 'none')(?!.*unsafe)"),
}


def faults(answer: Answer) -> list[str]:
    """What is missing or wrong in the headers of an answer over https."""
    wrong = [
        f"{name}: {answer.headers.get(name)}"
        for name, wanted in EVERYWHERE.items()
        if not wanted.search(answer.headers.get(name, ""))
    ]
    return wrong + [cookie for cookie in answer.cookies if not is_guarded(cookie)]


def is_guarded(cookie: str) -> bool:
    [(name, kept)] = SimpleCookie(cookie).items()
    is_taken_back = kept["max-age"] == "0"
    flags = kept["secure"] and (kept["httponly"] or is_taken_back) and kept["samesite"] in ("Lax", "Strict")
    return bool(name.startswith("__Host-") and flags and kept["path"] == "/" and not kept["domain"])


def test_every_answer_to_everybody_is_guarded(tour: Tour):
    wrong = [f"{look}: {fault}" for look in tour.looks for fault in faults(look.answer)]

    assert wrong == []


def test_every_cookie_is_this_hosts_alone(shop: Shop):
    visitor = shop.visitor()
    [(email,)] = shop.rows("SELECT email FROM users WHERE user_id = %s", shop.people["the owner"])
    answers = [
        visitor.get("/", Cookie=""),
        put_in_cart(shop, visitor),
        visitor.post("/language/", {"language": "de", "next": "/"}),
        visitor.post("/account/login/", {"login": email, "password": PASSWORD}),
        visitor.post("/account/logout/"),
    ]

    cookies = [cookie for answer in answers for cookie in answer.cookies]

    names = {cookie.partition("=")[0] for cookie in cookies}
    assert names == {f"__Host-{name}" for name in ("cart", "csrftoken", "sessionid", "messages", "language", "device")}
    assert [cookie for cookie in cookies if not is_guarded(cookie)] == []


def test_nothing_personal_is_kept_on_the_way(tour: Tour):
    kept = [str(look) for look in tour.looks if is_personal(look) and not is_never_kept(look.answer)]

    assert kept == []


def is_personal(look: Look) -> bool:
    return look.address.name not in SHARED and (look.who != VISITOR or look.address.is_api)


def is_never_kept(answer: Answer) -> bool:
    return "no-store" in answer.headers.get("Cache-Control", "")


@pytest.fixture
def broken(shop: Shop):
    """A shop whose database lacks a table: whoever asks for it meets an error that nobody foresaw."""
    shop.rows("ALTER TABLE addresses RENAME TO addresses_away")
    yield shop
    shop.rows("ALTER TABLE addresses_away RENAME TO addresses")


def test_refusals_and_errors_are_guarded_too(broken: Shop):
    visitor, owner, tired = broken.visitor(), broken.visitor("the owner"), broken.client("tired")
    css = re.search(r'href="(/static/css/[^"]+)"', visitor.get("/").text)
    assert css
    answers = [
        (200, visitor.get(css[1])),
        (200, visitor.get("/healthz")),
        (200, visitor.get("/readyz")),
        (302, visitor.get("/account/")),
        (400, visitor.get("/", Host="evil.example")),
        (401, visitor.get("/api/v1/orders")),
        (403, visitor.ask("POST", "/cart/add/", b"", {"X-CSRFToken": ""})),
        (404, visitor.get("/nowhere/")),
        (404, visitor.get("/metrics")),
        (404, visitor.get("/static/nowhere.css")),
        (405, visitor.get("/cart/add/")),
        (429, [tired.get("/api/v1/orders") for _ in range(5)][-1]),
        (500, owner.get("/account/")),
    ]

    assert [answer.status for _, answer in answers] == [status for status, _ in answers]
    assert {status: faults(answer) for status, answer in answers if faults(answer)} == {}


def test_whoever_comes_without_https_is_led_there(shop: Shop):
    answer = shop.visitor().get("/cart/?x=1", X_Forwarded_Proto="http")

    assert (answer.status, answer.headers["Location"]) == (301, "https://shop.example/cart/?x=1")
    assert answer.cookies == []
