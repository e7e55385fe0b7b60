"""What comes back is refunded to the cent, once, and goes on sale again where it can."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from catalog.models import Product
from history import changes
from history.models import Event
from history.triggers import capture_off
from orders import returns, seen
from orders.models import Order, Refund
from orders.returns import Returned, return_items
from orders.services import change_status
from orders.status import Status
from tests.factories import ProductFactory, StaffFactory, UserFactory
from tests.pages import breaks_csp, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def kim():
    return StaffFactory(name="Kim")


@pytest.fixture
def lamp():
    return ProductFactory(name="Lamp", sku="L-1", price=Decimal("10.10"), stock=10)


@pytest.fixture
def mat():
    return ProductFactory(name="Mat", sku="M-1", price=Decimal("3.30"), stock=10)


@pytest.fixture
def order(place, kim, lamp, mat):
    """3 × Lamp and 3 × Mat, delivered."""
    order = place(lamp, mat, customer=UserFactory(name="Ada"), quantity=3)
    for to in (Status.PAID, Status.SHIPPED, Status.DELIVERED):
        order = change_status(order, to=to, by=kim, at=timezone.now())
    return order


@pytest.fixture
def give_back(order, kim):
    """Return quantities of the order's items, by product name."""

    def do(*, rev=None, restock=True, reason="Too bright", **quantities) -> Refund:
        items = {item.product_name: item.pk for item in order.items.all()}
        wanted = {items[name]: Returned(quantity, restock) for name, quantity in quantities.items()}
        rev = Order.objects.get(pk=order.pk).rev if rev is None else rev
        return return_items(order, wanted, seen_rev=rev, reason=reason, by=kim, at=timezone.now())

    return do


def items_of(order) -> dict[str, int]:
    return dict(order.items.values_list("product_name", "quantity"))


def stock_of(*products) -> list[int]:
    return [Product.objects.get(pk=product.pk).stock for product in products]


def test_a_part_lowers_items_and_total_as_one_event_and_is_kept(give_back, order, lamp, mat, kim):
    refund = give_back(Lamp=1, Mat=3)

    current = Order.objects.get(pk=order.pk)
    assert (current.status, current.total_amount, items_of(order)) == ("delivered", Decimal("20.20"), {"Lamp": 2})
    assert stock_of(lamp, mat) == [8, 10]
    event = Event.objects.of_order(order.pk).last()
    assert (event.rev, event.kind, event.actor_name, event.note) == (5, "items", "Kim", "Too bright")
    assert event.changes["total_amount"] == [Decimal("40.20"), Decimal("20.20")]
    refund.refresh_from_db()
    assert (refund.amount, refund.is_last, refund.reason) == (Decimal("20.00"), False, "Too bright")
    assert (refund.refunded_by, refund.refunded_by_name) == (kim.pk, "Kim")
    assert [(item["sku"], item["quantity"], item["price"], item["restocked"]) for item in refund.items] == [
        ("L-1", 1, "10.10", True),
        ("M-1", 3, "3.30", True),
    ]
    events = list(Event.objects.of_order(order.pk))
    found = changes.since_placed(current, events, customer_id=order.customer_id)
    assert (found.original_total, found.changes[0].amount, found.total) == (
        Decimal("40.20"),
        Decimal("-20.00"),
        Decimal("20.20"),
    )


def test_what_is_not_to_be_sold_again_stays_out_of_stock(give_back, lamp):
    give_back(Lamp=1, restock=False)

    assert stock_of(lamp) == [7]
    assert Refund.objects.get().items[0]["restocked"] is False


def test_all_that_is_left_makes_the_order_returned_and_keeps_it(give_back, order, lamp, mat):
    give_back(Lamp=2)

    refund = give_back(Lamp=1, Mat=3)

    current = Order.objects.get(pk=order.pk)
    assert (current.status, current.total_amount) == ("returned", Decimal("20.00"))
    assert items_of(order) == {"Lamp": 1, "Mat": 3}
    assert (refund.is_last, refund.amount) == (True, Decimal("20.00"))
    assert stock_of(lamp, mat) == [10, 10]
    assert [event.kind for event in Event.objects.of_order(order.pk)][-2:] == ["items", "status"]
    with pytest.raises(returns.NotReturnable, match="is returned"):
        give_back(Lamp=1)


def test_no_more_is_refunded_than_the_order_costs(give_back, order):
    Order.objects.update(total_amount=Decimal("12.00"))

    assert give_back(Lamp=1).amount == Decimal("10.10")
    assert give_back(Lamp=1).amount == Decimal("1.90")
    assert give_back(Lamp=1, Mat=3).amount == Decimal("0.00")
    assert Order.objects.get(pk=order.pk).total_amount == 0


