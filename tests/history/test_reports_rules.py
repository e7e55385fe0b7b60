"""What the numbers of the reports keep to, whatever the orders are: rounding, thresholds, comparisons, agreement."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.http import QueryDict

from catalog.models import Product
from history.mirror import relay
from history.reports import question, segments
from history.reports.customers import customers
from history.reports.orders import orders
from history.reports.periods import Period
from history.reports.products import products
from history.reports.question import Question
from history.reports.report import Report
from history.reports.retention import month
from history.reports.sales import sales
from history.reports.segments import Life, segment
from history.reports.statuses import statuses
from orders.models import Order
from tests.factories import ProductFactory
from tests.history.random_orders import place_random_orders
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2020, 6, 3, 12, tzinfo=UTC)
MOMENTS = [
    datetime(2020, 2, 29, 1, tzinfo=UTC),
    datetime(2019, 2, 28, 3, tzinfo=UTC),
    datetime(2020, 3, 29, tzinfo=UTC),
]
PERIODS = [
    Period(date(2020, 2, 28), date(2020, 3, 1)),
    Period(date(2020, 3, 29), date(2020, 3, 29)),
    Period(date(2020, 2, 27), date(2020, 4, 1)),
    Period(date(2019, 2, 1), date(2020, 6, 3)),
]


@pytest.fixture
def some_orders(settings, mirror):
    settings.TIME_ZONE = "Europe/Paris"
    place_random_orders(80, around=MOMENTS, seed=20)
    relay.drain()


def asked(period: Period, **query: str) -> Question:
    query = {"from": str(period.first), "to": str(period.last), "compare": "none"} | query
    parameters = QueryDict(mutable=True)
    parameters.update(query)
    return question.read(parameters, NOW)


def rows(report: Report) -> list[dict]:
    report.table.add_names(report.table.rows)
    return report.table.rows


def tile(report: Report, label: str):
    [found] = [tile for tile in report.tiles if tile.label == label]
    return found


@pytest.mark.parametrize("compare", ["previous", "year"])
def test_comparisons_are_made_of_the_rows_and_equal_the_report_of_those_days(some_orders, compare):
    for period in PERIODS:
        for unit in ("day", "week", "month"):
            this = asked(period, by=unit, compare=compare)
            before = asked(this.compared)

            report = sales(this)

            total = sales(before).table.totals
            assert tile(report, "Revenue").before == report.table.totals["previous"] == total["revenue"]
            assert sum(row["previous"] for row in report.table.rows) == total["revenue"]
            assert (tile(report, "Orders").before, tile(report, "Units").before) == (total["orders"], total["units"])
        for label in ("New customers", "Returning customers", "Repeat rate", "Orders"):
            assert tile(customers(this), label).before == tile(customers(before), label).value
        for label in ("Units", "Revenue", "Products sold"):
            assert tile(products(this), label).before == tile(products(before), label).value
        for label in ("Orders", "Cancelled", "Median time to pay"):
            assert tile(statuses(this), label).before == tile(statuses(before), label).value


def test_revenue_is_the_same_in_every_report_that_says_it(some_orders):
    for period in PERIODS:
        revenue = {
            "sales": sales(asked(period)).table.totals["revenue"],
            "customers": customers(asked(period)).table.totals["spent"],
            "status": sum(row["amount"] for row in statuses(asked(period, status="counted")).table.rows),
            "orders": tile(orders(asked(period)), "Revenue").value,
        }

        assert len(set(revenue.values())) == 1, revenue


def test_shares_of_products_are_rounded_halves_up(mirror, place):
    one, two = ProductFactory(price=Decimal("0.25")), ProductFactory(price=Decimal("199.75"))
    order = place(one, two)
    relay.drain()

    report = products(asked(Period(order.created_at.date(), order.created_at.date())))

    assert {row["key"]: row["share"] for row in report.table.rows} == {one.pk: Decimal("0.1"), two.pk: Decimal("99.9")}


@pytest.mark.parametrize(
    ("orders", "spent", "age", "name"),
    [
        (5, 500, 60, "Champion"),
        (5, 499, 60, "Loyal"),
        (4, 900, 60, "Loyal"),
        (2, 900, 60, "New"),
        (5, 900, 61, "Loyal"),
        (2, 900, 61, "Promising"),
        (3, 1, 121, "At risk, frequent"),
        (1, 500, 365, "At risk, valuable"),
        (1, 499, 365, "Cooling"),
        (9, 999, 366, "Lost"),
    ],
)
def test_a_segment_begins_at_its_thresholds(orders, spent, age, name):
    today = date(2024, 3, 15)

    assert segment(Life(orders, spent * 100, today - timedelta(days=age)), today) == name
    assert segment(None, today) == segments.NEVER


def test_a_month_is_a_calendar_month_however_much_later():
    assert month(date(2023, 11, 1), 3) == Period(date(2024, 2, 1), date(2024, 2, 29))


def test_a_name_that_is_gone_is_told_by_its_number(mirror, place):
    order = place()
    product_id = order.items.get().product_id
    relay.drain()
    Order.objects.all().delete()  # the mirror does not know yet
    Product.objects.all().delete()
    User.objects.all().delete()
    day = Period(order.created_at.date(), order.created_at.date())

    assert rows(products(asked(day)))[0]["product"] == f"Product {product_id}"
    assert rows(customers(asked(day)))[0]["customer"] == f"Customer {order.customer_id}"
    assert rows(orders(asked(day)))[0]["customer"] == f"Customer {order.customer_id}"
