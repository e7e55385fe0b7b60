"""Items and address of a pending order change together with its total, stock and history, or not at all."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils import timezone

from catalog.models import Product
from history import changes
from history.models import Event
from orders import edits, seen, services
from orders.edits import Wanted, edit_order
from orders.models import Order, OrderItem
from orders.services import NotForSale, OutOfStock, change_status
from orders.status import Status
from tests.factories import ProductFactory, StaffFactory

pytestmark = pytest.mark.django_db

HOME = {"name": "Ada", "line1": "1 High Street", "city": "Springfield", "postcode": "1", "country": "Utopia"}


@pytest.fixture
def lamp():
    return ProductFactory(name="Lamp", price=Decimal("10.10"), stock=10)


@pytest.fixture
def mat():
    return ProductFactory(name="Mat", price=Decimal("3.30"), stock=10)


@pytest.fixture
def order(place, lamp, mat):
    return place(lamp, mat, quantity=2)


@pytest.fixture
def kim():
    return StaffFactory(name="Kim")


@pytest.fixture
def edit(order, kim):
    """Edit the order as it is, at the total that this makes; quantities by product name."""

    def do(*, added=None, address=None, rev=None, total=None, reason="", **quantities):
        items = {item.product_name: item.pk for item in order.items.all()}
        wanted = Wanted({items[name]: quantity for name, quantity in quantities.items()}, added or {}, address)
        current = Order.objects.get(pk=order.pk)
        total = edits.plan_edit(current, wanted).total if total is None else total
        rev = current.rev if rev is None else rev
        return edit_order(order, wanted, seen_rev=rev, shown_total=total, reason=reason, by=kim, at=timezone.now())

    return do


def items_of(order) -> list[tuple[str, int, Decimal]]:
    return list(order.items.order_by("pk").values_list("product_name", "quantity", "price"))


def stock_of(*products) -> list[int]:
    return [Product.objects.get(pk=product.pk).stock for product in products]


def as_it_was(order) -> bool:
    row = Order.objects.get(pk=order.pk)
    return (row.rev, row.total_amount, order.items.count()) == (order.rev, order.total_amount, 2)


def test_an_edit_is_one_event_with_the_price_as_sold_and_todays_for_what_comes_in(edit, order, lamp, mat, kim):
    desk = ProductFactory(name="Desk", price=Decimal("50.00"), stock=5)
    Product.objects.filter(pk=lamp.pk).update(price=Decimal("99.00"))

    edited = edit(Lamp=3, Mat=0, added={desk: 1}, address=HOME, reason="On the phone")

    assert items_of(order) == [("Lamp", 3, Decimal("10.10")), ("Desk", 1, Decimal("50.00"))]
    assert (edited.rev, edited.total_amount, edited.shipping_address) == (2, Decimal("80.30"), HOME)
    assert stock_of(lamp, mat, desk) == [7, 10, 4]
    event = Event.objects.of_order(order.pk).last()
    told = (event.rev, event.kind, event.actor_id, event.actor_name, event.note)
    assert told == (2, "items", kim.pk, "Kim", "On the phone")
    assert event.changes["total_amount"] == [Decimal("26.80"), Decimal("80.30")]
    changed = [(old and old["quantity"], new and new["quantity"]) for old, new in event.changes["items"]]
    assert changed == [(2, 3), (2, None), (None, 1)]
    found = changes.since_placed(edited, list(Event.objects.of_order(order.pk)), customer_id=order.customer_id)
    assert (found.original_total, [each.amount for each in found.changes]) == (Decimal("26.80"), [Decimal("53.50")])
    assert found.changes[0].why == "On the phone"


def test_an_exchange_at_the_same_total_is_a_change_of_items_all_the_same(edit, order, lamp):
    twin = ProductFactory(name="Twin", price=lamp.price)

    edit(Lamp=1, added={twin: 1}, reason="Broken")

    event = Event.objects.of_order(order.pk).last()
    assert (event.rev, event.kind, event.actor_name, event.note) == (2, "items", "Kim", "Broken")
    assert "total_amount" not in event.changes


def test_what_the_total_was_beside_its_items_stays(edit, order):
    Order.objects.update(total_amount=Decimal("20.00"))  # 6.80 off

    assert edit(Lamp=3).total_amount == Decimal("30.10")
    assert edit(Lamp=0, Mat=1).total_amount == Decimal("0.00")


@pytest.mark.parametrize("status", [Status.PAID, Status.CANCELLED])
def test_only_a_pending_order_is_edited(edit, order, kim, lamp, status):
    changed = change_status(order, to=status, by=kim, at=timezone.now())
    stock = stock_of(lamp)

    with pytest.raises(edits.NotEditable, match=f"is {status}: items and address change only while it is pending"):
        edit(Lamp=1)

    assert (Order.objects.get(pk=order.pk).rev, stock_of(lamp)) == (changed.rev, stock)


def test_the_second_of_two_changes_nothing_and_is_told_who_was_first(edit, order, kim):
    change_status(order, to=Status.CANCELLED, by=StaffFactory(name="Cleo"), at=timezone.now())

    with pytest.raises(seen.MovedOn, match=r"it is cancelled now, last changed by Cleo (now|.* ago)"):
        edit(Lamp=1, rev=1)

    assert items_of(order)[0] == ("Lamp", 2, Decimal("10.10"))


def test_a_double_click_changes_it_once(edit, order, lamp):
    edit(Lamp=5, rev=1)

    with pytest.raises(seen.MovedOn, match="last changed by you"):
        edit(Lamp=5, rev=1)

    assert (Order.objects.get(pk=order.pk).rev, stock_of(lamp)) == (2, [5])


def test_stock_that_is_gone_changes_nothing(edit, order, lamp, mat):
    Product.objects.filter(pk=lamp.pk).update(stock=1)

    with pytest.raises(OutOfStock, match=r"Lamp \(only 1 left\)"):
        edit(Lamp=4, Mat=1)

    assert as_it_was(order)
    assert stock_of(lamp, mat) == [1, 8]


def test_retired_products_can_go_but_not_come(edit, order, lamp):
    Product.objects.filter(pk=lamp.pk).update(is_active=False)

    with pytest.raises(NotForSale):
        edit(Lamp=3)
    with pytest.raises(NotForSale):
        edit(added={ProductFactory(is_active=False): 1})
    assert as_it_was(order)
    assert edit(Lamp=1).total_amount == Decimal("16.70")


def test_what_no_order_can_be_is_refused(edit, order, lamp):
    for error, wanted in (
        (edits.NothingLeft, {"Lamp": 0, "Mat": 0}),
        (edits.InOrderAlready, {"added": {lamp: 1}}),
        (services.TotalTooLarge, {"added": {ProductFactory(price=Decimal("99999999.99")): 1000}}),
        (edits.NothingDifferent, {"Lamp": 2}),
        (edits.TotalMoved, {"Lamp": 1, "total": Decimal("26.80")}),
    ):
        with pytest.raises(error):
            edit(**wanted)

    assert as_it_was(order)
    assert stock_of(lamp) == [8]


def test_a_gone_order_is_said(edit, order):
    Order.objects.filter(pk=order.pk).delete()

    with pytest.raises(seen.Gone):
        edit_order(
            order, Wanted({}, {}), seen_rev=1, shown_total=Decimal(0), reason="", by=StaffFactory(), at=timezone.now()
        )


def test_what_never_took_stock_gives_none_back(edit, order, lamp):
    Order.objects.update(holds_stock=False)

    edit(Lamp=1)

    assert stock_of(lamp) == [8]


def test_more_items_need_no_more_statements(place, kim, django_assert_num_queries):
    for count in (2, 9):
        order = place(*ProductFactory.create_batch(count), quantity=2)
        items = list(OrderItem.objects.filter(order=order))
        quantities = {item.pk: 0 if at % 2 else 3 for at, item in enumerate(items)}
        wanted = Wanted(quantities, dict.fromkeys(ProductFactory.create_batch(count), 1))
        total = edits.plan_edit(order, wanted).total
        # Savepoint and its release; order and items read; stock locked and moved; order, items changed, gone (read
        # and deleted) and new; revision.
        with django_assert_num_queries(12):
            edit_order(order, wanted, seen_rev=1, shown_total=total, reason="", by=kim, at=timezone.now())
