"""Items and address of an order are changed in the back office: typed, looked at, confirmed."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils import timezone

from catalog.models import Product
from history.models import Event
from orders.models import Order, OrderItem
from orders.services import change_status
from orders.status import Status
from tests.factories import ProductFactory, StaffFactory
from tests.impossible import possible
from tests.orders.back_office import page_of
from tests.pages import breaks_csp, field, text, told

pytestmark = pytest.mark.django_db

ADDRESS = {"name": "Ada", "line1": "1 High St", "city": "Springfield", "postcode": "1", "country": "Utopia"}


@pytest.fixture
def order(boss, place):
    lamp = ProductFactory(name="Lamp", sku="L-1", price=Decimal("10.10"), stock=10)
    return place(lamp, ProductFactory(name="Mat", sku="M-1", price=Decimal("3.30"), stock=10), quantity=2)


@pytest.fixture
def typed(order):
    """What the form holds when nothing is changed but the given."""
    lamp, mat = order.items.order_by("pk")

    def form(*, lamps="2", mats="2", **more):
        return {"rev": "1", f"quantity_{lamp.pk}": lamps, f"quantity_{mat.pk}": mats} | more

    return form


def edit_of(order) -> str:
    return f"/admin/orders/order/{order.pk}/edit/"


def is_untouched(order) -> bool:
    row = Order.objects.get(pk=order.pk)
    return (row.rev, row.total_amount) == (1, Decimal("26.80")) and row.shipping_address == {}


def test_a_change_is_looked_at_with_both_totals_before_it_is_made(client, order, typed):
    Product.objects.filter(sku="M-1").update(price=Decimal("99.00"))
    ProductFactory(name="Desk", sku="D-1", price=Decimal("50.00"), stock=3)
    form = client.get(edit_of(order))
    assert "Lamp L-1 $10.10 8" in text(form)

    wanted = typed(lamps="3", mats="0", product_1="d-1", added_1="2", reason="By phone", **ADDRESS)
    question = client.post(edit_of(order), wanted)

    shown = text(question)
    for line in ("Lamp $10.10 2 3", "Taken out: Mat $3.30 2 0", "Added: Desk $50.00 0 2", "Reason: By phone"):
        assert line in shown
    assert "Old total $26.80 New total $130.30 Difference +$103.50" in shown
    assert "New delivery address Ada 1 High St 1 Springfield Utopia" in shown
    assert breaks_csp(form) + breaks_csp(question) == []
    assert is_untouched(order)
    # Everything typed is carried along.
    for name, value in wanted.items():
        assert field(question, name) == value

    confirmed = {
        **wanted,
        "confirmed": "1",
        "shown_total": field(question, "shown_total"),
        "shown": field(question, "shown"),
    }
    response = client.post(edit_of(order), confirmed)

    assert response["Location"] == page_of(order)
    assert told(response) == [f"Order {order} is changed. Its total is $130.30."]
    row = Order.objects.get(pk=order.pk)
    assert (row.rev, row.total_amount, row.shipping_address) == (2, Decimal("130.30"), ADDRESS)
    assert list(row.items.values_list("sku", "quantity").order_by("pk")) == [("L-1", 3), ("D-1", 2)]
    assert "By phone" in text(client.get(page_of(order)))

    again = client.post(edit_of(order), confirmed)
    assert again.status_code == 409
    assert "last changed by you" in text(again)
    assert Event.objects.of_order(order.pk).count() == 2


def test_what_was_typed_comes_back_for_another_change(client, order, typed):
    page = client.post(edit_of(order), typed(lamps="7", reason="Because", back="1"))

    assert page.status_code == 200
    assert 'value="7"' in page.text
    assert "Because</textarea>" in page.text


@pytest.mark.parametrize("quantity", ["-1", "1.5", "", "x", "²", "9" * 30, "1000001", "1e3", "0x1"])
def test_a_quantity_is_a_whole_number(client, order, typed, quantity):
    for wanted in (typed(lamps=quantity), typed(product_1="L-1", added_1=quantity or "0")):
        page = client.post(edit_of(order), {**wanted, "confirmed": "1", "shown_total": "26.80"})

        assert page.status_code == 422
        assert "Error:" in page.text
        assert 'class="errorlist"' in page.text
    assert is_untouched(order)


def test_what_cannot_be_is_said_and_changes_nothing(client, order, typed, place):
    ProductFactory(name="Desk", sku="D-1", stock=1)
    ProductFactory(name="Rug", sku="R-1", is_active=False)
    others = place().items.get()
    for status, words, wanted in (
        (422, "No product has the SKU or number “nothing”", {"product_1": "nothing"}),
        (422, "No product has the SKU or number", {"product_1": "#" + "9" * 18}),
        (422, "Which product?", {"added_2": "3"}),
        (422, "Desk stands above already", {"product_1": "D-1", "product_2": "d-1"}),
        (422, "Fill this in.", {"name": "Ada"}),
        (422, "at most 1000 characters", {"reason": "x" * 1001}),
        (422, "Null characters are not allowed", {"city": "a\x00b"}),
        (422, "Nothing was changed yet", {"rev": "9" * 30}),
        (422, "Nothing was changed yet", {"rev": ""}),
        (409, "is in this order already", {"product_1": "L-1"}),
        (409, "No longer for sale: Rug", {"product_1": "R-1"}),
        (409, "An order has at least one item", {"lamps": "0", "mats": "0"}),
        (409, "Not enough in stock: Desk (only 1 left)", {"product_1": "D-1", "added_1": "2", "total": "46.80"}),
        (409, "is like that already", {}),
        (409, "is like that already", {f"quantity_{others.pk}": "9"}),
        (409, "A price has changed meanwhile", {"lamps": "1"}),
        (409, "A price has changed meanwhile", {"lamps": "1", "total": ""}),
    ):
        total = wanted.pop("total", "26.80")
        page = client.post(edit_of(order), {**typed(**wanted), "confirmed": "1", "shown_total": total})

        assert (page.status_code, words in text(page)) == (status, True), (words, text(page))
        assert is_untouched(order)
    assert OrderItem.objects.get(pk=others.pk).quantity == 1


def test_more_than_there_is_in_stock_is_said_before_it_is_confirmed(client, order, typed):
    short = client.post(edit_of(order), typed(lamps="11"))
    assert (short.status_code, "Not enough in stock: Lamp (only 8 left)" in text(short)) == (409, True)

    Order.objects.filter(pk=order.pk).update(holds_stock=False)
    wanted = typed(lamps="11") | {"rev": Order.objects.get(pk=order.pk).rev}
    question = client.post(edit_of(order), wanted)

    assert "Lamp: only 8 in stock; this order takes none out of it." in text(question)
    assert "only" not in text(client.post(edit_of(order), wanted | typed(lamps="10") | {"rev": wanted["rev"]}))


def test_a_colleague_who_was_quicker_is_named_and_what_was_typed_stays(client, order, typed):
    kim = StaffFactory(name="Kim")
    Order.objects.filter(pk=order.pk).update(
        changed_by=kim.pk, changed_by_name="Kim", changed_at=timezone.now(), shipping_address=ADDRESS
    )

    page = client.post(edit_of(order), typed(lamps="7", confirmed="1", shown_total="77.30"))

    assert page.status_code == 409
    assert "has moved on since you opened it: it is pending now, last changed by Kim" in text(page)
    assert 'value="7"' in page.text
    # They decide anew, in front of what is there now: the address that nobody typed here is Kim's.
    assert 'name="line1" value="1 High St"' in page.text
    assert field(page, "rev") == "2"
    assert Order.objects.get(pk=order.pk).total_amount == Decimal("26.80")

    change_status(order, to=Status.PAID, by=kim, at=timezone.now())
    page = client.post(edit_of(order), typed(lamps="7", confirmed="1", shown_total="77.30"), follow=True)
    assert "it is paid now, last changed by Kim" in text(page)
    page = client.get(edit_of(order), follow=True)
    assert "is paid: items and address change only while it is pending" in text(page)
    assert "Change items and address" not in text(page)


def test_an_item_that_came_in_meanwhile_stays(client, order, typed):
    OrderItem.objects.create(order=order, product=ProductFactory(name="Vase"), quantity=4, price=1)
    rev = Order.objects.get(pk=order.pk).rev

    question = client.post(edit_of(order), typed(lamps="1") | {"rev": rev})

    assert "Lamp $10.10 2 1" in text(question)
    assert "Vase" not in text(question)


@pytest.mark.parametrize(
    ("address", "rest"),
    [(["Main St"], None), ("Main St", None), (7, None), ({"gate": "7", "city": None}, {"gate": "7"})],
)
def test_an_odd_address_stays_unless_another_is_typed(client, order, typed, address, rest):
    with possible("orders_shipping_address_possible", "orders"):
        Order.objects.filter(pk=order.pk).update(shipping_address=address)
    wanted = typed(lamps="1", confirmed="1", shown_total="16.70") | {"rev": "2"}

    assert client.get(edit_of(order)).status_code == 200
    client.post(edit_of(order), wanted)
    assert Order.objects.get(pk=order.pk).shipping_address == address

    client.post(edit_of(order), {**typed(lamps="1", confirmed="1", shown_total="16.70", **ADDRESS), "rev": "3"})
    assert Order.objects.get(pk=order.pk).shipping_address == ADDRESS | (rest or {})


def test_hostile_text_is_shown_as_text(client, order, typed):
    evil = "<script>alert(1)</script>"
    Order.objects.filter(pk=order.pk).update(shipping_address={"city": evil})
    OrderItem.objects.filter(order=order).update(product_name=evil)
    rev = Order.objects.get(pk=order.pk).rev
    address = dict.fromkeys(ADDRESS, evil)

    for page in (
        client.get(edit_of(order)),
        client.post(edit_of(order), typed(lamps="1", reason=evil, product_1=evil, **address) | {"rev": rev}),
        client.post(edit_of(order), typed(lamps="1", reason=evil, **address) | {"rev": rev}),
    ):
        assert "&lt;script&gt;alert(1)" in page.text
        assert "<script>alert(1)" not in page.text


def test_more_items_need_no_more_queries(client, boss, place, django_assert_max_num_queries):
    order = place(*ProductFactory.create_batch(9))

    with django_assert_max_num_queries(5):  # session, user, order, items, products
        client.get(edit_of(order))


def test_who_may_and_who_may_not(client, order, typed):
    client.logout()
    assert "/account/login/" in client.get(edit_of(order))["Location"]
    client.force_login(StaffFactory(is_superuser=False))
    for answer in (client.get(edit_of(order)), client.post(edit_of(order), typed(lamps="1", confirmed="1"))):
        assert answer.status_code == 403
    assert is_untouched(order)
    client.force_login(StaffFactory())
    assert client.get("/admin/orders/order/999999/edit/").status_code == 404
    assert client.delete(edit_of(order)).status_code == 405