def test_what_cannot_come_back_is_refused(give_back, order, place):
    with pytest.raises(returns.NothingReturned):
        give_back(Lamp=0)
    for quantity in (-1, 4):
        with pytest.raises(returns.NotThatMany, match="Of Lamp only 3 can come back"):
            give_back(Lamp=quantity)
    others = place().items.get()
    with pytest.raises(returns.NotThatMany, match="not in this order"):
        return_items(
            order,
            {others.pk: Returned(1, True)},
            seen_rev=order.rev,
            reason="",
            by=StaffFactory(),
            at=timezone.now(),
        )
    assert Order.objects.get(pk=order.pk).rev == order.rev
    assert not Refund.objects.exists()


@pytest.mark.parametrize("status", [Status.PENDING, Status.PAID, Status.CANCELLED])
def test_only_what_was_shipped_comes_back(order_in, kim, status):
    order = order_in(status)

    with pytest.raises(returns.NotReturnable, match=f"is {status}: items come back once they were shipped"):
        return_items(
            order,
            {order.items.get().pk: Returned(1, True)},
            seen_rev=order.rev,
            reason="",
            by=kim,
            at=timezone.now(),
        )


def test_a_shipped_order_returns_in_part_and_as_a_whole_once_it_was_delivered(order_in, kim):
    order = order_in(Status.SHIPPED, quantity=2)
    item = order.items.get()

    def come_back(quantity: int) -> Refund:
        current = Order.objects.get(pk=order.pk)
        wanted = {item.pk: Returned(quantity, True)}
        return return_items(order, wanted, seen_rev=current.rev, reason="", by=kim, at=timezone.now())

    with pytest.raises(returns.NotDeliveredYet, match="mark it delivered first"):
        come_back(2)
    assert come_back(1).amount == Decimal("10.00")
    change_status(order, to=Status.DELIVERED, by=kim, at=timezone.now())
    assert come_back(1).is_last


def test_a_double_click_refunds_once(give_back, order):
    give_back(Lamp=1, rev=4)

    with pytest.raises(seen.MovedOn, match="last changed by you"):
        give_back(Lamp=1, rev=4)

    assert Refund.objects.count() == 1
    assert items_of(order) == {"Lamp": 2, "Mat": 3}


@pytest.mark.django_db(transaction=True)
def test_a_refund_goes_with_a_deleted_order_and_stays_with_an_archived_one(give_back, order):
    give_back(Lamp=1)
    with capture_off():
        Order.objects.filter(pk=order.pk).delete()
    assert Refund.objects.count() == 1

    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO orders (order_id, user_id, total_amount) VALUES (%s, %s, 1)", [order.pk, order.customer_id]
        )
        cursor.execute("DELETE FROM orders")
    assert Refund.objects.count() == 0


def test_the_customer_sees_what_was_refunded_and_the_receipt_stays_as_sold(client, give_back, order):
    client.force_login(order.customer)
    before = text(client.get(reverse("order_receipt", args=[order.pk])))
    assert "Lamp L-1 3 $10.10 $30.30 Mat M-1 3 $3.30 $9.90 Total $40.20" in before
    assert "Returned" not in before

    give_back(Lamp=1, Mat=3, reason="Too <b>bright</b>")
    page, receipt = client.get(order.get_absolute_url()), client.get(reverse("order_receipt", args=[order.pk]))

    assert "Refunds 1 × Lamp 3 × Mat Reason: Too <b>bright</b>" in text(page)
    assert "$20.00" in text(page)
    assert "Kim" not in text(page)
    assert "2 × Lamp" in text(page)
    sold = "Lamp L-1 3 $10.10 $30.30 Mat M-1 3 $3.30 $9.90 Total $40.20 Returned: 1 × Lamp, 3 × Mat −$20.00"
    assert f"{sold} Total after returns $20.20" in text(receipt)
    assert breaks_csp(page) + breaks_csp(receipt) == []

    give_back(Lamp=2)
    receipt = text(client.get(reverse("order_receipt", args=[order.pk])))
    assert f"{sold} Returned: 2 × Lamp −$20.20 Total after returns $0.00" in receipt


def test_more_items_need_no_more_statements(place, kim, django_assert_num_queries):
    for count in (2, 9):
        order = place(*ProductFactory.create_batch(count), quantity=2)
        for to in (Status.PAID, Status.SHIPPED):
            order = change_status(order, to=to, by=kim, at=timezone.now())
        pks = list(order.items.values_list("pk", flat=True))
        wanted = {pk: Returned(1 + at % 2, True) for at, pk in enumerate(pks)}
        # Savepoint and its release; order and items read; order, items changed and gone (read and deleted); stock
        # locked and moved; refund.
        with django_assert_num_queries(11):
            return_items(order, wanted, seen_rev=order.rev, reason="", by=kim, at=timezone.now())
