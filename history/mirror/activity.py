"""Carrying over what people did: each event is one document of activity_log, written once.

{_id, event_id, kind, subject, subject_id, subject_name, actor_id, actor, note, changes: {field: [old, new]},
 timestamp, recorded_at}

A price is Decimal128, times are UTC with MongoDB's milliseconds. MongoDB forgets them after ACTIVITY_LOG_DAYS.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import bson
from bson import Decimal128
from bson.raw_bson import RawBSONDocument
from django.conf import settings
from django.db import connection
from django.utils import timezone
from pymongo import InsertOne

from core.dates import retained_since
from core.row_isolation import attempt, describe
from history import mongo
from history.archive import marks
from history.mirror import source, writer
from history.mirror.documents import document_id, milliseconds, storable
from history.mongo import Document

BATCH = 1000

# As text: one row that cannot be read is one event's trouble.
READ = """
SELECT event_id, occurred_at, to_json(e)::text FROM (
    SELECT event_id, kind, subject, subject_id, subject_name, actor_id, actor_name, note, changes, occurred_at,
        recorded_at
    FROM history_events WHERE event_id = ANY(%s) AND order_id IS NULL) AS e
ORDER BY event_id
"""

RESTORED = "SELECT subject_id FROM history_events WHERE event_id = ANY(%s) AND kind = 'restored'"


@dataclass
class Outcome:
    """held: events that MongoDB has, or had for their time; refused: why it does not take one, by event."""

    held: set[int] = field(default_factory=set)
    refused: dict[int, str] = field(default_factory=dict)


def deliver(event_ids: Sequence[int]) -> Outcome:
    """Write the events that MongoDB does not have; what it has in the end is read back.

    Raises PyMongoError where MongoDB cannot be asked; writing again is safe.
    """
    outcome = Outcome()
    if not event_ids:
        return outcome
    ready = _encoded(event_ids, outcome)
    collection = mongo.for_writing(mongo.ACTIVITY_LOG)
    # One that is there already is a duplicate `_id`, and the same: events never change.
    writer.send(collection, [InsertOne(raw) for raw in ready.values()], list(ready), outcome.refused)
    found = collection.find({"_id": {"$in": [document_id(number) for number in ready]}}, {"event_id": 1})
    outcome.held |= {document["event_id"] for document in found} & ready.keys()
    _unmark_restored(event_ids)
    return outcome


def _unmark_restored(event_ids: Sequence[int]) -> None:
    """Take the mark from documents of orders that are back: who restored one may have had no right to write it."""
    with connection.cursor() as cursor:
        cursor.execute(RESTORED, [list(event_ids)])
        restored = [order_id for (order_id,) in cursor.fetchall()]
    for order_id in restored:
        marks.remove(order_id)


def rebuild() -> dict[int, str]:
    """Write every delivered event that MongoDB has lost before its time, and return what it refuses, by event."""
    refused: dict[int, str] = {}
    for event_ids in _delivered():
        refused.update(deliver(event_ids).refused)
    return refused


def build(row: source.Row) -> Document:
    """Return the document of an event's row. Pure: the same row always gives the same document."""
    changes = {name: [_value(name, each) for each in change] for name, change in row["changes"].items()}
    return {
        "_id": document_id(row["event_id"]),
        **{name: row[name] for name in ("event_id", "kind", "subject", "subject_id", "subject_name", "actor_id")},
        "actor": row["actor_name"],
        "note": row["note"],
        "changes": changes,
        "timestamp": milliseconds(source.at(row["occurred_at"])),
        "recorded_at": milliseconds(source.at(row["recorded_at"])),
    }


def _encoded(event_ids: Sequence[int], outcome: Outcome) -> dict[int, RawBSONDocument]:
    """The documents still to be kept, encoded; what cannot be one is refused, what is too old counts as held."""
    forgotten_before = retained_since(settings.ACTIVITY_LOG_DAYS, at=timezone.now())
    ready: dict[int, RawBSONDocument] = {}
    for event_id, occurred_at, text in rows(event_ids):
        if occurred_at < forgotten_before:
            outcome.held.add(event_id)
            continue
        raw, error = attempt(encode, text)
        if raw is None:
            outcome.refused[event_id] = f"cannot be a document: {describe(error)}"
        elif len(raw) > writer.LARGEST_DOCUMENT:
            outcome.refused[event_id] = f"too large for a document: {len(raw)} bytes"
        else:
            ready[event_id] = RawBSONDocument(raw)
    return ready


def encode(text: str) -> bytes:
    """Return the document of a row, as JSON, in BSON."""
    return bson.encode(build(source.parse(text)))


def rows(event_ids: Sequence[int]) -> list[tuple[int, datetime, str]]:
    """Return number, time and row, as JSON, of those of the events that are activity."""
    with connection.cursor() as cursor:
        cursor.execute(READ, [list(event_ids)])
        found: list[tuple[int, datetime, str]] = cursor.fetchall()
    return found


def _delivered() -> Iterator[list[int]]:
    """Numbers of delivered activity, in batches."""
    last = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                """SELECT event_id FROM history_events
                WHERE order_id IS NULL AND delivered_at IS NOT NULL AND event_id > %s ORDER BY event_id LIMIT %s""",
                [last, BATCH],
            )
            event_ids = [event_id for (event_id,) in cursor.fetchall()]
        if not event_ids:
            return
        yield event_ids
        last = event_ids[-1]


def _value(name: str, value: Any) -> Any:
    return Decimal128(Decimal(value)) if name == "price" and value is not None else storable(value)
