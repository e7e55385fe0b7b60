"""Many at once, over HTTP, against gunicorn."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from orders.models import Order, OrderItem
from tests.config.processes import database_url
from tests.factories import ProductFactory
from tests.web.buyers import expected, sell_the_last, together
from tests.web.customers import CHECKOUT, Customer, checkout_form, fill_carts
from tests.web.server import Server
from tests.web.wire import Wire

ROUNDS = 8
POSTS = 20

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server(tmp_path, transactional_db):
    with Server(tmp_path / "web.log", DATABASE_URL=database_url()) as server:
        yield server


@pytest.fixture
def closing():
    with ExitStack() as stack:
        yield stack


def test_the_last_one_is_sold_to_one_of_sixteen(server):
    assert sell_the_last(server.port, ROUNDS) == expected(ROUNDS)


def test_twenty_posts_of_one_checkout_are_one_order(server, closing):
    products = [ProductFactory(), ProductFactory()]
    customer = Customer(server.port)
    closing.callback(customer.wire.close)
    fill_carts([customer], products)
    form = checkout_form(products)
    wires = [Wire(server.port, customer.session) for _ in range(POSTS)]
    for wire in wires:
        closing.callback(wire.close)

    with ThreadPoolExecutor(POSTS) as pool:
        answers = together([lambda wire=wire: wire.post(CHECKOUT, form) for wire in wires], pool)

    order = Order.objects.get()
    assert {(answer.status, answer.location) for answer in answers} == {(302, f"/checkout/done/{order.pk}/")}
    assert OrderItem.objects.count() == 2

    other = ProductFactory()
    fill_carts([customer], [other])

    refused = customer.wire.post(CHECKOUT, form | {"shown_total": str(other.price)})

    assert (refused.status, refused.location) == (302, f"/orders/{order.pk}/")
    assert f"Your order {order} was placed already" in customer.wire.get(refused.location).body
    assert Order.objects.count() == 1
