"""Every number of the reports against the same question asked in SQL of PostgreSQL."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.http import QueryDict

from catalog.models import Product
from history.mirror import relay
from history.reports import question, segments
from history.reports.customers import customers
from history.reports.definitions import share
from history.reports.filters import STATUSES
from history.reports.intervals import interval_of
from history.reports.orders import orders
from history.reports.periods import Period
from history.reports.products import products
from history.reports.question import Question
from history.reports.retention import month, retention
from history.reports.sales import sales
from history.reports.segments import Life, segment
from history.reports.statuses import statuses
from history.reports.trust import trust
from orders.models import Order
from tests.factories import ProductFactory
from tests.history.random_orders import place_random_orders
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2019, 2, 3, 12, tzinfo=UTC)
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
# Each counted order with its customer's first, as days.
FIRSTS = f"""
SELECT o.user_id, (min(o.created_at) OVER (PARTITION BY o.user_id) AT TIME ZONE %(zone)s)::date AS first,
    (o.created_at AT TIME ZONE %(zone)s)::date AS day, o.created_at,
    row_number() OVER (PARTITION BY o.user_id ORDER BY o.created_at, o.order_id) AS nth,
    o.created_at <= min(o.created_at) OVER (PARTITION BY o.user_id) + interval '2160 hours' AS is_soon
