"""The report pages, for whoever may see them; with MongoDB down they say so and the frame stays.

Source: MongoDB order_history; names and freshness from PostgreSQL.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from pymongo.errors import ExecutionTimeout, NetworkTimeout, PyMongoError

from catalog.listing import page_of
from history.reports import csv, intervals, periods
from history.reports import customers as customers_report
from history.reports import products as products_report
from history.reports import sales as sales_report
from history.reports import statuses as status_report
from history.reports.freshness import freshness
from history.reports.periods import PRESETS, Choice, Period
from history.reports.tables import Report

logger = logging.getLogger(__name__)

UNREACHABLE = "History store is not reachable. Shop and orders are unaffected."
TOO_SLOW = "The history store took too long over this period. Choose a shorter one. Shop and orders are unaffected."

REPORTS = [
    ("sales", "Sales", "Orders, units and revenue per day, week or month."),
    ("products", "Products", "What sells: units, orders, revenue and its share."),
    ("customers", "Customers", "Who orders: how often, for how much, first and last."),
    ("status", "Status", "Where orders are now, and how old the oldest is."),
]
COMPARISONS: dict[str, tuple[str, Callable[[Period], Period] | None]] = {
    "previous": ("the days right before", Period.preceding),
    "year": ("the same days last year", Period.year_before),
    "none": ("nothing", None),
}

# What of the address outlives the giving of own dates.
KEPT = ("by", "compare", "sort")

may_view = permission_required("history.view_reports", raise_exception=True)


@dataclass
class Question:
    """What the address asks for; `ask` gets the answer. `bar` is what the page's bar shows of it beside the period."""

    name: str
    choice: Choice
    ask: Callable[[], Report]
    bar: dict[str, Any]
    notes: list[str]


@require_safe
@never_cache
@may_view
def home(request: HttpRequest) -> HttpResponse:
    context = {"reports": REPORTS, "freshness": freshness(timezone.now())}
    return render(request, "history/reports/home.html", context)


@require_safe
@never_cache
@may_view
def sales(request: HttpRequest) -> HttpResponse:
    choice = _choice(request)
    unit = request.GET.get("by")
    comparison, compared, notes = _comparison(request.GET.get("compare"), choice)
    question = Question(
        "sales",
        choice,
        lambda: sales_report.sales(choice.period, unit=unit, compared=compared, trim=choice.is_everything),
        {"units": intervals.UNITS, "comparison": comparison, "compared": compared},
        notes,
    )
    return _answer(request, question)


@require_safe
@never_cache
@may_view
def products(request: HttpRequest) -> HttpResponse:
    choice = _choice(request)
    return _answer(request, Question("products", choice, lambda: products_report.products(choice.period), {}, []))


@require_safe
@never_cache
@may_view
def customers(request: HttpRequest) -> HttpResponse:
    choice = _choice(request)
    return _answer(request, Question("customers", choice, lambda: customers_report.customers(choice.period), {}, []))


@require_safe
@never_cache
@may_view
def status(request: HttpRequest) -> HttpResponse:
    choice = _choice(request)
    return _answer(request, Question("status", choice, lambda: status_report.statuses(choice.period), {}, []))


def _choice(request: HttpRequest) -> Choice:
    return periods.choose(request.GET, timezone.localdate(timezone=timezone.get_default_timezone()))


def _comparison(asked: str | None, choice: Choice) -> tuple[str, Period | None, list[str]]:
    """The comparison's name, its period and notes; everything is compared with nothing."""
    known = not asked or asked in COMPARISONS
    name = asked if asked and known else "previous"
    notes = [] if known else [f"“{str(asked)[:40]}” is no comparison: compared with the days right before."]
    other = COMPARISONS[name][1]
    if other is None or choice.is_everything:
        return "none", None, notes
    return name, other(choice.period), notes


def _answer(request: HttpRequest, question: Question) -> HttpResponse:
    now = timezone.now()
    context = _context(request, question, now)
    try:
        report = question.ask()
    except PyMongoError as error:
        return _unanswered(request, context, error)
    sort, notes = report.sort(request.GET.get("sort"))
    if request.GET.get("format") == "csv":
        return _csv(report, question)
    page, page_notes = page_of(report.rows, request.GET.get("page"), report.page_size, count=len(report.rows))
    context["notes"] += [*report.notes, *notes, *page_notes]
    context |= {
        "report": report,
        "page": page,
        "rows": report.cells(list(page.object_list)),
        "headings": report.headings(sort),
        "totals": report.total_cells(),
    }
    return render(request, "history/reports/report.html", context)


def _context(request: HttpRequest, question: Question, now: datetime) -> dict[str, Any]:
    title, explanation = next(rest for name, *rest in REPORTS if name == question.name)
    return {
        "name": question.name,
        "title": title,
        "explanation": explanation,
        "reports": REPORTS,
        "choice": question.choice,
        "presets": PRESETS,
        "zone": timezone.get_default_timezone_name(),
        "comparisons": COMPARISONS,
        "kept": [(field, request.GET[field]) for field in KEPT if field in request.GET],
        "freshness": freshness(now),
        "notes": question.choice.notes + question.notes,
        **question.bar,
    }


def _unanswered(request: HttpRequest, context: dict[str, Any], error: PyMongoError) -> HttpResponse:
    logger.warning("A report could not be read: %s", error)
    is_slow = isinstance(error, ExecutionTimeout | NetworkTimeout)
    problem = TOO_SLOW if is_slow else UNREACHABLE
    if request.GET.get("format") == "csv":
        return HttpResponse(problem + "\n", status=503, content_type="text/plain; charset=utf-8")
    return render(request, "history/reports/report.html", context | {"problem": problem}, status=503)


def _csv(report: Report, question: Question) -> HttpResponse:
    period = question.choice.period
    response = HttpResponse(csv.lines(report), content_type="text/csv; charset=utf-8")
    name = f"{question.name}-{period.first}-to-{period.last}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
