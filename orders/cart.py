"""The cart: what somebody means to order. A guest's is kept in the session, a customer's in the database."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any, Protocol

from django.contrib.sessions.backends.base import SessionBase
from django.db import connection
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from catalog.models import Product
from orders.models import CartItem
from orders.services import RequestedItem
from users.models import User

KEY = "cart"
MAX_PRODUCTS = CartItem.MOST
MAX_QUANTITY = 9999


class CartFull(Exception):
    """A refusal, worded for people."""

    def __init__(self) -> None:
        told = _("A cart holds up to {most} different products. Order these first.")
        super().__init__(told.format(most=MAX_PRODUCTS))


class Store(Protocol):
    """Where a cart's items are kept."""

    def is_empty(self) -> bool:
        """Whether there is surely nothing in it, without asking the database."""

    def read(self) -> list[CartItem]:
        """Return the items with their products, in the order of adding; at most one statement."""

    def write(self, items: Collection[CartItem]) -> None:
        """Put these in, in place of what is there of the same products; at most one statement."""

    def remove(self, product_ids: Collection[int]) -> None: ...


class GuestStore:
    """session["cart"] is {product id as text: [quantity, price seen as text]}."""

    def __init__(self, session: SessionBase | dict[str, Any]) -> None:
        self._session = session

    def _stored(self) -> dict[str, Any]:
        stored: dict[str, Any] = self._session.get(KEY, {})
        return stored

    def is_empty(self) -> bool:
        return not self._stored()

    def read(self) -> list[CartItem]:
        stored = self._stored()
        products = Product.objects.in_bulk([int(number) for number in stored]) if stored else {}
        return [
            CartItem(product=products[int(number)], quantity=quantity, price_seen=Decimal(price))
            for number, (quantity, price) in stored.items()
            if int(number) in products
        ]

    def write(self, items: Collection[CartItem]) -> None:
        added = {str(item.product_id): [item.quantity, str(item.price_seen)] for item in items}
        self._session[KEY] = self._stored() | added

    def remove(self, product_ids: Collection[int]) -> None:
        self._session[KEY] = {number: kept for number, kept in self._stored().items() if int(number) not in product_ids}


REMOVE = "DELETE FROM cart_items WHERE user_id = %s AND product_id = ANY (%s)"


class CustomerStore:
    """The table cart_items."""

    def __init__(self, customer: User) -> None:
        self._customer = customer

    def is_empty(self) -> bool:
        return False

    def read(self) -> list[CartItem]:
        items = CartItem.objects.for_customer(self._customer).select_related("product")
        return list(items.defer("product__description", "product__attributes").order_by("pk")[: CartItem.MOST])

    def write(self, items: Collection[CartItem]) -> None:
        for item in items:
            item.customer = self._customer
        CartItem.objects.bulk_create(
            items,
            update_conflicts=True,
            unique_fields=["customer", "product"],
            update_fields=["quantity", "price_seen"],
        )

    def remove(self, product_ids: Collection[int]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(REMOVE, [self._customer.pk, list(product_ids)])


class Cart:
    """Reads its store once, when first asked."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __bool__(self) -> bool:
        return bool(self.items)

    @cached_property
    def items(self) -> list[CartItem]:
        """Products that do not exist any more are left out."""
        return [] if self._store.is_empty() else self._store.read()

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

    def add(self, product: Product, quantity: int, *, to: int | None = None) -> int:
        """Put in quantity more, as far as the stock goes, and return how many are in now.

        to: how many were in when the customer asked; the same wish a second time then adds nothing.
        Raises CartFull where it is one product more than a cart holds.
        """
        there = self.quantity_of(product)
        if not there and len(self.items) >= MAX_PRODUCTS:
            raise CartFull
        return self.put(product, there + quantity if to is None else max(there, to + quantity))

    def put(self, product: Product, quantity: int) -> int:
        """Set the quantity, as far as the stock goes, and return it; none left takes the product out."""
        granted = min(quantity, product.stock, MAX_QUANTITY) if product.is_active else 0
        if granted < 1:
            self.remove([product.pk])
            return 0
        self.write([CartItem(product=product, quantity=granted, price_seen=product.price)])
        return granted

    def write(self, items: Collection[CartItem]) -> None:
        self._store.write(items)
        self.read_again()

    def remove(self, product_ids: Collection[int]) -> None:
        self._store.remove(product_ids)
        self.read_again()

    def adjust(self) -> None:
        """Lower every quantity to what can be ordered now."""
        for item in self.items:
            if item.problem:
                self.put(item.product, item.quantity)

    def read_again(self) -> None:
        """Forget what was read: prices and stock may be others now."""
        self.__dict__.pop("items", None)


def cart_of(request: HttpRequest) -> Cart:
    """Return the cart of whoever is asking; the same object for the whole request."""
    kept: dict[str, Any] = vars(request)
    if "_cart" not in kept:
        user = getattr(request, "user", None)  # a request refused before anybody was looked for has none
        session = getattr(request, "session", {})
        kept["_cart"] = Cart(CustomerStore(user) if isinstance(user, User) else GuestStore(session))
    found: Cart = kept["_cart"]
    return found


def take_over(session: SessionBase, customer: User) -> bool:
    """Move the guest's cart into the customer's; where both have a product, the larger quantity counts.

    Returns whether the customer's had something in it already. Beyond MAX_PRODUCTS products nothing is added.
    """
    guest, own = Cart(GuestStore(session)), Cart(CustomerStore(customer))
    had = own.quantities if guest.items else {}
    room = MAX_PRODUCTS - len(had)
    fresh = [item for item in guest.items if item.product_id not in had][:room]
    larger = [item for item in guest.items if item.quantity > had.get(item.product_id, item.quantity)]
    own.write([*larger, *fresh])
    session.pop(KEY, None)
    return bool(had)
