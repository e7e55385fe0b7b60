"""The events of one order for its page, from wherever they can be had at once.

Source: MongoDB order_history, with what PostgreSQL's history_events has beyond the document's revision; all from
PostgreSQL where MongoDB is away, has no such document, or has one that somebody edited.
"""

from __future__ import annotations

from history import mongo
from history.mirror.documents import UNBUILDABLE, Document, digest, document_id, milliseconds, plain
from history.models import Event
from history.patience import Away, Patience
from orders.models import Order

# Not long, because PostgreSQL has them too.
PATIENCE = Patience(seconds=0.5)

FIELDS = {"rev", "kind", "status", "timestamp", "time_known", "actor_id", "actor", "note", "changes"}


def events_of(order: Order) -> list[Event]:
    """Return all events of the order by revision, the undelivered ones too; times to the millisecond, never saved.

    Takes one query, and at most PATIENCE.seconds of waiting for MongoDB.
    """
    rev, told = _mirrored(order)
    # By revision, not by what is pending: nothing falls between the two looks if it is delivered meanwhile.
    beyond = Event.objects.of_order(order.pk).filter(rev__gt=rev)
    for event in beyond:
        event.occurred_at = milliseconds(event.occurred_at)
        told.append(event)
    return told


def _mirrored(order: Order) -> tuple[int, list[Event]]:
    """The revision of the order's document and its events; none where it cannot be had now or be believed."""
    document = _document(order.pk)
    if document is None or not _is_sound(document, order):
        return 0, []
    return document["rev"], [event_of(order.pk, entry) for entry in document["events"]]


def _document(order_id: int) -> Document | None:
    try:
        return PATIENCE.ask(lambda: mongo.for_reading().find_one({"_id": document_id(order_id)}))
    except Away:
        return None


def _is_sound(document: Document, order: Order) -> bool:
    """Whether the document says what a relay wrote, of no later revision than the order has."""
    try:
        is_intact = document.get("digest") == digest(document)
    except UNBUILDABLE:  # by hand MongoDB can be given what its client cannot write
        return False
    events = document.get("events")
    if not is_intact or not isinstance(events, list) or not events:
        return False
    if not all(isinstance(entry, dict) and entry.keys() >= FIELDS for entry in events):
        return False
    # Ahead of the order: changed since it was read, or by hand. PostgreSQL knows.
    rev = document.get("rev")
    return isinstance(rev, int) and events[-1]["rev"] == rev <= order.rev


def event_of(order_id: int, entry: Document) -> Event:
    """Return an event of a document; never saved."""
    return Event(
        order_id=order_id,
        rev=entry["rev"],
        kind=entry["kind"],
        status=entry["status"],
        occurred_at=entry["timestamp"],
        is_time_known=entry["time_known"],
        actor_id=entry["actor_id"],
        actor_name=entry["actor"],
        note=entry["note"],
        changes=plain(entry["changes"]),
    )
