"""The report pages: who sees them, what they say, and their CSV."""

from __future__ import annotations

import csv
import io
import re
import socket
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from history.mirror import relay
from history.models import MirrorSample
from history.reports.report import Tile
from orders.models import Order
from orders.services import cancel_order
from tests.factories import CategoryFactory, ProductFactory, UserFactory
from tests.history.random_orders import place_random_orders
from tests.history.slow_wire import SlowWire

pytestmark = pytest.mark.django_db(transaction=True)

NAMES = ["sales", "products", "customers", "status", "retention", "orders", "trust"]
PAGES = [reverse(f"reports:{name}") for name in NAMES]
NOON = datetime(2024, 3, 15, 12, tzinfo=UTC)
BEFORE = datetime(2024, 1, 9, 12, tzinfo=UTC)


@pytest.fixture
def noon():
    with time_machine.travel(NOON, tick=False):
        yield NOON


@pytest.fixture
def mongodb_down(settings):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    settings.MONGODB_URL = f"mongodb://127.0.0.1:{port}/shop?directConnection=true"


class _Table(HTMLParser):
    """What a table's cells say to machines (data-plain), row by row."""

    def __init__(self, page: str, table: str = "rows") -> None:
        super().__init__()
        self.wanted = f"table-{table}"
        self.table = ""
        self.headings: list[str] = []
        self.rows: list[list[str]] = []
        self.part = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "table":
            self.table = given["id"]
        if self.table != self.wanted:
            return
        if tag in ("thead", "tbody", "tfoot"):
            self.part = tag
        elif tag == "tr" and self.part == "tbody":
            self.rows.append([])
        elif "data-name" in given:
            self.headings.append(given["data-name"])
        elif "data-plain" in given and self.part == "tbody":
            self.rows[-1].append(given["data-plain"])


def text(response) -> str:
    return response.content.decode()


def read_csv(response) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text(response))))


@pytest.mark.parametrize("path", [reverse("reports:home"), *PAGES])
def test_reports_are_for_holders_of_the_permission(client, path):
    anonymous = client.get(path)
    client.force_login(UserFactory())
    customer = client.get(path)

    assert (anonymous.status_code, anonymous.url) == (302, f"{reverse('account_login')}?next={path}")
    assert customer.status_code == 403
    assert "You have no access to this page" in text(customer)


def test_home_leads_to_the_reports_without_mongodb(analyst, mongodb_down):
    page = text(analyst.get(reverse("reports:home")))

    assert all(f'href="{path}"' in page for path in PAGES)
    assert "0 orders behind" in page


@pytest.mark.parametrize("path", PAGES)
def test_csv_is_the_screen_for_every_sorting(analyst, mirror, path):
    place_random_orders(60, around=[NOON, BEFORE], seed=5)
    relay.drain()
    screen = _Table(text(analyst.get(path, {"period": "all", "by": "day"})))

    for heading in screen.headings[:9]:
        for sort in (heading, f"-{heading}"):
            shown = _Table(text(analyst.get(path, {"period": "all", "by": "day", "sort": sort})))
            response = analyst.get(path, {"period": "all", "by": "day", "sort": sort, "format": "csv"})

            assert response["Content-Type"] == "text/csv; charset=utf-8"
            assert read_csv(response) == [shown.headings, *shown.rows]
            assert len(shown.rows) == len(screen.rows) > 0
            assert "is unknown" not in text(analyst.get(path, {"period": "all", "sort": sort}))


@pytest.mark.parametrize(("name", "table"), [("customers", "kinds"), ("status", "times"), ("trust", "lag")])
def test_csv_of_a_further_table_is_that_table(analyst, mirror, name, table):
    place_random_orders(60, around=[NOON, BEFORE], seed=5)
    relay.drain()
    taken_at = timezone.now() - timedelta(hours=2)
    MirrorSample.objects.create(
        taken_at=taken_at, pending=1, oldest_pending_seconds=1, parked=0, delivered=7, lag_p99_ms=42
    )
    path = reverse(f"reports:{name}")

    shown = _Table(text(analyst.get(path, {"period": "all"})), table)
    response = analyst.get(path, {"period": "all", "format": "csv", "table": table})

    assert read_csv(response) == [shown.headings, *shown.rows]
    assert shown.rows


@pytest.mark.parametrize("path", PAGES)
def test_sorting_sorts(analyst, mirror, path):
    place_random_orders(40, around=[NOON, BEFORE], seed=6)
    relay.drain()

    for number, heading in enumerate(_Table(text(analyst.get(path, {"period": "all"}))).headings[:9]):
        rising = [row[number] for row in _Table(text(analyst.get(path, {"period": "all", "sort": heading}))).rows]
        falling = [
            row[number] for row in _Table(text(analyst.get(path, {"period": "all", "sort": f"-{heading}"}))).rows
        ]

        assert rising == falling[::-1]
        if all(re.fullmatch(r"[\d.]+", value) for value in rising):
            assert rising == sorted(rising, key=Decimal)


