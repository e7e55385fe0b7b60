"""One day of the Trust report: the orders of it that differ between the stores, each by name, and their mending.

Source: PostgreSQL orders, archived_orders, history_events; MongoDB order_history, rollups.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from pymongo.errors import PyMongoError

from history import mongo, wakeup
from history.mirror.reconcile import Findings, reconcile_orders
from history.mirror.repair import repair as mend
from history.reports.freshness import freshness
from history.reports.periods import DAY, EARLIEST, LATEST, Period
from history.reports.views import UNREACHABLE, may_view, unanswered
from history.rollups import queue, read
from history.rollups.later import day_of

TEMPLATE = "history/reports/trust_day.html"
MAY_REPAIR = "history.requeue_events"

# A day is told by its date: where clocks go back over midnight, it is no single stretch of time.
PLACED = """
SELECT order_id FROM every_order o
WHERE created_at >= %(start)s AND created_at < %(end)s AND (created_at AT TIME ZONE %(zone)s)::date = %(day)s
"""


@require_safe
@never_cache
@may_view
def day(request: HttpRequest, day: str) -> HttpResponse:
    period = _period(day)
    context: dict[str, Any] = {
        "day": period.first,
        "freshness": freshness(timezone.now()),
        "may_repair": request.user.has_perm(MAY_REPAIR),
    }
    try:
        context["findings"] = compare(period)
    except PyMongoError as error:
        return unanswered(request, TEMPLATE, context, error)
    return render(request, TEMPLATE, context)


@require_POST
@may_view
@permission_required(MAY_REPAIR, raise_exception=True)
def repair(request: HttpRequest, day: str) -> HttpResponse:
    """Have the differing documents written and the day counted anew; a relay does both."""
    period = _period(day)
    try:
        mended = mend(compare(period).differences, at=timezone.now())
    except PyMongoError:
        messages.error(request, UNREACHABLE)
    else:
        queue.add_days([period.first])
        wakeup.notify()
        documents = "1 document" if mended == 1 else f"{mended} documents"
        messages.success(request, f"{documents} will be written anew, and the day counted anew.")
    return redirect("reports:trust-day", day=day)


def compare(period: Period) -> Findings:
    """Compare every order that either store says was placed then. Raises PyMongoError."""
    ids = _of_postgresql(period) | _of_documents(period)
    for each in read.orders(period.first, period.last):
        ids |= {*each.order_ids}
    return reconcile_orders(sorted(ids))


def _period(day: str) -> Period:
    try:
        found = date.fromisoformat(day)
    except ValueError:
        raise Http404 from None
    if not EARLIEST <= found <= LATEST:
        raise Http404
    return Period(found, found)


def _of_postgresql(period: Period) -> set[int]:
    with connection.cursor() as cursor:
        parameters = {"start": period.start - DAY, "end": period.end + DAY, "day": period.first}
        cursor.execute(PLACED, parameters | {"zone": settings.TIME_ZONE})
        return {order_id for (order_id,) in cursor.fetchall()}


def _of_documents(period: Period) -> set[int]:
    found = mongo.for_reading().find(
        {"created_at": {"$gte": period.start - DAY, "$lt": period.end + DAY}},
        {"order_id": 1, "created_at": 1},
        max_time_ms=settings.MONGODB_READ_TIMEOUT_MS,
    )
    return {document["order_id"] for document in found if day_of(document["created_at"]) == period.first}
