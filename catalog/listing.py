"""The shop's list: products as the URL asks for them, a page at a time, with what each filter would leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.paginator import Page
from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy

from catalog import facets, filters, search
from catalog.filter_groups import Chip, Links, chips, groups
from catalog.filters import Filters
from catalog.forms import ListForm
from catalog.models import Category, Product, ProductQuerySet
from core.pagination import page_of

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

PAGE_SIZE = 24

RELEVANCE = "relevance"
SORTS: dict[str, tuple[StrPromise, tuple[str, ...]]] = {
    "newest": (gettext_lazy("Newest"), ("-created_at", "-product_id")),
    "best": (gettext_lazy("Best selling"), ("-units_sold", "-product_id")),
    "price": (gettext_lazy("Price: low to high"), ("price", "product_id")),
    "-price": (gettext_lazy("Price: high to low"), ("-price", "-product_id")),
}
BY_RELEVANCE = {RELEVANCE: (gettext_lazy("Best match"), ("tier", "-rank", "name", "product_id"))}


@dataclass(frozen=True)
class Listing:
    """page: a Page of products; sorts: value → label; notes: what of the URL was ignored, in sentences.

    text: what was searched for, "" for nothing; instead_of: what was typed, where text is its nearest spelling.
    matches: how many there are before any filter.
    sidebar: the filters with what each would leave, as HTML.
    """

    page: Page[Any]
    sort: str
    sorts: Mapping[str, StrPromise]
    notes: list[str]
    sidebar: SafeString
    chips: list[Chip]
    clear: str
    text: str
    instead_of: str
    matches: int


@dataclass(frozen=True)
class _Found:
    products: ProductQuerySet
    cells: facets.Cells
    text: str = ""
    instead_of: str = ""


def read(
    asked: QueryDict, path: str, categories: Sequence[Category], *, category: Category | None, text: str
) -> Listing:
    """Narrow, sort and page the products as the query string asks; three statements, whatever their number,
    and one more for a search.

    path: of the list, for its links. text: to search for, "" for none; three statements more where nothing has it.
    """
    chosen, notes = filters.read(asked, category)
    if text and category is None:
        category, category_notes = _category(asked.get("category"), categories)
        chosen = Filters(**vars(chosen) | {"category": category})
        notes += category_notes
    found = _found(text, chosen, categories)
    sorts = BY_RELEVANCE | SORTS if text else SORTS
    sort, sort_notes = _sort(asked.get("sort"), list(sorts))
    ordered = found.products.filter(chosen.all()).order_by(*sorts[sort][1]).defer("description", "attributes")
    page, page_notes = page_of(ordered, asked.get("page"), PAGE_SIZE, count=found.cells.found(chosen))
    # Parameters of every link: the search and, unless it is the usual one, the sort.
    kept = (*[("q", text)] * bool(text), *[("sort", sort)] * (sort != next(iter(sorts))))
    links = Links(path, kept, is_search=bool(text))
    return Listing(
        page=page,
        sort=sort,
        sorts={value: label for value, (label, _) in sorts.items()},
        notes=notes + sort_notes + page_notes,
        sidebar=_sidebar(found, chosen, categories, links),
        chips=chips(chosen, links),
        clear=filters.href(path, Filters(), *kept),
        text=found.text,
        instead_of=found.instead_of,
        matches=found.cells.total(),
    )


def _sidebar(found: _Found, chosen: Filters, categories: Sequence[Category], links: Links) -> SafeString:
    values = facets.values(found.products, chosen)
    form = ListForm(initial=vars(chosen), auto_id="filter_%s")
    context = {
        "groups": groups(chosen, found.cells, values, categories, links),
        "prices": [form["min_price"], form["max_price"]],
        "path": links.path,
        "hidden": links.hidden(chosen),
    }
    return render_to_string("catalog/_filters.html", context)


def _found(text: str, chosen: Filters, categories: Sequence[Category]) -> _Found:
    """The products for sale, or those of them that a search finds, if need be by its nearest spelling."""
    for_sale = Product.objects.for_sale()
    if not text:
        return _Found(for_sale, facets.cells(for_sale, chosen))
    words = search.words_of(text)
    found = search.matching(for_sale, text, categories, words)
    cells = facets.cells(found, chosen)
    if not cells.total() and words and words[-1].is_whole:
        found = search.matching(for_sale, text, categories, search.unfinished(words))
        cells = facets.cells(found, chosen)
    if cells.total() or chosen.attributes or not words:
        return _Found(found, cells, text)
    nearest = search.nearest(words, categories)
    near = search.matching(for_sale, nearest, categories, search.words_of(nearest))
    near_cells = facets.cells(near, chosen)
    return _Found(near, near_cells, nearest, text) if near_cells.total() else _Found(found, cells, text)


def _category(slug: str | None, categories: Sequence[Category]) -> tuple[Category | None, list[str]]:
    if not slug:
        return None, []
    found = next((category for category in categories if category.slug == slug), None)
    told = gettext("There is no category “{text}”, so it was ignored.").format(text=slug[:40])
    return found, [] if found else [told]


def _sort(asked: str | None, known: list[str]) -> tuple[str, list[str]]:
    if not asked:
        return known[0], []
    if asked in known:
        return asked, []
    return known[0], [gettext("Sorting by “{text}” is unknown and was ignored.").format(text=asked[:40])]
