"""Guessing a password is slow from everywhere, and locks nobody out of their own account."""

from __future__ import annotations

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse

from config import counters
from orders.models import CartItem
from tests.factories import PASSWORD, ProductFactory, UserFactory
from tests.pages import text
from users.devices import GROUPS, network_of

pytestmark = pytest.mark.django_db

LOGIN = reverse("account_login")
TRIES = 20


@pytest.fixture(autouse=True)
def _nobody_is_throttled():
    cache.clear()
    counters.forget()


def sign_in(client: Client, email: str, password: str = PASSWORD, place: str = "192.0.2.1"):
    return client.post(LOGIN, {"login": email, "password": password}, REMOTE_ADDR=place)


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def guess(email: str, places: list[str]) -> list[str]:
    return [text(sign_in(Client(), email, f"guess-{n}", place)) for n, place in enumerate(places)]


@pytest.mark.parametrize("place", ["192.0.2.1", "198.51.100.7"])
def test_some_wrong_passwords_lock_nobody_out_from_the_same_place_or_another(client, place):
    ada = UserFactory()
    guess(ada.email, ["192.0.2.1"] * 8)

    sign_in(client, ada.email, place=place)

    assert is_in(client)


def test_from_one_place_a_password_is_tried_so_often_and_no_more(client):
    ada = UserFactory()
    # Allauth lets an address try 30 times a minute, whatever the account.
    said = guess(ada.email, ["192.0.2.1"] * (TRIES + 1))

    assert ["Too many failed login attempts" in each for each in said] == [False] * TRIES + [True]
    sign_in(client, ada.email)
    assert not is_in(client)


def test_from_many_places_an_account_is_tried_a_bounded_number_of_times_and_a_known_device_gets_in(settings):
    settings.ACCOUNT_RATE_LIMITS = {"login_failed": "2/1h/key"}
    ada = UserFactory()
    known, new = Client(), Client()
    sign_in(known, ada.email, place="203.0.113.9")
    known.post(reverse("account_logout"))
    assert not is_in(known)

    said = guess(ada.email, [f"10.0.{n // 250}.{n % 250}" for n in range(GROUPS * 8)])

    assert sum("Too many" not in each for each in said) <= GROUPS * 2
    sign_in(new, ada.email, place="203.0.113.10")
    sign_in(known, ada.email, place="203.0.113.10")
    assert [is_in(new), is_in(known)] == [False, True]


def test_the_cookie_of_a_device_is_for_its_account_alone_and_cannot_be_made_up(client, settings):
    ada, eve = UserFactory(), UserFactory()
    sign_in(client, eve.email)
    cookie = client.cookies[settings.DEVICE_COOKIE_NAME]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    guess(ada.email, ["192.0.2.1"] * TRIES)
    made_up = Client()
    made_up.cookies[settings.DEVICE_COOKIE_NAME] = f"{ada.pk}:1{cookie.value[cookie.value.index(':', 3) :]}"

    for browser in (client, made_up):
        browser.cookies.pop(settings.SESSION_COOKIE_NAME, None)
        sign_in(browser, ada.email)
        assert not is_in(browser)


def test_a_known_device_does_not_guess_without_end():
    ada = UserFactory()
    known = Client()
    sign_in(known, ada.email)
    known.post(reverse("account_logout"))

    said = [text(sign_in(known, ada.email, "wrong-one", f"192.0.2.{n}")) for n in range(TRIES + 1)]

    assert "Too many failed login attempts" in said[-1]


def test_a_right_password_counts_for_nothing():
    ada = UserFactory()

    for _ in range(TRIES + 5):
        client = Client()
        sign_in(client, ada.email)
        assert is_in(client)


@pytest.mark.parametrize(
    ("address", "network"), [("192.0.2.1", "192.0.2.1"), ("2001:db8:1:1::5", "2001:db8:1:1::/64"), ("", "")]
)
def test_an_ipv6_address_stands_for_its_network(address, network):
    assert network_of(address) == network


# --- Sessions ---


def pages(patterns, namespace: str = ""):
    for each in patterns:
        if isinstance(each, URLResolver):
            yield from pages(each.url_patterns, f"{namespace}{each.namespace}:" if each.namespace else namespace)
        elif isinstance(each, URLPattern) and each.name:
            yield namespace + each.name


def addresses() -> list[str]:
    found = []
    for name in dict.fromkeys(pages(get_resolver().url_patterns)):
        for arguments in ([], [1], ["x"], ["1", "x"]):
            try:
                found.append(reverse(name, args=arguments))
            except NoReverseMatch:
                continue
    return found


def rows() -> int:
    return Session.objects.count() + CartItem.objects.filter(customer=None).count()


def ask_as_a_stranger(way: str, address: str, data: dict[str, object]) -> None:
    getattr(Client(raise_request_exception=False), way)(address, data)


def test_looking_at_any_page_makes_no_session():
    ProductFactory()

    for address in addresses():
        ask_as_a_stranger("get", address, {"next": "/", "q": "x", "sort": "price", "page": "2", "language": "de"})

    assert rows() == 0


def test_no_form_lets_strangers_make_sessions_without_end(settings):
    settings.RATE_LIMITS = {"search": 0, "checkout": 0, "export": 0, "sessions": 3}
    lamp = ProductFactory()
    UserFactory(email="unproved@shop.example", is_verified=False)
    made = {}

    for address in addresses():
        counters.forget()
        before = rows()
        for n in range(6):
            cache.clear()
            of_account = {"name": "Eve", "email": f"eve{n}@shop.example", "password1": PASSWORD}
            signing_in = {"login": "unproved@shop.example", "password": PASSWORD}
            others = {"product": lamp.pk, "language": "de", "next": "/"}
            ask_as_a_stranger("post", address, of_account | signing_in | others)
        made[address] = rows() - before

    assert {address for address, number in made.items() if number > 3} == set()
    assert {address for address, number in made.items() if number} >= {"/cart/add/", "/account/signup/"}


def test_who_makes_too_many_sessions_is_told_when_to_come_back(settings):
    settings.RATE_LIMITS = {"search": 0, "checkout": 0, "export": 0, "sessions": 1}
    lamp = ProductFactory()
    mine = Client()
    mine.post("/cart/add/", {"product": lamp.pk})

    refused = Client().post("/cart/add/", {"product": lamp.pk})
    made_up = Client()
    made_up.cookies[settings.CART_COOKIE_NAME] = "a" * 32
    again = mine.post("/cart/add/", {"product": lamp.pk})

    assert (refused.status_code, again.status_code) == (429, 302)
    assert made_up.post("/cart/add/", {"product": lamp.pk}).status_code == 429
    assert rows() == 1
