"""A page that was drawn for another guest says what a page drawn for this one would."""

import re
from decimal import Decimal

import pytest
import time_machine
from django.core.cache import caches
from django.test import Client
from django.utils import timezone

from catalog import guests
from catalog.guests import TOKEN
from catalog.models import Category, Product
from tests.factories import CategoryFactory, ProductFactory, UserFactory

pytestmark = pytest.mark.django_db

CSRF = re.compile(r'name="csrfmiddlewaretoken" value="([^"]*)"')


@pytest.fixture(autouse=True)
def nothing_drawn():
    caches["pages"].clear()


@pytest.fixture
def lamp():
    category = CategoryFactory(name="Light", slug="light")
    ProductFactory(name="Torch", category=category)
    return ProductFactory(name="Lamp", category=category, stock=9, sku="L1", attributes={"colour": "red"})


def page(path, **cookies):
    visitor = Client()
    visitor.cookies.load(cookies)
    return visitor.get(path).content.decode()


def without_token(text):
    return CSRF.sub("", text)


CHANGES = [
    {"name": "Lantern"},
    {"price": Decimal("3.21")},
    {"stock": 2},
    {"stock": 0},
    {"sku": "L2"},
    {"is_active": False},
    {"image": "0123456789abcdef"},
    {"description": "Bright"},
    {"attributes": {"colour": "blue"}},
    {"category": None},
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_whatever_changes_of_a_product_is_seen_at_once(lamp, change):
    paths = [
        "/",
        "/c/light/",
        "/search/?q=light",
        "/search/?q=nothing",
        Product.objects.get(name="Torch").get_absolute_url(),
    ]
    paths.append(lamp.get_absolute_url())
    for path in paths:
        page(path)

    Product.objects.filter(pk=lamp.pk).update(**change)
    Category.objects.filter(slug="light").update(name="Lights")
    kept = [without_token(page(path)) for path in paths]
    caches["pages"].clear()

    assert kept == [without_token(page(path)) for path in paths]


def test_for_a_moment_a_guest_is_shown_what_another_one_was(client, lamp, monkeypatch):
    monkeypatch.setattr(guests, "MOMENT", 2.0)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        before = page("/")
        Product.objects.filter(pk=lamp.pk).update(name="Lantern")
        client.post("/cart/add/", {"product": lamp.pk})

        assert without_token(page("/")) == without_token(before)
        assert "Lantern" in client.get("/").content.decode()
        assert page("/nowhere/") != before

        clock.shift(2.1)

        assert "Lantern" in page("/")


def test_each_guest_has_a_token_of_their_own(client, lamp):
    enforcing = Client(enforce_csrf_checks=True)
    page("/")

    tokens = set(CSRF.findall(enforcing.get("/").content.decode()))

    assert len(tokens) == 1
    assert tokens != set(CSRF.findall(page("/")))
    form = {"product": lamp.pk, "quantity": 1, "csrfmiddlewaretoken": tokens.pop()}
    assert enforcing.post("/cart/add/", form).status_code == 302
    assert TOKEN not in page("/")


def test_only_guests_without_a_session_share_a_page(client, lamp):
    assert "Sign in" in page("/")
    client.post("/cart/add/", {"product": lamp.pk})

    with_cart = client.get("/").content.decode()
    client.force_login(UserFactory(name="Ada Byron"))

    assert 'class="cart-total"' in with_cart
    assert 'class="cart-total"' not in page("/")
    assert "Ada Byron" in client.get("/").content.decode()
    assert "Ada Byron" not in page("/")


def test_languages_and_addresses_are_told_apart(lamp):
    english, german = page("/", language="en"), page("/", language="de")

    assert page("/", language="en") != german
    assert "Warenkorb" in german
    assert "Warenkorb" not in english
    assert page("/?sort=price") != english
