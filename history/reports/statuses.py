"""Status: where the orders of a period are now."""

from __future__ import annotations

from decimal import Decimal

from history.mongo import Document
from history.reports import definitions, reading
from history.reports.periods import Period
from history.reports.tables import INTEGER, MONEY, PERCENT, STATUS, TIME, Chart, Column, Report, Row, Tile
from orders.status import OPEN, Status

COLUMNS = [
    Column("status", "Status", STATUS),
    Column("orders", "Orders", INTEGER),
    Column("share", "Share of orders", PERCENT),
    Column("amount", "Amount", MONEY),
    Column("oldest", "Oldest", TIME),
]

PER_STATUS: list[Document] = [
    {
        "$group": {
            "_id": "$status",
            "orders": {"$sum": 1},
            "amount": {"$sum": "$total_amount"},
            "oldest": {"$min": "$created_at"},
        }
    }
]


def statuses(period: Period) -> Report:
    found = {document["_id"]: document for document in reading.aggregate(period, PER_STATUS)}
    orders = sum(document["orders"] for document in found.values())
    rows = [_row(number, status, found.get(status), orders) for number, status in enumerate(Status)]
    return Report(
        columns=COLUMNS,
        rows=rows,
        tiles=_tiles(rows, orders),
        totals={
            "status": "Total",
            "orders": orders,
            "share": definitions.share(orders, orders),
            "amount": sum((row["amount"] for row in rows), Decimal(0)),
            "oldest": min((row["oldest"] for row in rows if row["oldest"]), default=None),
        },
        default_sort="status",
        chart=Chart("bar", "status", "orders", "Orders by status"),
        definitions=[
            definitions.ORDERS,
            definitions.AMOUNT,
            definitions.REVENUE,
            definitions.COUNTED,
            definitions.OLDEST,
        ],
    )


def _row(number: int, status: Status, document: Document | None, orders: int) -> Row:
    return {
        "key": number,
        "status": status,
        "orders": document["orders"] if document else 0,
        "share": definitions.share(document["orders"] if document else 0, orders),
        "amount": reading.money(document["amount"]) if document else Decimal(0),
        "oldest": document["oldest"] if document else None,
    }


def _tiles(rows: list[Row], orders: int) -> list[Tile]:
    count = {row["status"]: row["orders"] for row in rows}
    revenue = sum((row["amount"] for row in rows if definitions.is_counted(row["status"])), Decimal(0))
    return [
        Tile("Open now", sum(count[status] for status in OPEN), INTEGER),
        Tile("Revenue", revenue, MONEY),
        Tile("Cancelled", definitions.share(count[Status.CANCELLED], orders), PERCENT),
        Tile("Returned", definitions.share(count[Status.RETURNED], orders), PERCENT),
    ]
