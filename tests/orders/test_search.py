"""The back office finds an order by whatever of it somebody has at hand, however it is typed."""

import unicodedata
from datetime import UTC, datetime

import pytest
from django.db import connection

from catalog.models import Product
from history.admin_orders import ELSEWHERE
from history.demo import shop
from history.every_order import EveryOrder
from orders import order_desk
from orders.models import Order, OrderItem
from orders.notes import add_note
from tests.factories import ProductFactory, StaffFactory, UserFactory

pytestmark = pytest.mark.django_db

ADDRESS = {
    "name": "Elena Petrović",
    "street": "Große Hauptstraße 12b",
    "postal_code": "2818",
    "city": "MÜNCHEN",
    "country": "DE",
}


def found(text: str) -> set[int]:
    orders = order_desk.matching(EveryOrder.objects.all(), text, elsewhere=ELSEWHERE)
    return set(orders.values_list("pk", flat=True))


@pytest.fixture
def order(place, now):
    """An order with all that it can be found by, among others that are like it."""
    with connection.cursor() as cursor:
        # Numbers of orders and products that none of the texts names.
        for table, column in (("orders", "order_id"), ("products", "product_id")):
            sequence = f"pg_get_serial_sequence('{table}', '{column}')"
            cursor.execute(f"SELECT setval({sequence}, nextval({sequence}) % 1000000 + 7000000)")
    for sku, name in zip("ABCD", ("iPhone 14", "iPhone 1", "Soundbar 2.0", "Case"), strict=True):
        place(
            ProductFactory(name=name, sku=f"OTHER-{sku}"),
            customer=UserFactory(name="Helena Petersen", email=f"x{name[-1]}@y.example"),
        )
    elena = UserFactory(name="Elena 4711", email="elena.p@mail.example")
    names = ("iPhone 13", "Soundbar 2.1", "हिन्दी किताब 24/7")
    products = [ProductFactory(name=name, sku=f"OWN-{sku}") for sku, name in zip("ABC", names, strict=True)]
    order = place(*products, customer=elena)
    Order.objects.filter(pk=order.pk).update(external_ref="SO 1002", shipping_address=ADDRESS)
    order.refresh_from_db()
    clerk = StaffFactory()
    for text, to_customer in (("Tracking JD0140 60013-4452", False), ("Left with the neighbour, Müller", True)):
        order = add_note(order, text=text, to_customer=to_customer, seen_rev=order.rev, by=clerk, at=now)
    return order


@pytest.mark.parametrize(
    "text",
    [
        "iPhone 13",
        "iphone  13",
        "13 iphone",
        "Soundbar 2.1",
        "हिन्दी किताब 24/7",
        "SO 1002",
        "so 1002",
        "SO-1002",
        "Hauptstraße 12b",
        "HAUPTSTRASSE",
        "münchen",
        "MUNCHEN",
        "2818",
        "2818 München",
        "Elena 2818",
        "Elena 4711",
        "elena.p@mail",
        "p@mail.example",
        "petrović",
        "JD0140",
        "jd0140 60013-4452",
        "60013",
        "neighbour",
        "muller neighbour",
        "4711 iphone",
        "elena soundbar münchen",
    ],
)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_an_order_is_found_by_a_part_of_it(order, text, form):
    if form == "NFD" and "@" in text:
        text = text.upper()

    assert found(unicodedata.normalize(form, text)) == {order.pk}


def test_a_renamed_product_is_found_by_both_names(order):
    Product.objects.filter(name="iPhone 13").update(name="Pear 13")

    assert found("iPhone 13") == found("Pear 13") == {order.pk}


@pytest.mark.parametrize("text", ["iPhone 15", "SO 1003", "Elena 2819", "iphone soundbar case"])
def test_words_of_different_orders_are_not_found_together(order, text):
    assert found(text) == set()


def test_a_number_with_its_sign_is_that_order_and_no_address(order, place):
    other = place()
    Order.objects.filter(pk=order.pk).update(shipping_address={"postal_code": str(other.pk)})

    assert found(f"#{other.pk}") == {other.pk}


def test_each_order_of_the_demo_is_found_by_all_it_has():
    shop.seed(now=datetime(2024, 6, 12, 15, 30, tzinfo=UTC))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE orders SET external_ref = 'Web ' || order_id WHERE order_id % 3 = 0")
    orders = list(Order.objects.select_related("customer").order_by("pk")[::100])
    items = OrderItem.objects.filter(order__in=orders)

    asked = [(order.pk, order.customer.name) for order in orders]
    asked += [(order.pk, order.customer.email.upper()) for order in orders]
    asked += [(order.pk, order.external_ref.lower()) for order in orders if order.external_ref]
    asked += [(order.pk, value) for order in orders for value in order.shipping_address.values() if value]
    asked += [(item.order_id, text) for item in items for text in (item.product_name, item.sku)]

    answers = {text: found(text) for _, text in asked}
    assert [(pk, text) for pk, text in asked if pk not in answers[text]] == []


@pytest.mark.parametrize("typed", ["O’Brien", "o'brien", "rene\u0301e", "ＲＥＮÉＥ"])
@pytest.mark.parametrize("stored", ["Renée O'Brien", "Rene\u0301e O’Brien"])
def test_people_and_their_orders_are_found_with_another_apostrophe_or_composition(client, place, typed, stored):
    customer = UserFactory(name=stored)
    order = place(ProductFactory(name="Case"), customer=customer)
    client.force_login(UserFactory(is_staff=True, is_superuser=True))

    assert found(typed) == {order.pk}
    assert list(client.get("/admin/users/user/", {"q": typed}).context["cl"].result_list) == [customer]


@pytest.mark.parametrize("typed", ["levi’s 501", "LEVI'S 501®", "cafe", "cafe\u0301", "24 7"])
def test_staff_find_products_in_any_spelling(client, typed):
    ProductFactory(name="Other 24", sku="OTHER")
    product = ProductFactory(name="Café Levi's 501® 24/7", sku="CAFE")
    client.force_login(UserFactory(is_staff=True, is_superuser=True))

    assert list(client.get("/admin/catalog/product/", {"q": typed}).context["cl"].result_list) == [product]


def test_the_indexes_are_used(order):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        for table, words in (("orders", order_desk.ORDER_WORDS), ("order_items", order_desk.ITEM_WORDS)):
            cursor.execute(f"EXPLAIN SELECT FROM {table} WHERE {words} @@ 'lamp'::tsquery")
            assert f"{table}_words" in str(cursor.fetchall())
        cursor.execute("EXPLAIN SELECT FROM history_events WHERE note <> '' AND search_set(note) @@ 'lamp'::tsquery")
        assert "history_events_note_words" in str(cursor.fetchall())
        cursor.execute("EXPLAIN SELECT FROM archived_orders WHERE search_set(external_ref) @@ 'lamp'::tsquery")
        assert "archived_orders_words" in str(cursor.fetchall())
