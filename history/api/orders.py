"""Orders and their histories for other systems, live and archived alike.

Source: PostgreSQL; of archived orders MongoDB order_history. Raises patience.Away with MongoDB away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from operator import attrgetter, itemgetter
from typing import Annotated, TypeVar

from django.db import connection
from django.db.models import Q
from ninja import Path, Query
from pydantic import Field

from config.api import cursors
from config.api.description import may_refuse
from config.api.problems import Problem
from config.api.scopes import ORDERS_READ, ApiRequest, Key, Scope
from config.api.types import LARGEST, Cursor, Flag, Limit, MomentAsked, Number, Parameters, Text
from core.db.timestamps import EARLIEST, LATEST
from core.row_isolation import Isolation, attempt, describe
from history.api import answers
from history.api.answers import HistoryAnswer, OrderPage
from history.archive import reading
from history.every_order import EveryOrderQuerySet
from history.mirror.documents import milliseconds
from history.models import ArchivedOrder, Event, EveryOrder
from history.past import find
from history.past.standing import Standing, standing
from orders.api import router
from orders.api_types import OrderAnswer
from orders.models import Order
from orders.status import Status
from users.models import User

OF_ONE_ORDER = may_refuse("not-found", "history-unreachable", "unreadable", "busy")

OrderId = Annotated[int, Path(ge=1, le=LARGEST)]
Told = TypeVar("Told")
# Later than everything that happened.
NOW = datetime.max.replace(tzinfo=UTC)


# Transactions up to this number are complete; what comes later is found by it, however long it took to be committed.
Marker = Annotated[
    str, Field(pattern=r"^tx-[0-9]{1,18}$", description="`changed_until` of an answer.", examples=["tx-4711"])
]


class OrderParameters(Parameters):
    status: Annotated[list[Status], Field(max_length=6, description="One of these.")] = []
    customer: Annotated[Number | None, Field(description="A customer's number.")] = None
    customer_email: Annotated[Text | None, Field(max_length=254)] = None
    external_ref: Annotated[Text | None, Field(max_length=64)] = None
    placed_from: MomentAsked | None = None
    placed_to: Annotated[MomentAsked | None, Field(description="Placed before it.")] = None
    changed_since: Annotated[
        MomentAsked | Marker | None,
        Field(description="Placed, changed, imported or archived since: a time, or `changed_until` of an answer."),
    ] = None
    archived: Flag | None = None
    cursor: Cursor | None = None
    limit: Limit = 50


class HistoryParameters(Parameters):
    as_of: Annotated[MomentAsked | None, Field(description="Only what had happened by then.")] = None


@router.get(
    "",
    response=OrderPage,
    auth=Scope(ORDERS_READ),
    openapi_extra=OF_ONE_ORDER,
    summary="List orders",
)
def list_orders(request: ApiRequest, asked: Query[OrderParameters]) -> OrderPage:
    """Orders, live and archived alike, the newest first. `archived=false` needs no history store."""
    # Before the list is read: what is committed meanwhile is found twice rather than never.
    changed_until = None if asked.cursor else _complete_until()
    found = list(_wanted(asked, request.auth)[: asked.limit + 1])
    shown = found[: asked.limit]
    orders = _orders(shown)
    left_out = sorted({row.pk for row in shown} - {order.order_id for order in orders})
    following = cursors.cursor(shown[-1].created_at, shown[-1].order_id) if len(found) > asked.limit else None
    return OrderPage(orders=orders, left_out=left_out, changed_until=changed_until, next=following)


@router.get(
    "/{int:order_id}",
    response=OrderAnswer,
    auth=Scope(ORDERS_READ),
    openapi_extra=OF_ONE_ORDER,
    summary="Read an order",
)
def get_order(request: ApiRequest, order_id: OrderId, asked: Query[HistoryParameters]) -> OrderAnswer:
    """The order, live or archived, as it is now or as it was at a past moment; then `allowed_next` is empty."""
    if asked.as_of:
        return _told(answers.past_order, _past(request.auth, order_id, milliseconds(asked.as_of)))
    rows = list(_visible(request.auth).filter(pk=order_id))
    found = _orders(rows)
    if rows and not found:
        raise Problem("unreadable", "The order holds values that are none, or its archived document is not there.")
    if not found:
        raise Problem("not-found", "There is no such order, or it is not for this key.")
    return found[0]


@router.get(
    "/{int:order_id}/history",
    response=HistoryAnswer,
    auth=Scope(ORDERS_READ),
    openapi_extra=OF_ONE_ORDER,
    summary="Read an order's history",
)
def get_history(request: ApiRequest, order_id: OrderId, asked: Query[HistoryParameters]) -> HistoryAnswer:
    """Every event of the order, and what it was after them: now, or at a past moment. A key for one customer alone is
    not told the notes that the store made for itself."""
    as_of = milliseconds(asked.as_of) if asked.as_of else None
    past = _past(request.auth, order_id, as_of or NOW)
    return _told(partial(answers.history, as_of=as_of, customer_id=request.auth.customer_id), past)


def _told(describe_past: Callable[[Standing], Told], past: Standing) -> Told:
    answer, error = attempt(describe_past, past)
    if answer is None:
        raise Problem("unreadable", describe(error))
    return answer


def _past(key: Key, order_id: int, at: datetime) -> Standing:
    document = find.present(order_id)
    past = standing(document, at) if document else None
    if past is None or key.customer_id not in (None, past.order["user_id"]):
        raise Problem("not-found", "There is no such order, or there was none at that moment.")
    return past


def _visible(key: Key) -> EveryOrderQuerySet:
    orders = EveryOrder.objects.all()
    return orders if key.customer_id is None else orders.filter(customer_id=key.customer_id)


def _wanted(asked: OrderParameters, key: Key) -> EveryOrderQuerySet:
    found = _visible(key).newest_first()
    for condition in _conditions(asked):
        found = found.filter(condition)
    return found


def _conditions(asked: OrderParameters) -> Iterator[Q]:
    if asked.status:
        yield Q(status__in=asked.status)
    if asked.customer is not None:
        yield Q(customer_id=asked.customer)
    if asked.customer_email is not None:
        yield Q(customer_id__in=User.objects.filter(email=asked.customer_email).values("pk"))
    if asked.external_ref is not None:
        yield Q(external_ref=asked.external_ref)
    if asked.placed_from:
        yield Q(created_at__gte=asked.placed_from)
    if asked.placed_to:
        yield Q(created_at__lt=asked.placed_to)
    if asked.changed_since:
        yield _changed_since(asked.changed_since)
    if asked.archived is not None:
        yield Q(is_archived=asked.archived)
    if asked.cursor is not None:
        placed, order_id = cursors.keys(asked.cursor, datetime, int)
        # The first part is what an index can be entered by.
        bound = Q(created_at__lte=placed) if placed < LATEST else Q()
        # What is loaded as EARLIEST may be stored as earlier, and would come again and again.
        earlier = Q(created_at__lt=placed) if placed > EARLIEST else Q(pk__in=[])
        yield bound & (earlier | Q(order_id__lt=order_id))


def _complete_until() -> str:
    """The marker of this moment: the oldest transaction that is still under way and has written."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")
        return f"tx-{cursor.fetchone()[0]}"


