"""Placing the order that the customer saw: the cart's items, at the names, quantities and prices that were shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from orders import services
from orders.cart import Cart
from orders.models import Order
from orders.shown import ShownLine
from users.models import User


class EmptyCart(services.OrderError):
    def __init__(self) -> None:
        super().__init__(_("Your cart is empty, so there is nothing to order yet."))


def order_of_key(customer: User, key: str) -> Order | None:
    """Return the order that this customer placed with the form of this key, if it was used already."""
    return Order.objects.for_customer(customer).filter(idempotency_key=key).first()


def last_address(customer: User) -> dict[str, str]:
    """Return where this customer's latest order with an address went; nothing where there is none."""
    addresses = Order.objects.for_customer(customer).exclude(shipping_address={}).newest_first()
    latest = addresses.values_list("shipping_address", flat=True).first()
    return latest if isinstance(latest, dict) else {}


@transaction.atomic
def place_as_shown(
    cart: Cart,
    *,
    customer: User,
    key: str,
    shown: Sequence[ShownLine] | None,
    shown_total: Decimal | None,
    at: datetime,
    address: Mapping[str, str],
) -> Order:
    """Place the order of a cart and take it out of there.

    Nobody changes the cart meanwhile. Raises EmptyCart, services.KeyReused where an order was placed with the key
    already, and what services.place_order raises; then nothing is written.
    """
    with cart.locked():
        if not cart:
            raise EmptyCart
        if first := order_of_key(customer, key):
            raise services.KeyReused(first)
        order = services.place_in_transaction(
            customer=customer,
            items=cart.requested(),
            key=key,
            at=at,
            shipping_address=address,
            shown=shown,
            shown_total=shown_total,
        )
        cart.remove(cart.quantities.keys())
    return order
