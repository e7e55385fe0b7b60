from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.asserts import assertContains, assertNotContains

from catalog.models import Product
from history.models import Event
from orders import admin as orders_admin
from orders.models import Order, OrderItem
from orders.status import Status
from tests.factories import ProductFactory, UserFactory
from tests.orders.back_office import LIST, page_of, status_of, step_of

pytestmark = pytest.mark.django_db


def listed(response) -> set[int]:
    return {order.pk for order in response.context["cl"].result_list}


def staff_with(client: Client, *codenames: str):
    clerk = UserFactory(is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(clerk)
    return clerk


# --- Who may what ---


def test_a_visitor_is_sent_to_sign_in(client, place):
    for path in (LIST, page_of(order := place()), step_of(order)):
        assert client.get(path, follow=True).redirect_chain[-1][0].startswith("/account/login/?next=")


def test_staff_without_permission_see_no_orders(client, place):
    staff_with(client)
    order = place()

    assert client.get(LIST).status_code == 403
    assert client.get(page_of(order)).status_code == 403
    assert client.post(step_of(order), {"to": "paid", "rev": 1}).status_code == 403
    assert status_of(order) == Status.PENDING


def test_staff_who_may_only_see_change_nothing(client, place):
    staff_with(client, "view_order")
    order = place()

    page = client.get(page_of(order))
    assertContains(page, "Product")
    assertNotContains(page, "Mark paid")
    assertNotContains(client.get(LIST), "Mark paid")
    assert client.post(step_of(order), {"to": "paid", "rev": 1}).status_code == 403
    client.post(LIST, {"action": "mark_paid", "_selected_action": [order.pk]})
    assert status_of(order) == Status.PENDING


def test_the_order_desk_needs_one_permission_to_change_a_status(client, place):
    staff_with(client, "change_order")
    order = place()

    client.post(step_of(order), {"to": "paid", "rev": 1})

    assert status_of(order) == Status.PAID


def test_orders_are_neither_added_nor_deleted_nor_edited_here(client, boss, place):
    order = place()

    assert client.get(f"{LIST}add/").status_code == 403
    assert client.post(f"{LIST}{order.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.post(page_of(order), {"status": "shipped", "total_amount": "0"}).status_code == 405
    client.post(LIST, {"action": "delete_selected", "_selected_action": [order.pk], "post": "yes"})
    assertNotContains(client.get(LIST), "delete_selected")
    assert status_of(order) == Status.PENDING


def test_a_step_needs_its_csrf_token(boss, place):
    order = place()
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(boss)

    assert careful.post(step_of(order), {"to": "paid", "rev": 1}).status_code == 403
    assert status_of(order) == Status.PENDING


# --- The list ---


def test_the_list_tells_what_matters(client, boss, place):
    products = [ProductFactory(name=name) for name in ("Lamp", "Desk", "Chair", "Mat")]
    order = place(*products, customer=UserFactory(name="Ada"), quantity=2)

    page = client.get(LIST)

    for text in (f"#{order.pk}", "Ada", "Pending", "2 × Lamp and 3 more", "$80.00", "By placed"):
        assertContains(page, text)


def test_more_orders_need_no_more_queries(client, boss, place):
    def queries(path: str) -> int:
        client.get(path)
        with CaptureQueriesContext(
            connection,
        ) as asked:
            client.get(path)
        return len(asked)

    first = place()
    paths = (LIST, f"{LIST}?q=product", page_of(first))
    one = [queries(path) for path in paths]
    for _ in range(12):
        place(ProductFactory(), ProductFactory())
    OrderItem.objects.bulk_create(
        OrderItem(order=first, product=ProductFactory(), quantity=1, price=1) for _ in range(10)
    )

    assert [queries(path) for path in paths] == one


def test_orders_are_searched_by_number_mail_and_product(client, boss, place):
    ada = UserFactory(name="Ada Lovelace", email="ada@shop.example")
    lamp = ProductFactory(name="Reading lamp", sku="LMP-7")
    order = place(lamp, ProductFactory(name="Lampshade"), customer=ada)
    place()
    Order.objects.filter(pk=order.pk).update(external_ref="EXT-9")

    texts = [
        str(order.pk),
        f"#{order.pk}",
        "ada@shop.example",
        "ADA@",
        "lovelace",
        "lamp",
        "lmp-7",
        "EXT-9",
        "ada lamp",
    ]
    assert {text: listed(client.get(LIST, {"q": text})) for text in texts} == {text: {order.pk} for text in texts}


@pytest.mark.parametrize(
    "text",
    ["nothing like it", "9" * 18, "9" * 40, "#", "-1", "²", "%", "_x_", "'; DROP TABLE orders; --", "\\"],
)
def test_odd_searches_find_nothing_and_break_nothing(client, boss, place, text):
    # Without numbers, one of which a text could mean.
    place(ProductFactory(name="Lamp", sku="LAMP"), customer=UserFactory(name="Ada", email="ada@shop.example"))

    response = client.get(LIST, {"q": text})

    assert response.status_code == 200
    assert listed(response) == set()


def test_orders_are_filtered_by_status_and_date(client, boss, order_in, now):
    old = order_in(Status.PENDING, at=now - timedelta(days=400))
    paid = order_in(Status.PAID)

    assert listed(client.get(LIST, {"status__exact": "paid"})) == {paid.pk}
    assert listed(client.get(LIST, {"created_at__year": old.created_at.year})) == {old.pk}


def test_many_orders_are_marked_and_each_refusal_is_told(client, boss, order_in):
    paid = [order_in(Status.PAID), order_in(Status.PAID)]
    cancelled, pending = order_in(Status.CANCELLED), order_in(Status.PENDING)
    chosen = [order.pk for order in (*paid, cancelled, pending)]

    page = client.post(LIST, {"action": "mark_shipped", "_selected_action": chosen}, follow=True)

    assert [str(message) for message in page.context["messages"]] == [
        f"2 shipped, 2 skipped (1 cancelled, 1 pending): "
        f"Order #{cancelled.pk} is cancelled and cannot become shipped. "
        "Its way ends there. "
        f"Order #{pending.pk} is pending and cannot become shipped. Allowed now: paid, cancelled."
    ]
    assert [status_of(order) for order in (*paid, cancelled, pending)] == ["shipped", "shipped", "cancelled", "pending"]
    assert Event.objects.filter(status="shipped", actor_id=boss.pk, actor_name="Bo Boss").count() == 2


@pytest.mark.parametrize(
    ("before", "action"),
    [
        (Status.PENDING, "mark_paid"),
        (Status.PAID, "mark_shipped"),
        (Status.SHIPPED, "mark_delivered"),
    ],
)
def test_each_action_does_its_step(client, boss, order_in, before, action):
    order = order_in(before)

    client.post(LIST, {"action": action, "_selected_action": [order.pk]})

    assert f"mark_{status_of(order)}" == action


def test_cancelling_many_is_asked_about_first(client, boss, order_in):
    product = ProductFactory(stock=10)
    order, shipped = order_in(Status.PENDING), order_in(Status.SHIPPED)
    held = order.items.get().product_id
    chosen = {"action": "mark_cancelled", "_selected_action": [order.pk, shipped.pk]}

    question = client.post(LIST, chosen)
    assertContains(question, "Cancel these orders?")
    assertContains(question, f'<input type="hidden" name="_selected_action" value="{order.pk}">', html=True)
    assertContains(question, "cannot be cancelled any more", count=1)
    assert status_of(order) == Status.PENDING

    page = client.post(LIST, {**chosen, "confirmed": "1"}, follow=True)
    assertContains(page, "1 cancelled, 1 skipped")
    assert (status_of(order), status_of(shipped)) == (Status.CANCELLED, Status.SHIPPED)
    assert Product.objects.get(pk=held).stock == product.stock + 90


def test_too_many_at_once_change_nothing(client, boss, place, monkeypatch):
    monkeypatch.setattr(orders_admin, "MAX_AT_ONCE", 2)
    chosen = [place().pk for _ in range(3)]

    page = client.post(LIST, {"action": "mark_paid", "_selected_action": chosen}, follow=True)

    assertContains(page, "Choose 2 orders at most. Nothing was changed.")
    assert set(Order.objects.values_list("status", flat=True)) == {"pending"}
