"""Archived orders as they were in PostgreSQL, read back out of their documents: never saved.

A document is believed only where it is what its stub says (sha256); it is the only copy, so there is nothing to fall
back on. Source: MongoDB order_history.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from history import mongo
from history.mirror.documents import UNBUILDABLE, Document, digest, document_id
from history.mirror.writer import chosen
from history.models import EveryOrder
from history.patience import Away, Patience

# Longer than where PostgreSQL could answer as well.
PATIENCE = Patience(seconds=3.0)

NOT_REACHABLE = "MongoDB is not reachable."
MISSING = "Its document is missing in MongoDB. `manage.py reconcile` lists it."
NOT_BELIEVED = "Its document in MongoDB is not what was archived. `manage.py reconcile` says what differs."


class Unreadable(Exception):
    """Why what an archived order held cannot be shown, in words for staff. is_away: it can be later."""

    def __init__(self, why: str, *, is_away: bool = False) -> None:
        self.is_away = is_away
        super().__init__(why)


def document_of(row: EveryOrder) -> Document:
    """Return an archived order's document; raises Unreadable."""
    try:
        document = PATIENCE.ask(lambda: mongo.for_reading().find_one({"_id": document_id(row.pk)}))
    except Away:
        raise Unreadable(NOT_REACHABLE, is_away=True) from None
    if document is None:
        raise Unreadable(MISSING)
    if not _is_believed(document, row):
        raise Unreadable(NOT_BELIEVED)
    return document


def documents_of(rows: Iterable[EveryOrder]) -> dict[int, Document]:
    """Return the documents of those of the archived orders that have one that is believed; raises patience.Away."""
    wanted = {row.pk: row for row in rows}
    if not wanted:
        return {}
    return {
        document["order_id"]: document
        for document in PATIENCE.ask(lambda: _found(sorted(wanted)))
        if document["order_id"] in wanted and _is_believed(document, wanted[document["order_id"]])
    }


def _found(order_ids: Sequence[int]) -> list[Document]:
    collection = mongo.for_reading()
    return [document for wanted in chosen(order_ids) for document in collection.find({"order_id": wanted})]


def _is_believed(document: Document, row: EveryOrder) -> bool:
    try:
        return document["_id"] == document_id(row.pk) and digest(document) == row.sha256
    except UNBUILDABLE:  # by hand MongoDB can be given what its client cannot write
        return False
