"""Comparing every order of PostgreSQL with its document, in both directions.

Source: PostgreSQL orders, order_items, history_events; MongoDB order_history.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db import connection
from django.utils import timezone

from history import mongo
from history.mirror import compare, documents, source
from history.mirror.compare import Difference
from history.mirror.documents import Document
from history.models import Event

BATCH = 1000
# Room for numbers before the first order and after the last: MongoDB's smallest and largest.
LOWEST, HIGHEST = -(2**63), 2**63 - 1

# Times an order whose mirror is ahead is read again before it counts as a difference.
LOOKS = 3

Bucket = tuple[str, str]


@dataclass
class Totals:
    """Orders and money of one day and status in both stores."""

    orders: int = 0
    amount: Decimal = Decimal("0.00")
    mirrored_orders: int = 0
    mirrored_amount: Decimal = Decimal("0.00")

    @property
    def is_equal(self) -> bool:
        return (self.orders, self.amount) == (self.mirrored_orders, self.mirrored_amount)


@dataclass
class Findings:
    """compared: orders looked at; on_their_way: orders whose events are still pending; totals by (day, status)."""

    compared: int = 0
    on_their_way: int = 0
    differences: list[Difference] = field(default_factory=list)
    totals: dict[Bucket, Totals] = field(default_factory=lambda: defaultdict(Totals))


def reconcile(*, since: datetime | None = None, progress: Callable[[int], object] = lambda _: None) -> Findings:
    """Compare the orders changed since then (all of them without it) with their documents.

    since: aware datetime; documents without an order are only looked for without it.
    progress: called with the number of orders done. Raises PyMongoError where the mirror cannot be read.
    """
    findings = Findings()
    for ids, wanted in _batches(since):
        suspects = _compare_batch(ids, wanted, findings)
        if suspects:
            _look_again(suspects, findings)
        progress(len(ids))
    return findings


def _batches(since: datetime | None) -> Iterator[tuple[list[int], Document]]:
    """Batches of order numbers, each with the condition for the documents that belong to it."""
    if since is None:
        yield from ((ids, {"$gte": lowest, "$lte": highest}) for ids, lowest, highest in ranges())
        return
    changed = Event.objects.of_orders().filter(recorded_at__gte=since).values_list("order_id", flat=True)
    ids = sorted({order_id for order_id in changed if order_id is not None})
    for start in range(0, len(ids), BATCH):
        batch = ids[start : start + BATCH]
        yield batch, {"$in": batch}


def ranges() -> Iterator[tuple[list[int], int, int]]:
    """All numbers of orders in batches, with the range of numbers each stands for, gaps included."""
    lowest = LOWEST
    while True:
        ids = _known_from(lowest)
        highest = ids[-1] if len(ids) == BATCH else HIGHEST
        yield ids, lowest, highest
        if highest == HIGHEST:
            return
        lowest = highest + 1


def _known_from(lowest: int) -> list[int]:
    """The next numbers of orders there are, or were: a deleted one has a tombstone in the mirror."""
    with connection.cursor() as cursor:
        cursor.execute(
            """(SELECT order_id FROM orders WHERE order_id >= %s ORDER BY order_id LIMIT %s)
            UNION (SELECT order_id FROM history_events WHERE kind = 'deleted' AND order_id >= %s)
            ORDER BY order_id LIMIT %s""",
            [lowest, BATCH, lowest, BATCH],
        )
        return [order_id for (order_id,) in cursor.fetchall()]


def _compare_batch(ids: list[int], wanted: Document, findings: Findings) -> set[int]:
    expected, unbuildable = documents.build_each(source.read(ids))
    found = held(wanted)
    for document in expected.values():
        _count(findings, document, mirrored=False)
    for several in found.values():
        for document in several:
            _count(findings, document, mirrored=True)
    findings.compared += len(expected)
    findings.differences += [Difference(number, [reason]) for number, reason in unbuildable.items()]
    every = (expected.keys() | found.keys()) - unbuildable.keys()
    return {i for i in every if compare.compare(i, expected.get(i), found.get(i, []))}


def held(wanted: Document) -> dict[int, list[Document]]:
    """Return the documents whose order_id fits the condition, by order; more than one is a fault."""
    found: dict[int, list[Document]] = defaultdict(list)
    for document in mongo.for_writing().find({"order_id": wanted}):
        found[document["order_id"]].append(document)
    return found


def _count(findings: Findings, document: Document, *, mirrored: bool) -> None:
    created_at, amount = document.get("created_at"), document.get("total_amount")
    if not isinstance(created_at, datetime):
        return  # a tombstone belongs to no day
    totals = findings.totals[timezone.localdate(created_at).isoformat(), str(document.get("status"))]
    money = Decimal(str(amount))
    if mirrored:
        totals.mirrored_orders += 1
        totals.mirrored_amount += money
    else:
        totals.orders += 1
        totals.amount += money


def _look_again(suspects: set[int], findings: Findings) -> None:
    """Settle what is a difference: the stores are read one after the other while shop and relays go on.

    The order of the looks decides. What is not pending after its rows were read had been delivered before the mirror
    is read; and a mirror that is ahead only because of a newer change is level at the next look.
    """
    for _ in range(LOOKS):
        expected, _ = documents.build_each(source.read(sorted(suspects)))
        pending = set(Event.objects.pending().filter(order_id__in=suspects).values_list("order_id", flat=True))
        found = held({"$in": sorted(suspects)})
        compared = [compare.compare(i, expected.get(i), found.get(i, [])) for i in sorted(suspects)]
        differences = [difference for difference in compared if difference]
        suspects = {each.order_id for each in differences if each.mirror_rev > _rev(expected, each.order_id)}
        settled = [each for each in differences if each.order_id not in suspects]
        findings.on_their_way += sum(each.order_id in pending for each in settled)
        findings.differences += [each for each in settled if each.order_id not in pending]
        if not suspects:
            return
    findings.differences += [each for each in differences if each.order_id in suspects]


def _rev(expected: dict[int, Document], order_id: int) -> int:
    return int(expected[order_id]["rev"]) if order_id in expected else HIGHEST
