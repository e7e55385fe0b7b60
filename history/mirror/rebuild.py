"""Making the whole mirror anew from PostgreSQL while the shop runs.

Each document is written in place where it is not what the function of its rows says, so readers never meet an empty
or half collection, and relays may go on: a newer revision never gives way. The documents of archived orders are the
only copies and left alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import bson

from history import mongo
from history.archive import marks
from history.mirror import activity, documents, held, reconcile, source, writer
from history.mirror.documents import Document
from history.models import ArchivedOrder
from history.rollups import keeper


@dataclass
class Rebuilt:
    """orders: looked at; written: documents that were missing or wrong; removed: those of no order there ever was;
    days: rollups counted anew;
    refused: why MongoDB does not take a document, by order; refused_events: the same of activity, by event."""

    orders: int = 0
    written: int = 0
    removed: int = 0
    days: int = 0
    refused: dict[int, str] = field(default_factory=dict)
    refused_events: dict[int, str] = field(default_factory=dict)


def rebuild(*, progress: Callable[[int], object] = lambda _: None) -> Rebuilt:
    """Write every document that is missing or differs, lost activity, and all rollups.

    Raises PyMongoError where MongoDB fails; run it again then.
    """
    mongo.prepare()
    done = Rebuilt()
    for ids, lowest, highest in reconcile.ranges():
        expected, unbuildable = documents.build_each(source.read(ids))
        done.refused.update(unbuildable)
        found = held.by_order({"$gte": lowest, "$lte": highest})
        archived = ArchivedOrder.objects.in_bulk(expected)
        wrong = [
            document
            for number, document in expected.items()
            if number not in archived and _differs(document, found.get(number, []))
        ]
        done.refused.update(_write(wrong))
        done.removed += _remove_unknown(found.keys() - expected.keys() - unbuildable.keys())
        done.orders += len(expected)
        done.written += len(wrong)
        progress(len(expected))
    done.refused_events = activity.rebuild()
    mongo.prepare()  # the unique index, where a duplicate that is gone now had kept it from being made
    done.days = keeper.queue_all()
    keeper.drain()
    return done


def _write(wrong: list[Document]) -> dict[int, str]:
    """Write documents, and return why MongoDB does not take some of them, by order."""
    outcome = writer.overwrite(mongo.for_writing(), wrong)
    restored = {order_id for order_id in outcome.marked if marks.remove(order_id)}
    again = writer.overwrite(mongo.for_writing(), [each for each in wrong if each["order_id"] in restored])
    archived = outcome.marked & {each["order_id"] for each in wrong} - restored
    return outcome.refused | again.refused | dict.fromkeys(archived, writer.ARCHIVED)


def _differs(document: Document, found: list[Document]) -> bool:
    return len(found) != 1 or bson.encode(found[0]) != bson.encode(document)


def _remove_unknown(order_ids: set[int]) -> int:
    if not order_ids:
        return 0
    with source.snapshot():
        # Placed and mirrored between the two looks, an order is known by now; an archived one always is.
        placed = {rows.order_id for rows in source.read(sorted(order_ids))}
        unknown = order_ids - placed - ArchivedOrder.objects.in_bulk(order_ids).keys()
    return sum(
        bool(mongo.for_writing().delete_many({"order_id": order_id, **writer.UNMARKED}).deleted_count)
        for order_id in unknown
    )
