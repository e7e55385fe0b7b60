"""Products: which ones are ordered, how often and for how much."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from catalog.models import Product
from history.reports import definitions, facts, intervals
from history.reports.facts import Item
from history.reports.filters import ANY_PRODUCT, Filters
from history.reports.question import Question
from history.reports.report import Chart, Report, Tile, change
from history.reports.tables import CHANGE, INTEGER, MONEY, PERCENT, Column, Row, Table

COLUMNS = [
    Column("product", "Product"),
    Column("sku", "SKU"),
    Column("category", "Category"),
    Column("units", "Units", INTEGER),
    Column("orders", "Counted orders", INTEGER),
    Column("revenue", "Revenue", MONEY),
    Column("share", "Share", PERCENT),
]
COMPARED_COLUMNS = [Column("previous", "Previous", MONEY), Column("change", "Change", CHANGE)]
NOTHING_COUNTS = "Cancelled and returned orders have no revenue, so no product of theirs is counted here."


@dataclass
class Sold:
    units: int = 0
    orders: int = 0
    cents: int = 0

    @property
    def revenue(self) -> Decimal:
        return definitions.money(self.cents)


def products(question: Question) -> Report:
    counted = question.filters.narrowed_to_counted()
    found = facts.items(question.period, counted, question.rollups) if counted else []
    sold = per_product(found)
    before = None
    if question.compared and counted:
        before = per_product(facts.items(question.compared, counted, question.rollups))
    table = _table(question, counted, sold, before)
    return Report(
        tiles=_tiles(question, table, found, before),
        tables=[table],
        charts=[Chart("bar", "product", ("revenue",), "Revenue by product, the ten largest of these rows")],
        definitions=[
            definitions.COUNTED,
            definitions.UNITS,
            definitions.PRODUCT_ORDERS,
            definitions.PRODUCT_REVENUE,
            definitions.SHARE,
            definitions.PREVIOUS,
            definitions.CHANGE,
            definitions.CATEGORY,
        ],
        notes=[] if counted else [NOTHING_COUNTS],
    )


def per_product(items: Sequence[Item]) -> dict[int, Sold]:
    sold: dict[int, Sold] = defaultdict(Sold)
    for item in items:
        one = sold[item.product]
        one.units += item.units
        one.cents += item.cents
    # An order may hold a product twice, at two prices: it is one order of it.
    for product, _ in {(item.product, item.order_id) for item in items}:
        sold[product].orders += 1
    return sold


def _table(
    question: Question, counted: Filters | None, sold: Mapping[int, Sold], before: Mapping[int, Sold] | None
) -> Table:
    whole = sum(one.cents for one in sold.values())
    rows = [_row(product, one, whole) for product, one in sold.items()]
    totals: Row = {
        "product": "Total",
        "units": sum(one.units for one in sold.values()),
        "revenue": definitions.money(whole),
        "share": definitions.share(whole, whole),
    }
    if before is not None:
        for row in rows:
            row["previous"] = before.get(row["key"], Sold()).revenue
            row["change"] = change(row["revenue"], row["previous"])
    return Table(
        columns=[*COLUMNS, *COMPARED_COLUMNS] if before is not None else COLUMNS,
        rows=rows,
        totals=totals,
        total_links=_total_links(question, counted),
        default_sort="-revenue",
        named=frozenset({"product", "sku", "category"}),
        add_names=_add_names,
        links=lambda row: _links(question, counted, row),
    )


def _row(product: int, sold: Sold, whole: int) -> Row:
    return {
        "key": product,
        "units": sold.units,
        "orders": sold.orders,
        "revenue": sold.revenue,
        "share": definitions.share(sold.cents, whole),
    }


def _links(question: Question, counted: Filters | None, row: Row) -> dict[str, str]:
    """The product leads to its sales over time, its numbers to the orders."""
    if counted is None:
        return {}
    of_product = replace(counted, product=row["key"])
    orders = question.address("orders", filters=of_product)
    links = {"product": question.address("sales", filters=of_product)}
    links |= dict.fromkeys(("units", "orders", "revenue"), orders)
    if row["category_id"] is not None:
        links["category"] = question.address("products", filters=replace(question.filters, category=row["category_id"]))
    if question.compared:
        links["previous"] = question.address("orders", question.compared, of_product)
    return links


def _total_links(question: Question, counted: Filters | None) -> dict[str, str]:
    if counted is None:
        return {}
    of_items = counted if counted.is_of_items else replace(counted, product=ANY_PRODUCT)
    return dict.fromkeys(("units", "revenue"), question.address("orders", filters=of_items))


def _tiles(question: Question, table: Table, items: Sequence[Item], before: Mapping[int, Sold] | None) -> list[Tile]:
    old = None if before is None else [*before.values()]
    cents = None if old is None else sum(one.cents for one in old)
    top = max(table.rows, key=lambda row: row["revenue"], default=None)
    sparks = _sparks(question, items)
    return [
        Tile(
            "Units",
            table.totals["units"],
            INTEGER,
            None if old is None else sum(one.units for one in old),
            table.total_links.get("units", ""),
            sparks["units"],
        ),
        Tile("Products sold", len(table.rows), INTEGER, None if old is None else len(old)),
        Tile(
            "Revenue",
            table.totals["revenue"],
            MONEY,
            None if cents is None else definitions.money(cents),
            table.total_links.get("revenue", ""),
            sparks["cents"],
        ),
        Tile("Top share", top["share"] if top else None, PERCENT),
    ]


def _sparks(question: Question, items: Sequence[Item]) -> dict[str, list[int]]:
    """Units and cents of each interval in time."""
    by_day: dict[date, list[int]] = defaultdict(lambda: [0, 0])
    for item in items:
        day = by_day[item.day]
        day[0] += item.units
        day[1] += item.cents
    shown = question.spanned(by_day)
    unit = intervals.suited_unit(shown)
    cut = {each: [0, 0] for each in intervals.intervals(unit, question.period, within=shown)}
    for each, (units, cents) in by_day.items():
        sums = cut[intervals.interval_of(each, unit, question.period)]
        sums[0] += units
        sums[1] += cents
    return {"units": [units for units, _ in cut.values()], "cents": [cents for _, cents in cut.values()]}


def _add_names(rows: Sequence[Row]) -> None:
    """Today's names, from PostgreSQL; a product that is not there any more is told by its number."""
    found = Product.objects.filter(pk__in=[row["key"] for row in rows])
    names = {pk: rest for pk, *rest in found.values_list("pk", "name", "sku", "category_id", "category__name")}
    for row in rows:
        name, sku, category_id, category = names.get(row["key"], (f"Product {row['key']}", "", None, None))
        row.update(product=name, sku=sku, category=category or "", category_id=category_id)
