"""The cart: rows of cart_items, a customer's found by their account, a guest's by the key in their cookie."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.http import HttpRequest
from django.utils.crypto import get_random_string
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from catalog.models import Product
from orders.models import CartItem, CartItemQuerySet
from orders.services import RequestedItem
from users.models import User

GUEST_KEY_LENGTH = 32
GUEST_KEY = re.compile(rf"[0-9A-Za-z]{{{GUEST_KEY_LENGTH}}}", re.ASCII)
MAX_PRODUCTS = CartItem.MOST
MAX_QUANTITY = 9999


class CartFull(Exception):
    """A refusal, worded for people."""

    def __init__(self) -> None:
        told = _("A cart holds up to {most} different products. Order these first.")
        super().__init__(told.format(most=MAX_PRODUCTS))


class Cart:
    """The cart of a customer, or of the guest with this key. Reads its rows once, when first asked.

    Every change locks the cart and reads it again, so simultaneous changes follow each other.
    """

    def __init__(self, customer: User | None = None, *, guest_key: str | None = None, is_new: bool = False) -> None:
        self.guest_key = guest_key
        self.is_new = is_new
        self._owner: dict[str, Any] = {"customer_id": customer.pk} if customer else {"guest_key": guest_key}
        self._is_locked = False

    def __bool__(self) -> bool:
        return bool(self.items)

    @cached_property
    def items(self) -> list[CartItem]:
        if self.is_new:
            return []
        rows = self._rows().select_related("product").defer("product__description", "product__attributes")
        return list(rows.order_by("pk")[:MAX_PRODUCTS])

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep others from changing the cart until the transaction ends; what was read before is read again."""
        if self._is_locked:
            yield
            return
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"cart of {self._owner}"])
            self.read_again()
            self._is_locked = True
            try:
                yield
            finally:
                self._is_locked = False

    def _rows(self) -> CartItemQuerySet:
        return CartItem.objects.filter(**self._owner)

    @property
    def count(self) -> int:
        return sum(item.quantity for item in self.items)

    @property
    def total(self) -> Decimal:
        return sum((item.subtotal for item in self.items), Decimal(0))

    @property
    def has_problems(self) -> bool:
        return any(item.problem for item in self.items)

    @property
    def quantities(self) -> Mapping[int, int]:
        """How many are in it, by product."""
        return {item.product_id: item.quantity for item in self.items}

    def quantity_of(self, product: Product) -> int:
        return self.quantities.get(product.pk, 0)

    def requested(self) -> list[RequestedItem]:
        return [RequestedItem(item.product, item.quantity) for item in self.items]

    def add(self, product: Product, quantity: int, *, to: int | None = None) -> tuple[int, int]:
        """Put in quantity more, as far as the stock goes, and return how many were in before and are in now.

        to: how many were in when the customer asked; the same wish a second time then adds nothing.
        Raises CartFull where it is one product more than a cart holds.
        """
        with self.locked():
            before = self.quantity_of(product)
            if not before and len(self.items) >= MAX_PRODUCTS:
                raise CartFull
            return before, self.put(product, before + quantity if to is None else max(before, to + quantity))

    def put(self, product: Product, quantity: int) -> int:
        """Set the quantity, as far as the stock goes, and return it; none left takes the product out."""
        granted = min(quantity, product.stock, MAX_QUANTITY) if product.is_active else 0
        if granted < 1:
            self.remove([product.pk])
            return 0
        self.write([CartItem(product=product, quantity=granted, price_seen=product.price)])
        return granted

    def write(self, items: Collection[CartItem]) -> None:
        """Put these in, in place of what is there of the same products; at most one statement."""
        rows = [
            CartItem(product=item.product, quantity=item.quantity, price_seen=item.price_seen, **self._owner)
            for item in items
        ]
        with self.locked():
            CartItem.objects.bulk_create(
                rows,
                update_conflicts=True,
                unique_fields=[*self._owner, "product_id"],
                update_fields=["quantity", "price_seen", "changed_at"],
            )
            self.read_again()

    def remove(self, product_ids: Collection[int]) -> None:
        with self.locked():
            self._rows().filter(product__in=product_ids).delete()
            self.read_again()

    def adjust(self) -> None:
        """Lower every quantity to what can be ordered now."""
        with self.locked():
            wrong = [item for item in self.items if item.problem]
            self.remove([item.product_id for item in wrong if not item.available])
            self.write(
                [
                    CartItem(product=item.product, quantity=item.available, price_seen=item.product.price)
                    for item in wrong
                    if item.available
                ]
            )

    def read_again(self) -> None:
        """Forget what was read: prices and stock may be others now."""
        self.is_new = False
        self.__dict__.pop("items", None)


def cart_of(request: HttpRequest) -> Cart:
    """Return the cart of the customer or guest; the same object for the whole request."""
    known: dict[str, Any] = vars(request)
    if "_cart" not in known:
        user = getattr(request, "user", None)  # a request refused before anybody was looked for has none
        known["_cart"] = Cart(user) if isinstance(user, User) else guest_cart(request)
    found: Cart = known["_cart"]
    return found


def guest_cart(request: HttpRequest) -> Cart:
    """Return the cart of the request's cookie, or a new one."""
    key = request.COOKIES.get(settings.CART_COOKIE_NAME, "")
    if GUEST_KEY.fullmatch(key):
        return Cart(guest_key=key)
    return Cart(guest_key=get_random_string(GUEST_KEY_LENGTH), is_new=True)


def take_over(guest: Cart, customer: User) -> bool:
    """Move a guest's cart into the customer's; where both have a product, the larger quantity counts.

    Returns whether the customer's had something in it already. Beyond MAX_PRODUCTS products nothing is added.
    """
    if not guest:
        return False
    own = Cart(customer)
    with guest.locked(), own.locked():
        had = own.quantities
        room = MAX_PRODUCTS - len(had)
        fresh = [item for item in guest.items if item.product_id not in had][:room]
        larger = [item for item in guest.items if item.quantity > had.get(item.product_id, item.quantity)]
        taken = list(guest.quantities)
        own.write([*larger, *fresh])
        guest.remove(taken)
    return bool(had)
