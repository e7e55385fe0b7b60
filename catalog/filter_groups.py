"""The filters beside a list, as links: what each would leave, and what taking one back would."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from django.urls import reverse
from django.utils.translation import gettext as _

from catalog import facets
from catalog.filters import Filters, href
from catalog.models import Category

Parameters = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Option:
    """href chooses it, or takes it back where it is_on; a price range has low and high instead of a label."""

    label: str
    count: int
    is_on: bool
    href: str
    low: Decimal | None = None
    high: Decimal | None = None


@dataclass(frozen=True)
class Group:
    """has_prices: options are price ranges, and any other may be typed. more: options to be shown when asked for."""

    label: str
    options: list[Option]
    has_prices: bool = False
    more: Sequence[Option] = ()


@dataclass(frozen=True)
class Chip:
    """A filter in use; href takes it back. A price has low or high instead of a label."""

    label: str
    href: str
    low: Decimal | None = None
    high: Decimal | None = None


@dataclass(frozen=True)
class Links:
    """Addresses of the same list with other filters. kept: parameters of each; a search takes its category as one."""

    path: str
    kept: Parameters
    is_search: bool

    def to(self, chosen: Filters) -> str:
        return next(self.to_each(chosen, [chosen.category]))

    def to_each(self, chosen: Filters, categories: Iterable[Category | None]) -> Iterator[str]:
        """Yield the address of each category, None for all of them."""
        query = href("", chosen, *self.kept)
        for category in categories:
            if self.is_search:
                yield self.path + query + (f"&category={category.slug}" if category else "")
            else:
                yield (category.get_absolute_url() if category else reverse("catalog:product_list")) + query

    def hidden(self, chosen: Filters) -> list[tuple[str, str]]:
        """Return what a form that sets the prices sends along, so that the rest stays."""
        rest = replace(chosen, min_price=None, max_price=None)
        return [*self.kept, *self._category(chosen), *rest.parameters()]

    def _category(self, chosen: Filters) -> Parameters:
        return (("category", chosen.category.slug),) if self.is_search and chosen.category else ()


def groups(
    chosen: Filters,
    cells: facets.Cells,
    values: Mapping[str, Counter[str]],
    categories: Sequence[Category],
    links: Links,
) -> list[Group]:
    """Return the groups that have something to choose; in a category, the others are still there to go to."""
    found = [_categories(chosen, cells.by_category(chosen), categories, links), _prices(chosen, cells, links)]
    count = cells.in_stock(chosen)
    stock = Option(_("In stock only"), count, chosen.in_stock, links.to(replace(chosen, in_stock=not chosen.in_stock)))
    found.append(Group(_("Availability"), [stock] if count or chosen.in_stock else []))
    found += [_attribute(chosen, name, counted, links) for name, counted in values.items()]
    return [group for group in found if group.options]


def chips(chosen: Filters, links: Links) -> list[Chip]:
    found = []
    if links.is_search and chosen.category:
        found.append(Chip(chosen.category.name, links.to(replace(chosen, category=None))))
    if chosen.min_price is not None:
        found.append(Chip("", links.to(replace(chosen, min_price=None)), low=chosen.min_price))
    if chosen.max_price is not None:
        found.append(Chip("", links.to(replace(chosen, max_price=None)), high=chosen.max_price))
    if chosen.in_stock:
        found.append(Chip(_("In stock"), links.to(replace(chosen, in_stock=False))))
    for name, value in chosen.attributes:
        label = f"{facets.worded(name)}: {facets.worded_value(value)}"
        found.append(Chip(label, links.to(chosen.toggled((name, value)))))
    return found


def _categories(chosen: Filters, counted: Counter[Hashable], categories: Sequence[Category], links: Links) -> Group:
    here = chosen.category
    shown = [category for category in categories if counted[category.pk] or category == here]
    addresses = links.to_each(chosen, [None, *shown])
    everything = Option(_("All products"), counted.total(), here is None, next(addresses))
    options = [
        Option(category.name, counted[category.pk], category == here, address)
        for category, address in zip(shown, addresses, strict=True)
    ]
    return Group(_("Categories"), [everything, *options] if options else [])


def _prices(chosen: Filters, cells: facets.Cells, links: Links) -> Group:
    counted = cells.by_band(chosen)
    options = []
    for band in range(len(facets.EDGES) + 1):
        low, high = facets.band_of(band)
        is_on = (chosen.min_price, chosen.max_price) == (low, high)
        wanted = replace(chosen, min_price=None if is_on else low, max_price=None if is_on else high)
        if counted[band] or is_on:
            options.append(Option("", counted[band], is_on, links.to(wanted), low, high))
    return Group(_("Price"), options, has_prices=True)


def _attribute(chosen: Filters, name: str, counted: Counter[str], links: Links) -> Group:
    options = [
        Option(
            facets.worded_value(value),
            count,
            (name, value) in chosen.attributes,
            links.to(chosen.toggled((name, value))),
        )
        for value, count in counted.items()
    ]
    return Group(facets.worded(name), options[: facets.MOST_VALUES], more=options[facets.MOST_VALUES :])
