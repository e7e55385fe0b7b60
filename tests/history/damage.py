"""Differences put into the mirror by hand, of the ten kinds that reconcile must name."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from bson import Decimal128, ObjectId
from pymongo import ASCENDING

from history.mirror.documents import digest, document_id

Document = dict[str, Any]

# The index that stands in for the unique one.
BY_HAND = "by_hand"
# An invented order's number is this much above a real one's.
INVENTED = 10**9


def one_cent(document: Document) -> None:
    document["total_amount"] = Decimal128(document["total_amount"].to_decimal() + Decimal("0.01"))


def stale_status(document: Document) -> None:
    document["status"] = "pending" if document["status"] != "pending" else "paid"


def event_removed(document: Document) -> None:
    document["events"].pop()


def event_edited(document: Document) -> None:
    document["events"][0]["actor"] = "Mallory"


def wrong_user(document: Document) -> None:
    document["user_id"] += 1


def quantity(document: Document) -> None:
    document["products"][-1]["quantity"] += 1


def rev_ahead(document: Document) -> None:
    document["rev"] += 40


EDITS: dict[str, Callable[[Document], None]] = {
    edit.__name__: edit
    for edit in (one_cent, stale_status, event_removed, event_edited, wrong_user, quantity, rev_ahead)
}
KINDS = ("lost", "extra", "duplicate", *EDITS)


def inject(collection: Any, order_ids: Sequence[int], count: int, *, seed: int) -> dict[int, str]:
    """Damage so many of the orders, each kind as often, and return what was done by order number.

    Half of the edits come with a digest that fits them, as of somebody who knows how it is made. The unique index
    must go for the duplicates; an ordinary one takes its place as BY_HAND.
    """
    chance = random.Random(seed)
    left = chance.sample(list(order_ids), len(order_ids))
    collection.drop_index("order_id")
    collection.create_index([("order_id", ASCENDING), ("rev", ASCENDING)], name=BY_HAND)
    done = {}
    for kind in (KINDS * (count // len(KINDS) + 1))[:count]:
        document = collection.find_one({"order_id": left.pop()})
        while not _can(kind, document):
            document = collection.find_one({"order_id": left.pop()})
        number = document["order_id"]
        _damage(collection, kind, document, recompute=chance.random() < 0.5)
        done[number + INVENTED if kind == "extra" else number] = kind
    return done


def _can(kind: str, document: Document) -> bool:
    return {"event_removed": len(document["events"]) > 1, "quantity": bool(document["products"])}.get(kind, True)


def _damage(collection: Any, kind: str, document: Document, *, recompute: bool) -> None:
    own = {"_id": document["_id"]}
    match kind:
        case "lost":
            collection.delete_one(own)
        case "extra":
            number = document["order_id"] + INVENTED
            collection.insert_one({**document, "_id": document_id(number), "order_id": number})
        case "duplicate":
            collection.insert_one({**document, "_id": ObjectId()})
        case _:
            EDITS[kind](document)
            if recompute:
                document["digest"] = digest(document)
            collection.replace_one(own, document)