def _changed_since(moment: datetime | str) -> Q:
    if isinstance(moment, str):
        since = Q(transaction_id__gte=int(moment.removeprefix("tx-")))
        archived = ArchivedOrder.objects.filter(since)
    else:
        # Imported orders bear times of long before.
        since = Q(occurred_at__gte=moment) | Q(recorded_at__gte=moment)
        archived = ArchivedOrder.objects.filter(archived_at__gte=moment)
    events = Event.objects.filter(since, order_id__isnull=False)
    return Q(pk__in=events.values("order_id")) | Q(pk__in=archived.values("pk"))


def _recheck(order_id: int) -> None:
    for order in Order.objects.with_items().filter(pk=order_id):
        OrderAnswer.of(order)
    for found in reading.documents_of(EveryOrder.objects.filter(pk=order_id, is_archived=True)).values():
        answers.archived_order(found, archived_at=found["archived_at"])


ORDERS: Isolation[int] = Isolation("API", "orders", _recheck)
ARCHIVED: Isolation[int] = Isolation("API", "archived_orders", _recheck)


def _orders(rows: Iterable[EveryOrder]) -> list[OrderAnswer]:
    """In the order of the rows, by three queries and one look at MongoDB at most."""
    rows = list(rows)
    live = Order.objects.with_items().in_bulk([row.pk for row in rows if not row.is_archived])
    # What is not there any more was archived, or deleted, since it was listed.
    moved = {row.pk for row in rows if not row.is_archived and row.pk not in live}
    archived = [row for row in rows if row.is_archived] + list(EveryOrder.objects.filter(pk__in=moved))
    documents = reading.documents_of(archived)
    answered = dict(ORDERS.each(live.values(), lambda order: (order.pk, OrderAnswer.of(order)), key=attrgetter("pk")))
    stubs = ArchivedOrder.objects.filter(pk__in=documents).values_list("pk", "archived_at") if documents else ()
    # One that was restored meanwhile has no stub any more: its mark tells it to the millisecond.
    archived_at = {pk: document["archived_at"] for pk, document in documents.items()} | dict(stubs)
    answered |= ARCHIVED.each(
        documents.items(),
        lambda row: (row[0], answers.archived_order(row[1], archived_at=archived_at[row[0]])),
        key=itemgetter(0),
    )
    return [answered[row.pk] for row in rows if row.pk in answered]
