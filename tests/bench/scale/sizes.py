"""How many bytes an order is, in each table and in MongoDB, and what that makes of very many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import bson
from django.db import connection

from history.mirror import documents, source
from orders.models import Order
from tests.bench.figures import Figure

# Tables that grow with live orders, as generated ones fill them, and beside these with those that the shop places.
LIVE = ("orders", "order_items", "history_events")
PLACED = ("stock_movements", "order_mails", "feed_events")
DOCUMENTS = 1000
MANY = (10**5, 10**6, 10**7, 10**8)


def of_live() -> dict[str, float]:
    """Bytes of a live order by table, indexes included."""
    orders = Order.objects.count()
    return {table: size / orders for table, size in of_tables(LIVE).items()}


def told(live: Mapping[str, float]) -> Iterator[Figure]:
    """live: bytes of an order by table. With a document's, and what both make of many."""
    for table, size in live.items():
        yield Figure(f"`{table}` and its indexes", f"{size:,.0f} bytes an order")
    orders = Order.objects.count()
    numbers = Order.objects.order_by("pk").values_list("pk", flat=True)
    sample = [*numbers[:: max(1, orders // DOCUMENTS)][:DOCUMENTS]]
    built, _ = documents.build_each(source.read(sample))
    document = sum(len(bson.encode(each)) for each in built.values()) / len(built)
    yield Figure("a document in MongoDB, uncompressed", f"{document:,.0f} bytes", f"of {len(built):,} at random")
    yield from projected("live in PostgreSQL", sum(live.values()))
    yield from projected("documents in MongoDB, uncompressed", document)


def projected(what: str, size: float) -> Iterator[Figure]:
    told = [f"{many:,}: {_rounded(size * many)}" for many in MANY]
    yield Figure(f"orders {what}", told[0], "; ".join(told[1:]))


def of_tables(names: Sequence[str]) -> dict[str, int]:
    """Bytes of these, indexes included."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, pg_total_relation_size(name::regclass) FROM unnest(%s::text[]) AS t (name)", [list(names)]
        )
        return dict(cursor.fetchall())


def _rounded(size: float) -> str:
    if size < 1e9:
        return f"{size / 1e6:,.0f} MB"
    return f"{size / 1e9:,.1f} GB" if size < 1e12 else f"{size / 1e12:,.1f} TB"
