"""An order as it stood at a past moment: what its later events changed is undone, the latest first.

It works on the order's document, which of a live order is built from its rows and of an archived one is all there is.
An event belongs to the time it bears; where that is still to come, it is wrong, and the event belongs to the time when
it was recorded. The first revision of a later time than the moment is undone, and all that follow it: revisions decide,
not clocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from core.row_isolation import attempt, describe
from history.mirror.documents import Document, held_time, milliseconds, plain
from history.mirror.source import at as moment_of
from history.models import Kind
from history.past.find import Untold
from orders.status import Status

COLUMNS = ("user_id", "total_amount", "created_at", "external_ref", "shipping_address")

Row = dict[str, Any]


@dataclass(frozen=True)
class Standing:
    """at: to the millisecond; order, items, refunds: rows by the names of their columns, money Decimal, times aware and
    to the millisecond; created_at_us: the microseconds beyond.

    events: those that had happened, as in the document. doubts: why it may have been otherwise, in words.
    """

    at: datetime
    order: Row
    items: list[Row]
    refunds: list[Row]
    events: Sequence[Document]
    doubts: list[str]


def standing(document: Document, at: datetime, *, after: int | None = None) -> Standing | None:
    """Return the order as it stood, None where it was not there. Raises Untold.

    at: aware, of whole milliseconds. after: a revision of that very millisecond; the later ones of the same time had
    not happened yet.
    """
    events = document["events"]
    count = _happened(events, at, after)
    past = _Undoing(document)
    for event in reversed(events[count:]):
        if error := attempt(past.undo, event)[1]:
            raise Untold(f"Revision {event['rev']} cannot be undone: {describe(error)}") from error
    if past.order is None or not count:
        return None
    order = past.order | {"order_id": document["order_id"], "status": events[count - 1]["status"]}
    items = [past.items[number] for number in sorted(past.items)]
    refunds = [past.refunds[number] for number in sorted(past.refunds) if past.refunds[number]["refunded_at"] <= at]
    return Standing(at, order, items, refunds, events[:count], _doubts(events, count, at, past))


def _happened(events: Sequence[Document], at: datetime, after: int | None) -> int:
    """How many of the events had happened."""
    for place, event in enumerate(events, start=1):
        if event["rev"] == after and event["timestamp"] == at:
            return place
    return next((place for place, event in enumerate(events) if time_of(event) > at), len(events))


def time_of(event: Document) -> datetime:
    """Return when an event of a document happened; a time still to come is not believed."""
    bears: datetime = event["timestamp"]
    return bears if bears <= timezone.now() else event["recorded_at"]


class _Undoing:
    """An order on its way back. is_broken: an event did not find what it says that it left."""

    def __init__(self, document: Document) -> None:
        self.order_id = document["order_id"]
        is_there = document["created_at"] is not None  # a deleted one has left a tombstone
        told = (*COLUMNS, "created_at_us")
        self.order: Row | None = {name: plain(document[name]) for name in told} if is_there else None
        self.items: dict[int, Row] = {}
        for product in document["products"]:
            item = plain(product)
            self.items[item["order_item_id"]] = item | {"product_name": item["name"]}
        self.refunds: dict[int, Row] = {refund["refund_id"]: plain(refund) for refund in document["refunds"]}
        self.is_broken = False

    def undo(self, event: Document) -> None:
        if event["kind"] == Kind.PLACED:
            self.order, self.items, self.refunds = None, {}, {}
            return
        changes = plain(event["changes"])
        if "order" in changes:  # deleted
            self.order = {name: changes["order"][0][name] for name in COLUMNS}
            for refund, _gone in changes.get("refunds", ()):
                at, amount = _moment(refund["refunded_at"]), Decimal(refund["amount"])
                self.refunds[refund["refund_id"]] = refund | {"refunded_at": at, "amount": amount, "reason": ""}
        for old, new in reversed(changes.get("items", ())):
            self._undo_item(old, new)
        if self.order is not None:
            self._undo_columns(self.order, changes)
            if isinstance(self.order["created_at"], str):
                self.order |= held_time("created_at", self.order["created_at"])

    def _undo_item(self, old: Row | None, new: Row | None) -> None:
        # An item that went from one order to another has changed both.
        if new and new["order_id"] == self.order_id:
            held = self.items.pop(new["order_item_id"], None)
            self.is_broken |= held is None or any(_differs(held[name], new[name]) for name in ("quantity", "price"))
        if old and old["order_id"] == self.order_id:
            self.items[old["order_item_id"]] = old | {"price": Decimal(old["price"])}

    def _undo_columns(self, order: Row, changes: Row) -> None:
        for name in COLUMNS:
            if name in changes:
                old, new = changes[name]
                self.is_broken |= name in ("user_id", "total_amount") and _differs(order[name], new)
                order[name] = old
        order["total_amount"] = Decimal(order["total_amount"])


def _doubts(events: Sequence[Document], count: int, at: datetime, past: _Undoing) -> list[str]:
    last, later = events[count - 1], events[count:]
    doubts = []
    if not last["time_known"]:
        label = Status(last["status"]).label if last["status"] in Status.values else last["status"]
        doubts.append(_("When it became “{status}” is not known: it may have been later.").format(status=label))
    if later and later[0]["rev"] > last["rev"] + 1:
        told = _("The changes from revision {first} to {last} are lost: some of them may have been made by then.")
        doubts.append(told.format(first=last["rev"] + 1, last=later[0]["rev"] - 1))
    if any(event["time_known"] and event["timestamp"] < at for event in later):
        doubts.append(_("The times of its events contradict their order, which is what counts here."))
    if past.is_broken:
        doubts.append(_("A change of it was never recorded, so that this may not be exact."))
    return doubts


def _differs(held: Any, recorded: Any) -> bool:
    """Numbers are equal however many zeros they end with."""
    return bool(Decimal(held) != Decimal(recorded))


def _moment(value: Any) -> datetime:
    return milliseconds(moment_of(value)) if isinstance(value, str) else value
