"""What changed since a customer ordered, on the order's page."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction

from history import changes
from history.models import Event
from orders.models import Order, OrderItem
from orders.services import change_status
from tests.factories import ProductFactory
from tests.impossible import possible
from tests.pages import breaks_csp, text

pytestmark = pytest.mark.django_db

ADDRESS = {"country": "Utopia", "city": "Springfield", "postcode": "123", "line1": "1 High Street", "name": "Ada"}


@pytest.fixture
def order(place, customer):
    return place(ProductFactory(name="Lamp", price=Decimal("10.10")), customer=customer, quantity=2)


def edit(order, *, by, at, note="", **fields):
    """Change an order as a service does: who, when and why in the same statement."""
    who = {"changed_by": by.pk, "changed_by_name": by.name, "changed_at": at, "change_note": note}
    Order.objects.filter(pk=order.pk).update(**who, **fields)


def changed(order, customer):
    order.refresh_from_db()
    return changes.since_placed(order, list(Event.objects.of_order(order.pk)), customer_id=customer.pk)


def test_an_order_that_only_went_its_way_has_nothing_to_tell(client, order, customer, staff, now):
    change_status(order, to="paid", by=staff, at=now + timedelta(minutes=1), note="by bank")
    client.force_login(customer)

    assert changed(order, customer) is None
    assert "What changed" not in text(client.get(order.get_absolute_url()))


@pytest.mark.django_db(transaction=True)
def test_a_change_of_items_is_told_with_amount_reason_and_who(client, order, customer, staff, now):
    with transaction.atomic():
        edit(order, by=staff, at=now + timedelta(hours=1), note="One was broken", total_amount=Decimal("10.10"))
        OrderItem.objects.filter(order=order).update(quantity=1)
    client.force_login(customer)

    page = client.get(order.get_absolute_url())

    shown = text(page)
    assert (
        "What changed since you ordered Original total $20.20 "
        "2 × Lamp at $10.10 before, 1 × Lamp at $10.10 now Total: $20.20 before, $10.10 now "
        "Reason: One was broken Store ·" in shown
    )
    assert "−$10.10 Total now $10.10" in shown
    assert "Secretname" not in shown
    assert breaks_csp(page) == []


@pytest.mark.django_db(transaction=True)
def test_items_added_and_removed_each_have_a_line(order, customer, place):
    kettle = ProductFactory(name="Kettle")
    OrderItem.objects.create(order=order, product=kettle, quantity=3, price=Decimal("7.35"), product_name="Kettle")
    order.items.filter(product_name="Lamp").delete()

    found = changed(order, customer)

    assert [change.what for change in found.changes] == [
        ["Added 3 × Kettle at $7.35"],
        ["Removed 2 × Lamp at $10.10"],
    ]
    assert [(change.who, change.amount) for change in found.changes] == [("System", 0), ("System", 0)]


@pytest.mark.django_db(transaction=True)
def test_an_item_that_went_to_another_order_left_this_one_and_came_to_that(order, customer, place):
    other = place(customer=customer)
    order.items.update(order=other)

    assert changed(order, customer).changes[0].what == ["Removed 2 × Lamp at $10.10"]
    assert changed(other, customer).changes[0].what == ["Added 2 × Lamp at $10.10"]


def test_a_change_of_address_is_told_in_the_order_of_its_lines(order, customer, now):
    Order.objects.update(shipping_address={})
    edit(order, by=customer, at=now + timedelta(hours=1), shipping_address=ADDRESS)
    with possible("orders_shipping_address_possible", "orders"):
        Order.objects.update(shipping_address="poste restante")

    found = changed(order, customer)

    home = "Ada, 1 High Street, 123 Springfield, Utopia"
    assert [(change.what, change.who) for change in found.changes] == [
        (["Delivery address before: none", f"Delivery address now: {home}"], "You"),
        ([f"Delivery address before: {home}", "Delivery address now: none"], "System"),
    ]


def test_amounts_are_exact_and_foot(order, customer):
    for total in ("0.10", "0.30", "9999999999.99", "20.00", "20"):
        Order.objects.update(total_amount=Decimal(total))

    found = changed(order, customer)

    assert found.original_total == Decimal("20.20")
    assert found.original_total + sum(change.amount for change in found.changes) == found.total == Decimal("20.00")
    assert [change.amount for change in found.changes][1] == Decimal("0.20")


def test_a_staff_note_on_a_status_is_not_a_reason_for_the_customer(order, customer, staff, now):
    edit(order, by=staff, at=now + timedelta(hours=1), note="Fort Knox", status="paid", total_amount=Decimal("5"))

    assert [(change.why, change.amount) for change in changed(order, customer).changes] == [("", Decimal("-15.20"))]


def test_a_number_used_before_tells_only_of_the_order_that_has_it_now(order, customer, place):
    Order.objects.update(total_amount=5)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM orders")
        cursor.execute(
            "INSERT INTO orders (order_id, user_id, total_amount) VALUES (%s, %s, 7)", [order.pk, customer.pk]
        )

    assert changed(order, customer) is None


def test_the_page_needs_no_more_queries_for_it(client, order, customer, django_assert_num_queries):
    client.force_login(customer)
    for _ in range(2):
        # Session, user, permissions, order, items, events, cart.
        with django_assert_num_queries(7):
            client.get(order.get_absolute_url())
        for total in range(1, 9):
            Order.objects.update(total_amount=total)


def test_money_in_events_is_exact(order):
    Order.objects.update(total_amount=Decimal("0.10"))

    changes_read = Event.objects.get(order_id=order.pk, rev=2).changes

    assert changes_read == {"total_amount": [Decimal("20.20"), Decimal("0.10")]}
    assert [type(amount) for amount in changes_read["total_amount"]] == [Decimal, Decimal]
