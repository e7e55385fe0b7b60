"""How many products each filter would leave, counted by two statements whatever the shop's size.

A count answers "how many would I see if I chose this": all other filters hold, those of its own group do not.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from django.conf import settings
from django.db import connection
from django.db.models import BooleanField, Case, Count, ExpressionWrapper, IntegerField, Q, Value, When
from django.db.models.expressions import RawSQL
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from catalog.filters import NUMBER, Filters
from catalog.models import ProductQuerySet

DIGITS = re.compile(r"([0-9]+(?:\.[0-9]+)?)")
CENT = Decimal(1).scaleb(-settings.CURRENCY_DECIMALS)
# Where one price range ends and the next begins.
EDGES = (Decimal(25), Decimal(50), Decimal(100), Decimal(250))

MOST_GROUPS = 6
# Of a group: shown at once, and at all.
MOST_VALUES = 10
MAX_VALUES = 100

# What a product is made of may be any JSON; only single values of objects can be chosen.
VALUES = """
SELECT key, substr(facet, length(key) + 2), count(*)
FROM ({found}) AS found (facets{flags}), unnest(facets) AS facet, split_part(facet, ':', 1) AS key
WHERE true {kept}
GROUP BY 1, 2
"""


class Cell(NamedTuple):
    """So many products of one category and price range, which are in stock or not, at a price asked for or not."""

    category_id: int | None
    is_in_stock: bool
    band: int
    fits_price: bool
    products: int


@dataclass(frozen=True)
class Cells:
    """The products of a list before category, price and stock narrow it."""

    cells: list[Cell]

    def total(self) -> int:
        return sum(cell.products for cell in self.cells)

    def found(self, filters: Filters) -> int:
        return sum(self._by(lambda cell: None, filters, price=True, stock=True, category=True).values())

    def by_category(self, filters: Filters) -> Counter[Hashable]:
        return self._by(lambda cell: cell.category_id, filters, price=True, stock=True)

    def by_band(self, filters: Filters) -> Counter[Hashable]:
        return self._by(lambda cell: cell.band, filters, stock=True, category=True)

    def in_stock(self, filters: Filters) -> int:
        return self._by(lambda cell: cell.is_in_stock, filters, price=True, category=True)[True]

    def _by(
        self,
        key: Callable[[Cell], Hashable],
        filters: Filters,
        *,
        price: bool = False,
        stock: bool = False,
        category: bool = False,
    ) -> Counter[Hashable]:
        chosen = filters.category.pk if filters.category else None
        counted: Counter[Hashable] = Counter()
        for cell in self.cells:
            fits = cell.fits_price or not price
            fits &= cell.is_in_stock or not (stock and filters.in_stock)
            fits &= cell.category_id == chosen or not (category and chosen)
            counted[key(cell)] += cell.products * fits
        return counted


def cells(products: ProductQuerySet, filters: Filters) -> Cells:
    """Count the products, narrowed by the attributes only; one statement."""
    for has in filters.by_attribute().values():
        products = products.filter(has)
    whens = [When(price__lt=edge, then=Value(band)) for band, edge in enumerate(EDGES)]
    counted = (
        products.order_by()
        .annotate(
            is_in_stock=_is(Q(stock__gt=0)),
            band=Case(*whens, default=Value(len(EDGES)), output_field=IntegerField()),
            fits_price=_is(filters.prices()) if filters.has_prices else Value(True),
        )
        .values_list("category_id", "is_in_stock", "band", "fits_price")
        .annotate(products=Count("pk"))
    )
    return Cells([Cell(*row) for row in counted])


def values(products: ProductQuerySet, filters: Filters) -> dict[str, Counter[str]]:
    """Count the values of the products' attributes, by name; one statement."""
    chosen = filters.by_attribute()
    unnarrowed = Filters(filters.category, filters.min_price, filters.max_price, filters.in_stock)
    flags = [f"flag_{number}" for number in range(len(chosen))]
    found = (
        products.order_by()
        .filter(unnarrowed.all())
        .exclude(attributes={})
        .annotate(facets=RawSQL('"products"."facets"', []))
        .annotate(**{flag: _is(has) for flag, has in zip(flags, chosen.values(), strict=True)})
        .values_list("facets", *flags)
    )
    sql, parameters = found.query.sql_with_params()
    kept = "".join(f" AND ({flag} OR key = %s)" for flag in flags)
    asked = VALUES.format(found=sql, flags="".join(f", {flag}" for flag in flags), kept=kept)
    with connection.cursor() as cursor:
        cursor.execute(asked, [*parameters, *chosen])
        return _by_name(cursor.fetchall(), filters)


def band_of(number: int) -> tuple[Decimal | None, Decimal | None]:
    """Return the lowest and the highest price of a range; None where it is open."""
    low = EDGES[number - 1] if number else None
    return low, EDGES[number] - CENT if number < len(EDGES) else None


def worded(name: str) -> str:
    """An attribute's name in words: "power_watts" is "Power watts"."""
    return capfirst(name.replace("_", " "))


def worded_value(value: str) -> str:
    return {"true": _("Yes"), "false": _("No")}.get(value, value)


def _is(condition: Q) -> ExpressionWrapper[Q]:
    return ExpressionWrapper(condition, output_field=BooleanField())


def _by_name(rows: Iterable[tuple[str, str, int]], filters: Filters) -> dict[str, Counter[str]]:
    """Return the names most products have, with the commonest values first; what is chosen is always there."""
    by_name: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for name, value, count in rows:
        by_name[name][value] += count
    chosen = {name for name, _ in filters.attributes}
    for name, value in filters.attributes:
        by_name[name][value] += 0
    named = [name for name in by_name if len(by_name[name]) > 1 or name in chosen]
    named.sort(key=lambda name: (name not in chosen, -by_name[name].total(), name))
    return {
        name: _commonest(by_name[name], {v for n, v in filters.attributes if n == name}) for name in named[:MOST_GROUPS]
    }


def _commonest(counted: Counter[str], chosen: set[str]) -> Counter[str]:
    """Return MOST_VALUES values that are chosen or common, then the rest; both in the order of people."""
    ordered = sorted(counted.items(), key=lambda item: (item[0] not in chosen, -item[1], item[0]))
    first, rest = ordered[:MOST_VALUES], ordered[MOST_VALUES:MAX_VALUES]
    return Counter(dict(sorted(first, key=_order) + sorted(rest, key=_order)))


def _order(item: tuple[str, int]) -> tuple[bool, Decimal, list[str | Decimal]]:
    """Numbers by their size, then texts; 9 W comes before 10 W."""
    value = item[0]
    if NUMBER.fullmatch(value):
        return False, Decimal(value), []
    parts = DIGITS.split(value.casefold())
    return True, Decimal(0), [Decimal(part) if at % 2 else part for at, part in enumerate(parts)]
