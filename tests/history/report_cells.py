"""Every cell of every report, as the report says it and as SQL does.

A cell is found by (table, key of the row or "total", column), one of a tile by ("tile", label, value | before | spark).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from history.reports import intervals
from history.reports.intervals import Interval
from history.reports.periods import Period
from history.reports.question import Question
from history.reports.views import REPORTS
from tests.history import report_sql as sql
from tests.history import report_truth
from tests.history.report_truth import Rows

Cells = dict[tuple[str, Any, str], Any]
Values = dict[str, Any]
MONTHS = 24


def differences(name: str, question: Question) -> tuple[int, list[str]]:
    """How many cells a report has, and those that SQL tells otherwise; report_truth.choose(question) comes before."""
    said, true = cells(name, question), TRUTHS[name](question)
    wrong = [key for key in said.keys() | true.keys() if key not in said or key not in true or said[key] != true[key]]
    return len(true), [f"{name} {key}: {said.get(key, 'missing')}, not {true.get(key, 'there')}" for key in wrong]


def cells(name: str, question: Question) -> Cells:
    """What the report says; all of its rows, with their names."""
    report = REPORTS[name].ask(question)
    found: Cells = {}
    for tile in report.tiles:
        found |= _tile(tile.label, tile.value, tile.before, tile.spark)
    for table in report.tables:
        table.add_names(table.rows)
        names = [column.name for column in table.columns]
        for row in table.rows:
            found |= {(table.name, row["key"], name): _plain(row[name]) for name in names}
        _, *numbers = names
        found |= {(table.name, "total", name): table.totals[name] for name in numbers if name in table.totals}
    return found


def _plain(value: Any) -> Any:
    return f"{value.first} {value.last}" if isinstance(value, Interval) else value


def _tile(label: str, value: Any, before: Any = None, spark: Iterable[Any] = ()) -> Cells:
    told = {"value": value, "before": before, "spark": [*spark]}
    return {("tile", label, name): each for name, each in told.items()}


def _table(rows: Rows, name: str = "rows") -> Cells:
    return {(name, row["key"], column): value for row in rows for column, value in row.items() if column != "key"}


def _total(row: Values) -> Cells:
    return {("rows", "total", column): value for column, value in row.items()}


def _one(text: str, **values: Any) -> Values:
    [row] = report_truth.ask(text, **values)
    return row


def _of(question: Question) -> Values:
    """The values that the questions in SQL are asked with."""
    period, compared = question.period, question.compared
    return {
        "first": period.first,
        "last": period.last,
        "days": period.days,
        "before_last": compared.last if compared else period.last,
        "now": question.at,
        "today": question.today,
        "statuses": sorted(question.filters.statuses),
    }


def _spanned(question: Question, table: str) -> Period:
    """What is cut into rows: the period, or of everything from the first day with an order to the last."""
    span = _one(f"SELECT min(day) AS first, max(day) AS last FROM {table}")
    if not question.choice.is_everything:
        return question.period
    return Period(span["first"] or question.period.last, span["last"] or question.period.last)


def _cut(unit: str, shown: Period) -> Values:
    return {"unit": unit, "step": f"1 {unit}", "shown_first": shown.first, "shown_last": shown.last}


def _without_comparison(question: Question, rows: Rows) -> Rows:
    if question.compared is None:
        for row in rows:
            del row["previous"], row["change"]
    return rows


def _column(rows: Rows, name: str) -> list[Any]:
    return [row[name] for row in rows]


def _sales(question: Question) -> Cells:
    shown = _spanned(question, "placed")
    unit, _ = intervals.choose_unit(question.by, shown)
    values = _of(question) | _cut(unit, shown)
    shift = sql.SHIFTS[question.comparison].format(day="first")
    rows = report_truth.ask(sql.SALES.format(shift=shift), **values)
    total = _without_comparison(question, [_one(sql.SALES_TOTAL)])[0]
    sparks = {"Revenue": "revenue", "Orders": "orders", "Units": "units"}
    before = _one(f"{sql.SALES_TILES} earlier") if question.compared else {}
    found = _table(_without_comparison(question, rows)) | _total(total)
    for label, value in _one(f"{sql.SALES_TILES} placed").items():
        old = (before[label] or 0) if before else None
        found |= _tile(label, value, old, _column(rows, sparks[label]) if label in sparks else ())
    return found


def _products(question: Question) -> Cells:
    # Where no status is counted there is nothing to compare either.
    is_compared = bool(question.compared and question.filters.narrowed_to_counted())
    rows = _without_comparison(question, report_truth.ask(sql.PRODUCTS))
    before = _one(f"{sql.PRODUCTS_TILES} sold_earlier") if is_compared else {}
    shown = _spanned(question, "sold")
    in_time = report_truth.ask(sql.SOLD_IN_TIME, **_of(question), **_cut(intervals.suited_unit(shown), shown))
    sparks = {"Units": _column(in_time, "units"), "Revenue": _column(in_time, "cents")}
    found = _table(rows) | _total(_one(sql.PRODUCTS_TOTAL))
    for label, value in (_one(f"{sql.PRODUCTS_TILES} sold") | _one(sql.TOP_SHARE)).items():
        found |= _tile(label, value, before.get(label), sparks.get(label, ()))
    return found


def _customers(question: Question) -> Cells:
    shown = _spanned(question, "placed")
    unit, _ = intervals.choose_unit(question.by, shown)
    kinds = report_truth.ask(sql.KINDS, **_of(question), **_cut(unit, shown))
    sparks = {"New customers": _column(kinds, "new"), "Returning customers": _column(kinds, "returning")}
    before = _customers_tiles("earlier", question.compared) if question.compared else {}
    found = _table(report_truth.ask(sql.CUSTOMERS, **_of(question))) | _table(kinds, "kinds")
    found |= _total(_one(sql.CUSTOMERS_TOTAL))
    for label, value in _customers_tiles("placed", shown).items():
        found |= _tile(label, value, before.get(label), sparks.get(label, ()))
    return found


def _customers_tiles(orders: str, period: Period) -> Values:
    return _one(sql.CUSTOMERS_TILES.format(orders=orders), since=period.first)


def _statuses(question: Question) -> Cells:
    shown = _spanned(question, "placed")
    in_time = report_truth.ask(sql.STATUSES_IN_TIME, **_of(question), **_cut(intervals.suited_unit(shown), shown))
    sparks = {"Orders": _column(in_time, "orders"), "Cancelled": _column(in_time, "cancelled")}
    times = _times(question, question.period)
    before: Values = {}
    if question.compared:
        before = _one(f"{sql.STATUSES_TILES} earlier") | _medians(_times(question, question.compared))
    found = _table(report_truth.ask(sql.STATUSES, **_of(question))) | _table(times, "times")
    found |= _total(_one(sql.STATUSES_TOTAL))
    for label, value in (_one(f"{sql.STATUSES_TILES} placed") | _medians(times)).items():
        old = None if label == "Open now" else before.get(label)
        found |= _tile(label, value, old, sparks.get(label, ()))
    return found


def _times(question: Question, period: Period) -> Rows:
    return report_truth.ask(sql.TIMES, **_of(question), since=period.first, until=period.last)


def _medians(times: Rows) -> Values:
    labels = ("Median time to pay", "Median time to ship", "Median time to deliver")
    return {label: row["p50"] for label, row in zip(labels, sorted(times, key=lambda row: row["key"]), strict=True)}


def _retention(question: Question) -> Cells:
    values = _of(question)
    rows, total = report_truth.ask(sql.RETENTION, **values), _one(sql.RETENTION_TOTAL, **values)
    back = {(row["cohort"], row["later"]): row["customers"] for row in report_truth.ask(sql.COME_BACK, **values)}
    oldest = min((row["key"] for row in rows), default=question.today)
    for row in rows:
        reached = _months(row["key"], question.today)
        for later in range(1, min(_months(oldest, question.today), MONTHS) + 1):
            row[f"month-{later}"] = back.get((row["key"], later), 0) if later <= reached else None
    tiles = {"Customers": "customers", "Second order": "second", "Second within 90 days": "soon"}
    found = _table(rows) | _total(total)
    for label, name in tiles.items():
        found |= _tile(label, total[name])
    return found


def _months(start: Any, day: Any) -> int:
    return int((day.year - start.year) * 12 + day.month - start.month)


def _orders(question: Question) -> Cells:
    tiles = _one(sql.ORDERS_TILES)
    found = _table(report_truth.ask(sql.ORDERS)) | _total({"units": tiles["Units"], "amount": tiles["Amount"]})
    for label, value in tiles.items():
        found |= _tile(label, value)
    return found


def _trust(question: Question) -> Cells:
    values = _of(question)
    total = _one(sql.TRUST_TOTAL, **values)
    both = dict.fromkeys(("Orders, PostgreSQL", "Orders, MongoDB"), total["orders"])
    tiles = both | {"Days and statuses that differ": 0} | _one(sql.TRUST_TILES)
    found = _table(report_truth.ask(sql.TRUST, **values)) | _total(total)
    found |= _table(report_truth.ask(sql.LAG, **values), "lag")
    for label, value in tiles.items():
        found |= _tile(label, value)
    return found


TRUTHS: dict[str, Callable[[Question], Cells]] = {
    "sales": _sales,
    "products": _products,
    "customers": _customers,
    "status": _statuses,
    "retention": _retention,
    "orders": _orders,
    "trust": _trust,
}
