"""The report pages: who sees them and what they say."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from history.mirror import relay
from history.reports.report import Tile
from history.reports.views import REPORTS
from orders.models import Order
from orders.services import cancel_order
from tests.factories import ProductFactory, UserFactory
from tests.history.random_orders import place_random_orders
from tests.history.report_page import PageTable, text

pytestmark = pytest.mark.django_db(transaction=True)

PAGES = [reverse(f"reports:{name}") for name in REPORTS]
NOON = datetime(2024, 3, 15, 12, tzinfo=UTC)


@pytest.fixture
def noon():
    with time_machine.travel(NOON, tick=False):
        yield NOON


@pytest.mark.parametrize("path", [reverse("reports:home"), *PAGES])
def test_reports_are_for_holders_of_the_permission(client, path):
    anonymous = client.get(path)
    client.force_login(UserFactory())
    customer = client.get(path)

    assert (anonymous.status_code, anonymous.url) == (302, f"{reverse('account_login')}?next={path}")
    assert customer.status_code == 403
    assert "You have no access to this page" in text(customer)


def test_the_longest_period_is_shown_by_month_whatever_was_asked(analyst, mirror):
    response = analyst.get(f"{PAGES[0]}?from=1970-01-01&to=2199-12-31&by=day&compare=year")

    assert response.status_code == 200
    assert "By day there would be more than 1000 rows: shown by month." in text(response)


@pytest.mark.parametrize("path", PAGES)
def test_an_empty_report_says_so_and_offers_more(analyst, mirror, path):
    page = text(analyst.get(f"{path}?from=2024-03-01&to=2024-03-09"))

    assert "No orders between 1 Mar 2024 and 9 Mar 2024." in page
    assert "period=all" in page


def test_freshness_counts_the_orders_that_are_behind(analyst, mirror, place):
    order, other = place(), place()
    cancel_order(order, by=order.customer, at=datetime.now(UTC))
    behind = text(analyst.get(PAGES[0]))
    relay.drain()
    fresh = text(analyst.get(PAGES[0]))

    assert "2 orders behind" in behind
    assert "freshness-behind" in behind
    assert "0 orders behind" in fresh
    assert "freshness-behind" not in fresh
    assert other.pk != order.pk


def test_the_report_is_complete_to_the_oldest_change_that_is_pending(analyst, mirror, place):
    place()
    recorded = _scalar("SELECT min(recorded_at) FROM history_events WHERE order_id IS NOT NULL")

    page = text(analyst.get(PAGES[0]))

    assert f"{recorded.astimezone(UTC):%H:%M:%S}</time>" in page


def _scalar(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


def test_sales_are_compared_with_the_days_before(analyst, mirror, noon, place):
    lamp = ProductFactory(price=Decimal("10.00"))
    place(lamp, at=noon - timedelta(days=7))
    place(lamp, quantity=3, at=noon)
    relay.drain()

    page = text(analyst.get(PAGES[0], {"period": "7d"}))

    assert "9 Mar 2024 – 15 Mar 2024" in page
    assert "compared with 2 Mar 2024 – 8 Mar 2024" in page
    assert "+200.0 %" in page
    assert "new" not in re.findall(r'tile-change">(.*?)</span>\s*</dd>', page, re.S)


def test_sales_of_all_begin_with_the_first_order(analyst, mirror, noon, place):
    place(at=noon - timedelta(days=800))
    place(at=noon)
    relay.drain()

    rows = PageTable(text(analyst.get(PAGES[0], {"period": "all", "sort": "period"}))).rows

    assert (rows[0][0], rows[-1][0], len(rows)) == ("2022-01-01", "2024-03-01", 27)


def test_all_of_a_young_shop_is_shown_by_day(analyst, mirror, noon, place):
    place(at=noon - timedelta(days=2))
    place(at=noon)
    relay.drain()

    rows = PageTable(text(analyst.get(PAGES[0], {"period": "all"}))).rows

    assert [row[:2] for row in rows] == [["2024-03-15", "1"], ["2024-03-14", "0"], ["2024-03-13", "1"]]


@pytest.mark.parametrize(
    ("value", "before", "change"),
    [
        (Decimal("3"), Decimal("2"), "+50.0 %"),
        (Decimal("1"), Decimal("3"), "−66.7 %"),
        (2001, 2000, "+0.1 %"),
        (100_000, 1, "+9,999,900.0 %"),
        (5, 0, "new"),
        (0, 0, ""),
        (0, 5, "−100.0 %"),
        (5, 5, "no change"),
        (None, Decimal("0"), ""),
        (5, None, ""),
    ],
)
def test_change(value, before, change):
    assert Tile("Orders", value, "integer", before).change == change


@pytest.mark.parametrize("path", PAGES)
def test_more_rows_need_no_more_queries(analyst, mirror, path):
    place_random_orders(5, around=[NOON], seed=8)
    relay.drain()
    few = _queries(analyst, path)
    place_random_orders(60, around=[NOON], seed=9)
    relay.drain()

    assert _queries(analyst, path) == few
    assert few <= 12


def _queries(client, path) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path, {"period": "all"}).status_code == 200
    return len(queries)


def test_a_deleted_order_is_in_no_report(analyst, mirror, place):
    place()
    relay.drain()
    Order.objects.all().delete()
    relay.drain()

    assert all("There are no orders yet." in text(analyst.get(path, {"period": "all"})) for path in PAGES)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_says_what_is_counted_and_in_which_zone(analyst, mirror, path, settings):
    settings.TIME_ZONE = "America/Sao_Paulo"

    page = text(analyst.get(path))

    assert "What is counted" in page
    assert "A day is a day in America/Sao_Paulo." in page
    assert "style=" not in page
    assert "<style" not in page
