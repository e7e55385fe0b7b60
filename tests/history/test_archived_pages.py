"""Archived orders read like live ones for their customers."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from catalog.models import Product
from history import mongo
from history.archive import reading
from history.mirror import reconcile
from history.models import ArchivedOrder
from history.order_events import PATIENCE
from orders.models import Order
from orders.notes import add_note
from orders.returns import Returned, return_items
from orders.services import change_status
from tests.factories import ProductFactory, StaffFactory, UserFactory
from tests.history.archived import archive, delete_by_hand
from tests.pages import breaks_csp, text, told

pytestmark = pytest.mark.django_db(transaction=True)

ORDERS = reverse("order_list")
DEAD = "mongodb://127.0.0.1:9/shop"


@pytest.fixture(autouse=True)
def _awake(monkeypatch):
    """Nothing was seen dead yet, and a busy machine is waited for."""
    for patience in (PATIENCE, reading.PATIENCE):
        patience.away_until.clear()
        monkeypatch.setattr(patience, "seconds", 10)
        monkeypatch.setattr(patience, "rest", 60)


@pytest.fixture
def customer():
    return UserFactory(name="Ada", email="ada@shop.example")


@pytest.fixture
def finish(place, customer, now):
    """Place an order and have it delivered, a part of it returned, or cancelled."""
    staff = StaffFactory()

    def make(*products, ends="delivered", refund=0, **kwargs) -> Order:
        order = place(*products, customer=customer, **kwargs)
        way = ["cancelled"] if ends == "cancelled" else ["paid", "shipped", "delivered"]
        for minutes, status in enumerate(way, start=1):
            change_status(order, to=status, by=staff, at=now + timedelta(minutes=minutes))
        if refund:
            [item, *_] = order.items.all()
            wanted = {item.pk: Returned(refund, restock=True)}
            rev = Order.objects.get(pk=order.pk).rev
            return_items(order, wanted, seen_rev=rev, reason="A dent", by=staff, at=now + timedelta(hours=1))
        return order

    return make


def body(response) -> str:
    """The page without what differs at every look."""
    assert response.status_code in (200, 409)
    return re.sub(r"csrf[^>]*>|nonce=\S+", "", response.content.decode())


def pages_of(order) -> list[str]:
    return [
        order.get_absolute_url(),
        *(reverse(name, args=[order.pk]) for name in ("order_receipt", "order_confirmation", "order_cancel")),
    ]


def listed(response) -> list[int]:
    return [order.pk for order in response.context["page"]]


def test_nobody_notices_that_orders_were_archived(mirror, shopper, finish, place, customer):
    lamp, kettle = ProductFactory(name="Brass lamp", price=Decimal("19.90")), ProductFactory(name="Kettle")
    plain, cancelled = finish(lamp, kettle, quantity=3), finish(kettle, ends="cancelled")
    partly, whole = finish(lamp, quantity=3, refund=2), finish(lamp, refund=1)
    still_here = place(lamp, customer=customer)
    gone = [plain, cancelled, partly, whole]
    Order.objects.filter(pk=plain.pk).update(shipping_address={"name": "Ada C.", "city": "Springfield"})
    add_note(plain, text="Fort Knox", to_customer=False, seen_rev=4, by=StaffFactory(), at=timezone.now())
    lists = ["", "?tab=delivered", "?tab=cancelled", "?q=LAMP", "?q=kett", f"?q=%23{plain.pk}", "?q=lamp&tab=delivered"]
    paths = [ORDERS + query for query in lists] + [page for order in gone for page in pages_of(order)]
    before = {path: body(shopper.get(path)) for path in paths}

    archive(*gone)

    assert list(Order.objects.all()) == [still_here]
    assert {path: body(shopper.get(path)) for path in paths} == before
    # Placed, three steps, the address: what the store noted for itself is no event of theirs.
    assert len(shopper.get(plain.get_absolute_url()).context["events"]) == 5


def test_an_archived_order_is_bought_again(mirror, shopper, finish):
    lamp, vase, rug = (ProductFactory(name=name) for name in ("Lamp", "Vase", "Rug"))
    order = finish(lamp, vase, rug, quantity=2)
    archive(order)
    Product.objects.filter(pk=vase.pk).update(stock=1)
    Product.objects.filter(pk=rug.pk).update(is_active=False)

    response = shopper.post(reverse("order_again", args=[order.pk]))

    assert response["Location"] == reverse("orders:cart")
    assert "Vase: only 1 left, you had ordered 2." in told(response)[-1]
    assert "Rug: no longer for sale." in told(response)[-1]
    cart = shopper.get(reverse("orders:cart")).context["cart"]
    assert {item.product.name: item.quantity for item in cart.items} == {"Lamp": 2, "Vase": 1}


def test_anothers_archived_order_reads_like_a_missing_one(mirror, shopper, finish, client):
    order = finish()
    archive(order)
    client.force_login(UserFactory())

    for path in pages_of(order):
        assert client.get(path).status_code == 404
    assert client.post(reverse("order_again", args=[order.pk])).status_code == 404
    assert listed(client.get(ORDERS, {"q": order.pk})) == []
    assert client.post(reverse("order_cancel", args=[order.pk])).status_code == 404


def test_an_archived_order_cannot_be_cancelled(mirror, shopper, finish):
    order = finish()
    archive(order)

    assert shopper.post(reverse("order_cancel", args=[order.pk])).status_code == 409
    assert ArchivedOrder.objects.get().status == "delivered"


def test_with_mongodb_away_archived_orders_are_listed_and_the_stub_is_told(mirror, shopper, finish, settings):
    order, live = finish(ProductFactory(name="Lamp", price=Decimal("10.00"))), finish(ProductFactory(name="Lamp bulb"))
    archive(order)
    settings.MONGODB_URL = DEAD

    my_orders = shopper.get(ORDERS)
    assert my_orders.status_code == 200
    assert listed(my_orders) == [live.pk, order.pk]
    assert "temporarily unavailable" in text(my_orders)
    assert my_orders.context["tabs"][0][2] == 2
    for path in pages_of(order)[:3]:
        page = shopper.get(path)
        assert page.status_code == 503
        assert f"Order {order}" in text(page)
        assert "Delivered" in text(page)
        assert "Total $10.00" in text(page)
        assert "temporarily unavailable" in text(page)
        assert breaks_csp(page) == []
    again = shopper.post(reverse("order_again", args=[order.pk]))
    assert again["Location"] == order.get_absolute_url()
    found = shopper.get(ORDERS, {"q": "lamp"})
    assert listed(found) == [live.pk]
    assert "Products of older orders cannot be searched at the moment." in text(found)
    assert listed(shopper.get(ORDERS, {"q": order.pk})) == [order.pk]


@pytest.mark.parametrize(
    "damage",
    [
        {"$set": {"products.0.quantity": 7}},
        {"$set": {"status": "returned", "digest": "0" * 64}},
        {"$set": {"events.0.note": "somebody was here"}},
        None,
    ],
)
def test_a_document_that_is_not_what_was_archived_is_not_believed(mirror, shopper, finish, damage):
    order = finish(ProductFactory(name="Lamp"))
    archive(order)
    if damage:
        mongo.for_writing().update_one({}, damage)
    else:
        mongo.for_writing().delete_one({})

    page = shopper.get(order.get_absolute_url())

    assert page.status_code == 503
    assert "cannot be shown at the moment. Please ask us" in text(page)
    assert "Lamp" not in text(shopper.get(ORDERS))
    [difference] = reconcile.reconcile().differences
    assert difference.is_archived
    assert difference.order_id == order.pk


def test_a_product_that_is_gone_leaves_its_picture_and_name(mirror, shopper, finish):
    order = finish(ProductFactory(name="Lamp", sku="L-1"))
    archive(order)
    before = body(shopper.get(order.get_absolute_url()))
    delete_by_hand(Product.objects.get())

    assert body(shopper.get(order.get_absolute_url())) == before
    again = shopper.post(reverse("order_again", args=[order.pk]))
    assert "Lamp: no longer for sale." in told(again)[-1]


def test_more_archived_orders_need_no_more_queries(mirror, shopper, finish, django_assert_num_queries):
    orders = [finish(ProductFactory(), ProductFactory()) for _ in range(3)]
    archive(*orders[1:])
    for amount in (2, 9):
        archive(*(finish(ProductFactory()) for _ in range(amount)))
        # Session, user, permissions, counts, orders, items of live ones, cart.
        with django_assert_num_queries(7):
            shopper.get(ORDERS)
        # And which are archived.
        with django_assert_num_queries(8):
            shopper.get(ORDERS, {"q": "product"})
    # Session, user, permissions, not live, archived, products, cart.
    with django_assert_num_queries(7):
        shopper.get(orders[1].get_absolute_url())
