"""The document of an order as it is now, wherever it lies: what its past is undone from.

Source: PostgreSQL, by one statement; of an archived order MongoDB order_history, the only copy.
"""

from __future__ import annotations

from django.conf import settings
from pymongo.errors import PyMongoError

from core.row_isolation import attempt, describe
from history import mongo
from history.archive.finding import LOOKS
from history.mirror import documents, source
from history.mirror.documents import UNBUILDABLE, Document, document_id
from history.models import ArchivedOrder

LARGEST = 2**63 - 1


class Untold(Exception):
    """Why the past of an order cannot be told. is_away: it can be later."""

    def __init__(self, why: str, *, is_away: bool = False) -> None:
        self.is_away = is_away
        super().__init__(why)


def present(order_id: int) -> Document | None:
    """Return the document of an order, live, archived or deleted; None where there never was one. Raises Untold."""
    if order_id > LARGEST:
        return None
    for _ in range(LOOKS):
        for rows in source.read([order_id]):
            document, error = attempt(documents.build, rows)
            if document is None:
                raise Untold(describe(error)) from error
            return document
        if stub := ArchivedOrder.objects.filter(pk=order_id).first():
            return _archived(stub)
    return None


def _archived(stub: ArchivedOrder) -> Document:
    wanted = {"_id": document_id(stub.pk)}
    try:
        found = mongo.for_reading().find_one(wanted, max_time_ms=settings.MONGODB_READ_TIMEOUT_MS)
        if found and documents.digest(found) == stub.sha256:
            return found
    except PyMongoError as error:
        raise Untold("MongoDB is not reachable.", is_away=True) from error
    except UNBUILDABLE as error:  # by hand MongoDB can be given what its client cannot write
        raise Untold(str(error)) from error
    raise Untold("Its document in MongoDB is not what was archived.")
