"""Customers who are signed in, with something in their carts, and the form they post."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import uuid4

from django.test import Client

from catalog.models import Product
from orders.models import CartItem
from tests.factories import UserFactory
from tests.web.wire import Wire
from users.models import User

CHECKOUT = "/checkout/"
ADDRESS = {"name": "Ada", "line1": "Mill Lane 1", "city": "Ely", "postcode": "CB7", "country": "England"}


class Customer:
    def __init__(self, port: int, user: User | None = None) -> None:
        self.user = user or UserFactory(email=f"{uuid4()}@shop.example")
        client = Client()
        client.force_login(self.user)
        self.session = client.cookies["sessionid"].value
        self.wire = Wire(port, self.session)


def fill_carts(customers: Iterable[Customer], products: Sequence[Product]) -> None:
    """Put one of each product into each cart, and nothing else."""
    users = [customer.user for customer in customers]
    CartItem.objects.filter(customer__in=users).delete()
    CartItem.objects.bulk_create(
        CartItem(customer=user, product=product, quantity=1, price_seen=product.price)
        for user in users
        for product in products
    )


def checkout_form(products: Sequence[Product]) -> dict[str, str]:
    """What the page of such a cart would post, with a key of its own."""
    total = sum(product.price for product in products)
    return ADDRESS | {"saved": "new", "key": str(uuid4()), "shown_total": str(total)}
