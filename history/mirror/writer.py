"""Writing documents so that a newer revision never gives way to an older one, whoever writes and however often."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

import bson
from bson.raw_bson import RawBSONDocument
from pymongo import InsertOne, ReplaceOne
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError

from history import faults
from history.mirror.documents import Document, document_id

DUPLICATE_KEY = 11000
LARGEST_DOCUMENT = 16 * 1024 * 1024

# The mark of the archive says that a document is an order's only copy. Nothing here replaces or deletes such a one.
UNMARKED: Document = {"archived_at": None}
ARCHIVED = "MongoDB has an archived order under this number, whose document is the only copy; see `manage.py reconcile`"

# Orders asked for by one list; the embedded server compares each document found with the whole of it.
LIST = 100

# A write and a look usually do; more only where another relay writes the same orders at the same moment.
WRITES = 3


@dataclass
class Outcome:
    """revs: what MongoDB holds of each order in the end; refused: why it does not take a document, by order.

    marked: orders that have a document with the mark of the archive, which was left alone.
    """

    revs: dict[int, int] = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)
    marked: set[int] = field(default_factory=set)


def write(
    collection: Collection[Document], documents: Sequence[Document], *, unseen: Set[int] = frozenset()
) -> Outcome:
    """Write each document unless MongoDB has that revision or a newer one; what it has in the end is read back.

    unseen: orders that MongoDB hardly has yet, which are tried as inserts.
    Raises PyMongoError where MongoDB cannot be asked; anything may have been written then, and writing again is safe.
    """
    outcome = Outcome()
    behind = ready = _encoded(documents, outcome)
    new = unseen & ready.keys()
    for _ in range(WRITES):
        for rows in faults.split("relay: mid bulk", behind):
            _bulk_write(collection, rows, outcome.refused, new=new)
        faults.point("relay: after ack")
        outcome.revs = held_revs(collection, list(ready), outcome.marked)
        behind = {
            order_id: (rev, raw)
            for order_id, (rev, raw) in ready.items()
            if outcome.revs.get(order_id, 0) < rev and order_id not in outcome.refused.keys() | outcome.marked
        }
        if not behind:
            break
        new = behind.keys() - outcome.revs.keys()
    return outcome


def overwrite(collection: Collection[Document], documents: Sequence[Document]) -> Outcome:
    """Write each document even over the same revision, but not over a newer one; for making the mirror anew."""
    outcome = Outcome()
    ready = _encoded(documents, outcome)
    held_revs(collection, list(ready), outcome.marked)  # removes what stands under a foreign _id
    guarded: list[Any] = [
        ReplaceOne({"_id": raw["_id"], "rev": {"$lte": rev}, **UNMARKED}, raw, upsert=True)
        for rev, raw in ready.values()
    ]
    send(collection, guarded, list(ready), outcome.refused)
    return outcome


def held_revs(collection: Collection[Document], order_ids: Sequence[int], marked: set[int]) -> dict[int, int]:
    """Return the revision that MongoDB holds of each order it has; a document under a foreign `_id` is removed.

    Orders that have a document with the mark of the archive are added to marked; such a document is never removed.
    """
    revs: dict[int, int] = {}
    asked = set(order_ids)
    for wanted in chosen(order_ids):
        for document in collection.find({"order_id": wanted}, {"order_id": 1, "rev": 1, "archived_at": 1}):
            if document.get("archived_at") is not None and document["order_id"] in asked:
                marked.add(document["order_id"])
            if document["_id"] == document_id(document["order_id"]):
                revs[document["order_id"]] = document["rev"]
            elif document["order_id"] in asked:
                # Not written by a relay, and in the way of the order's own document. One that only lies in between
                # may be an archived order's only copy.
                collection.delete_one({"_id": document["_id"], "order_id": document["order_id"], **UNMARKED})
    return revs


def chosen(order_ids: Sequence[int]) -> Iterator[Document]:
    """Conditions for order_id that meet these orders, and others only where that is quicker."""
    if not order_ids:
        return
    lowest, highest = min(order_ids), max(order_ids)
    # Orders of one batch mostly follow each other, and a range is read many times faster than a list.
    if highest - lowest < 2 * len(order_ids):
        yield {"$gte": lowest, "$lte": highest}
        return
    for start in range(0, len(order_ids), LIST):
        yield {"$in": list(order_ids[start : start + LIST])}


def _encoded(documents: Iterable[Document], outcome: Outcome) -> dict[int, tuple[int, RawBSONDocument]]:
    """Encode each document once, and find what is too large for MongoDB."""
    ready: dict[int, tuple[int, RawBSONDocument]] = {}
    for document in documents:
        raw = bson.encode(document)
        if len(raw) > LARGEST_DOCUMENT:
            outcome.refused[document["order_id"]] = f"too large for a document: {len(raw)} bytes"
            continue
        ready[document["order_id"]] = (document["rev"], RawBSONDocument(raw))
    return ready


def _bulk_write(
    collection: Collection[Document],
    rows: Mapping[int, tuple[int, RawBSONDocument]],
    refused: dict[int, str],
    *,
    new: Set[int],
) -> None:
    # An insert is a guard of its own, because `_id` is the order; it is four times quicker than an upsert.
    operations: list[Any] = [
        InsertOne(raw)
        if order_id in new
        else ReplaceOne({"_id": raw["_id"], "rev": {"$lt": rev}, **UNMARKED}, raw, upsert=True)
        for order_id, (rev, raw) in rows.items()
    ]
    send(collection, operations, list(rows), refused)


def send(collection: Collection[Document], operations: list[Any], numbers: list[int], refused: dict[int, str]) -> None:
    """Send one operation per number, and put into refused why MongoDB does not take it; a duplicate is not refused."""
    if not operations:
        return
    try:
        collection.bulk_write(operations, ordered=False)
    except BulkWriteError as error:
        if error.details["writeConcernErrors"]:
            raise
        for failure in error.details["writeErrors"]:
            # A duplicate key says "already newer" or "lost a race to an older rev": the next look settles which.
            if failure["code"] != DUPLICATE_KEY:
                refused[numbers[failure["index"]]] = f"{failure['code']}: {failure['errmsg']}"
