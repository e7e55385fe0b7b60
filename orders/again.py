"""Buying again what an order had: into the cart, as far as it is still for sale."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _

from catalog.models import Product
from orders.cart import MAX_PRODUCTS, MAX_QUANTITY, Cart
from orders.models import CartItem, OrderItem


@dataclass
class Outcome:
    """added: how many products are in the cart now; missing: what is not, or not as many, and why, a line each."""

    added: int = 0
    missing: list[str] = field(default_factory=list)

    def told(self) -> str:
        """The outcome in words, as HTML."""
        if self.added and not self.missing:
            return _("Everything from that order is in your cart.")
        head = _("In your cart now, except:") if self.added else _("Nothing from that order can be bought now.")
        lines = format_html_join("", "<li>{}</li>", ((line,) for line in self.missing))
        return format_html('{} <ul class="mb-0">{}</ul>', head, lines)


def put_in_cart(items: Iterable[OrderItem], cart: Cart) -> Outcome:
    """Put the products of items into the cart, as far as they can be bought today."""
    with cart.locked():
        return _put_in_locked(items, cart)


def _put_in_locked(items: Iterable[OrderItem], cart: Cart) -> Outcome:
    """Put the products of items into the cart, at today's price and as far as the stock goes, by one statement.

    Of a product that is in the cart already the larger quantity stays, so that asking twice changes nothing.
    """
    outcome = Outcome()
    names, quantities = _wanted(items)
    products = Product.objects.in_bulk(quantities)
    filled = dict(cart.quantities)
    more: list[CartItem] = []
    for product_id, wanted in quantities.items():
        product = products.get(product_id)
        granted, missing = _granted(product, wanted, has_room=product_id in filled or len(filled) < MAX_PRODUCTS)
        if product and granted > filled.get(product_id, 0):
            filled[product_id] = granted
            more.append(CartItem(product=product, quantity=granted, price_seen=product.price))
        outcome.added += granted > 0
        if missing:
            outcome.missing.append(f"{names[product_id]}: {missing}")
    cart.write(more)
    return outcome


def _wanted(items: Iterable[OrderItem]) -> tuple[Mapping[int, str], Mapping[int, int]]:
    """Names as sold and quantities, by product; plain SQL may have put one product into several items."""
    names: dict[int, str] = {}
    quantities: Counter[int] = Counter()
    for item in items:
        names[item.product_id] = item.product_name
        quantities[item.product_id] += item.quantity
    return names, quantities


def _granted(product: Product | None, wanted: int, *, has_room: bool) -> tuple[int, str]:
    """Return how many of a product the cart may have, and what is wrong with that, if anything is."""
    # Of an order that has left the database, a product may be deleted.
    if product is None or not product.is_active:
        return 0, _("no longer for sale.")
    if not product.stock:
        return 0, _("sold out.")
    if not has_room:
        return 0, _("the cart is full, it holds up to {most} products.").format(most=MAX_PRODUCTS)
    granted = min(wanted, product.stock, MAX_QUANTITY)
    if granted == wanted:
        return granted, ""
    return granted, _("only {left} left, you had ordered {wanted}.").format(left=granted, wanted=wanted)
