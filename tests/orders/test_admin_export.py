"""The list of orders as CSV: the rows and columns of the screen, however many, and no formula among them."""

from __future__ import annotations

import csv
import gc
import io
from datetime import datetime

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from config.paging import BoundedPaginator
from history.archive import lists
from history.triggers import capture_off
from orders.models import Order
from orders.status import Status
from tests.factories import ProductFactory, StaffFactory, UserFactory
from tests.orders.back_office import LIST
from tests.pages import text

pytestmark = pytest.mark.django_db

EXPORT = f"{LIST}export/"


def rows(response) -> list[dict[str, str]]:
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    body = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(body)))


def test_rows_and_columns_are_the_screens(client, boss, order_in):
    lamp = ProductFactory(name="Lamp")
    ada = UserFactory(name="Ada")
    for status in (Status.PENDING, Status.PAID, Status.PAID, Status.CANCELLED):
        order_in(status, customer=ada)
    order_in(Status.PAID)
    two = Order.objects.filter(status="paid", customer=ada)
    two.update(total_amount=5)
    two[0].items.update(product=lamp, product_name="Lamp", quantity=3)

    for query in ("", "?q=ada", "?status__exact=paid&o=-1", "?status__exact=paid&q=lamp", "?o=5.1", "?q=nothing"):
        screen = client.get(LIST + query)
        listed = screen.context["cl"]
        found = rows(client.get(EXPORT + query))

        assert [int(row["order"]) for row in found] == [order.pk for order in listed.result_list]
        for row, order in zip(found, listed.result_list, strict=True):
            assert list(row) == ["order", "placed", "customer", "status", "total", "items"]
            assert datetime.fromisoformat(row["placed"]) == order.created_at
            assert (row["customer"], row["status"]) == (str(order.customer), order.get_status_display())
            assert row["total"] == f"{order.total_amount:.2f}"
            assert row["items"] in text(screen)
        link = f'href="{EXPORT}{query.replace("&", "&amp;")}"'
        assert link in screen.text
    assert len(rows(client.get(EXPORT))) == 5


def test_chosen_orders_alone(client, boss, place):
    orders = [place() for _ in range(3)]

    chosen = {"action": "export_selected", "_selected_action": [orders[0].pk, orders[2].pk]}

    assert {int(row["order"]) for row in rows(client.post(LIST, chosen))} == {orders[0].pk, orders[2].pk}


def test_formulas_are_defused(client, boss, place):
    starts = "=+-@\t\r"  # said here once more: a list that loses one would lose its test too
    for number, start in enumerate(starts):
        named = f'{start}cmd|" /C calc"!A0'
        place(ProductFactory(name=named, sku=f"{named}{number}"), customer=UserFactory(name=named))
    chosen = {"action": "export_selected", "_selected_action": Order.objects.values_list("pk", flat=True)}

    exports = rows(client.get(EXPORT)), rows(client.post(LIST, chosen))

    for found in exports:
        assert [row["customer"] for row in reversed(found)] == [f'\'{start}cmd|" /C calc"!A0' for start in starts]
        cells = [cell for row in found for cell in row.values()]
        assert not [cell for cell in cells if cell.startswith(tuple(starts))]
        assert len(cells) == 6 * len(starts)


def test_bad_filters_lead_back_to_the_list(client, boss, place):
    place()

    for query in ("?created_at__year=x", "?nothing=1", "?o=99"):
        assert client.get(EXPORT + query, follow=True).status_code == 200
    assert client.get(EXPORT + "?created_at__year=x")["Location"] == f"{LIST}?e=1"


def test_exporting_needs_a_permission_of_its_own(client, place):
    place()
    clerk = StaffFactory(is_superuser=False)
    clerk.user_permissions.set(Permission.objects.filter(codename="view_order"))
    client.force_login(clerk)

    assert "Export CSV" not in client.get(LIST).text
    assert client.get(EXPORT).status_code == 403
    client.post(LIST, {"action": "export_selected", "_selected_action": [Order.objects.get().pk]})
    clerk.user_permissions.add(Permission.objects.get(codename="export_order"))
    assert len(rows(client.get(EXPORT))) == 1
    client.logout()
    assert "/account/login/" in client.get(EXPORT)["Location"]


@pytest.mark.django_db(transaction=True)
def test_many_orders_are_streamed(client, boss):
    customer = UserFactory()
    with capture_off(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO orders (user_id, total_amount, created_at) "
            "SELECT %s, n, now() - n * interval '1 minute' FROM generate_series(1, 6000) n",
            [customer.pk],
        )
    response = client.get(EXPORT)
    lines = iter(response.streaming_content)
    next(lines)

    most = 0
    with CaptureQueriesContext(connection) as asked:
        for count, _ in enumerate(lines, start=1):
            if count % 1000 == 0:
                # What is garbage is freed when this Python sees fit; what is in use is what matters.
                gc.collect()
                most = max(most, sum(type(each) is Order for each in gc.get_objects()))

    assert count == 6000
    # The rows and, some hundred orders at a time, their items (and what became of those without): never all at once.
    assert len(asked) <= 3 * 6000 // lists.AT_ONCE
    assert 0 < most <= 3 * lists.AT_ONCE


@pytest.mark.django_db(transaction=True)
def test_the_list_counts_so_far_and_no_further(client, boss, monkeypatch):
    monkeypatch.setattr(BoundedPaginator, "MOST", 25)
    customer = UserFactory()
    with capture_off(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO orders (user_id, total_amount, created_at) SELECT %s, n, now() FROM generate_series(1, 30) n",
            [customer.pk],
        )

    with CaptureQueriesContext(connection) as asked:
        page = client.get(LIST)

    assert "25+ orders: narrow the list to see those behind the last page" in text(page)
    counting = [query["sql"] for query in asked if "COUNT(" in query["sql"]]
    assert len(counting) == 1
    assert "LIMIT 26" in counting[0]
    assert "24 orders" in text(client.get(f"{LIST}?total=low&created_at__year={timezone.now().year}"))


def test_the_way_down_by_date(client, boss, place, now):
    place(at=datetime.fromisoformat("2024-02-28T12:00Z"))
    place(at=datetime.fromisoformat("2025-03-02T12:00Z"))

    def way(query: str) -> str:
        return text(client.get(LIST + query)).split("Action:")[0]

    assert "2024 2025" in way("")
    assert "‹ All dates February 2024 March 2024" in way("?created_at__year=2024")
    assert "December 2024" in way("?created_at__year=2024")
    assert "January 2025 February 2025 March 2025" in way("?created_at__year=2025")
    assert "‹ 2024 28 February 29 February" in way("?created_at__year=2024&created_at__month=2")
    assert "‹ February 2024 29 February" in way("?created_at__year=2024&created_at__month=2&created_at__day=29")
    assert (
        client.get(f"{LIST}?created_at__year=2024&created_at__month=2&created_at__day=31", follow=True).status_code
        == 200
    )
    assert client.get(f"{LIST}?created_at__year=2024&created_at__month=x", follow=True).status_code == 200
