"""Orders: every order of a choice, live or archived: what stands behind the numbers of the other reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from django.urls import reverse

from history.reports import definitions, facts
from history.reports.customers import customer_names, moment
from history.reports.facts import Order
from history.reports.question import Question
from history.reports.report import Report, Tile
from history.reports.tables import INTEGER, MONEY, STATUS, TIME, Column, Row, Table
from orders.status import Status

COLUMNS = [
    Column("order", "Order", INTEGER),
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
    found = facts.orders(question.period, question.filters, question.rollups)
    counted = [order for order in found if definitions.is_counted(order.status)]
    units, cents = sum(order.units for order in found), sum(order.cents for order in found)
    return Report(
        tiles=[
            Tile("Orders", len(found), INTEGER),
            Tile("Units", units, INTEGER),
            Tile("Amount", definitions.money(cents), MONEY),
            Tile("Counted orders", len(counted), INTEGER, href=_counted(question)),
            Tile("Revenue", definitions.money(sum(order.cents for order in counted)), MONEY, href=_counted(question)),
        ],
        tables=[
            Table(
                columns=COLUMNS,
                rows=[_row(order) for order in found],
                totals={"order": "Total", "units": units, "amount": definitions.money(cents)},
                default_sort="-placed",
                named=frozenset({"customer"}),
                add_names=_add_names,
                links=lambda row: _links(question, row),
            )
        ],
        charts=[],
        definitions=DEFINITIONS,
    )


def _counted(question: Question) -> str:
    counted = question.filters.narrowed_to_counted()
    return question.address("orders", filters=counted) if counted else ""


def _row(order: Order) -> Row:
    return {
        "key": order.order_id,
        "order": order.order_id,
        "placed": moment(order.placed),
        "customer_id": order.customer,
        "status": Status(order.status),
        "units": order.units,
        "amount": definitions.money(order.cents),
    }


def _links(question: Question, row: Row) -> dict[str, str]:
    of_customer = replace(question.filters, customer=row["customer_id"])
    return {
        "order": reverse("reports:order", args=[row["key"]]),
        "customer": question.address("orders", filters=of_customer),
    }


def _add_names(rows: Sequence[Row]) -> None:
    names = customer_names(row["customer_id"] for row in rows)
    for row in rows:
        row["customer"] = names[row["customer_id"]]
