"""What sells best."""

from datetime import timedelta

import pytest
from django.db import connection, transaction

from catalog.models import Product
from orders.models import Order
from orders.popularity import EachHour, count_units_sold
from orders.services import change_status
from orders.status import Status
from tests.factories import ProductFactory, UserFactory

pytestmark = pytest.mark.django_db


def sold() -> dict[str, int]:
    return dict(Product.objects.values_list("name", "units_sold"))


def test_units_of_the_last_90_days_are_counted(place, now):
    lamp, kettle = ProductFactory(name="Lamp"), ProductFactory(name="Kettle")
    place(lamp, quantity=3)
    place(lamp, kettle)
    place(kettle, quantity=9, at=now - timedelta(days=91))

    assert count_units_sold(now + timedelta(seconds=1)) == 2
    assert sold() == {"Lamp": 4, "Kettle": 1}
    assert count_units_sold(now + timedelta(seconds=1)) == 0


def test_what_was_cancelled_or_is_long_ago_counts_no_more(place, now):
    lamp, kettle = ProductFactory(name="Lamp"), ProductFactory(name="Kettle")
    order = place(lamp)
    place(kettle)
    count_units_sold(now + timedelta(seconds=1))

    change_status(order, to=Status.CANCELLED, by=UserFactory(), at=now)
    count_units_sold(now + timedelta(seconds=1))
    assert sold() == {"Lamp": 0, "Kettle": 1}
    count_units_sold(now + timedelta(days=91))
    assert sold() == {"Lamp": 0, "Kettle": 0}


def test_more_products_than_a_batch_are_all_counted(place, now, monkeypatch):
    monkeypatch.setattr("orders.popularity.BATCH", 2)
    place(*ProductFactory.create_batch(5))

    assert count_units_sold(now + timedelta(seconds=1)) == 5


def test_it_is_counted_once_an_hour(place, now):
    place(ProductFactory(name="Lamp"))
    each_hour = EachHour()

    each_hour()
    Order.objects.update(status=Status.CANCELLED)
    each_hour()

    assert sold() == {"Lamp": 1}


@pytest.mark.django_db(transaction=True)
def test_counting_does_not_wait_for_a_sale(place, now):
    lamp, kettle = ProductFactory(name="Lamp"), ProductFactory(name="Kettle")
    place(lamp, kettle)
    other = connection.copy()
    try:
        with transaction.atomic(), other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("UPDATE products SET stock = stock - 1 WHERE product_id = %s", [lamp.pk])
            assert count_units_sold(now + timedelta(seconds=1)) == 1
            cursor.execute("ROLLBACK")
    finally:
        other.close()

    assert sold() == {"Lamp": 0, "Kettle": 1}
