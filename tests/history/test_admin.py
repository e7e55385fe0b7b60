from __future__ import annotations

from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.asserts import assertContains, assertNotContains

from history.models import Event
from history.told_changes import told_changes
from orders.models import Order, OrderItem
from orders.services import change_status
from tests.factories import StaffFactory, UserFactory

pytestmark = pytest.mark.django_db

LIST = "/admin/history/event/"


@pytest.fixture
def boss(client):
    boss = StaffFactory(name="Bo Boss")
    client.force_login(boss)
    return boss


def listed(response) -> list[tuple[int, int]]:
    """The orders' events; signing in for the test is on the list too."""
    events = response.context["cl"].result_list
    return [(event.order_id, event.rev) for event in events if event.order_id is not None]


def test_events_are_listed_newest_first_and_found_by_order_number(client, boss, place, now):
    first, second = place(), place()
    change_status(first, to="paid", by=boss, at=now)

    assert listed(client.get(LIST)) == [(first.pk, 2), (second.pk, 1), (first.pk, 1)]
    for text in (str(first.pk), f"#{first.pk}"):
        assert listed(client.get(LIST, {"q": text})) == [(first.pk, 2), (first.pk, 1)]
    for text in ("ada", "9" * 40, "²", "-1"):
        assert listed(client.get(LIST, {"q": text})) == []


def test_events_are_filtered_by_what_became_of_them(client, boss, place):
    pending, parked, delivered = place(), place(), place()
    Event.objects.filter(order_id=parked.pk).update(parked_at=timezone.now(), error="Too <big>")
    Event.objects.filter(order_id=delivered.pk).update(delivered_at=timezone.now())

    assert listed(client.get(LIST, {"delivery": "pending"})) == [(parked.pk, 1), (pending.pk, 1)]
    assert listed(client.get(LIST, {"delivery": "delivered"})) == [(delivered.pk, 1)]
    page = client.get(LIST, {"delivery": "parked"})
    assert listed(page) == [(parked.pk, 1)]
    assertContains(page, "Parked: Too &lt;big&gt;")


def test_more_events_need_no_more_queries(client, boss, place):
    def queries() -> int:
        client.get(LIST)
        with CaptureQueriesContext(connection) as asked:
            client.get(LIST)
        return len(asked)

    place()
    one = queries()
    for _ in range(12):
        place()

    assert queries() == one


def test_the_log_is_read_only(client, boss, place):
    place()
    event = Event.objects.of_orders().get()

    assertContains(client.get(f"{LIST}{event.pk}/change/"), "Placed")
    assert client.get(f"{LIST}add/").status_code == 403
    assert client.post(f"{LIST}{event.pk}/change/", {"note": "x"}).status_code == 403
    assert client.post(f"{LIST}{event.pk}/delete/", {"post": "yes"}).status_code == 403


def test_staff_without_permission_see_no_events(client):
    client.force_login(UserFactory(is_staff=True))

    assert client.get(LIST).status_code == 403


def test_an_orders_page_tells_all_that_happened_to_it_newest_first(client, boss, place, now):
    order = place(customer=UserFactory(name="Ada"))
    Order.objects.filter(pk=order.pk).update(total_amount=Decimal("12.00"))
    OrderItem.objects.filter(order=order).update(quantity=2)
    order.refresh_from_db()
    change_status(order, to="paid", by=boss, at=now, note="<b>by transfer")

    page = client.get(f"/admin/orders/order/{order.pk}/change/")

    events = [(event.rev, event.kind, event.actor_name) for event, _, _ in page.context["events"]]
    # The items joined the edit: a test is one transaction.
    assert events == [(3, "status", "Bo Boss"), (2, "items", "database"), (1, "placed", "Ada")]
    assertContains(page, "&lt;b&gt;by transfer")
    assertContains(page, "Total: $10.00 → $12.00")
    assertContains(page, "1 × $10.00 → 2 × $10.00")


def test_changes_are_told_a_line_each():
    lamp = {"product_id": 1, "product_name": "Lamp", "quantity": 1, "price": 10}
    changes = {"status": ["pending", "paid"], "items": [[None, lamp], [lamp, None]], "order": [{"order_id": 1}, None]}

    changes |= {"shipping_address": [{"city": "Ulm"}, ["x"]], "external_ref": [None, "A-1"]}

    assert list(told_changes(changes)) == [
        "Status: Pending → Paid",
        "Lamp: none → 1 × $10.00",
        "Lamp: 1 × $10.00 → none",
        "Delivery address before: Ulm",
        "Delivery address now: none",
        "Reference: none → A-1",
    ]


def test_reports_are_linked_for_those_who_may_see_them(client):
    clerk = UserFactory(is_staff=True)
    client.force_login(clerk)
    assertNotContains(client.get("/admin/"), "/reports/")

    clerk.user_permissions.set(Permission.objects.filter(codename="view_reports"))
    assertContains(client.get("/admin/"), 'href="/reports/"')
