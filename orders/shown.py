"""The lines of an order as a form showed them; the form returns them signed, so that they can be compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

from django import forms
from django.core import signing
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from catalog.models import Product
from config.templatetags.money import money

SALT = "orders.shown"


class ShownLine(NamedTuple):
    """price: a decimal as text, as JSON carries it."""

    product_id: int
    name: str
    quantity: int
    price: str


class Shown(NamedTuple):
    """What a form showed to the customer of this number; addresses: the saved ones in words, by their number."""

    customer_id: int
    lines: list[ShownLine]
    addresses: dict[str, str]

    def signed(self) -> str:
        return signing.dumps(self, salt=SALT, compress=True)


class ShownField(forms.CharField):
    """A hidden field with a signed Shown."""

    widget = forms.HiddenInput

    def to_python(self, value: object) -> Shown | None:  # type: ignore[override]
        if value in self.empty_values:
            return None
        try:
            customer_id, lines, addresses = signing.loads(str(value), salt=SALT)
        except signing.BadSignature:
            raise ValidationError("not signed by the shop") from None
        return Shown(customer_id, [ShownLine(*line) for line in lines], addresses)


def lines_of(quantities: Iterable[tuple[Product, int]]) -> list[ShownLine]:
    return [ShownLine(product.pk, product.name, quantity, f"{product.price}") for product, quantity in quantities]


def differences(before: Iterable[ShownLine], now: Iterable[ShownLine]) -> list[str]:
    """Return what changed from the lines before to those now, a sentence each; nothing where they are the same."""
    old, new = _by_product(before), _by_product(now)
    gone = [_("{product} was removed.").format(product=old[pk].name) for pk in old if pk not in new]
    come = [
        _("{quantity} × {product} was added.").format(quantity=new[pk].quantity, product=new[pk].name)
        for pk in new
        if pk not in old
    ]
    return [*gone, *come, *(told for pk in old if pk in new for told in _changes(old[pk], new[pk]))]


def _by_product(lines: Iterable[ShownLine]) -> Mapping[int, ShownLine]:
    return {line.product_id: line for line in lines}


def _changes(old: ShownLine, new: ShownLine) -> list[str]:
    changes = []
    if old.name != new.name:
        changes.append(_("“{before}” is called “{now}” now.").format(before=old.name, now=new.name))
    if old.quantity != new.quantity:
        told = _("{product}: quantity {before} before, {now} now.")
        changes.append(told.format(product=new.name, before=old.quantity, now=new.quantity))
    if Decimal(old.price) != Decimal(new.price):
        told = _("{product}: {before} before, {now} now.")
        changes.append(told.format(product=new.name, before=money(Decimal(old.price)), now=money(Decimal(new.price))))
    return changes
