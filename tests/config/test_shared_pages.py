"""Lists cached for guests: each has a token of their own, nobody sees what is another's, and the size is bounded."""

import re
from decimal import Decimal

import pytest
import time_machine
from django.core.cache import caches
from django.test import Client
from django.utils import timezone

from catalog.models import Product
from config import shared_pages
from tests.factories import CategoryFactory, ProductFactory, UserFactory

pytestmark = pytest.mark.django_db

CSRF = re.compile(r'name="csrfmiddlewaretoken" value="([^"]*)"')


@pytest.fixture(autouse=True)
def _cached(settings):
    pages = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 50}}
    settings.CACHES = settings.CACHES | {"pages": pages}
    caches["pages"].clear()


@pytest.fixture
def lamp():
    return ProductFactory(name="Lamp", category=CategoryFactory(name="Light", slug="light"))


def page(path, client=None):
    return (client or Client()).get(path).content.decode()


@pytest.mark.parametrize("path", ["/", "/c/light/", "/?sort=price", "/?page=7"])
def test_a_plain_list_is_cached_for_some_seconds(lamp, path):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        before = page(path)
        Product.objects.update(price=Decimal("77.00"))

        assert CSRF.sub("", page(path)) == CSRF.sub("", before)
        clock.shift(shared_pages.TTL + 1)
        assert "$77.00" in page(path)


@pytest.mark.parametrize("path", ["/search/?q=lamp", "/?attribute=a:b", "/?in_stock=on", "/?min_price=1", "/?x=1"])
def test_searches_and_filters_are_not(lamp, path):
    page(path)
    Product.objects.update(price=Decimal("77.00"), attributes={"a": "b"})

    assert "$77.00" in page(path)


def test_a_product_added_after_a_search_is_found(lamp):
    assert "Torch" not in page("/search/?q=torch")
    torch = ProductFactory(name="Torch")

    assert torch.get_absolute_url() in page("/search/?q=torch")


def test_each_guest_has_a_token_of_their_own(lamp):
    enforcing = Client(enforce_csrf_checks=True)
    page("/")

    (token,) = set(CSRF.findall(page("/", enforcing)))

    assert token not in CSRF.findall(page("/"))
    form = {"product": lamp.pk, "quantity": 1, "csrfmiddlewaretoken": token}
    assert enforcing.post("/cart/add/", form).status_code == 302
    assert shared_pages.TOKEN not in page("/")


def test_what_is_a_visitors_own_is_not_shared(client, lamp):
    page("/")
    client.post("/cart/add/", {"product": lamp.pk})

    with_message, with_cart = page("/", client), page("/", client)
    client.force_login(UserFactory(name="Ada Byron"))

    assert "Added 1 × Lamp" in with_message.replace("\n", "")
    assert 'class="cart-total"' in with_cart
    assert "Ada Byron" in page("/", client)
    for own in ('class="cart-total"', "Ada Byron", "Added 1 × Lamp"):
        assert own not in page("/")


def test_languages_and_addresses_are_told_apart(lamp):
    german = Client()
    german.cookies["language"] = "de"

    assert "Warenkorb" not in page("/")
    assert "Warenkorb" in page("/", german)
    assert page("/?sort=price") != page("/")


def test_the_path_where_the_shop_is_mounted_is_part_of_the_key(lamp):
    elsewhere = Client(SCRIPT_NAME="/evil").get("/").content.decode()

    assert "/evil/" in elsewhere
    assert "/evil/" not in page("/")


def test_large_pages_and_long_addresses_are_not_cached(lamp, monkeypatch):
    page(f"/?page={'1' * 100}")
    monkeypatch.setattr(shared_pages, "MAX_BYTES", 100)
    page("/")

    assert not caches["pages"]._cache


def test_so_many_pages_at_most(lamp):
    for number in range(120):
        page(f"/?page={number}")

    assert len(caches["pages"]._cache) <= 50
