"""Items are taken back in the back office: typed, looked at, confirmed."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from catalog.models import Product
from orders.models import Order, Refund
from orders.services import change_status
from orders.status import Status
from tests.factories import ProductFactory, StaffFactory
from tests.orders.back_office import page_of
from tests.pages import breaks_csp, text, told

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(boss, place):
    lamp = ProductFactory(name="Lamp", sku="L-1", price=Decimal("10.10"), stock=10)
    order = place(lamp, ProductFactory(name="Mat", sku="M-1", price=Decimal("3.30"), stock=10), quantity=2)
    for to in (Status.PAID, Status.SHIPPED, Status.DELIVERED):
        order = change_status(order, to=to, by=boss, at=timezone.now())
    return order


@pytest.fixture
def typed(order):
    """What the form holds: how many came back, the first of them to be sold again."""
    lamp, mat = order.items.order_by("pk")

    def form(*, lamps="0", mats="0", **more):
        counts = {f"quantity_{lamp.pk}": lamps, f"quantity_{mat.pk}": mats, f"restock_{lamp.pk}": "on"}
        return {"rev": "4", "reason": "Too bright"} | counts | more

    return form


def return_of(order) -> str:
    return f"/admin/orders/order/{order.pk}/return/"


def stock() -> dict[str, int]:
    return dict(Product.objects.values_list("name", "stock"))


def test_a_return_is_looked_at_before_it_is_made_and_made_once(client, order, typed):
    assert "Take items back" in text(client.get(page_of(order)))
    form = client.get(return_of(order))
    assert "Lamp L-1 $10.10 2" in text(form)

    question = client.post(return_of(order), typed(lamps="1", mats="2"))

    assert "Lamp $10.10 1 For sale again Mat $3.30 2 Stays out of stock Refund $16.70 New total $10.10" in text(
        question
    )
    assert breaks_csp(form) + breaks_csp(question) == []
    assert not Refund.objects.exists()

    response = client.post(return_of(order), typed(lamps="1", mats="2", confirmed="1"))
    assert response["Location"] == page_of(order)
    assert told(response) == ["Taken back: 1 × Lamp, 2 × Mat. $16.70 to refund."]
    assert stock() == {"Lamp": 9, "Mat": 8}
    assert "1 × Lamp (for sale again) 2 × Mat Too bright Bo Boss $16.70" in text(client.get(page_of(order)))

    again = client.post(return_of(order), typed(lamps="1", mats="2", confirmed="1"))
    assert (again.status_code, "last changed by you" in text(again)) == (409, True)
    assert Refund.objects.count() == 1
    assert stock() == {"Lamp": 9, "Mat": 8}


def test_all_that_is_left_ends_the_order(client, order, typed):
    question = client.post(return_of(order), typed(lamps="2", mats="2"))
    assert "Refund $26.80 Left of the order $0.00" in text(question)
    assert "Nothing of the order is left: it becomes returned" in text(question)

    client.post(return_of(order), typed(lamps="2", mats="2", confirmed="1"))

    row = Order.objects.get(pk=order.pk)
    assert (row.status, row.total_amount, row.items.count()) == ("returned", Decimal("26.80"), 2)
    page = client.get(return_of(order), follow=True)
    assert "is returned: items come back once they were shipped" in text(page)
    assert "Take items back" not in text(page)


@pytest.mark.parametrize(
    ("status", "words", "wanted"),
    [
        (422, "A whole number from 0 to 2", {"lamps": "-1"}),
        (422, "A whole number from 0 to 2", {"lamps": "1.5"}),
        (422, "A whole number from 0 to 2", {"lamps": "3"}),
        (422, "A whole number from 0 to 2", {"lamps": "9" * 30}),
        (422, "A whole number from 0 to 2", {"lamps": ""}),
        (422, "Say why it came back", {"lamps": "1", "reason": " "}),
        (422, "at most 1000 characters", {"lamps": "1", "reason": "x" * 1001}),
        (422, "Nothing was changed yet", {"lamps": "1", "rev": "x"}),
        (409, "Say of at least one item how many came back", {}),
        (409, "has moved on since you opened it", {"lamps": "1", "rev": "3"}),
    ],
)
def test_what_cannot_be_is_said_and_changes_nothing(client, order, typed, status, words, wanted):
    page = client.post(return_of(order), typed(**wanted, confirmed="1"))

    assert (page.status_code, words in text(page)) == (status, True), text(page)
    assert not Refund.objects.exists()
    assert Order.objects.get(pk=order.pk).rev == 4


def test_another_orders_items_do_not_come_back_here(client, order, typed, place):
    others = place().items.get()

    page = client.post(return_of(order), typed(confirmed="1") | {f"quantity_{others.pk}": "1"})

    assert "Say of at least one item" in text(page)
    assert not Refund.objects.exists()


def test_refunding_needs_a_permission_of_its_own(client, order, typed):
    clerk = StaffFactory(is_superuser=False)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=["change_order", "view_order"]))
    client.force_login(clerk)

    assert "Take items back" not in text(client.get(page_of(order)))
    for answer in (client.get(return_of(order)), client.post(return_of(order), typed(lamps="1", confirmed="1"))):
        assert answer.status_code == 403
    assert not Refund.objects.exists()

    clerk.user_permissions.add(Permission.objects.get(codename="refund_order"))
    client.post(return_of(order), typed(lamps="1", confirmed="1"))
    assert Refund.objects.get().refunded_by == clerk.pk
