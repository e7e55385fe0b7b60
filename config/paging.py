"""Lists of the back office, a page at a time, whatever the size of their table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property

if TYPE_CHECKING:
    _Paginator = Paginator[Any]
else:
    _Paginator = Paginator


class AtLeast(int):
    """So many or more, and told so: 10,000+."""

    def __str__(self) -> str:
        return f"{int(self):,}+"


def count_up_to(rows: QuerySet[Any, Any], most: int) -> int:
    """Count the rows, but stop at `most`: then it is AtLeast(most)."""
    found = rows.order_by()[: most + 1].count()
    return AtLeast(most) if found > most else found


class BoundedPaginator(_Paginator):
    """Pages of the first 10,000 rows: beyond that nobody leafs, they filter. No count grows with the table."""

    MOST = 10_000

    @cached_property
    def count(self) -> int:
        assert isinstance(self.object_list, QuerySet)
        return count_up_to(self.object_list, self.MOST)
