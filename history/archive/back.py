"""Archived orders come back: the rows that their documents were made of, and no stub any more."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

import bson
from django.db import IntegrityError, connection
from pymongo.errors import PyMongoError

from core.row_isolation import attempt
from history import activity, faults, mongo, triggers
from history.archive import columns
from history.archive.columns import HELD
from history.archive.rows import Rows, json_text, rows
from history.mirror import compare, documents, held, source
from history.mirror.documents import Document
from history.models import ArchivedOrder, Kind, Subject
from orders.models import Order
from users.models import User

logger = logging.getLogger(__name__)


class NotArchived(Exception):
    def __init__(self, order_id: int) -> None:
        super().__init__(f"Order {order_id} is not archived.")


class NotRestorable(Exception):
    """What is archived of an order cannot come back as it was; nothing was changed."""

    def __init__(self, order_id: int, why: str) -> None:
        super().__init__(f"Order {order_id} stays archived: {why}.")


# Delivered when they were recorded: when it really was is not kept, and it is not to count as a delivery of today.
INSERT = """
INSERT INTO {table} ({columns}{more}) SELECT {columns}{values} FROM json_populate_recordset(NULL::{table}, %s::json)
"""
INSERTS = {
    table: INSERT.format(
        table=table,
        columns=", ".join(names),
        more=", delivered_at" if table == "history_events" else "",
        values=", recorded_at" if table == "history_events" else "",
    )
    for table, names in HELD.items()
}


def restore(order_id: int, *, by: User | None, at: datetime) -> None:
    """Bring an archived order back with its items, refunds and events, every column as it was.

    by: who asks, None for a command. at: aware datetime, for the record of it among the activity.
    Raises NotArchived, NotRestorable, django.db.Error, or PyMongoError where the document cannot be read.
    """
    try:
        with triggers.capture_off():
            document = _sound_document(order_id)
            brought = rows(document)
            if lacking := columns.lacking(brought):
                raise NotRestorable(order_id, f"PostgreSQL has no column for: {', '.join(lacking)}")
            _insert(brought)
            faults.point("restore: after insert")
            _verify(order_id, document)
            ArchivedOrder.objects.filter(pk=order_id).delete()
            _record(order_id, by, at)
            faults.point("restore: before commit")
    except IntegrityError as error:  # such as of a product that is gone
        raise NotRestorable(order_id, _told(error)) from error
    faults.point("restore: after commit")
    _unmark(document)


def _sound_document(order_id: int) -> Document:
    """The archived order's document, where it is what the stub says; the stub is locked."""
    stub = ArchivedOrder.objects.select_for_update().filter(pk=order_id).first()
    if stub is None:
        raise NotArchived(order_id)
    found = held.by_order({"$in": [order_id]})[order_id]
    is_live = Order.objects.filter(pk=order_id).exists()
    difference = compare.compare_archived(stub, found, is_live=is_live)
    if difference and not difference.is_mark_only:
        raise NotRestorable(order_id, "; ".join(difference.what))
    return found[0]


def restore_refunds(order_id: int) -> bool:
    """Bring back refunds of a live order that PostgreSQL has lost: its document is the only record of them.

    Return whether the rows with them give the document again, byte for byte; otherwise nothing is written.
    """
    return attempt(_restore_refunds, order_id)[1] is None


def _restore_refunds(order_id: int) -> None:
    with triggers.capture_off(), connection.cursor() as cursor:
        order = Order.objects.select_for_update().get(pk=order_id)
        [document] = held.by_order({"$in": [order_id]})[order_id]
        known = set(order.refunds.values_list("pk", flat=True))
        lost = [refund for refund in rows(document).refunds if refund["refund_id"] not in known]
        cursor.execute(INSERTS["refunds"], [json_text(lost)])
        _verify(order_id, document)


def _insert(brought: Rows) -> None:
    with connection.cursor() as cursor:
        for table, inserted in brought.by_table().items():
            if inserted:
                cursor.execute(INSERTS[table], [json_text(inserted)])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def _verify(order_id: int, document: Document) -> None:
    """Raise NotRestorable unless the rows give the document again, byte for byte."""
    built, unbuildable = documents.build_each(source.read([order_id]))
    if order_id in unbuildable or _content(built[order_id]) != _content(document):
        raise NotRestorable(order_id, "the rows would not be those it was made of")


def _content(document: Document) -> bytes:
    return bson.encode(document | {"archived_at": None})


def _record(order_id: int, by: User | None, at: datetime) -> None:
    activity.record(
        Kind.RESTORED,
        subject=Subject.ARCHIVE,
        subject_id=order_id,
        subject_name=f"#{order_id}",
        actor=activity.actor_of(by) if by else activity.SYSTEM,
        at=at,
    )


def _unmark(document: Document) -> None:
    """Only this archiving's mark: the order may be archived again by now."""
    wanted: dict[str, Any] = {"_id": document["_id"], "archived_at": document["archived_at"]}
    try:
        mongo.for_writing().update_one(wanted, {"$set": {"archived_at": None}})
    except PyMongoError as error:
        # So it is for the web, whose role in MongoDB only reads.
        logger.info(
            "Order %s is back; a relay takes the mark from its document: %s",
            document["order_id"],
            str(error)[:200],
        )


def _told(error: IntegrityError) -> str:
    """PostgreSQL's own words, in one line."""
    lines = [line.removeprefix("DETAIL:").strip().rstrip(".") for line in str(error).splitlines()]
    return "; ".join(line for line in lines if line)
