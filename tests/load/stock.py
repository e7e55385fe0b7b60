"""A shop to be put under load: people who are signed in, products without end, orders there were before."""

from __future__ import annotations

import random
from decimal import Decimal
from uuid import uuid4

from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client

from catalog.models import Category, Product
from config.api.scopes import ORDERS_READ, ORDERS_WRITE
from history.webhooks import endpoints
from history.webhooks.models import Endpoint
from tests.load.visitors import Site
from users import api_keys
from users.models import User

CUSTOMERS, STAFF = 48, 4
CATEGORIES, PRODUCTS = 6, 90
ADJECTIVES = ("green", "heavy", "folding", "quiet", "wooden", "bright", "small")
NOUNS = ("lamp", "chair", "kettle", "basket", "clock", "mirror", "blanket", "ladder", "teapot")
SEED = 1


def filled(*, orders: int = 0) -> Site:
    """Fill the shop that this process's Django is on, and return whom and what the visitors know; its port is to be
    told. orders: generated ones that were there before."""
    if orders:
        call_command("seed_load", orders=orders, verbosity=0)
    categories = Category.objects.bulk_create(
        Category(name=f"Room {number}", slug=f"room-{number}") for number in range(CATEGORIES)
    )
    products = Product.objects.bulk_create(_product(number, categories) for number in range(PRODUCTS))
    staff = [_person(is_staff=True, is_superuser=True) for _ in range(STAFF)]
    for each in staff:
        TOTP.activate(each, generate_totp_secret())
    customers = [_person() for _ in range(CUSTOMERS)]
    scopes = [ORDERS_READ, ORDERS_WRITE]
    _, key = api_keys.make(name=f"Load {uuid4()}", scopes=scopes, customer=None, requests_per_minute=10_000_000)
    site = Site(
        port=0,
        customers=[_session(each) for each in customers],
        staff=[_session(each) for each in staff],
        api_key=key,
        buyers=[each.pk for each in customers],
        products=[(each.pk, each.sku, each.get_absolute_url()) for each in products],
        lists=["/", *(each.get_absolute_url() for each in categories)],
        words=[*ADJECTIVES, *NOUNS, "kettel", "chiar"],
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    connection.close()
    return site


def watch(url: str) -> None:
    """Have an address told of all that happens to orders from now on."""
    endpoints.add(Endpoint(name="Load", url=url, kinds=[]))


def _product(number: int, categories: list[Category]) -> Product:
    chance = random.Random(f"{SEED} {number}")
    return Product(
        name=f"Product {number}: {chance.choice(ADJECTIVES)} {chance.choice(NOUNS)}",
        sku=f"UNDER-LOAD-{number}",
        price=Decimal(chance.randrange(100, 20_000)) / 100,
        stock=10_000_000,
        category=categories[number % len(categories)],
    )


def _person(**flags: bool) -> User:
    user = User(name="Ada Load", email=f"{uuid4()}@shop.example", **flags)
    user.set_unusable_password()  # they are signed in already
    user.save()
    return user


def _session(user: User) -> str:
    client = Client()
    client.force_login(user)
    return str(client.cookies[settings.SESSION_COOKIE_NAME].value)
