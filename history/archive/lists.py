"""Lists of orders, live and archived: their items by two looks, however many orders there are.

Source: PostgreSQL; items of archived orders MongoDB order_history.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from history.archive import reading, shown
from history.archive.rows import rows as rows_of
from history.models import EveryOrder
from history.mongo import Document
from history.patience import Away
from orders.models import Order, OrderItem
from users.models import User

AT_ONCE = 500
# Archived orders of one customer that a search by product looks through, the newest.
MOST_SEARCHED = 1000


def as_orders(listed: Iterable[EveryOrder]) -> list[Order]:
    """Return the orders of these rows with their items; is_incomplete where those of an archived one are not known."""
    rows = list(listed)
    items = _live_items(row.pk for row in rows if not row.is_archived)
    # One without items may have been archived since it was listed.
    bare = [row.pk for row in rows if not row.is_archived and row.pk not in items]
    moved = EveryOrder.objects.filter(is_archived=True).select_related("customer").in_bulk(bare) if bare else {}
    rows = [moved.get(row.pk, row) for row in rows]
    try:
        documents = reading.documents_of(row for row in rows if row.is_archived)
    except Away:
        documents = {}
    return [_order(row, items, documents) for row in rows]


def each(listed: Iterable[EveryOrder]) -> Iterator[Order]:
    """Yield the same of any number of rows."""
    rows = iter(listed)
    while batch := list(islice(rows, AT_ONCE)):
        yield from as_orders(batch)


def with_product(customer: User, text: str) -> list[int]:
    """Return which of a customer's newest MOST_SEARCHED archived orders have this in a product's name, as sold.

    Raises patience.Away with MongoDB away.
    """
    archived = EveryOrder.objects.filter(is_archived=True).for_customer(customer).newest_first()
    documents = reading.documents_of(archived[:MOST_SEARCHED])
    wanted = text.upper()
    return [
        order_id
        for order_id, document in documents.items()
        if any(wanted in product["name"].upper() for product in document["products"])
    ]


def _live_items(order_ids: Iterable[int]) -> Mapping[int, list[OrderItem]]:
    items: dict[int, list[OrderItem]] = defaultdict(list)
    for item in OrderItem.objects.filter(order__in=list(order_ids)).order_by("order_item_id"):
        items[item.order_id].append(item)
    return items


def _order(row: EveryOrder, items: Mapping[int, list[OrderItem]], documents: Mapping[int, Document]) -> Order:
    if not row.is_archived:
        return shown.listed_order(row, items.get(row.pk, []))
    document = documents.get(row.pk)
    if document is None:
        return shown.order_of_stub(row)
    return shown.listed_order(row, shown.items_of(rows_of(document)))
