"""Writing many rows by statements of limited size, so that none of them runs into statement_timeout."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from django.db.models import Model, QuerySet

BATCH_SIZE = 1000

Row = TypeVar("Row", bound=Model)


def in_batches(rows: QuerySet[Row], size: int = BATCH_SIZE) -> Iterator[QuerySet[Row]]:
    """Yield the rows as querysets of at most `size` rows, in the order of their primary keys."""
    left = rows.order_by("pk")
    while keys := list(left.values_list("pk", flat=True)[:size]):
        yield rows.model._default_manager.filter(pk__in=keys)
        left = rows.filter(pk__gt=keys[-1]).order_by("pk")


def delete_in_batches(rows: QuerySet[Row], size: int = BATCH_SIZE) -> int:
    """Delete the rows and return how many; outside of a transaction each batch is committed on its own."""
    return sum(batch.delete()[0] for batch in in_batches(rows, size))
