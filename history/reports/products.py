"""Products: which ones are ordered, how often and for how much."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from catalog.models import Product
from history.mongo import Document
from history.reports import definitions, reading
from history.reports.periods import Period
from history.reports.tables import INTEGER, MONEY, PERCENT, Chart, Column, Report, Row, Tile

COLUMNS = [
    Column("product", "Product"),
    Column("sku", "SKU"),
    Column("category", "Category"),
    Column("units", "Units", INTEGER),
    Column("orders", "Counted orders", INTEGER),
    Column("revenue", "Revenue", MONEY),
    Column("share", "Share", PERCENT),
]

PER_PRODUCT: list[Document] = [
    {"$unwind": "$products"},
    # An order may hold a product twice, at two prices: it is one order of it.
    {
        "$group": {
            "_id": {"order": "$_id", "product": "$products.product_id"},
            "units": {"$sum": "$products.quantity"},
            "revenue": {"$sum": definitions.REVENUE_OF_ITEM},
        }
    },
    {
        "$group": {
            "_id": "$_id.product",
            "orders": {"$sum": 1},
            "units": {"$sum": "$units"},
            "revenue": {"$sum": "$revenue"},
        }
    },
]


def products(period: Period) -> Report:
    found = reading.aggregate(period, PER_PRODUCT, **definitions.ONLY_COUNTED)
    revenue = sum((reading.money(document["revenue"]) for document in found), Decimal(0))
    units = sum(document["units"] for document in found)
    rows = [_row(document, revenue) for document in found]
    return Report(
        columns=COLUMNS,
        rows=rows,
        tiles=[
            Tile("Units", units, INTEGER),
            Tile("Products sold", len(rows), INTEGER),
            Tile("Revenue", revenue, MONEY),
            Tile("Top share", max((row["share"] or Decimal(0) for row in rows), default=None), PERCENT),
        ],
        totals={
            "product": "Total",
            "units": units,
            "orders": None,
            "revenue": revenue,
            "share": definitions.share(revenue, revenue),
        },
        default_sort="-revenue",
        chart=Chart("bar", "product", "revenue", "Revenue by product, the ten largest of these rows"),
        definitions=[
            definitions.COUNTED,
            definitions.UNITS,
            definitions.PRODUCT_ORDERS,
            definitions.PRODUCT_REVENUE,
            definitions.SHARE,
        ],
        named=frozenset({"product", "sku", "category"}),
        add_names=_add_names,
    )


def _row(document: Document, whole: Decimal) -> Row:
    revenue = reading.money(document["revenue"])
    return {
        "key": document["_id"],
        "units": document["units"],
        "orders": document["orders"],
        "revenue": revenue,
        "share": definitions.share(revenue, whole),
    }


def _add_names(rows: Sequence[Row]) -> None:
    """Today's names, from PostgreSQL; a product that is not there any more is told by its number."""
    found = Product.objects.filter(pk__in=[row["key"] for row in rows])
    names = {pk: rest for pk, *rest in found.values_list("pk", "name", "sku", "category__name")}
    for row in rows:
        name, sku, category = names.get(row["key"], (f"Product {row['key']}", "", None))
        row.update(product=name, sku=sku, category=category or "")
