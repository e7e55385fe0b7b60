"""The shop's list: products as the URL asks for them, a page at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.paginator import Page, Paginator
from django.db.models import Case, IntegerField, Q, Value, When
from django.http import QueryDict

from catalog.forms import ListForm
from catalog.models import ProductQuerySet

PAGE_SIZE = 24

RELEVANCE = "relevance"
SORTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "newest": ("Newest", ("-created_at", "-product_id")),
    "price": ("Price: low to high", ("price", "product_id")),
    "-price": ("Price: high to low", ("-price", "-product_id")),
}
BY_RELEVANCE = {RELEVANCE: ("Best match", ("rank", "name", "product_id"))}


@dataclass(frozen=True)
class Listing:
    """page: a Page of products; sorts: value → label; notes: what of the URL was ignored, in sentences."""

    page: Page[Any]
    form: ListForm
    filters: Mapping[str, Any]
    sort: str
    sorts: Mapping[str, str]
    notes: list[str]

    @property
    def is_filtered(self) -> bool:
        return any(value not in (None, False) for value in self.filters.values())


def read(products: ProductQuerySet, asked: QueryDict, *, search: str = "") -> Listing:
    """Narrow, sort and page the products as the query string asks; two queries, whatever their number."""
    form = ListForm(asked)
    filters, notes = form.valid(), form.notes()
    sorts = BY_RELEVANCE | SORTS if search else SORTS
    sort, sort_notes = _sort(asked.get("sort"), list(sorts))
    found = _narrowed(_ranked(products, search) if search else products, filters)
    ordered = found.select_related("category").order_by(*sorts[sort][1])
    page, page_notes = page_of(ordered, asked.get("page"), PAGE_SIZE)
    return Listing(
        page=page,
        form=ListForm(initial=filters, auto_id="filter_%s"),
        filters=filters,
        sort=sort,
        sorts={value: label for value, (label, _) in sorts.items()},
        notes=notes + sort_notes + page_notes,
    )


def page_of(rows: Any, asked: str | None, size: int, *, count: int | None = None) -> tuple[Page[Any], list[str]]:
    """Return the page asked for, or the nearest there is with a note; a known count saves its query."""
    paginator = CountedPaginator(rows, size, count=count)
    is_number = asked is not None and asked.isdecimal() and asked.strip("0") != ""
    page = paginator.get_page(asked if is_number else 1)
    if asked is None or asked == str(page.number):
        return page, []
    if is_number:
        return page, [f"There is no page {asked[:10]}: this is the last one, {page.number}."]
    return page, [f"“{asked[:40]}” is no page number: this is the first page."]


if TYPE_CHECKING:
    _Paginator = Paginator[Any]
else:
    _Paginator = Paginator


class CountedPaginator(_Paginator):
    def __init__(self, rows: Any, size: int, *, count: int | None = None) -> None:
        super().__init__(rows, size)
        if count is not None:
            self.__dict__["count"] = count  # where its cached_property keeps it


def _sort(asked: str | None, known: list[str]) -> tuple[str, list[str]]:
    if not asked:
        return known[0], []
    if asked in known:
        return asked, []
    return known[0], [f"Sorting by “{asked[:40]}” is unknown and was ignored."]


def _narrowed(products: ProductQuerySet, filters: Mapping[str, Any]) -> ProductQuerySet:
    if filters["min_price"] is not None:
        products = products.filter(price__gte=filters["min_price"])
    if filters["max_price"] is not None:
        products = products.filter(price__lte=filters["max_price"])
    return products.in_stock() if filters["in_stock"] else products


def _ranked(products: ProductQuerySet, text: str) -> ProductQuerySet:
    """The products that match, with `rank`: 0 is the very name or SKU, 1 begins, 2 contains, 3 has the words."""
    rank = Case(
        When(Q(name__iexact=text) | Q(sku__iexact=text), then=Value(0)),
        When(name__istartswith=text, then=Value(1)),
        When(name__icontains=text, then=Value(2)),
        default=Value(3),
        output_field=IntegerField(),
    )
    return products.matching(text).annotate(rank=rank)
