"""Products: which ones are ordered, how often and for how much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from catalog.models import Product
from history.reports import definitions, facts, intervals
from history.reports.filters import ANY_PRODUCT, Filters
from history.reports.numbers import Groups
from history.reports.question import Question
from history.reports.report import Chart, Report, Tile, change
from history.reports.rows import Row, Rows
from history.reports.tables import CHANGE, INTEGER, MONEY, PERCENT, Column, Table
from history.rollups.read import DayLines

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
DEFINITIONS = [
    definitions.COUNTED,
    definitions.UNITS,
    definitions.PRODUCT_ORDERS,
    definitions.PRODUCT_REVENUE,
    definitions.SHARE,
    definitions.PRODUCTS_SOLD,
    definitions.TOP_SHARE,
    definitions.PREVIOUS,
    definitions.CHANGE,
    definitions.CATEGORY,
]
NOTHING_COUNTS = "Cancelled and returned orders have no revenue, so no product of theirs is counted here."


@dataclass(frozen=True)
class Sold:
    """By product; orders: those with it in them, an order that holds it twice, at two prices, is one."""

    units: Mapping[int, int]
    cents: Mapping[int, int]
    orders: Mapping[int, int]

    def revenue(self, product: int) -> Decimal:
        return definitions.money(self.cents.get(product, 0))


def products(question: Question) -> Report:
    counted = question.filters.narrowed_to_counted()
    found = facts.items(question.period, counted, question.rollups) if counted else []
    sold = per_product(found)
    before = None
    if question.compared and counted:
        before = per_product(facts.items(question.compared, counted, question.rollups))
    table = _table(question, counted, sold, before)
    return Report(
        tiles=_tiles(question, table, found, sold, before),
        tables=[table],
        charts=[Chart("bar", "product", ("revenue",), "Revenue by product, the ten largest of these rows")],
        definitions=DEFINITIONS,
        notes=[] if counted else [NOTHING_COUNTS],
    )


def per_product(days: Sequence[DayLines]) -> Sold:
    products = Groups(facts.numbers_of(days, "product_ids"))
    return Sold(
        units=products.sums(facts.numbers_of(days, "quantities")),
        cents=products.sums(facts.numbers_of(days, "cents")),
        orders=products.differing(facts.numbers_of(days, "order_ids")),
    )


def _table(question: Question, counted: Filters | None, sold: Sold, before: Sold | None) -> Table:
    whole = sum(sold.cents.values())
    return Table(
        columns=[*COLUMNS, *COMPARED_COLUMNS] if before else COLUMNS,
        rows=Rows(
            [*sold.orders],
            lambda product: _row(product, sold, whole, before),
            {
                "key": lambda product: product,
                "units": sold.units.__getitem__,
                "orders": sold.orders.__getitem__,
                "revenue": sold.cents.__getitem__,
            },
        ),
        totals={
            "product": "Total",
            "units": sum(sold.units.values()),
            "revenue": definitions.money(whole),
            "share": definitions.share(whole, whole),
        },
        total_links=_total_links(question, counted),
        default_sort="-revenue",
        named=frozenset({"product", "sku", "category"}),
        add_names=_add_names,
        links=lambda row: _links(question, counted, row),
    )


def _row(product: int, sold: Sold, whole: int, before: Sold | None) -> Row:
    row: Row = {
        "key": product,
        "units": sold.units[product],
        "orders": sold.orders[product],
        "revenue": sold.revenue(product),
        "share": definitions.share(sold.cents[product], whole),
    }
    if before:
        row["previous"] = before.revenue(product)
        row["change"] = change(row["revenue"], row["previous"])
    return row


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


def _tiles(question: Question, table: Table, days: Sequence[DayLines], sold: Sold, before: Sold | None) -> list[Tile]:
    sparks = _sparks(question, days)
    return [
        Tile(
            "Units",
            table.totals["units"],
            INTEGER,
            sum(before.units.values()) if before else None,
            table.total_links.get("units", ""),
            sparks["units"],
        ),
        Tile("Products sold", len(table.rows), INTEGER, len(before.orders) if before else None),
        Tile(
            "Revenue",
            table.totals["revenue"],
            MONEY,
            definitions.money(sum(before.cents.values())) if before else None,
            table.total_links.get("revenue", ""),
            sparks["cents"],
        ),
        Tile("Top share", _top_share(sold), PERCENT),
    ]


def _top_share(sold: Sold) -> Decimal | None:
    return definitions.share(max(sold.cents.values(), default=0), sum(sold.cents.values()))


def _sparks(question: Question, days: Sequence[DayLines]) -> dict[str, list[int]]:
    """Units and cents of each interval in time."""
    shown = question.spanned(day.day for day in days)
    unit = intervals.suited_unit(shown)
    cut = {each: [0, 0] for each in intervals.intervals(unit, question.period, within=shown)}
    for day in days:
        sums = cut[intervals.interval_of(day.day, unit, question.period)]
        sums[0] += sum(day.quantities)
        sums[1] += sum(day.cents)
    return {"units": [units for units, _ in cut.values()], "cents": [cents for _, cents in cut.values()]}


def _add_names(rows: Sequence[Row]) -> None:
    """Today's names, from PostgreSQL; a product that is not there any more is told by its number."""
    found = Product.objects.filter(pk__in=[row["key"] for row in rows])
    names = {pk: rest for pk, *rest in found.values_list("pk", "name", "sku", "category_id", "category__name")}
    for row in rows:
        name, sku, category_id, category = names.get(row["key"], (f"Product {row['key']}", "", None, None))
        row.update(product=name, sku=sku, category=category or "", category_id=category_id)
