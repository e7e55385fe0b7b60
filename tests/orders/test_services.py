"""Placing and changing orders: prices of the day, stock, the same key twice, the status table."""

from __future__ import annotations

from decimal import Decimal
from functools import partial

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import Product
from orders.models import Order
from orders.services import (
    KeyReused,
    NotForSale,
    OutOfStock,
    RequestedItem,
    TransitionNotAllowed,
    cancel_order,
    change_status,
    place_order,
)
from orders.status import TRANSITIONS, Status
from tests.factories import ProductFactory, StaffFactory, UserFactory
from tests.parallel import in_parallel

pytestmark = pytest.mark.django_db


def stock_of(product):
    return Product.objects.get(pk=product.pk).stock


def test_an_order_keeps_the_price_of_the_day(now):
    laptop = ProductFactory(price=Decimal("10.00"), name="Laptop", sku="LAP")
    order = place_order(customer=UserFactory(), items=[RequestedItem(laptop, 2)], key="k1", at=now)

    Product.objects.update(price=Decimal("99.00"), name="Renamed")

    item = order.items.get()
    assert (item.price, item.product_name, item.sku) == (Decimal("10.00"), "Laptop", "LAP")
    assert order.total_amount == Decimal("20.00")
    assert order.created_at == now


def test_a_placed_order_is_as_whoever_reads_it_finds_it(now):
    items = [RequestedItem(product, 2) for product in ProductFactory.create_batch(3, stock=5)]

    placed = place_order(customer=UserFactory(), items=items, key="k1", at=now, shipping_address={"city": "Ely"})

    read = Order.objects.get()
    for field in Order._meta.concrete_fields:
        assert getattr(placed, field.attname) == getattr(read, field.attname), field.name


def test_stock_is_taken_and_given_back_by_a_cancel(place, now):
    one, other = ProductFactory(stock=5), ProductFactory(stock=5)
    order = place(one, other, quantity=3)
    assert (stock_of(one), stock_of(other)) == (2, 2)

    cancelled = cancel_order(order, by=order.customer, at=now)

    assert cancelled.status == "cancelled"
    assert cancelled.rev == 2
    assert (stock_of(one), stock_of(other)) == (5, 5)


def test_an_order_that_took_no_stock_gives_none_back(now):
    product = ProductFactory(stock=5)
    order = Order.objects.create(customer=UserFactory(), total_amount=Decimal("1"))
    order.items.create(product=product, quantity=3, price=Decimal("1"))

    cancel_order(order, by=StaffFactory(), at=now)

    assert stock_of(product) == 5


def test_the_same_key_returns_the_first_order(now):
    customer, product = UserFactory(), ProductFactory(stock=5)
    first = place_order(customer=customer, items=[RequestedItem(product, 2)], key="k", at=now)

    again = place_order(customer=customer, items=[RequestedItem(product, 2)], key="k", at=now)

    assert again == first
    assert stock_of(product) == 3


def test_the_same_key_for_other_items_is_refused(now):
    customer = UserFactory()
    place_order(customer=customer, items=[RequestedItem(ProductFactory(), 1)], key="k", at=now)

    with pytest.raises(KeyReused, match="Nothing new was ordered"):
        place_order(customer=customer, items=[RequestedItem(ProductFactory(), 1)], key="k", at=now)


def test_two_customers_may_use_one_key(now):
    items = [RequestedItem(ProductFactory(), 1)]

    orders = {place_order(customer=UserFactory(), items=items, key="k", at=now).pk for _ in range(2)}

    assert len(orders) == 2


def test_too_little_stock_writes_nothing_and_says_what_is_left(place):
    scarce, plenty = ProductFactory(name="Scarce", stock=1), ProductFactory(stock=100)

    with pytest.raises(OutOfStock, match=r"Scarce \(only 1 left\)") as refusal:
        place(scarce, plenty, quantity=2)

    assert [product.stock for product in refusal.value.products] == [1]
    assert not Order.objects.exists()
    assert (stock_of(scarce), stock_of(plenty)) == (1, 100)


def test_a_retired_or_vanished_product_is_not_for_sale(place):
    gone = ProductFactory()
    gone_for_good = ProductFactory()
    Product.objects.filter(pk=gone_for_good.pk).delete()
    Product.objects.filter(pk=gone.pk).update(is_active=False)

    with pytest.raises(NotForSale):
        place(gone)
    with pytest.raises(NotForSale):
        place(gone_for_good)


@pytest.mark.parametrize("quantities", [[], [0], [-1], [1, 0]])
def test_impossible_items_are_a_mistake_of_the_caller(quantities, now):
    items = [RequestedItem(ProductFactory(), quantity) for quantity in quantities]

    with pytest.raises(ValueError, match="at least one item"):
        place_order(customer=UserFactory(), items=items, key="k", at=now)


@pytest.mark.parametrize(("start", "to"), [(start, to) for start in Status for to in Status])
def test_the_status_table_is_kept(start, to, now):
    order = Order.objects.create(customer=UserFactory(), total_amount=Decimal("1"), status=start)

    if to in TRANSITIONS[start]:
        assert change_status(order, to=to, by=StaffFactory(), at=now).status == to
    else:
        with pytest.raises(TransitionNotAllowed, match=start.label.lower()):
            change_status(order, to=to, by=StaffFactory(), at=now)
        assert Order.objects.get().status == start


def test_an_unknown_status_is_refused(place, now):
    with pytest.raises(TransitionNotAllowed, match="Allowed now: paid, cancelled"):
        change_status(place(), to="teleported", by=StaffFactory(), at=now)


def test_statements_do_not_depend_on_the_number_of_items(place):
    customer = UserFactory()
    counts = []
    for number in (1, 3, 30):
        products = ProductFactory.create_batch(number)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            place(*products, customer=customer)
        counts.append(len(queries))

    assert counts[0] == counts[1] == counts[2] <= 10


@pytest.mark.django_db(transaction=True)
def test_sixteen_buyers_for_the_last_unit(now):
    customers = UserFactory.create_batch(16)
    for round_number in range(20):
        last = ProductFactory(stock=1)

        buy = partial(place_order, items=[RequestedItem(last, 1)], key=f"round {round_number}", at=now)

        results = in_parallel([partial(buy, customer=customer) for customer in customers])

        assert sum(isinstance(result, Order) for result in results) == 1
        assert sum(isinstance(result, OutOfStock) for result in results) == 15
        assert stock_of(last) == 0


@pytest.mark.django_db(transaction=True)
def test_one_form_posted_ten_times_at_once_is_one_order(now):
    customer, product = UserFactory(), ProductFactory(stock=100)

    order = partial(place_order, customer=customer, items=[RequestedItem(product, 1)], key="same", at=now)
    results = in_parallel([order] * 10)

    assert len({result.pk for result in results}) == 1
    assert Order.objects.count() == 1
    assert stock_of(product) == 99


@pytest.mark.django_db(transaction=True)
def test_orders_and_cancels_of_the_same_products_never_deadlock(place, now):
    products = ProductFactory.create_batch(5, stock=1000)
    orders = [place(*products) for _ in range(8)]
    customers = UserFactory.create_batch(8)

    items = [RequestedItem(product, 1) for product in reversed(products)]

    results = in_parallel(
        [partial(cancel_order, order, by=order.customer, at=now) for order in orders]
        + [partial(place_order, customer=customer, items=items, key="k", at=now) for customer in customers]
    )

    assert all(isinstance(result, Order) for result in results), results
    assert {stock_of(product) for product in products} == {992}
