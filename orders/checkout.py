"""Placing the order that the customer saw: the cart's items, at the total that was on the button."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from orders import services
from orders.cart import Cart
from orders.models import Order
from users.models import User

# What orders.total_amount can hold.
TOTAL_LIMIT = Decimal(10) ** 10


class TotalTooLarge(services.OrderError):
    def __init__(self) -> None:
        super().__init__(_("This is more than one order can hold. Order less at a time."))


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
    cart: Cart, *, customer: User, key: str, shown_total: Decimal, at: datetime, shipping_address: Mapping[str, str]
) -> Order:
    """Place the order of a cart that is not empty and take it out of there; the same key returns the first order again.

    What came into the cart meanwhile, on another device, stays. Raises TotalTooLarge and what services.place_order
    raises; then nothing is written.
    """
    if cart.total >= TOTAL_LIMIT:
        raise TotalTooLarge
    order = services.place_in_transaction(
        customer=customer,
        items=cart.requested(),
        key=key,
        at=at,
        shipping_address=shipping_address,
        shown_total=shown_total,
    )
    cart.remove(cart.quantities.keys())
    return order
