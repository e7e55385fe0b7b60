"""The CSV of a report is its screen: every row and column, in every order, and nothing that a spreadsheet would run."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from history.mirror import relay
from history.models import MirrorSample
from history.reports.views import REPORTS
from orders.services import RequestedItem, place_order
from tests.factories import CategoryFactory, ProductFactory, UserFactory
from tests.history.random_orders import place_random_orders
from tests.history.report_page import PageTable, read_csv, text
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

PAGES = [reverse(f"reports:{name}") for name in REPORTS]
NOON = datetime(2024, 3, 15, 12, tzinfo=UTC)
BEFORE = datetime(2024, 1, 9, 12, tzinfo=UTC)


@pytest.mark.parametrize("path", PAGES)
def test_csv_is_the_screen_for_every_sorting_and_sorting_sorts(analyst, mirror, path):
    place_random_orders(60, around=[NOON, BEFORE], seed=5)
    relay.drain()
    screen = PageTable(text(analyst.get(path, {"period": "all", "by": "day"})))

    for number, heading in enumerate(screen.headings[:9]):
        columns = []
        for sort in (heading, f"-{heading}"):
            page = text(analyst.get(path, {"period": "all", "by": "day", "sort": sort}))
            shown = PageTable(page)
            response = analyst.get(path, {"period": "all", "by": "day", "sort": sort, "format": "csv"})

            assert response["Content-Type"] == "text/csv; charset=utf-8"
            assert read_csv(response) == [shown.headings, *shown.rows]
            assert len(shown.rows) == len(screen.rows) > 0
            assert "is unknown" not in page
            columns.append([row[number] for row in shown.rows])
        rising, falling = columns
        assert rising == falling[::-1]
        if all(re.fullmatch(r"[\d.]+", value) for value in rising):
            assert rising == sorted(rising, key=Decimal)


@pytest.mark.parametrize(("name", "table"), [("customers", "kinds"), ("status", "times"), ("trust", "lag")])
def test_csv_of_a_further_table_is_that_table(analyst, mirror, name, table):
    place_random_orders(60, around=[NOON, BEFORE], seed=5)
    relay.drain()
    taken_at = timezone.now() - timedelta(hours=2)
    MirrorSample.objects.create(
        taken_at=taken_at, pending=1, oldest_pending_seconds=1, parked=0, delivered=7, lag_p99_ms=42
    )
    path = reverse(f"reports:{name}")

    shown = PageTable(text(analyst.get(path, {"period": "all"})), table)
    response = analyst.get(path, {"period": "all", "format": "csv", "table": table})

    assert read_csv(response) == [shown.headings, *shown.rows]
    assert shown.rows


def test_a_long_report_has_pages_and_totals_of_all(analyst, mirror):
    products = [ProductFactory(price=Decimal("1.00"), name=f"P{number:03}") for number in range(101)]
    for part in (products[:60], products[60:]):
        _place(part)
    relay.drain()

    first, second = (analyst.get(PAGES[1], {"page": page, "sort": "product"}) for page in "12")

    assert len(PageTable(text(first)).rows) == 100
    assert [row[0] for row in PageTable(text(second)).rows] == ["P100"]
    assert all("of all 101 rows" in text(page) and "$101.00" in text(page) for page in (first, second))
    assert len(read_csv(analyst.get(PAGES[1], {"format": "csv", "page": "2"}))) == 102
    assert "this is the last one, 2" in text(analyst.get(PAGES[1], {"page": "7"}))


def _place(products):
    items = [RequestedItem(product, 1) for product in products]
    return place_order(customer=UserFactory(), items=items, key="key", at=timezone.now())


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
        "'=1+1", "'+1", "'-1", "'@SUM(A1)", "'\t'=1", "'\r'=1", "Hat, “large”", "a=1",
    }  # fmt: skip
    assert all(row[1].startswith("'=S") for row in rows)
    assert "'=cmd()" in {row[2] for row in rows}
    assert "'=" not in page
    User.objects.filter(orders__isnull=False).update(name="@SUM(A1)")
    for path in PAGES:
        cells = {cell for row in read_csv(analyst.get(path, {"format": "csv"})) for cell in row}
        numbers = {cell for cell in cells if re.fullmatch(r"-?[\d.]+", cell)}
        assert not [cell for cell in cells - numbers if cell.startswith(("=", "+", "-", "@", "\t", "\r"))], path
        assert ("'@SUM(A1)" in cells) == (path in (PAGES[1], *map(reverse, ("reports:customers", "reports:orders"))))
