"""Customers with a session and a cart of one product, by the number, so that SQL can say all of theirs by it.

Each is used once. Their rows bear numbers that occur nowhere else in the text of a statement.
"""

from __future__ import annotations

from decimal import Decimal
from importlib import import_module

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.db import connection
from django.db.models import Max

from catalog.models import Product
from orders.models import CartItem
from tests.web.customers import ADDRESS
from users.models import User

CUSTOMERS, PRODUCTS, CARTS, ORDERS = 710_000_000, 720_000_000, 730_000_000, 740_000_000
DIFFERENT_PRODUCTS = 400
PRICE = Decimal("12.50")


def ready(how_many: int) -> list[int]:
    """Make so many buyers and return their numbers, which follow each other."""
    if not Product.objects.filter(pk=PRODUCTS).exists():
        _open_shop()
    last = User.objects.filter(pk__range=(CUSTOMERS, PRODUCTS)).aggregate(last=Max("pk"))["last"] or CUSTOMERS
    numbers = [last - CUSTOMERS + number for number in range(1, how_many + 1)]
    made = [_user(number) for number in numbers]
    User.objects.bulk_create(made)
    CartItem.objects.bulk_create(
        CartItem(cart_item_id=CARTS + number, customer=user, product_id=product(number), quantity=1, price_seen=PRICE)
        for number, user in zip(numbers, made, strict=True)
    )
    store = import_module(settings.SESSION_ENGINE).SessionStore
    for number, user in zip(numbers, made, strict=True):
        kept = store(session(number))
        kept.clear()
        kept.update(
            {
                SESSION_KEY: str(user.pk),
                BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0],
                HASH_SESSION_KEY: user.get_session_auth_hash(),
            }
        )
        kept.save(must_create=True)
    with connection.cursor() as cursor:
        # As autovacuum does within a minute. Until then the sessions of a web server keep the plans that they made when
        # there was hardly anybody; pgbench's, new each time, would not have them.
        cursor.execute("ANALYZE")
    return numbers


def session(number: int) -> str:
    """The key of a buyer's session, as long as any."""
    return f"bench{CUSTOMERS + number:027}"


def product(number: int) -> int:
    return PRODUCTS + number % DIFFERENT_PRODUCTS


def form(number: int) -> dict[str, str]:
    """What a buyer posts to the checkout."""
    key = f"00000000-0000-4000-8000-{CUSTOMERS + number:012}"
    return ADDRESS | {"saved": "new", "key": key, "shown_total": str(PRICE)}


def _user(number: int) -> User:
    pk = CUSTOMERS + number
    return User(user_id=pk, name=f"Customer {pk}", email=f"customer{pk}@bench.example", password="!bench")


def _open_shop() -> None:
    Product.objects.bulk_create(
        Product(
            product_id=PRODUCTS + number,
            name=f"Product {PRODUCTS + number}",
            sku=f"BENCH-{PRODUCTS + number}",
            price=PRICE,
            stock=1_000_000,
        )
        for number in range(DIFFERENT_PRODUCTS)
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval(pg_get_serial_sequence('orders', 'order_id'), %s)", [ORDERS])
