"""Orders out of their documents, and their histories, as the API gives them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

from django.conf import settings
from pydantic import Field

from config.api.types import Answer, Moment, Money
from history.mirror.documents import Document, plain
from history.past.standing import Standing
from history.timeline import is_for_customer, is_note_for_customer
from orders.api_types import ItemAnswer, OrderAnswer
from orders.status import Status


class OrderPage(Answer):
    orders: list[OrderAnswer]
    left_out: Annotated[
        list[int], Field(description="Numbers of orders of this page that hold values which cannot be shown.")
    ]
    changed_until: Annotated[
        str | None,
        Field(description="The `changed_since` with which nothing is missed after this answer; of first pages."),
    ]
    next: Annotated[str | None, Field(description="The `cursor` of the next page; null: this is the last one.")]


class OrderEventAnswer(Answer):
    rev: Annotated[int, Field(description="The order's revision after it.")]
    kind: Annotated[str, Field(examples=["placed", "status", "items", "edited", "note"])]
    status: Annotated[str, Field(description="The order's status after it.")]
    at: Annotated[Moment | None, Field(description="null: an import did not know it.")]
    actor_id: int | None
    actor: Annotated[str, Field(examples=["API key Warehouse"])]
    note: str
    changes: Annotated[
        dict[str, Any],
        Field(
            description="By column [old, new]; items: a list of [old, new].", examples=[{"status": ["pending", "paid"]}]
        ),
    ]


class OrderThen(Answer):
    """What the order was at that moment."""

    status: str
    customer_id: int
    external_ref: str | None
    total_amount: Money
    placed_at: Moment
    shipping_address: dict[str, Any]
    items: list[ItemAnswer]


class HistoryAnswer(Answer):
    order_id: int
    as_of: Annotated[Moment | None, Field(description="null: now.")]
    rev: int
    currency: str
    order: OrderThen
    events: Annotated[list[OrderEventAnswer], Field(description="Those that had happened, the oldest first.")]
    doubts: Annotated[list[str], Field(description="Why it may have been otherwise, where that is not certain.")]


def archived_order(document: Document, *, archived_at: datetime) -> OrderAnswer:
    """An archived order out of its document; archived_at: as its stub has it, to the microsecond."""
    return OrderAnswer(
        order_id=document["order_id"],
        customer_id=document["user_id"],
        external_ref=document["external_ref"],
        status=Status(document["status"]),
        allowed_next=[],
        total_amount=document["total_amount"].to_decimal(),
        currency=settings.CURRENCY,
        placed_at=_exact(document, "created_at"),
        changed_at=_exact(document, "changed_at"),
        rev=document["rev"],
        archived_at=archived_at,
        shipping_address=plain(document["shipping_address"]),
        items=[_item(plain(product)) for product in document["products"]],
    )


def past_order(past: Standing) -> OrderAnswer:
    """An order as it was."""
    order, latest = past.order, past.events[-1]
    return OrderAnswer(
        order_id=order["order_id"],
        customer_id=order["user_id"],
        external_ref=order["external_ref"],
        status=Status(order["status"]),
        allowed_next=[],
        total_amount=order["total_amount"],
        currency=settings.CURRENCY,
        placed_at=_exact(order, "created_at"),
        changed_at=_exact(latest, "timestamp"),
        rev=latest["rev"],
        archived_at=None,
        shipping_address=order["shipping_address"],
        items=[_item(item) for item in past.items],
    )


def history(past: Standing, *, as_of: datetime | None, customer_id: int | None) -> HistoryAnswer:
    """as_of: None for now. customer_id: of a key that is for this customer alone, who is not told what the store notes
    for itself."""
    order = past.order
    events = past.events if customer_id is None else _told_customer(past.events, customer_id)
    return HistoryAnswer(
        order_id=order["order_id"],
        as_of=as_of,
        rev=past.events[-1]["rev"],
        currency=settings.CURRENCY,
        order=OrderThen(
            status=order["status"],
            customer_id=order["user_id"],
            external_ref=order["external_ref"],
            total_amount=order["total_amount"],
            placed_at=_exact(order, "created_at"),
            shipping_address=order["shipping_address"],
            items=[_item(item) for item in past.items],
        ),
        events=[_event(event) for event in events],
        doubts=past.doubts,
    )


def _item(item: Mapping[str, Any]) -> ItemAnswer:
    names = ("product_id", "sku", "quantity", "price")
    return ItemAnswer(name=item.get("product_name") or item["name"], **{name: item[name] for name in names})


def _told_customer(events: Iterable[Document], customer_id: int) -> list[Document]:
    told = []
    for event in events:
        who = event["kind"], event["actor_id"], customer_id
        if is_for_customer(*who):
            told.append(event if is_note_for_customer(*who) else {**event, "note": ""})
    return told


def _event(event: Document) -> OrderEventAnswer:
    names = ("rev", "kind", "status", "actor_id", "actor", "note")
    at = _exact(event, "timestamp") if event["time_known"] else None
    return OrderEventAnswer(at=at, changes=_told(plain(event["changes"])), **{name: event[name] for name in names})


def _exact(held: Mapping[str, Any], name: str) -> datetime:
    moment: datetime = held[name]
    return moment + timedelta(microseconds=held[f"{name}_us"])


def _told(value: Any) -> Any:
    """JSON of an event as the API gives it: money, and every other number with a point, as a decimal string."""
    if isinstance(value, dict):
        return {key: _told(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_told(each) for each in value]
    return f"{value:f}" if isinstance(value, Decimal) else value
