"""Orders: every order of a choice, live or archived: what stands behind the numbers of the other reports."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import compress

from django.urls import reverse

from history.reports import definitions, facts
from history.reports.customers import customer_names, moment
from history.reports.question import Question
from history.reports.report import Report, Tile
from history.reports.rows import Row, Rows
from history.reports.tables import INTEGER, MONEY, ORDER, STATUS, TIME, Column, Table
from history.rollups.read import STATUS_OF_CODE, DayOrders
from orders.status import Status

COLUMNS = [
    Column("order", "Order", ORDER),
    Column("placed", "Placed", TIME),
    Column("customer", "Customer"),
    Column("status", "Status", STATUS),
    Column("units", "Units", INTEGER),
    Column("amount", "Amount", MONEY),
]
DEFINITIONS = [
    definitions.ORDERS,
    definitions.ORDER_UNITS,
    definitions.AMOUNT,
    definitions.COUNTED,
    definitions.REVENUE,
    definitions.CATEGORY,
]


def orders(question: Question) -> Report:
    found = _Found.of(facts.orders(question.period, question.filters, question.rollups))
    counted = facts.counted(found.statuses)
    units, amount = sum(found.units), definitions.money(sum(found.cents))
    revenue = definitions.money(sum(compress(found.cents, counted)))
    return Report(
        tiles=[
            Tile("Orders", len(found.order_ids), INTEGER),
            Tile("Units", units, INTEGER),
            Tile("Amount", amount, MONEY),
            Tile("Counted orders", sum(counted), INTEGER, href=_counted(question)),
            Tile("Revenue", revenue, MONEY, href=_counted(question)),
        ],
        tables=[
            Table(
                columns=COLUMNS,
                rows=found.rows(),
                totals={"order": "Total", "units": units, "amount": amount},
                default_sort="-placed",
                named=frozenset({"customer"}),
                add_names=_add_names,
                links=lambda row: _links(question, row),
            )
        ],
        charts=[],
        definitions=DEFINITIONS,
    )


@dataclass
class _Found:
    """The orders in columns, see DayOrders."""

    order_ids: array[int]
    user_ids: array[int]
    statuses: array[int]
    units: array[int]
    cents: array[int]
    created_at: array[int]

    @classmethod
    def of(cls, days: Sequence[DayOrders]) -> _Found:
        return cls(**{column.name: facts.joined(days, column.name) for column in fields(cls)})

    def rows(self) -> Rows:
        rank = [[*Status].index(Status(status)) for status in STATUS_OF_CODE]
        return Rows(
            range(len(self.order_ids)),
            self._row,
            {
                "key": self.order_ids.__getitem__,
                "order": self.order_ids.__getitem__,
                "placed": self.created_at.__getitem__,
                "status": lambda place: rank[self.statuses[place]],
                "units": self.units.__getitem__,
                "amount": self.cents.__getitem__,
            },
        )

    def _row(self, place: int) -> Row:
        return {
            "key": self.order_ids[place],
            "order": self.order_ids[place],
            "placed": moment(self.created_at[place]),
            "customer_id": self.user_ids[place],
            "status": Status(STATUS_OF_CODE[self.statuses[place]]),
            "units": self.units[place],
            "amount": definitions.money(self.cents[place]),
        }


def _counted(question: Question) -> str:
    counted = question.filters.narrowed_to_counted()
    return question.address("orders", filters=counted) if counted else ""


def _links(question: Question, row: Row) -> dict[str, str]:
    of_customer = replace(question.filters, customer=row["customer_id"])
    return {
        "order": reverse("reports:order", args=[row["key"]]) + question.moment_query,
        "customer": question.address("orders", filters=of_customer),
    }


def _add_names(rows: Sequence[Row]) -> None:
    names = customer_names(row["customer_id"] for row in rows)
    for row in rows:
        row["customer"] = names[row["customer_id"]]
