"""The report pages, for whoever may see them; with MongoDB down they say so and the frame stays.

Source: MongoDB rollups and order_history; names, freshness and the truth beside them from PostgreSQL.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.core.paginator import Page
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from pymongo.errors import ExecutionTimeout, NetworkTimeout, PyMongoError

from catalog.models import Category
from core.pagination import page_of
from history.reports import causes, csv, customers, filters, intervals, orders, periods, products, question, retention
from history.reports import sales as sales_report
from history.reports import statuses as status_report
from history.reports import trust as trust_report
from history.reports.freshness import freshness
from history.reports.periods import PRESETS
from history.reports.question import COMPARISON_LABELS, Question
from history.reports.report import Report
from history.reports.tables import Table
from history.rollups.past import Past
from users import second_factor

logger = logging.getLogger(__name__)

UNREACHABLE = "History store is not reachable. Shop and orders are unaffected."
ONLY_NOW = "Both stores are compared as they are now: the past moment is ignored."
TOO_SLOW = "The history store took too long over this period. Choose a shorter one. Shop and orders are unaffected."


@dataclass(frozen=True)
class Kind:
    """A report in the row of tabs. compares, cuts, narrows, looks_back: what of the bar it has a use for.

    causes: what makes the difference between a past moment and now.
    """

    title: str
    explanation: str
    ask: Callable[[Question], Report]
    compares: bool = False
    cuts: bool = False
    narrows: bool = True
    looks_back: bool = True
    causes: Callable[[Question, Past], Table] | None = None
    default_period: str = periods.DEFAULT


REPORTS = {
    "sales": Kind(
        "Sales",
        "Orders, units and revenue per day, week or month.",
        sales_report.sales,
        compares=True,
        cuts=True,
        causes=causes.of_revenue,
    ),
    "products": Kind(
        "Products",
        "What sells: units, orders, revenue and its share.",
        products.products,
        compares=True,
        causes=causes.of_products,
    ),
    "customers": Kind(
        "Customers",
        "Who orders: new and returning, how often, for how much.",
        customers.customers,
        compares=True,
        cuts=True,
        causes=causes.of_revenue,
    ),
    "status": Kind(
        "Status",
        "Where orders are now, and how long each step takes.",
        status_report.statuses,
        compares=True,
        causes=causes.of_amounts,
    ),
    "retention": Kind(
        "Retention", "Who comes back, month by month.", retention.retention, narrows=False, default_period="year"
    ),
    "orders": Kind("Orders", "Every order behind the numbers.", orders.orders, causes=causes.of_amounts),
    "trust": Kind(
        "Trust", "Both stores beside each other, day by day.", trust_report.trust, narrows=False, looks_back=False
    ),
}

# What of the address outlives the giving of own dates or filters.
KEPT = ("period", "by", "compare", "sort", "product", "customer", "first-from", "first-to")


def may_view(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """They tell what everybody spends: whoever may see them needs a second factor, as staff do."""
    return permission_required("history.view_reports", raise_exception=True)(second_factor.asked(view))


@require_safe
@never_cache
@may_view
def home(request: HttpRequest) -> HttpResponse:
    context = {"reports": REPORTS, "freshness": freshness(timezone.now())}
    return render(request, "history/reports/home.html", context)


@require_safe
@never_cache
@may_view
def report(request: HttpRequest, name: str) -> HttpResponse:
    kind = REPORTS.get(name)
    if kind is None:
        raise Http404
    now = timezone.now()
    asked = question.read(of_use(request.GET, kind), now, default=kind.default_period)
    context = _context(request, name, kind, asked, now)
    try:
        answer = kind.ask(asked)
        if kind.causes:
            causes.explain(answer, asked, kind.causes)
        return _answer(request, name, answer, context)
    except PyMongoError as error:
        return unanswered(request, "history/reports/report.html", context, error)


def of_use(asked: QueryDict, kind: Kind) -> QueryDict:
    if kind.looks_back:
        return asked
    rest = asked.copy()
    rest.pop("as_of", None)
    return rest


def _answer(request: HttpRequest, name: str, answer: Report, context: dict[str, Any]) -> HttpResponse:
    """Raises PyMongoError where names of rows come from MongoDB."""
    sort, notes = answer.table.sort(request.GET.get("sort"))
    for table in answer.tables[1:]:
        table.sort(None)
    if request.GET.get("format") == "csv":
        return _csv(request, name, answer, context["question"])
    page, page_notes = _page(request, answer)
    context["notes"] += [*answer.notes, *notes, *page_notes]
    context |= {
        "report": answer,
        "page": page,
        "shown": answer.table.shown(list(page.object_list), sort),
        "others": [table.shown(table.rows) for table in answer.tables[1:] if table.rows],
    }
    return render(request, "history/reports/report.html", context)


def _page(request: HttpRequest, answer: Report) -> tuple[Page[Any], list[str]]:
    rows = answer.table.rows
    return page_of(rows, request.GET.get("page"), answer.table.page_size, count=len(rows))


def _context(request: HttpRequest, name: str, kind: Kind, asked: Question, now: datetime) -> dict[str, Any]:
    return {
        "name": name,
        "kind": kind,
        "reports": REPORTS,
        "question": asked,
        "choice": asked.choice,
        "filters": asked.filters,
        "chips": _chips(request, asked),
        "presets": PRESETS,
        "units": intervals.UNITS,
        "statuses": filters.STATUSES,
        "categories": Category.objects.order_by("name") if kind.narrows else [],
        "zone": timezone.get_default_timezone_name(),
        "comparisons": COMPARISON_LABELS,
        "kept": [(field, request.GET[field]) for field in KEPT if field in request.GET],
        "freshness": freshness(now),
        "notes": [*asked.notes, *([] if kind.looks_back or not request.GET.get("as_of") else [ONLY_NOW])],
    }


def _chips(request: HttpRequest, asked: Question) -> list[dict[str, str]]:
    """Filters without a field, each with the address that is without it."""
    chips = []
    for parameter, words in filters.chips(asked.filters):
        rest = request.GET.copy()
        for name in (parameter, "page"):
            rest.pop(name, None)
        chips.append({"words": words, "without": f"?{rest.urlencode()}"})
    return chips


def unanswered(request: HttpRequest, template: str, context: dict[str, Any], error: PyMongoError) -> HttpResponse:
    logger.warning("A report could not be read: %s", error)
    is_slow = isinstance(error, ExecutionTimeout | NetworkTimeout)
    problem = TOO_SLOW if is_slow else UNREACHABLE
    if request.GET.get("format") == "csv":
        return HttpResponse(problem + "\n", status=503, content_type="text/plain; charset=utf-8")
    return render(request, template, context | {"problem": problem}, status=503)


def _csv(request: HttpRequest, name: str, answer: Report, asked: Question) -> HttpResponse:
    """The table named by ?table=, or the first."""
    by_name = {table.name: table for table in answer.tables}
    table = by_name.get(request.GET.get("table", ""), answer.table)
    response = HttpResponse(csv.lines(table), content_type="text/csv; charset=utf-8")
    part = "" if table is answer.table else f"-{table.name}"
    period = f"{asked.period.first}-to-{asked.period.last}"
    if asked.past:
        period += f"-as-of-{timezone.localtime(asked.past.at, timezone.get_default_timezone()):%Y-%m-%dT%H-%M-%S}"
    response["Content-Disposition"] = f'attachment; filename="{name}{part}-{period}.csv"'
    return response
