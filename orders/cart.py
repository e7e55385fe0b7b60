"""The cart: what a visitor means to order, kept in the session."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.contrib.sessions.backends.base import SessionBase

from catalog.models import Product
from orders.services import RequestedItem

KEY = "cart"
MAX_PRODUCTS = 100


class CartFull(Exception):
    """A refusal, worded for people."""

    def __init__(self) -> None:
        super().__init__(f"A cart holds up to {MAX_PRODUCTS} different products. Order these first.")


@dataclass(frozen=True)
class CartItem:
    """One product as it is now; price_seen is what it cost when it was put in."""

    product: Product
    quantity: int
    price_seen: Decimal

    @property
    def subtotal(self) -> Decimal:
        return self.product.price * self.quantity

    @property
    def available(self) -> int:
        """How many of the wanted ones can be ordered now."""
        return min(self.quantity, self.product.stock) if self.product.is_active else 0

    @property
    def problem(self) -> str:
        """Why it cannot be ordered like this, or nothing."""
        if not self.product.is_active:
            return "No longer for sale."
        if self.product.stock == 0:
            return "Sold out."
        if self.available < self.quantity:
            return f"Only {self.product.stock} left, you asked for {self.quantity}."
        return ""

    @property
    def has_new_price(self) -> bool:
        return self.price_seen != self.product.price


class Cart:
    """session["cart"] is {product id as text: [quantity, price seen as text]}, in the order of adding."""

    def __init__(self, session: SessionBase) -> None:
        self._session = session

    @cached_property
    def _stored(self) -> MutableMapping[str, Any]:
        stored: MutableMapping[str, Any] = self._session.get(KEY, {})
        return stored

    def __bool__(self) -> bool:
        return bool(self._stored)

    @cached_property
    def items(self) -> list[CartItem]:
        """One query, none for an empty cart; products that do not exist any more are left out."""
        if not self._stored:
            return []
        products = Product.objects.in_bulk([int(number) for number in self._stored])
        return [
            CartItem(products[int(number)], quantity, Decimal(price))
            for number, (quantity, price) in self._stored.items()
            if int(number) in products
        ]

    @property
    def count(self) -> int:
        return sum(item.quantity for item in self.items)

    @property
    def total(self) -> Decimal:
        return sum((item.subtotal for item in self.items), Decimal(0))

    @property
    def has_problems(self) -> bool:
        return any(item.problem for item in self.items)

    def requested(self) -> list[RequestedItem]:
        return [RequestedItem(item.product, item.quantity) for item in self.items]

    def add(self, product: Product, quantity: int) -> int:
        """Put in quantity more, as far as the stock goes, and return how many are in now.

        Raises CartFull where it is one product more than a cart holds.
        """
        if str(product.pk) not in self._stored and len(self._stored) >= MAX_PRODUCTS:
            raise CartFull
        return self.put(product, self.quantity_of(product) + quantity)

    def quantity_of(self, product: Product) -> int:
        quantity: int = self._stored.get(str(product.pk), [0])[0]
        return quantity

    def put(self, product: Product, quantity: int) -> int:
        """Set the quantity, as far as the stock goes, and return it; none left takes the product out."""
        granted = min(quantity, product.stock) if product.is_active else 0
        if granted < 1:
            self.remove(product.pk)
            return 0
        self._stored[str(product.pk)] = [granted, str(product.price)]
        self._changed()
        return granted

    def remove(self, product_id: int) -> int:
        """Take a product out and return how many there were."""
        quantity: int = self._stored.pop(str(product_id), [0])[0]
        self._changed()
        return quantity

    def clear(self) -> None:
        self._stored.clear()
        self._changed()

    def adjust(self) -> None:
        """Lower every quantity to what can be ordered now."""
        for item in self.items:
            if item.problem:
                self.put(item.product, item.quantity)

    def _changed(self) -> None:
        self._session[KEY] = self._stored
        self.__dict__.pop("items", None)
