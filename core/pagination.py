"""Pages of a list, by the number in the address."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django.core.paginator import Page, Paginator
from django.utils.translation import gettext

if TYPE_CHECKING:
    _Paginator = Paginator[Any]
else:
    _Paginator = Paginator

# In any script, since int() reads them all: 2, 02, +2.
NUMBER = re.compile(r"\+?\d{1,100}")


class CountedPaginator(_Paginator):
    def __init__(self, rows: Any, size: int, *, count: int | None = None) -> None:
        super().__init__(rows, size)
        if count is not None:
            self.__dict__["count"] = count  # where its cached_property keeps it


def page_of(rows: Any, asked: str | None, size: int, *, count: int | None = None) -> tuple[Page[Any], list[str]]:
    """Return the page asked for, or the nearest there is with a note; a known count saves its query."""
    text = (asked or "").strip()
    number = int(text) if NUMBER.fullmatch(text) else 0
    page = CountedPaginator(rows, size, count=count).get_page(number or 1)
    if not text or number == page.number:
        return page, []
    if number:
        told = gettext("There is no page {asked}: this is the last one, {last}.")
        return page, [told.format(asked=text[:10], last=page.number)]
    return page, [gettext("“{text}” is no page number: this is the first page.").format(text=text[:40])]
