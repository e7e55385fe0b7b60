"""What happened to orders after a moment, and how they stood at it: their rows with these events undone in reverse.

An event belongs to the time it bears, which for imported ones is long before they were recorded; where that is still to
come, it is wrong, and the event belongs to the time when it was recorded. The first revision of a later time is undone,
and all that follow it.
Source: PostgreSQL orders, order_items, history_events; of archived orders MongoDB order_history, and then it raises
pymongo's errors.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from operator import itemgetter
from typing import Any, NamedTuple

from bson import Decimal128
from django.db import connection
from django.utils import timezone

from core.db.timestamps import EARLIEST
from core.row_isolation import Isolation
from history import mongo
from history.mirror import source
from history.mirror.documents import milliseconds
from history.models import ArchivedOrder, Kind
from history.mongo import Document
from history.past.standing import time_of
from history.rollups import archived, shape
from history.rollups.placed import MOST_CENTS

MILLISECOND = timedelta(milliseconds=1)
COLUMNS = ("user_id", "total_amount", "created_at")

Row = dict[str, Any]
# product, quantity, price
Item = tuple[int, int, Decimal]

# What was first placed after the moment was not there: it matters only where it claims to be older than that.
READ = """
WITH later AS MATERIALIZED (
    SELECT order_id, min(rev) AS rev FROM (
        SELECT order_id, rev FROM history_events
        WHERE occurred_at >= %(after)s AND occurred_at <= now() AND order_id IS NOT NULL
        UNION ALL
        SELECT order_id, rev FROM history_events
        WHERE occurred_at > now() AND recorded_at >= %(after)s AND order_id IS NOT NULL
    ) events WHERE order_id = coalesce(%(order)s, order_id) GROUP BY order_id
)
SELECT later.order_id, later.rev,
    (SELECT status FROM history_events e
     WHERE e.order_id = later.order_id AND e.rev < later.rev ORDER BY rev DESC LIMIT 1),
    (SELECT to_json(r) FROM (SELECT o.user_id, o.total_amount, o.created_at WHERE o.order_id IS NOT NULL) r)::text,
    (SELECT json_agg(i) FROM (
        SELECT product_id, quantity, price FROM order_items WHERE order_items.order_id = later.order_id) i)::text,
    (SELECT json_agg(e ORDER BY rev) FROM (
        SELECT rev, kind, occurred_at, actor_name, changes
        FROM history_events WHERE history_events.order_id = later.order_id AND history_events.rev >= later.rev) e)::text
FROM later LEFT JOIN orders o USING (order_id)
WHERE later.rev > 1 OR o.created_at < %(after)s OR %(order)s IS NOT NULL
"""

# The log is only added to, so where this is the same nothing happened; archiving moves from the one to the other.
COUNT = """
SELECT (SELECT count(*) FROM history_events WHERE occurred_at >= %(after)s AND order_id IS NOT NULL),
    (SELECT count(*) FROM archived_orders WHERE latest_at >= %(after)s)
"""

EVENTS = """
SELECT order_id, (json_agg(e ORDER BY rev))::text FROM (
    SELECT order_id, rev, kind, occurred_at, actor_name, changes FROM history_events WHERE order_id = ANY(%s)) e
GROUP BY order_id
"""

STEPS = """
SELECT order_id, rev, kind, status, date_trunc('milliseconds', occurred_at), is_time_known
FROM history_events WHERE order_id = ANY(%s) ORDER BY order_id, rev
"""


class Event(NamedTuple):
    """changes as in history.models.Event, their numbers Decimal or Decimal128."""

    rev: int
    kind: str
    at: datetime
    actor: str
    changes: Row


class Standing(NamedTuple):
    """An order as it stood. items: product, quantity and price of each."""

    order_id: int
    user_id: int
    status: str
    cents: int
    created_at: datetime
    items: Sequence[Item]

    @property
    def units(self) -> int:
        return sum(quantity for _, quantity, _ in self.items)

    @property
    def line_cents(self) -> list[int]:
        return [min(int(price * 100) * quantity, MOST_CENTS) for _, quantity, price in self.items]


@dataclass(frozen=True)
class Changed:
    """events: the later ones, by revision; standing: None where it was not there.

    days: every day it was placed on, then, since and now.
    """

    events: Sequence[Event]
    standing: Standing | None
    days: frozenset[date]


def first_after(moment: datetime) -> datetime:
    """What comes after a moment, given to the millisecond, which is as exact as documents are."""
    return moment + MILLISECOND


def count(moment: datetime) -> tuple[int, int]:
    """What differs as soon as there is one more event after the moment."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT, {"after": first_after(moment)})
        events, stubs = cursor.fetchone()
    return events, stubs


def read(moment: datetime) -> dict[int, Changed]:
    """The orders that an event after the moment changed, by number.

    Those first placed after it are among them only where their created_at lies before it.
    """
    with source.snapshot():  # who is archived or restored meanwhile is in one of them
        live = dict(_live(moment))
        stubs = ArchivedOrder.objects.filter(latest_at__gte=first_after(moment))
        archived_ids = list(stubs.values_list("order_id", flat=True))
    return dict(_archived(archived_ids, moment)) | live


def events(order_ids: Sequence[int]) -> dict[int, Sequence[Event]]:
    """Everything that happened to these orders, by revision."""
    with connection.cursor() as cursor:
        cursor.execute(EVENTS, [list(order_ids)])
        rows = cursor.fetchall()
    found: dict[int, Sequence[Event]] = dict(LIVE.each(rows, lambda row: (row[0], _recorded(row[1])), key=_number))
    missing = set(order_ids) - {order_id for order_id, _ in rows}
    documents = archived.documents(missing, find=mongo.for_reading().find).items()
    return found | dict(ARCHIVED.each(documents, lambda row: (row[0], _kept(row[1]["events"])), key=_number))


