"""Archived orders back into MongoDB out of a file, each only where its stub says so.

Source: a file of history.backup.dump; PostgreSQL archived_orders.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from pymongo import ReplaceOne

from core.db.transactions import waiting_transaction
from history import mongo
from history.backup import files
from history.backup.dump import BATCH, is_sound
from history.mirror import held, writer
from history.mirror.documents import Document, milliseconds
from history.models import ArchivedOrder
from history.rollups import queue
from history.rollups.later import day_of

Stubs = Mapping[int, ArchivedOrder]


@dataclass
class Loaded:
    """written: documents that were missing or wrong; there: those MongoDB had; not_archived: lines of orders that
    PostgreSQL has no stub of, or one of another document; missing: archived orders that the file does not have."""

    written: int = 0
    there: int = 0
    not_archived: int = 0
    missing: int = 0


def load(path: Path, *, progress: Callable[[int], object] = lambda _: None) -> Loaded:
    """Write every archived order's document that MongoDB lacks; any number of times.

    Raises OSError, files.DamagedFile, or PyMongoError; run it again then.
    """
    mongo.prepare()
    done, brought = Loaded(), set[int]()
    for documents in _batches(path):
        brought |= _load(documents, done)
        progress(len(documents))
    done.missing = ArchivedOrder.objects.count() - len(brought)
    return done


def _batches(path: Path) -> Iterator[list[Document]]:
    lines = files.orders(path)
    while batch := list(islice(lines, BATCH)):
        yield batch


@waiting_transaction()
def _load(documents: list[Document], done: Loaded) -> set[int]:
    """Write what is needed of some documents, and return of which archived orders they are."""
    # Locked, so that no order is restored meanwhile and then gets back what it was.
    locked = ArchivedOrder.objects.select_for_update().order_by("order_id")
    stubs = locked.in_bulk([document["order_id"] for document in documents])
    wanted = {document["order_id"]: document for document in documents if _belongs(document, stubs)}
    done.not_archived += len(documents) - len(wanted)
    there = _there(stubs, sorted(wanted))
    lacking = {number: document for number, document in wanted.items() if number not in there}
    _write(lacking, stubs)
    done.there += len(wanted) - len(lacking)
    done.written += len(lacking)
    return set(wanted)


def _belongs(document: Document, stubs: Stubs) -> bool:
    number = document["order_id"]
    return number in stubs and is_sound(document, number, stubs[number].sha256)


def _there(stubs: Stubs, numbers: list[int]) -> set[int]:
    """Those of the orders that MongoDB has as it should, once."""
    found: dict[int, list[Document]] = {}
    for wanted in writer.chosen(numbers):
        found |= held.by_order(wanted)
    return {
        number
        for number in numbers
        if len(documents := found.get(number, [])) == 1 and is_sound(documents[0], number, stubs[number].sha256)
    }


def _write(documents: Mapping[int, Document], stubs: Stubs) -> None:
    if not documents:
        return
    collection = mongo.for_writing()
    own = [document["_id"] for document in documents.values()]
    collection.delete_many({"order_id": {"$in": list(documents)}, "_id": {"$nin": own}})
    marked = [
        document | {"archived_at": milliseconds(stubs[number].archived_at)} for number, document in documents.items()
    ]
    collection.bulk_write([ReplaceOne({"_id": document["_id"]}, document, upsert=True) for document in marked])
    # They were counted without their items meanwhile.
    queue.add_days([*{day_of(stubs[number].created_at) for number in documents}])
