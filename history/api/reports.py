"""The reports for other systems: the numbers of the pages, asked the same way.

Source: MongoDB rollups and order_history; names and freshness from PostgreSQL. Raises pymongo's errors.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Annotated, Any, Literal

from django.conf import settings
from django.utils import timezone
from ninja import Path, Query, Router
from pydantic import BeforeValidator, Field

from config.api.description import may_refuse
from config.api.problems import invalid
from config.api.scopes import REPORTS_READ, ApiRequest, Scope
from config.api.types import Answer, Moment, MomentAsked, Number, Parameters, whole
from core.pagination import page_of
from history.reports import causes, question, tables
from history.reports.freshness import freshness
from history.reports.periods import Period
from history.reports.report import Report, Tile, change
from history.reports.rows import Row
from history.reports.tables import Table
from history.reports.views import REPORTS, of_use

router = Router(tags=["Reports"])

Name = Literal["sales", "products", "customers", "status", "retention", "orders", "trust"]
Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$", json_schema_extra={"format": "date"})]
Filter = Annotated[int, Field(ge=0, le=10**18 - 1), BeforeValidator(whole)]


class ReportParameters(Parameters):
    """As in the address of the report's page. What makes no sense is refused here, where the page corrects it."""

    period: Literal["today", "7d", "30d", "month", "last-month", "90d", "year", "all", "custom"] | None = None
    first: Annotated[Day | None, Field(alias="from", description="With `to`: own days, both included.")] = None
    last: Annotated[Day | None, Field(alias="to")] = None
    compare: Literal["previous", "year", "none"] | None = None
    by: Annotated[Literal["day", "week", "month"] | None, Field(description="What a row of time is.")] = None
    status: Literal["counted", "open", "pending", "paid", "shipped", "delivered", "returned", "cancelled"] | None = None
    category: Annotated[Filter | None, Field(description="A category's number; 0: products without one.")] = None
    product: Annotated[Filter | None, Field(description="A product's number; 0: any, at prices as sold.")] = None
    customer: Annotated[Filter | None, Field(description="A customer's number.")] = None
    first_from: Annotated[Day | None, Field(alias="first-from", description="Of customers new since then.")] = None
    first_to: Annotated[Day | None, Field(alias="first-to")] = None
    as_of: Annotated[MomentAsked | None, Field(description="What the report was at this past moment.")] = None
    sort: Annotated[
        str | None, Field(pattern=r"^-?[a-z0-9_]{1,40}$", description="A column's name, with - the largest first.")
    ] = None
    page: Annotated[Number, Field(description="Of the first table's rows, a hundred a page.")] = 1


class Days(Answer):
    first: date
    last: date


class TileAnswer(Answer):
    label: str
    kind: str
    value: Any
    before: Annotated[Any, Field(description="In the period compared with; null: compared with nothing.")]
    change: Annotated[str | None, Field(description="In percent since then; “new” where there was nothing.")]


class ColumnAnswer(Answer):
    name: str
    label: str
    kind: str


class TableAnswer(Answer):
    name: str
    title: str
    columns: list[ColumnAnswer]
    rows: list[dict[str, Any]]
    totals: dict[str, Any]
    row_count: Annotated[int, Field(description="Of all pages.")]


class ReportAnswer(Answer):
    """complete_at: every change recorded before it is counted."""

    name: str
    title: str
    period: Days
    compared: Days | None
    as_of: Moment | None
    zone: Annotated[str, Field(description="A day is a day there.")]
    currency: str
    complete_at: Moment
    orders_behind: int
    tiles: list[TileAnswer]
    tables: list[TableAnswer]
    notes: list[str]


@router.get(
    "/{name}",
    response=ReportAnswer,
    auth=Scope(REPORTS_READ),
    openapi_extra=may_refuse("not-found", "history-unreachable", "busy"),
    summary="Read a report",
)
def get_report(request: ApiRequest, name: Annotated[Name, Path()], asked: Query[ReportParameters]) -> ReportAnswer:
    """The tiles and tables of the report's page. Money and percentages are decimal strings."""
    if asked.first and asked.last and asked.first > asked.last:
        raise invalid([{"detail": "It is after the day in `to`.", "parameter": "from"}])
    kind, now = REPORTS[name], timezone.now()
    question_asked = question.read(of_use(request.GET, kind), now, default=kind.default_period)
    _refuse(question_asked.notes)
    # Asked before the report is read, so that it never promises more than there is.
    fresh = freshness(now)
    report = kind.ask(question_asked)
    if kind.causes:
        causes.explain(report, question_asked, kind.causes)
    return ReportAnswer(
        name=name,
        title=kind.title,
        period=_days(question_asked.period),
        compared=_days(question_asked.compared) if kind.compares and question_asked.compared else None,
        as_of=question_asked.past.at if question_asked.past else None,
        zone=timezone.get_default_timezone_name(),
        currency=settings.CURRENCY,
        complete_at=fresh.complete_at,
        orders_behind=fresh.behind,
        tiles=[_tile(tile) for tile in report.tiles],
        tables=_tables(report, asked),
        notes=list(report.notes),
    )


def _refuse(notes: Iterable[str]) -> None:
    errors = [{"detail": note} for note in notes]
    if errors:
        raise invalid(errors)


def _days(period: Period) -> Days:
    return Days(first=period.first, last=period.last)


def _tile(tile: Tile) -> TileAnswer:
    percent = change(tile.value, tile.before)
    return TileAnswer(
        label=tile.label,
        kind=tile.kind,
        value=plain(tile.value),
        before=plain(tile.before),
        change=None if percent is None else tables.plain(percent),
    )


def _tables(report: Report, asked: ReportParameters) -> list[TableAnswer]:
    """The first in the order and of the page asked for, the others whole."""
    first = report.table
    _sort, notes = first.sort(asked.sort)
    page, page_notes = page_of(first.rows, str(asked.page), first.page_size, count=len(first.rows))
    _refuse([*notes, *page_notes])
    others = report.tables[1:]
    for table in others:
        table.sort(None)
    return [_table(first, list(page.object_list)), *(_table(table, table.rows) for table in others)]


def _table(table: Table, rows: Sequence[Row]) -> TableAnswer:
    return TableAnswer(
        name=table.name,
        title=table.title,
        columns=[ColumnAnswer(name=column.name, label=column.label, kind=column.kind) for column in table.columns],
        rows=[{cell.column.name: plain(cell.value) for cell in cells} for cells in table.cells(rows)],
        totals={name: plain(value) for name, value in table.totals.items()},
        row_count=len(table.rows),
    )


def plain(value: Any) -> int | str | None:
    """As the CSV has it, but numbers of things are numbers, and nothing is null."""
    if value is None or isinstance(value, int):
        return value
    return tables.plain(value)
