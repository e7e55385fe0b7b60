"""My orders and one order, for its customer."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from history import timeline
from history.mirror.documents import milliseconds
from history.models import Event
from orders.models import Order
from orders.services import cancel_order, change_status
from orders.status import Status
from tests.factories import ProductFactory, UserFactory
from tests.pages import breaks_csp, text

pytestmark = pytest.mark.django_db

ORDERS = reverse("order_list")


def go(order, *statuses, by, at):
    for number, status in enumerate(statuses, start=1):
        order = change_status(order, to=status, by=by, at=at + timedelta(minutes=number), note="to Fort Knox")
    return order


def listed(response) -> list[int]:
    return [order.pk for order in response.context["page"]]


def test_my_orders_are_mine_newest_first(shopper, place, customer, now):
    older = place(customer=customer, at=now - timedelta(days=1))
    newer = place(customer=customer)
    place()

    response = shopper.get(ORDERS)

    assert listed(response) == [newer.pk, older.pk]
    assert breaks_csp(response) == []


def test_tabs_count_and_narrow(shopper, place, customer, staff, now):
    pending = place(customer=customer)
    delivered = go(place(customer=customer), "paid", "shipped", "delivered", by=staff, at=now)
    cancelled = cancel_order(place(customer=customer), by=customer, at=now)
    returned = go(place(customer=customer), "paid", "shipped", "delivered", "returned", by=staff, at=now)

    response = shopper.get(ORDERS)

    assert [(name, count) for name, _, count in response.context["tabs"]] == [
        ("all", 4),
        ("open", 1),
        ("delivered", 1),
        ("cancelled", 2),
    ]
    assert listed(shopper.get(f"{ORDERS}?tab=open")) == [pending.pk]
    assert listed(shopper.get(f"{ORDERS}?tab=delivered")) == [delivered.pk]
    assert listed(shopper.get(f"{ORDERS}?tab=cancelled")) == [returned.pk, cancelled.pk]


def test_an_order_is_found_by_number_and_by_product(shopper, place, customer):
    lamp = place(ProductFactory(name="Brass lamp"), ProductFactory(name="Table lamp"), customer=customer)
    place(ProductFactory(name="Kettle"), customer=customer)

    assert listed(shopper.get(ORDERS, {"q": f"#{lamp.pk}"})) == [lamp.pk]
    assert lamp.pk in listed(shopper.get(ORDERS, {"q": lamp.pk}))
    found = shopper.get(ORDERS, {"q": "LAMP"})
    assert listed(found) == [lamp.pk]
    assert found.context["tabs"][0][2] == 1


def test_anothers_order_is_not_found_by_its_number(shopper, place):
    other = place()

    assert listed(shopper.get(ORDERS, {"q": other.pk})) == []


def test_empty_lists_lead_on(shopper, place, customer):
    assert "No orders yet" in text(shopper.get(ORDERS))
    place(customer=customer)
    assert "No order fits “zzz”" in text(shopper.get(ORDERS, {"q": "zzz"}))
    assert "Show all orders" in text(shopper.get(ORDERS, {"tab": "cancelled"}))


@pytest.mark.parametrize("query", ["tab=evil", "page=abc", "page=99", "tab=%00"])
def test_a_bad_parameter_is_ignored_with_a_note(shopper, place, customer, query):
    order = place(customer=customer)

    response = shopper.get(f"{ORDERS}?{query}")

    assert listed(response) == [order.pk]
    assert response.context["notes"]


@pytest.mark.parametrize("search", ["9" * 40, "²", "\x00", "%", "#"])
def test_any_text_can_be_searched_for(shopper, place, customer, search):
    place(customer=customer)

    assert shopper.get(ORDERS, {"q": search}).status_code == 200


def test_pages_have_twenty_orders(shopper, place, customer):
    product = ProductFactory()
    for _ in range(21):
        place(product, customer=customer)

    assert len(listed(shopper.get(ORDERS))) == 20
    assert len(listed(shopper.get(f"{ORDERS}?page=2"))) == 1


def test_more_orders_and_items_need_no_more_queries(shopper, place, customer, django_assert_num_queries):
    products = ProductFactory.create_batch(5)
    shopper.post(reverse("orders:cart_add"), {"product": products[0].pk})
    place(products[0], customer=customer)
    for amount in (0, 10):
        for _ in range(amount):
            order = place(*products, customer=customer)
        # Session, user, permissions, counts, orders, items, cart.
        with django_assert_num_queries(7):
            shopper.get(ORDERS)
    # And which of them are archived.
    with django_assert_num_queries(8):
        shopper.get(f"{ORDERS}?q=product&tab=open")
    # Session, user, permissions, order, items, events that MongoDB does not have, cart.
    with django_assert_num_queries(7):
        shopper.get(order.get_absolute_url())


def test_anothers_order_is_not_found(shopper, place):
    assert shopper.get(place().get_absolute_url()).status_code == 404
    assert shopper.get(reverse("order", args=[999999])).status_code == 404
    assert shopper.get("/orders/" + "9" * 30 + "/").status_code == 404


def test_order_pages_are_for_people_who_signed_in(client, place):
    for path in (ORDERS, place().get_absolute_url()):
        assert client.get(path)["Location"].startswith(reverse("account_login"))


def test_an_order_shows_the_price_of_the_day(shopper, place, customer):
    lamp = ProductFactory(name="Lamp", price=Decimal("10.00"))
    order = place(lamp, customer=customer, quantity=2)
    type(lamp).objects.update(price=Decimal("99.00"), name="Lantern")

    response = shopper.get(order.get_absolute_url())

    shown = text(response)
    assert "2 × Lamp $10.00 each" in shown
    assert "Total $20.00" in shown
    assert "99.00" not in shown
    assert breaks_csp(response) == []


def test_the_timeline_shows_what_is_done_where_it_is_and_what_comes(shopper, place, customer, staff, now):
    order = go(place(customer=customer), "paid", by=staff, at=now)

    response = shopper.get(order.get_absolute_url())

    steps = response.context["steps"]
    assert [(step.name, step.state) for step in steps] == [
        ("Pending", "done"),
        ("Paid", "current"),
        ("Shipped", "upcoming"),
        ("Delivered", "upcoming"),
    ]
    assert steps[0].at == order.created_at
    assert steps[1].at == milliseconds(now + timedelta(minutes=1))
    assert steps[2].at is None
    assert response.content.decode().count('aria-current="step"') == 1


def test_a_cancelled_order_ends_there(shopper, place, customer, staff, now):
    order = go(place(customer=customer), "paid", "cancelled", by=staff, at=now)

    response = shopper.get(order.get_absolute_url())

    assert [step.name for step in response.context["steps"]] == ["Pending", "Paid", "Cancelled"]
    assert "The order ends here." in text(response)
    assert "Cancel order" not in text(response)


def test_the_history_is_newest_first_and_names_no_staff(shopper, place, customer, staff, now):
    order = go(place(customer=customer), "paid", "shipped", by=staff, at=now)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE orders SET status = 'delivered' WHERE order_id = %s", [order.pk])

    response = shopper.get(order.get_absolute_url())

    assert [(event.what, event.who) for event in response.context["events"]] == [
        ("Status is now Delivered", "System"),
        ("Status is now Shipped", "Store"),
        ("Status is now Paid", "Store"),
        ("Order placed", "You"),
    ]
    assert "Secretname" not in text(response)
    assert "Fort Knox" not in text(response)


def test_a_changed_total_is_told(shopper, place, customer):
    order = place(customer=customer)
    Order.objects.update(total_amount=Decimal("7.50"))

    assert "Total: $10.00 before, $7.50 now" in text(shopper.get(order.get_absolute_url()))


def test_an_order_put_in_by_sql_has_a_page(shopper, customer):
    product = ProductFactory(name="Lamp")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO orders (user_id, total_amount, status) VALUES (%s, 10, 'shipped') RETURNING order_id",
            [customer.pk],
        )
        (order_id,) = cursor.fetchone()
        cursor.execute(
            "INSERT INTO order_items (order_id, product_id, quantity, price) VALUES (%s, %s, 1, 10)",
            [order_id, product.pk],
        )

    response = shopper.get(reverse("order", args=[order_id]))

    assert [step.state for step in response.context["steps"]] == ["done", "done", "current", "upcoming"]
    assert "1 × Lamp" in text(response)


def test_a_time_nobody_knows_is_not_invented(now):
    order = Order(status="paid")
    shared = {"occurred_at": now, "actor_id": None, "changes": {}}
    events = [
        Event(rev=1, kind="placed", status="pending", is_time_known=True, **shared),
        Event(rev=2, kind="status", status="paid", is_time_known=False, **shared),
    ]

    assert timeline.steps(order, events)[1].at is None
    assert timeline.told(events, customer_id=1)[0].at is None


def test_cancel_is_offered_while_it_is_allowed(shopper, place, customer, staff, now):
    order = place(customer=customer)

    assert "Cancel order" in text(shopper.get(order.get_absolute_url()))
    go(order, "paid", "shipped", by=staff, at=now)
    assert "Cancel order" not in text(shopper.get(order.get_absolute_url()))


def test_the_pages_work_with_mongodb_down(shopper, place, customer, settings):
    settings.MONGODB_URL = "mongodb://127.0.0.1:1/nothing"
    order = place(customer=customer)

    assert shopper.get(ORDERS).status_code == 200
    assert shopper.get(order.get_absolute_url()).status_code == 200


def test_an_open_page_is_told_only_what_is_new_and_when_to_stop_asking(shopper, customer, place, now):
    order = place(customer=customer)
    asking = {"HX-Request": "true"}
    page = f"/orders/{order.pk}/"

    assert shopper.get(f"{page}?rev=1", headers=asking).status_code == 204
    assert shopper.get(f"{page}?rev=1").status_code == 200
    assert 'hx-trigger="every' in shopper.get(page).content.decode()

    change_status(order, to=Status.PAID, by=UserFactory(), at=now)
    changed = shopper.get(f"{page}?rev=1", headers=asking)
    assert changed.status_code == 200
    assert f'hx-get="{page}?rev=2"' in changed.content.decode()

    change_status(order, to=Status.CANCELLED, by=UserFactory(), at=now)
    ended = shopper.get(f"{page}?rev=2", headers=asking)
    assert ended.status_code == 286
    assert "hx-trigger" not in ended.content.decode()
    assert Client().get(f"{page}?rev=3", headers=asking).status_code == 302