def test_a_long_report_has_pages_and_totals_of_all(analyst, mirror):
    products = [ProductFactory(price=Decimal("1.00"), name=f"P{number:03}") for number in range(101)]
    for part in (products[:60], products[60:]):
        _place(part)
    relay.drain()

    first, second = (analyst.get(PAGES[1], {"page": page, "sort": "product"}) for page in "12")

    assert len(_Table(text(first)).rows) == 100
    assert [row[0] for row in _Table(text(second)).rows] == ["P100"]
    assert all("of all 101 rows" in text(page) and "$101.00" in text(page) for page in (first, second))
    assert len(read_csv(analyst.get(PAGES[1], {"format": "csv", "page": "2"}))) == 102
    assert "this is the last one, 2" in text(analyst.get(PAGES[1], {"page": "7"}))


def _place(products, at=None):
    from orders.services import RequestedItem, place_order

    items = [RequestedItem(product, 1) for product in products]
    return place_order(customer=UserFactory(), items=items, key="key", at=at or datetime.now(UTC))


def test_formulas_in_names_are_defused_in_csv_only(analyst, mirror):
    names = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "Hat, “large”", "a=1"]
    products = [ProductFactory(name=name, sku=f"=S{n}") for n, name in enumerate(names)]
    products[0].category = CategoryFactory(name="=cmd()")
    products[0].save()
    _place(products)
    relay.drain()

    rows = read_csv(analyst.get(PAGES[1], {"format": "csv"}))[1:]
    page = text(analyst.get(PAGES[1]))

    assert {row[0] for row in rows} == {
        "'=1+1", "'+1", "'-1", "'@SUM(A1)", "'\t=1", "'\r=1", "Hat, “large”", "a=1",
    }  # fmt: skip
    assert all(row[1].startswith("'=S") for row in rows)
    assert "'=cmd()" in {row[2] for row in rows}
    assert "'=" not in page


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(
    "query",
    [
        "period=nonsense&sort=nonsense&page=nonsense&by=nonsense&compare=nonsense&format=nonsense",
        "from=2024-13-99&to=x",
        "from=2024-03-09&to=2024-03-01",
        "period=%00&sort=%00&page=%00&by=%00&compare=%00&from=%00",
        "sort=-&page=-1",
        "page=99999999999999999999",
        "sort=key",
        "status=lost",
        "category=999999",
        "category=x&product=-1&customer=1.5",
        "product=99999999999999999999",
        "first-from=2024-02-30&first-to=x",
        "status=%00&category=%00&product=%00&customer=%00&first-from=%00",
    ],
)
def test_nonsense_in_the_address_is_noted(analyst, mirror, path, query):
    response = analyst.get(f"{path}?{query}")

    assert response.status_code == 200
    assert 'class="alert alert-warning"' in text(response)


def test_the_longest_period_is_shown_by_month_whatever_was_asked(analyst, mirror):
    response = analyst.get(f"{PAGES[0]}?from=1970-01-01&to=2199-12-31&by=day&compare=year")

    assert response.status_code == 200
    assert "By day there would be more than 1000 rows: shown by month." in text(response)


@pytest.mark.parametrize("path", PAGES)
def test_an_empty_report_says_so_and_offers_more(analyst, mirror, path):
    page = text(analyst.get(f"{path}?from=2024-03-01&to=2024-03-09"))

    assert "No orders between 1 Mar 2024 and 9 Mar 2024." in page
    assert "period=all" in page


@pytest.mark.parametrize("path", PAGES)
def test_with_mongodb_down_the_frame_stays_and_says_so_quickly(analyst, mongodb_down, path):
    began = time.monotonic()
    page, as_csv = analyst.get(path), analyst.get(path, {"format": "csv"})

    assert time.monotonic() - began < 10
    assert page.status_code == as_csv.status_code == 503
    assert text(page).count("History store is not reachable. Shop and orders are unaffected.") == 3
    assert 'href="/reports/sales/' in text(page)
    assert "History store is not reachable." in text(as_csv)


@pytest.fixture
def slow_mongodb(settings):
    """The same server behind a wire that never brings the answer about rollups."""
    with SlowWire(settings.MONGODB_URL) as wire:
        settings.MONGODB_URL = wire.url
        settings.MONGODB_READ_TIMEOUT_MS = 300
        yield


def test_a_question_that_takes_too_long_says_so(analyst, mirror, slow_mongodb):
    response = analyst.get(PAGES[1], {"period": "all"})

    assert response.status_code == 503
    assert "Choose a shorter one." in text(response)


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

    rows = _Table(text(analyst.get(PAGES[0], {"period": "all", "sort": "period"}))).rows

    assert (rows[0][0], rows[-1][0], len(rows)) == ("2022-01-01", "2024-03-01", 27)


def test_all_of_a_young_shop_is_shown_by_day(analyst, mirror, noon, place):
    place(at=noon - timedelta(days=2))
    place(at=noon)
    relay.drain()

    rows = _Table(text(analyst.get(PAGES[0], {"period": "all"}))).rows

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
