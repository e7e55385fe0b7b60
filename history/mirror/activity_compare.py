"""Comparing activity_log with PostgreSQL's events of people, and mending it.

PostgreSQL may know less: it came back from an older copy, and lost what people did since. MongoDB has kept that, and
may have it under a number that PostgreSQL has given again.
Source: PostgreSQL history_events; MongoDB activity_log.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from bson.raw_bson import RawBSONDocument
from django.conf import settings
from django.db import connection
from django.utils import timezone
from pymongo import ReplaceOne

from core.dates import retained_since
from core.row_isolation import attempt
from history import mongo
from history.mirror import activity, held
from history.mirror.documents import document_id, plain
from history.models import Event, Subject
from history.mongo import Document

BATCH = 1000
# What MongoDB is about to forget may be gone already, or still be there.
MARGIN = timedelta(hours=1)

MISSING = "missing in the mirror"
ALTERED = "not as PostgreSQL says"
OTHER = "another event in PostgreSQL"
UNKNOWN = "PostgreSQL knows no such event"
MISPLACED = "under a foreign _id"

TAKE_BACK = """
INSERT INTO history_events (event_id, subject, subject_id, subject_name, kind, status, occurred_at, actor_id,
    actor_name, note, changes, recorded_at, transaction_id, delivered_at)
VALUES (coalesce(%(event_id)s, nextval(pg_get_serial_sequence('history_events', 'event_id'))), %(subject)s,
    %(subject_id)s, %(subject_name)s, %(kind)s, '', %(timestamp)s, %(actor_id)s, %(actor)s, %(note)s, %(changes)s,
    %(recorded_at)s, pg_current_xact_id()::text::bigint, now())
RETURNING event_id
"""


@dataclass(frozen=True)
class ActivityDifference:
    """One event of people that differs; document: what MongoDB has, None where that is missing."""

    event_id: int
    what: str
    document: Document | None = None

    def __str__(self) -> str:
        return f"activity {self.event_id}: {self.what}"


def differing() -> list[ActivityDifference]:
    """Return the events that differ; what is still to be delivered or is being forgotten is none.

    Raises PyMongoError where MongoDB cannot be read.
    """
    # Before the mirror is read: what was delivered by then has to be there.
    delivered = _delivered()
    found: list[ActivityDifference] = []
    collection = mongo.for_writing(mongo.ACTIVITY_LOG).with_options(codec_options=held.RAW)
    raw = (bytes(document.raw) for document in collection.find({}))
    while documents := list(islice(raw, BATCH)):
        found += _differing(documents, delivered)
    return [*found, *(ActivityDifference(number, MISSING) for number in sorted(delivered))]


def mend(differences: Sequence[ActivityDifference], *, take_back: bool) -> None:
    """Make activity_log what PostgreSQL says.

    take_back: what PostgreSQL does not know comes back into its log, for it happened; else MongoDB forgets it.
    """
    wrong = {each.event_id for each in differences if each.what in (MISSING, ALTERED, OTHER)}
    collection = mongo.for_writing(mongo.ACTIVITY_LOG)
    for each in differences:
        if take_back and each.document and each.what in (UNKNOWN, OTHER):
            wrong.add(_take_back(each.document, is_free=each.what == UNKNOWN))
        elif each.document and each.what in (UNKNOWN, MISPLACED):
            collection.delete_one({"_id": each.document["_id"]})
    for start in range(0, len(wrong), BATCH):
        _write(sorted(wrong)[start : start + BATCH])


def _delivered() -> set[int]:
    """Numbers of what MongoDB is to have by now."""
    forgotten_before = retained_since(settings.ACTIVITY_LOG_DAYS, at=timezone.now())
    kept = Event.objects.exclude(subject=Subject.ORDER).filter(occurred_at__gte=forgotten_before + MARGIN)
    return set(kept.filter(delivered_at__isnull=False).values_list("event_id", flat=True))


def _differing(documents: Sequence[bytes], missing: set[int]) -> Iterator[ActivityDifference]:
    """Those of MongoDB's documents that differ; what is found in its place is taken out of missing."""
    decoded = [held.decoded(document) for document in documents]
    expected, unbuildable = _expected([document["event_id"] for document in decoded])
    for document, raw in zip(decoded, documents, strict=True):
        number = document["event_id"]
        if document["_id"] != document_id(number):
            yield ActivityDifference(number, MISPLACED, document)
            continue
        missing.discard(number)
        if expected.get(number) != raw and number not in unbuildable:
            yield ActivityDifference(number, _what(document, expected.get(number)), document)


def _what(document: Document, expected: bytes | None) -> str:
    if expected is None:
        is_taken = Event.objects.filter(pk=document["event_id"]).exists()  # by an event of an order
        return OTHER if is_taken else UNKNOWN
    # An event says for good when it was recorded.
    return ALTERED if held.decoded(expected)["recorded_at"] == document.get("recorded_at") else OTHER


def _expected(event_ids: Sequence[int]) -> tuple[dict[int, bytes], set[int]]:
    """The documents of events as PostgreSQL's rows make them, and the events that cannot be one."""
    expected: dict[int, bytes] = {}
    unbuildable: set[int] = set()
    for event_id, _, text in activity.rows(event_ids):
        raw, _ = attempt(activity.encode, text)
        if raw is None:
            unbuildable.add(event_id)
        else:
            expected[event_id] = raw
    return expected, unbuildable


def _take_back(document: Document, *, is_free: bool) -> int:
    """Write an event into PostgreSQL's log again, under its number or the next one, and return that."""
    changes = json.dumps(plain(document["changes"]), default=str)
    with connection.cursor() as cursor:
        number = document["event_id"] if is_free else None
        cursor.execute(TAKE_BACK, document | {"event_id": number, "changes": changes})
        return int(cursor.fetchone()[0])


def _write(event_ids: Sequence[int]) -> None:
    """Have MongoDB hold of these events what PostgreSQL has, nothing where that is no activity."""
    expected, _ = _expected(event_ids)
    collection = mongo.for_writing(mongo.ACTIVITY_LOG)
    for number in set(event_ids) - expected.keys():
        collection.delete_one({"_id": document_id(number)})
    if expected:
        documents = {document_id(number): RawBSONDocument(raw) for number, raw in expected.items()}
        collection.bulk_write([ReplaceOne({"_id": _id}, raw, upsert=True) for _id, raw in documents.items()])