def steps(order_ids: Sequence[int], changed: dict[int, Changed]) -> dict[int, dict[str, datetime | None]]:
    """When each of the orders had first reached each status, without the later events."""
    events: dict[int, list[Document]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(STEPS, [list(order_ids)])
        for order_id, *event in cursor.fetchall():
            events[order_id].append(dict(zip(("rev", "kind", "status", "timestamp", "time_known"), event, strict=True)))
    missing = [order_id for order_id in order_ids if order_id not in events]
    for order_id, document in archived.documents(missing, find=mongo.for_reading().find).items():
        events[order_id] = document["events"]
    for order_id in changed.keys() & events.keys():
        first = changed[order_id].events[0].rev
        events[order_id] = [event for event in events[order_id] if event["rev"] < first]
    return {order_id: archived.reached(found) for order_id, found in events.items()}


def _live(moment: datetime) -> Iterator[tuple[int, Changed]]:
    return LIVE.each(_rows(first_after(moment)), _of_rows, key=_number)


def _rows(after: datetime, order_id: int | None = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(READ, {"after": after, "order": order_id})
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def _of_rows(found: tuple[Any, ...]) -> tuple[int, Changed]:
    order_id, _, status, row, items, later = found
    held = [(item["product_id"], item["quantity"], item["price"]) for item in source.parse(items) or []]
    return order_id, _undone(order_id, status, source.parse(row), held, _recorded(later))


def _archived(order_ids: Iterable[int], moment: datetime) -> Iterator[tuple[int, Changed]]:
    documents = archived.documents(order_ids, find=mongo.for_reading().find).values()
    found = ARCHIVED.each(documents, partial(_of_document, first_after(moment)), key=itemgetter("order_id"))
    return (each for each in found if each is not None)


def _of_document(after: datetime, document: Document) -> tuple[int, Changed] | None:
    order_id, events = document["order_id"], document["events"]
    first = next((place for place, event in enumerate(events) if time_of(event) >= after), None)
    if first is None:
        return None
    held = [(each["product_id"], each["quantity"], each["price"]) for each in document["products"]]
    return order_id, _undone(order_id, events[first - 1]["status"], document, held, _kept(events[first:]))


def _number(row: Sequence[Any]) -> int:
    return int(row[0])


# An order whose past cannot be worked out stands as it is now.
LIVE: Isolation[int] = Isolation(
    "Reports of the past", "orders", lambda order_id: [_of_rows(row) for row in _rows(EARLIEST, order_id)]
)
ARCHIVED: Isolation[int] = Isolation(
    "Reports of the past", "archived_orders", lambda order_id: dict(_recheck_archived(order_id))
)


def _recheck_archived(order_id: int) -> Iterator[tuple[int, Changed]]:
    for document in archived.documents([order_id], find=mongo.for_reading().find).values():
        if found := _of_document(EARLIEST, document):
            yield found


def _recorded(events: str) -> list[Event]:
    """As PostgreSQL has them, in JSON."""
    return [
        Event(each["rev"], each["kind"], source.at(each["occurred_at"]), each["actor_name"], each["changes"])
        for each in source.parse(events)
    ]


def _kept(events: Iterable[Document]) -> list[Event]:
    """As documents have them."""
    return [Event(each["rev"], each["kind"], each["timestamp"], each["actor"], each["changes"]) for each in events]


def _undone(
    order_id: int, status: str, row: Row | None, held: Iterable[tuple[int, int, Any]], events: Sequence[Event]
) -> Changed:
    """row, held: as they are now. status: as of the event before these."""
    items = Counter((product, quantity, decimal(price)) for product, quantity, price in held)
    days = {_placed_on(row)} if row else set()
    for event in reversed(events):
        if event.kind == Kind.PLACED:
            row, items = None, Counter()
            continue
        row = event.changes["order"][0] if "order" in event.changes else row
        for old, new in event.changes.get("items", ()):
            items.subtract(_item(order_id, new))
            items.update(_item(order_id, old))
        if row is not None:
            days.add(_placed_on(row))
            row = {name: event.changes[name][0] if name in event.changes else row[name] for name in COLUMNS}
            days.add(_placed_on(row))
    return Changed(events, None if row is None else _standing(order_id, status, row, items), frozenset(days))


def _item(order_id: int, item: Row | None) -> list[Item]:
    """An item that went from one order to another has changed both."""
    if item is None or item["order_id"] != order_id:
        return []
    return [(item["product_id"], item["quantity"], decimal(item["price"]))]


def _standing(order_id: int, status: str, row: Row, items: Counter[Item]) -> Standing:
    standing = Standing(
        order_id,
        row["user_id"],
        status,
        int(decimal(row["total_amount"]) * 100),
        milliseconds(_moment(row["created_at"])),
        [*items.elements()],
    )
    # What a report's columns cannot hold fails here, for this order alone.
    array(shape.INTEGER, [standing.cents, standing.units, shape.CODES[status], *standing.line_cents])
    return standing


def _placed_on(row: Row) -> date:
    return day_of(_moment(row["created_at"]))


def day_of(moment: datetime) -> date:
    """The day in the shop's zone."""
    return timezone.localdate(moment, timezone.get_default_timezone())


def _moment(value: Any) -> datetime:
    """A time of either store."""
    return source.at(value) if isinstance(value, str) else value


def decimal(number: Any) -> Decimal:
    """A number of either store."""
    return number.to_decimal() if isinstance(number, Decimal128) else Decimal(number)
