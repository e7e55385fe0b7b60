"""Every number of the reports against the same question asked in SQL of PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from catalog.models import Product
from history.mirror import relay
from history.reports.customers import customers
from history.reports.intervals import interval_of
from history.reports.periods import Period
from history.reports.products import products
from history.reports.sales import sales
from history.reports.statuses import statuses
from orders.models import Order
from tests.factories import ProductFactory
from tests.history.random_orders import place_random_orders
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

# Moments at which clocks change in one of the zones, and one at which they do not.
MOMENTS = [
    datetime(2018, 3, 25, 1, tzinfo=UTC),  # Paris forward
    datetime(2018, 10, 28, 1, tzinfo=UTC),  # Paris back
    datetime(2018, 2, 18, 2, tzinfo=UTC),  # São Paulo back, at midnight
    datetime(2018, 11, 4, 3, tzinfo=UTC),  # São Paulo forward: that day has no midnight
    datetime(2018, 7, 1, tzinfo=UTC),
]
PERIODS = [
    Period(date(2018, 3, 25), date(2018, 3, 25)),
    Period(date(2018, 10, 27), date(2018, 10, 28)),
    Period(date(2018, 2, 17), date(2018, 2, 18)),
    Period(date(2018, 11, 4), date(2018, 11, 4)),
    Period(date(2018, 2, 17), date(2018, 11, 5)),
    Period(date(1970, 1, 1), date(2030, 12, 31)),
    Period(date(2019, 1, 1), date(2019, 1, 31)),  # without orders
]
ZONES = ["Europe/Paris", "America/Sao_Paulo", "Asia/Kolkata"]

PLACED = "(o.created_at AT TIME ZONE %(zone)s)::date BETWEEN %(first)s AND %(last)s"
COUNTED = "o.status NOT IN ('cancelled', 'returned')"


@pytest.fixture(params=ZONES)
def zone(request, settings, mirror):
    settings.TIME_ZONE = request.param
    place_random_orders(120, around=MOMENTS, seed=ZONES.index(request.param))
    Order.objects.order_by("?").first().delete()
    relay.drain()
    return request.param


def ask(sql: str, period: Period, zone: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"zone": zone, "first": period.first, "last": period.last})
        return cursor.fetchall()


def shown(rows: Sequence[dict[str, Any]], *names: str) -> set[tuple[Any, ...]]:
    return {tuple(row[name] for name in names) for row in rows}


def milliseconds(at: datetime | None) -> datetime | None:
    return at and at.replace(microsecond=at.microsecond // 1000 * 1000)


@pytest.mark.parametrize("unit", ["day", "week", "month"])
def test_sales_equal_sql(zone, unit):
    for period in PERIODS:
        expected = {
            (interval_of(day, unit, period).first, *numbers)
            for day, *numbers in ask(
                f"""
                SELECT min(day), count(*), count(*) FILTER (WHERE counted),
                       coalesce(sum(units) FILTER (WHERE counted), 0),
                       coalesce(sum(total_amount) FILTER (WHERE counted), 0)
                FROM (
                    SELECT (o.created_at AT TIME ZONE %(zone)s)::date AS day, {COUNTED} AS counted, o.total_amount,
                        (SELECT coalesce(sum(quantity), 0) FROM order_items i WHERE i.order_id = o.order_id) AS units
                    FROM orders o WHERE {PLACED}
                ) placed GROUP BY date_trunc('{unit}', day)
                """,
                period,
                zone,
            )
        }

        report = sales(period, unit=unit, trim=True)

        filled = [row for row in report.rows if row["orders"]]
        assert shown(filled, "key", "orders", "counted", "units", "revenue") == expected
        for name in ("orders", "counted", "units", "revenue"):
            assert report.totals[name] == sum(row[name] for row in report.rows)


def test_the_comparison_of_sales_equals_the_report_of_that_period(zone):
    for period in PERIODS[:5]:
        before = sales(period.preceding(), unit="day").totals

        tiles = {tile.label: tile for tile in sales(period, unit="day", compared=period.preceding()).tiles}

        assert tiles["Revenue"].before == before["revenue"]
        assert tiles["Orders"].before == before["orders"]
        assert tiles["Units"].before == before["units"]


def test_products_equal_sql(zone):
    for period in PERIODS:
        expected = ask(
            f"""
            SELECT p.product_id, p.name, p.sku, coalesce(c.name, ''), sum(i.quantity), count(DISTINCT o.order_id),
                   sum(i.price * i.quantity)
            FROM orders o JOIN order_items i USING (order_id) JOIN products p USING (product_id)
                LEFT JOIN categories c USING (category_id)
            WHERE {PLACED} AND {COUNTED} GROUP BY p.product_id, c.name
            """,
            period,
            zone,
        )

        report = products(period)
        report.add_names(report.rows)

        assert shown(report.rows, "key", "product", "sku", "category", "units", "orders", "revenue") == set(expected)
        assert report.totals["units"] == sum(row[4] for row in expected)
        assert report.totals["revenue"] == sum(row[6] for row in expected)


def test_shares_of_products_are_rounded_halves_up(mirror, place):
    one, two = ProductFactory(price=Decimal("0.25")), ProductFactory(price=Decimal("199.75"))
    order = place(one, two)
    relay.drain()

    report = products(Period(order.created_at.date(), order.created_at.date()))

    assert {row["key"]: row["share"] for row in report.rows} == {one.pk: Decimal("0.1"), two.pk: Decimal("99.9")}


def test_customers_equal_sql(zone):
    for period in PERIODS:
        expected = {
            (*row[:4], milliseconds(row[4]), milliseconds(row[5]))
            for row in ask(
                f"""
                SELECT u.user_id, u.name, count(*), coalesce(sum(o.total_amount) FILTER (WHERE {COUNTED}), 0),
                       min(o.created_at), max(o.created_at)
                FROM orders o JOIN users u USING (user_id) WHERE {PLACED} GROUP BY u.user_id
                """,
                period,
                zone,
            )
        }

        report = customers(period)
        report.add_names(report.rows)

        assert shown(report.rows, "key", "customer", "orders", "spent", "first", "last") == expected
        assert report.totals["orders"] == sum(row[2] for row in expected)
        assert report.totals["spent"] == sum(row[3] for row in expected)


def test_statuses_equal_sql(zone):
    for period in PERIODS:
        expected = {
            (*row[:3], milliseconds(row[3]))
            for row in ask(
                f"""
                SELECT o.status, count(*), sum(o.total_amount), min(o.created_at)
                FROM orders o WHERE {PLACED} GROUP BY o.status
                """,
                period,
                zone,
            )
        }

        report = statuses(period)

        assert {row for row in shown(report.rows, "status", "orders", "amount", "oldest") if row[1]} == expected
        assert report.totals["orders"] == sum(row[1] for row in expected)
        assert report.totals["amount"] == sum(row[2] for row in expected)


def test_revenue_is_the_same_in_every_report_that_says_it(zone):
    for period in PERIODS:
        revenue = {
            "sales": sales(period, unit="month").totals["revenue"],
            "customers": customers(period).totals["spent"],
            "status": next(tile.value for tile in statuses(period).tiles if tile.label == "Revenue"),
        }

        assert len(set(revenue.values())) == 1, revenue
        assert {type(value) for value in revenue.values()} == {Decimal}


def test_a_name_that_is_gone_is_told_by_its_number(mirror, place):
    order = place()
    product_id = order.items.get().product_id
    relay.drain()
    Order.objects.all().delete()  # the mirror does not know yet
    Product.objects.all().delete()
    User.objects.all().delete()
    day = Period(order.created_at.date(), order.created_at.date())

    by_product, by_customer = products(day), customers(day)
    by_product.add_names(by_product.rows)
    by_customer.add_names(by_customer.rows)

    assert by_product.rows[0]["product"] == f"Product {product_id}"
    assert by_customer.rows[0]["customer"] == f"Customer {order.customer_id}"
