"""The filters of the shop's list as the URL carries them, read and written."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from unicodedata import normalize
from urllib.parse import urlencode

from django.db.models import BooleanField, Func, Q, Value
from django.http import QueryDict
from django.utils.translation import gettext as _

from catalog.forms import ListForm
from catalog.models import Category

# Of attributes in one address.
MOST_ATTRIBUTES = 20
LONGEST_ATTRIBUTE = 200
NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d{1,6})?", re.ASCII)

Attribute = tuple[str, str]


@dataclass(frozen=True)
class Filters:
    """What narrows a list. attributes: (name, value as text); two values of one name mean either of them."""

    category: Category | None = None
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    in_stock: bool = False
    attributes: tuple[Attribute, ...] = ()

    @property
    def has_prices(self) -> bool:
        return self.min_price is not None or self.max_price is not None

    def parameters(self) -> list[tuple[str, str]]:
        """Return them as parameters of a URL, without the category."""
        prices = [(name, getattr(self, name)) for name in ("min_price", "max_price")]
        found = [(name, f"{price:f}") for name, price in prices if price is not None]
        found += [("in_stock", "on")] if self.in_stock else []
        return found + [("attribute", f"{name}:{value}") for name, value in self.attributes]

    def toggled(self, attribute: Attribute) -> Filters:
        rest = tuple(one for one in self.attributes if one != attribute)
        return replace(self, attributes=rest if attribute in self.attributes else (*rest, attribute))

    def prices(self) -> Q:
        low = Q() if self.min_price is None else Q(price__gte=self.min_price)
        return low if self.max_price is None else low & Q(price__lte=self.max_price)

    def by_attribute(self) -> dict[str, Q]:
        """Return, by attribute's name, the products that have one of the chosen values."""
        chosen: dict[str, Q] = {}
        for name, value in self.attributes:
            chosen[name] = chosen.get(name, Q()) | _has(name, value)
        return chosen

    def all(self) -> Q:
        found = self.prices()
        found = found if self.category is None else found & Q(category=self.category)
        found = found & Q(stock__gt=0) if self.in_stock else found
        for has in self.by_attribute().values():
            found &= has
        return found


def read(asked: QueryDict, category: Category | None) -> tuple[Filters, list[str]]:
    """Return the filters that the URL asks for, and a sentence for everything that was ignored or put right."""
    form = ListForm(asked)
    attributes, notes = _attributes(asked.getlist("attribute"))
    return Filters(category=category, attributes=attributes, **form.valid()), form.notes() + notes


def href(path: str, filters: Filters, *others: tuple[str, str]) -> str:
    """Return the address of the first page of a list with these filters; others come before them."""
    parameters = [*others, *filters.parameters()]
    return f"{path}?{urlencode(parameters)}" if parameters else path


def _attributes(asked: list[str]) -> tuple[tuple[Attribute, ...], list[str]]:
    found: dict[Attribute, None] = {}
    notes = []
    for text in asked[:MOST_ATTRIBUTES]:
        name, colon, value = text.partition(":")
        if name and colon and value.strip() and "\0" not in text and len(text) <= LONGEST_ATTRIBUTE:
            found[name, one_spelling(value)] = None
        else:
            notes.append(_("“{text}” is no attribute with its value, so it was ignored.").format(text=text[:40]))
    if len(asked) > MOST_ATTRIBUTES:
        notes.append(_("Only the first {most} attributes were used.").format(most=MOST_ATTRIBUTES))
    return tuple(found), notes


def one_spelling(value: str) -> str:
    """Return an attribute's value as the database's column `facets` has it: 1.0 is 1, blanks are single."""
    text = normalize("NFC", " ".join(value.split()))
    if not NUMBER.fullmatch(text):
        return text
    number = Decimal(text)
    return f"{number.normalize():f}" if number else "0"


def _has(name: str, value: str) -> Q:
    # Migration 0014 makes the column, of which the model does not know.
    facet = Value(f"{name}:{value}")
    return Q(Func(facet, template='"products"."facets" @> ARRAY[%(expressions)s::text]', output_field=BooleanField()))