FROM orders o WHERE {COUNTED}
"""


@pytest.fixture(params=ZONES)
def zone(request, settings, mirror):
    settings.TIME_ZONE = request.param
    placed = place_random_orders(120, around=MOMENTS, seed=ZONES.index(request.param))
    for number, order in enumerate(placed[:30]):
        Order.objects.filter(pk=order.pk).update(
            status=random.Random(number).choice(["paid", "shipped", "delivered", "cancelled"]),
            changed_at=order.changed_at + timedelta(minutes=number * 97),
        )
    Order.objects.order_by("?").first().delete()
    relay.drain()
    return request.param


@pytest.fixture
def ranges(zone):
    """The chosen periods and as many at random."""
    chance = random.Random(zone)
    found = list(PERIODS)
    for _ in range(10):
        first = date(2018, 1, 1) + timedelta(days=chance.randrange(350))
        found.append(Period(first, first + timedelta(days=chance.choice([0, 1, 6, 29, 89, 200]))))
    return found


def asked(period: Period, **query: str) -> Question:
    query = {"from": str(period.first), "to": str(period.last), "compare": "none"} | query
    parameters = QueryDict(mutable=True)
    parameters.update({name.replace("_", "-"): value for name, value in query.items()})
    return question.read(parameters, NOW)


def ask(sql: str, period: Period, zone: str, **more: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"zone": zone, "first": period.first, "last": period.last} | more)
        return cursor.fetchall()


def rows(report, number: int = 0) -> list[dict[str, Any]]:
    table = report.tables[number]
    table.add_names(table.rows)
    return table.rows


def shown(rows: Sequence[dict[str, Any]], *names: str) -> set[tuple[Any, ...]]:
    return {tuple(row[name] for name in names) for row in rows}


def tile(report, label: str) -> Any:
    [found] = [tile for tile in report.tiles if tile.label == label]
    return found


def milliseconds(at: datetime | None) -> datetime | None:
    return at and at.replace(microsecond=at.microsecond // 1000 * 1000)


# What to narrow by: what the address says, the condition in SQL, and the items that count where it is about items.
def narrowings() -> list[tuple[dict[str, str], str]]:
    category = Product.objects.exclude(category=None).first().category_id
    product = Product.objects.first().pk
    customer = User.objects.first().pk
    return [
        ({}, "true"),
        *(({"status": name}, "o.status IN ('" + "','".join(found) + "')") for name, (_, found) in STATUSES.items()),
        ({"category": str(category)}, f"p.category_id = {category}"),
        ({"category": "0"}, "p.category_id IS NULL"),
        ({"product": str(product), "status": "counted"}, f"p.product_id = {product} AND {COUNTED}"),
        ({"product": "0"}, "true"),
        ({"customer": str(customer)}, f"o.user_id = {customer}"),
        (
            {"customer": str(customer), "category": str(category)},
            f"o.user_id = {customer} AND p.category_id = {category}",
        ),
    ]


def test_orders_equal_sql_for_every_filter(zone, ranges):
    for query, condition in narrowings():
        is_of_items = "product" in query or "category" in query
        amounts = "sum(i.price * i.quantity)" if is_of_items else "o.total_amount"
        join = "JOIN" if is_of_items else "LEFT JOIN"
        for period in ranges[::2]:
            expected = {
                (*row[:4], row[4], milliseconds(row[5]))
                for row in ask(
                    f"""
                    SELECT o.order_id, o.status, coalesce(sum(i.quantity), 0)::int, {amounts}, u.name, o.created_at
                    FROM orders o JOIN users u USING (user_id) {join} order_items i USING (order_id)
                        LEFT JOIN products p USING (product_id)
                    WHERE {PLACED} AND {condition} GROUP BY o.order_id, u.name
                    """,
                    period,
                    zone,
                )
            }

            report = orders(asked(period, **query))

            assert shown(rows(report), "order", "status", "units", "amount", "customer", "placed") == expected
            assert tile(report, "Orders").value == len(expected)
            assert report.table.totals["amount"] == sum(row[3] for row in expected)
            assert report.table.totals["units"] == sum(row[2] for row in expected)


def test_filtered_sales_equal_the_orders_they_are_made_of(zone, ranges):
    for query, _ in narrowings():
        period = ranges[4]
        placed = rows(orders(asked(period, **query)))
        counted = [row for row in placed if row["status"] not in ("cancelled", "returned")]

        totals = sales(asked(period, **query)).table.totals

        assert (totals["orders"], totals["counted"]) == (len(placed), len(counted))
        assert totals["units"] == sum(row["units"] for row in counted)
        assert totals["revenue"] == sum(row["amount"] for row in counted)


@pytest.mark.parametrize("unit", ["day", "week", "month"])
def test_sales_equal_sql(zone, ranges, unit):
    for period in ranges:
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
        if period.days > 1000 and unit != "month":
            continue

        report = sales(asked(period, by=unit))

        filled = [row for row in report.table.rows if row["orders"]]
        assert shown(filled, "key", "orders", "counted", "units", "revenue") == expected
        for name in ("orders", "counted", "units", "revenue"):
            assert report.table.totals[name] == sum(row[name] for row in report.table.rows)


@pytest.mark.parametrize("compare", ["previous", "year"])
def test_comparisons_are_made_of_the_rows_and_equal_the_report_of_those_days(zone, compare):
    for period in [
        *PERIODS[:5],
        Period(date(2020, 2, 28), date(2020, 3, 1)),
        Period(date(2018, 12, 1), date(2019, 2, 3)),
    ]:
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


def test_products_equal_sql(zone, ranges):
    for period in ranges:
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

        report = products(asked(period))

        assert shown(rows(report), "key", "product", "sku", "category", "units", "orders", "revenue") == set(expected)
        assert report.table.totals["units"] == sum(row[4] for row in expected)
        assert report.table.totals["revenue"] == sum(row[6] for row in expected)
        assert tile(report, "Products sold").value == len(expected)


def test_shares_of_products_are_rounded_halves_up(mirror, place):
    one, two = ProductFactory(price=Decimal("0.25")), ProductFactory(price=Decimal("199.75"))
    order = place(one, two)
    relay.drain()

    report = products(asked(Period(order.created_at.date(), order.created_at.date())))

    assert {row["key"]: row["share"] for row in report.table.rows} == {one.pk: Decimal("0.1"), two.pk: Decimal("99.9")}


def test_customers_equal_sql(zone, ranges):
    for period in ranges:
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

        report = customers(asked(period))

        assert shown(rows(report), "key", "customer", "orders", "spent", "first", "last") == expected
        assert report.table.totals["orders"] == sum(row[2] for row in expected)
        assert report.table.totals["spent"] == sum(row[3] for row in expected)


def test_new_and_returning_customers_equal_sql(zone, ranges):
    for period in ranges:
        [[new, returning]] = ask(
            f"""
            SELECT count(DISTINCT user_id) FILTER (WHERE first >= %(first)s),
                count(DISTINCT user_id) FILTER (WHERE first < %(first)s)
            FROM ({FIRSTS}) counted WHERE day BETWEEN %(first)s AND %(last)s
            """,
            period,
            zone,
        )
        [[again, active]] = ask(
            f"""
            SELECT count(*) FILTER (WHERE orders > 1), count(*) FROM (
                SELECT count(*) AS orders FROM orders o WHERE {PLACED} AND {COUNTED} GROUP BY user_id) active
            """,
            period,
            zone,
        )

        report, by_first_days = customers(asked(period)), customers(asked(period, first_to="2199-12-31"))

        for each in (report, by_first_days):
            assert (tile(each, "New customers").value, tile(each, "Returning customers").value) == (new, returning)
            assert tile(each, "Repeat rate").value == share(again, active)
        for row, other in zip(rows(report, 1), rows(by_first_days, 1), strict=True):
            assert (row["new"], row["returning"]) == (other["new"], other["returning"])
        assert sum(row["new"] for row in rows(report, 1)) == new


def test_segments_are_of_everything_a_customer_ordered(zone):
    report = customers(asked(PERIODS[0]))
    lives = {
        row[0]: row[1:]
        for row in ask(
            f"""SELECT user_id, count(*), (sum(total_amount) * 100)::bigint,
                max((created_at AT TIME ZONE %(zone)s)::date) FROM orders o WHERE {COUNTED} GROUP BY 1""",
            PERIODS[0],
            zone,
        )
    }
    today = asked(PERIODS[0]).today

    assert rows(report)
    assert {row["key"]: row["segment"] for row in rows(report)} == {
        row["key"]: segment(Life(*lives[row["key"]]) if row["key"] in lives else None, today) for row in rows(report)
    }


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


def test_statuses_equal_sql(zone, ranges):
    for period in ranges:
        expected = {
            (*row[:4], milliseconds(row[4]), row[5])
            for row in ask(
                f"""
                SELECT o.status, count(*), sum(o.total_amount), (SELECT coalesce(sum(i.quantity), 0)::int FROM orders o2
                    JOIN order_items i USING (order_id) WHERE o2.status = o.status
                    AND (o2.created_at AT TIME ZONE %(zone)s)::date BETWEEN %(first)s AND %(last)s), min(o.created_at),
                    round((extract(epoch FROM %(now)s - date_trunc('milliseconds', percentile_disc(0.5) WITHIN GROUP
                        (ORDER BY o.created_at)))) / 86400, 1)
                FROM orders o WHERE {PLACED} GROUP BY o.status
                """,
                period,
                zone,
                now=NOW,
            )
        }

        report = statuses(asked(period))

        filled = [row for row in report.table.rows if row["orders"]]
        assert shown(filled, "status", "orders", "amount", "units", "oldest", "age") == expected
        assert report.table.totals["orders"] == sum(row[1] for row in expected)
        assert report.table.totals["amount"] == sum(row[2] for row in expected)
        assert tile(report, "Open now").value == sum(
            row[1] for row in expected if row[0] in ("pending", "paid", "shipped")
        )
        cancelled = sum(row[1] for row in expected if row[0] == "cancelled")
        assert tile(report, "Cancelled").value == share(cancelled, report.table.totals["orders"])


def test_times_in_a_status_equal_sql(zone, ranges):
    step = """
        SELECT floor(extract(epoch FROM (SELECT min(date_trunc('milliseconds', occurred_at)) FROM history_events e
            WHERE e.order_id = o.order_id AND e.status = 'paid' AND e.kind IN ('placed', 'status'))
            - date_trunc('milliseconds', o.created_at)) / 60) AS minutes
        FROM orders o WHERE """
    for period in ranges:
        [[p50, p90]] = ask(
            f"""SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY minutes),
                percentile_disc(0.9) WITHIN GROUP (ORDER BY minutes)
            FROM ({step} {PLACED}) steps WHERE minutes IS NOT NULL""",
            period,
            zone,
        )

        report = statuses(asked(period))

        expected = [None if minutes is None else round(Decimal(minutes) / 60, 1) for minutes in (p50, p90)]
        paid = rows(report, 1)[0]
        assert [paid["p50"] is None, paid["p90"] is None] == [each is None for each in expected]
        if p50 is not None:
            assert abs(paid["p50"] - expected[0]) <= Decimal("0.1")
            assert abs(paid["p90"] - expected[1]) <= Decimal("0.1")


def test_retention_equals_sql(zone):
    everything = asked(PERIODS[5])
    expected = ask(
        f"""
        SELECT date_trunc('month', first)::date, (extract(year FROM day) * 12 + extract(month FROM day)
            - extract(year FROM first) * 12 - extract(month FROM first))::int, count(DISTINCT user_id),
            count(*) FILTER (WHERE nth = 2), count(*) FILTER (WHERE nth = 2 AND is_soon)
        FROM ({FIRSTS}) counted GROUP BY 1, 2
        """,
        PERIODS[5],
        zone,
    )

    report = retention(everything)

    found = {row["key"]: row for row in rows(report)}
    assert {row[0] for row in expected} == set(found)
    for start, later, customers_then, *_ in expected:
        assert found[start]["customers" if later == 0 else f"month-{later}"] == customers_then
    sizes = sum(row[2] for row in expected if row[1] == 0)
    assert tile(report, "Customers").value == sizes
    assert tile(report, "Second order").value == share(sum(row[3] for row in expected), sizes)
    assert tile(report, "Second within 90 days").value == share(sum(row[4] for row in expected), sizes)


def test_a_month_is_a_calendar_month_however_much_later():
    assert month(date(2023, 11, 1), 3) == Period(date(2024, 2, 1), date(2024, 2, 29))


def test_trust_finds_both_stores_alike_and_tells_what_is_not(zone, ranges):
    for period in ranges:
        report = trust(asked(period))

        assert tile(report, "Days and statuses that differ").value == 0
        assert report.table.totals["orders"] == sum(row["mirrored"] for row in rows(report))
        assert not any(row["more"] or row["difference"] for row in rows(report))

    order = Order.objects.exclude(status="cancelled").first()
    Order.objects.filter(pk=order.pk).update(total_amount=order.total_amount + 1)  # no relay carries it over
    report = trust(asked(PERIODS[5]))

    [row] = [row for row in rows(report) if row["is_wrong"]]
    assert (row["status"], row["more"], row["difference"]) == (order.status, 0, Decimal("-1.00"))
    assert tile(report, "Days and statuses that differ").value == 1


def test_revenue_is_the_same_in_every_report_that_says_it(zone, ranges):
    for period in ranges:
        revenue = {
            "sales": sales(asked(period)).table.totals["revenue"],
            "customers": customers(asked(period)).table.totals["spent"],
            "status": sum(row["amount"] for row in statuses(asked(period, status="counted")).table.rows),
            "orders": tile(orders(asked(period)), "Revenue").value,
        }

        assert len(set(revenue.values())) == 1, revenue


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
