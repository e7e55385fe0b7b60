"""Orders leave PostgreSQL: a stub stays of each, and its document in MongoDB is the only copy of the rest.

Documents are read and compared while the rows are locked, then rows and stubs change places in one transaction: at
every moment an order is in at least one store, and a run that died is taken up by the next. Each document is marked as
archived before that transaction ends (history/archive/marks.py); whether an order is archived is told by its stub.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import bson
from django.db import connection

from history import faults, triggers
from history.archive import columns, marks
from history.archive.columns import NotArchivable
from history.mirror import compare, documents, held, source
from history.mirror.documents import Document
from history.mirror.writer import chosen
from orders.status import FINISHED

LOCK = """
SELECT order_id FROM orders WHERE order_id = ANY(%s) AND status = ANY(%s) ORDER BY order_id FOR UPDATE SKIP LOCKED
"""
WAITING = """
SELECT order_id, min(why) FROM (
    SELECT order_id, 'an event is still to be delivered' FROM history_events
    WHERE order_id = ANY(%(orders)s) AND delivered_at IS NULL
    UNION ALL SELECT order_id, 'a mail about it is still to be sent' FROM order_mails
    WHERE order_id = ANY(%(orders)s) AND due_at IS NOT NULL
    UNION ALL SELECT order_id, 'is archived already and in PostgreSQL as well' FROM archived_orders
    WHERE order_id = ANY(%(orders)s)
) AS waiting (order_id, why) GROUP BY order_id
"""
INSERT_STUBS = """
INSERT INTO archived_orders
    (order_id, user_id, created_at, total_amount, status, rev, sha256, archived_at, is_marked, latest_at)
SELECT order_id, user_id, created_at, total_amount, status, rev, sha256, %(at)s, true,
    (SELECT max(occurred_at) FROM history_events e WHERE e.order_id = o.order_id)
FROM orders o JOIN unnest(%(orders)s::bigint[], %(digests)s::text[]) AS leaving (order_id, sha256) USING (order_id);
"""
# Its refunds and events have no foreign key that would take them along.
DELETE = """
DELETE FROM order_items WHERE order_id = ANY(%(orders)s);
DELETE FROM refunds WHERE order_id = ANY(%(orders)s);
DELETE FROM history_events WHERE order_id = ANY(%(orders)s);
DELETE FROM orders WHERE order_id = ANY(%(orders)s);
"""


@dataclass
class Outcome:
    """archived: orders that left; waiting: why others may leave later; differing: why others cannot, their document
    being another than their rows say."""

    archived: int = 0
    waiting: dict[int, str] = field(default_factory=dict)
    differing: dict[int, str] = field(default_factory=dict)

    def add(self, other: Outcome) -> None:
        self.archived += other.archived
        self.waiting |= other.waiting
        self.differing |= other.differing


def archive(order_ids: Sequence[int], *, at: datetime) -> Outcome:
    """Archive those of the orders that are finished, delivered to the mirror and equal to their documents.

    One transaction; nobody is waited for. at: aware datetime of the stubs.
    Raises django.db.Error or PyMongoError where a store fails, and NotArchivable; then nothing has left.
    """
    with triggers.capture_off(), connection.cursor() as cursor:
        cursor.execute(LOCK, [list(order_ids), list(FINISHED)])
        locked = [order_id for (order_id,) in cursor.fetchall()]
        faults.point("archive: after lock")
        outcome, digests = look(locked)
        outcome.waiting |= dict.fromkeys(set(order_ids) - set(locked), "is in use, or not finished any more")
        if digests:
            cursor.execute(
                INSERT_STUBS + DELETE, {"orders": list(digests), "digests": list(digests.values()), "at": at}
            )
            marks.mark(digests, at)
        faults.point("archive: before commit")
    faults.point("archive: after commit")
    outcome.archived = len(digests)
    return outcome


def look(order_ids: Sequence[int]) -> tuple[Outcome, dict[int, str]]:
    """Return which of the orders stay and why, and the digests of the others' documents; nothing is changed.

    Raises NotArchivable where PostgreSQL has more of orders than a document holds.
    """
    with connection.cursor() as cursor:
        cursor.execute(WAITING, {"orders": list(order_ids)})
        outcome = Outcome(waiting=dict(cursor.fetchall()))
    built, outcome.differing = documents.build_each(
        source.read(order_id for order_id in order_ids if order_id not in outcome.waiting)
    )
    # The tables have been read, so no column can be added before the transaction ends.
    if unknown := columns.unknown():
        raise NotArchivable(unknown)
    outcome.differing |= _differing(built)
    return outcome, {number: built[number]["digest"] for number in built if number not in outcome.differing}


def _differing(expected: dict[int, Document]) -> dict[int, str]:
    """Why the documents of some orders are not the ones expected, marks apart."""
    by_content = {bson.encode(document): number for number, document in expected.items()}
    found: dict[int, list[Document]] = defaultdict(list)
    equal = set()
    for raw in _raw(expected):
        if number := by_content.get(raw):
            equal.add(number)
        else:
            document = held.decoded(raw)
            found[document["order_id"]].append(document)
    return {
        number: why
        for number, document in expected.items()
        if (number not in equal or number in found)
        and (why := _difference(document, found[number] + [document] * (number in equal)))
    }


def _raw(order_ids: Iterable[int]) -> Iterable[bytes]:
    return (raw for wanted in chosen(sorted(order_ids)) for raw in held.raw(wanted))


def _difference(expected: Document, found: list[Document]) -> str:
    # A restore that died left the mark of the time before.
    marked = expected | {"archived_at": found[0].get("archived_at")} if found else expected
    difference = compare.compare(expected["order_id"], marked, found)
    return "; ".join(difference.what) if difference else ""
