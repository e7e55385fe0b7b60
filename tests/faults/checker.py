"""Whether both stores hold exactly what was done, judged from what the clients were told. In the manner of Jepsen.

lost = acknowledged − present, unexpected = present − attempted, duplicated = present more than once.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from history import mongo
from history.mirror import reconcile
from tests.faults.journal import Operation

# An operation's text stands in the note where the change was signed, else in what it changed.
EVENTS = """
SELECT event_id, order_id, rev, status, kind, delivered_at IS NOT NULL, coalesce(
    CASE WHEN kind = 'placed' THEN coalesce(
        (SELECT idempotency_key FROM orders o WHERE o.order_id = e.order_id),
        (SELECT d.changes -> 'order' -> 0 ->> 'idempotency_key' FROM history_events d
         WHERE d.order_id = e.order_id AND d.kind = 'deleted' LIMIT 1)) END,
    nullif(note, ''),
    changes -> 'items' -> 0 -> 1 ->> 'product_name',
    changes -> 'shipping_address' -> 1 ->> 'op',
    changes -> 'order' -> 0 -> 'shipping_address' ->> 'op')
FROM history_events e WHERE order_id IS NOT NULL ORDER BY order_id, rev
"""
# The clients change names of products only.
ACTIVITY = """
SELECT event_id, delivered_at IS NOT NULL, CASE WHEN kind = 'changed' THEN changes -> 'name' ->> 1 END
FROM history_events WHERE order_id IS NULL
"""
ORDERS = "SELECT order_id, rev, status FROM orders"

# Events that one operation may leave: a deletion first signs the order it deletes.
EVENTS_OF = {"delete": 2}


@dataclass
class Verdict:
    """Counts of operations, and everything that is wrong, each in words.

    in_doubt: unknown at some time; recovered: those of them that are there; unknown: those never answered.
    """

    acknowledged: int = 0
    unknown: int = 0
    refused: int = 0
    in_doubt: int = 0
    recovered: int = 0
    events: int = 0
    orders: int = 0
    compared: int = 0
    lost: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        return self.lost + self.unexpected + self.duplicated + self.different


def check(operations: Mapping[str, Operation]) -> Verdict:
    """Compare what the clients were told with both stores, after everything has been delivered."""
    verdict = Verdict()
    with connection.cursor() as cursor:
        cursor.execute(EVENTS)
        events = cursor.fetchall()
        cursor.execute(ORDERS)
        orders = cursor.fetchall()
        cursor.execute(ACTIVITY)
        activity = cursor.fetchall()
    held: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for document in mongo.for_writing().find({}):
        held[document["order_id"]].append(document)
    verdict.events, verdict.orders = len(events), len({event[1] for event in events})
    counts = Counter(op for *_, op in [*events, *activity] if op is not None)
    _check_operations(operations, counts, verdict)
    _check_acknowledged(operations, events, held, verdict)
    _check_activity(activity, verdict)
    _check_events(events, orders, verdict)
    _check_documents(events, held, verdict)
    findings = reconcile.reconcile()
    verdict.compared = findings.compared
    verdict.different += [str(difference) for difference in findings.differences]
    return verdict


def _check_operations(operations: Mapping[str, Operation], counts: Mapping[str, int], verdict: Verdict) -> None:
    for operation in operations.values():
        found = counts.get(operation.op, 0)
        if operation.outcome == "ok":
            verdict.acknowledged += 1
            if not found:
                verdict.lost.append(f"{operation.op} left no event")
        elif operation.outcome == "fail":
            verdict.refused += 1
        else:
            verdict.unknown += 1
        if operation.was_unknown:
            verdict.in_doubt += 1
            verdict.recovered += found > 0
        if found > EVENTS_OF.get(operation.kind, 1):
            verdict.duplicated.append(f"{operation.op} left {found} events")
    for op in counts:
        if op not in operations:
            verdict.unexpected.append(f"nobody asked for {op}")
        elif operations[op].outcome == "fail":
            verdict.unexpected.append(f"{op} was refused or rolled back, and is there")


def _check_acknowledged(
    operations: Mapping[str, Operation], events: list[Any], held: Mapping[int, Any], verdict: Verdict
) -> None:
    present = {(order, rev): (op, status) for _, order, rev, status, _, _, op in events}
    mirrored = {
        (order, event["rev"]): event["status"]
        for order, documents in held.items()
        for document in documents
        for event in document["events"]
    }
    for operation in operations.values():
        for order, rev, status in operation.revs:
            if present.get((order, rev)) != (operation.op, status):
                verdict.lost.append(f"{operation.op}: PostgreSQL has no {status} of order {order} rev {rev}")
            if mirrored.get((order, rev)) != status:
                verdict.lost.append(f"{operation.op}: MongoDB has no {status} of order {order} rev {rev}")


def _check_activity(activity: list[Any], verdict: Verdict) -> None:
    held = Counter(each["event_id"] for each in mongo.for_writing(mongo.ACTIVITY_LOG).find({}, {"event_id": 1}))
    for event_id, is_delivered, _ in activity:
        if not is_delivered or not held[event_id]:
            verdict.lost.append(f"activity {event_id}: {'not in MongoDB' if is_delivered else 'not delivered'}")
        if held.pop(event_id, 0) > 1:
            verdict.duplicated.append(f"activity {event_id} is there twice")
    verdict.unexpected += [f"MongoDB alone knows activity {event_id}" for event_id in held]


def _check_events(events: list[Any], orders: list[Any], verdict: Verdict) -> None:
    revs: dict[int, list[int]] = defaultdict(list)
    for event_id, order, rev, _, _, is_delivered, _ in events:
        revs[order].append(rev)
        if not is_delivered:
            verdict.lost.append(f"event {event_id} was not delivered")
    for order, found in revs.items():
        if len(set(found)) < len(found):
            verdict.duplicated.append(f"order {order} has events {found}")
        elif found != list(range(1, len(found) + 1)):
            verdict.lost.append(f"order {order} has events {found} only")
    for order, rev, _ in orders:
        if rev != max(revs[order], default=0):
            verdict.lost.append(f"order {order} is at rev {rev}, its events are {revs[order]}")


def _check_documents(events: list[Any], held: Mapping[int, Any], verdict: Verdict) -> None:
    known = {(order, rev) for _, order, rev, *_ in events}
    for order, documents in held.items():
        if len(documents) > 1:
            verdict.duplicated.append(f"order {order} has {len(documents)} documents")
        for document in documents:
            shown = [(order, event["rev"]) for event in document["events"]]
            verdict.unexpected += [f"MongoDB alone knows order {o} rev {r}" for o, r in shown if (o, r) not in known]
            if len(set(shown)) < len(shown):
                verdict.duplicated.append(f"order {order}: its document has an event twice")
