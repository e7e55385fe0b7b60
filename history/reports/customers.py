"""Customers: who orders, how often and for how much."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from history.mongo import Document
from history.reports import definitions, reading
from history.reports.periods import Period
from history.reports.tables import INTEGER, MONEY, PERCENT, TIME, Chart, Column, Report, Row, Tile
from users.models import User

COLUMNS = [
    Column("customer", "Customer"),
    Column("number", "Number"),
    Column("orders", "Orders", INTEGER),
    Column("spent", "Spent", MONEY),
    Column("first", "First order", TIME),
    Column("last", "Last order", TIME),
]

PER_CUSTOMER: list[Document] = [
    {
        "$group": {
            "_id": "$user_id",
            "orders": {"$sum": 1},
            "spent": {"$sum": definitions.REVENUE_OF_ORDER},
            "first": {"$min": "$created_at"},
            "last": {"$max": "$created_at"},
        }
    }
]


def customers(period: Period) -> Report:
    rows = [_row(document) for document in reading.aggregate(period, PER_CUSTOMER)]
    orders = sum(row["orders"] for row in rows)
    spent = sum((row["spent"] for row in rows), Decimal(0))
    again = sum(row["orders"] > 1 for row in rows)
    return Report(
        columns=COLUMNS,
        rows=rows,
        tiles=[
            Tile("Customers", len(rows), INTEGER),
            Tile("Orders", orders, INTEGER),
            Tile("Spent", spent, MONEY),
            Tile("Ordered more than once", definitions.share(again, len(rows)), PERCENT),
        ],
        totals={
            "customer": "Total",
            "orders": orders,
            "spent": spent,
            "first": min((row["first"] for row in rows), default=None),
            "last": max((row["last"] for row in rows), default=None),
        },
        default_sort="-spent",
        chart=Chart("bar", "customer", "spent", "Spent by customer, the ten largest of these rows"),
        definitions=[
            definitions.ORDERS,
            definitions.COUNTED,
            definitions.SPENT,
            definitions.FIRST_LAST,
        ],
        named=frozenset({"customer"}),
        add_names=_add_names,
    )


def _row(document: Document) -> Row:
    return {
        "key": document["_id"],
        "number": document["_id"],
        "orders": document["orders"],
        "spent": reading.money(document["spent"]),
        "first": document["first"],
        "last": document["last"],
    }


def _add_names(rows: Sequence[Row]) -> None:
    """Today's names, from PostgreSQL; somebody who is not there any more is told by their number."""
    names = dict(User.objects.filter(pk__in=[row["key"] for row in rows]).values_list("pk", "name"))
    for row in rows:
        row["customer"] = names.get(row["key"]) or f"Customer {row['key']}"
