"""Plain SQL typed by somebody who knows nothing of Django: in MongoDB and in the reports within a second."""

from __future__ import annotations

import time
from contextlib import closing

import psycopg
import pytest
from django.db import connection
from django.urls import reverse

from history.models import DirtyDay, Event
from tests.config.processes import wait_until
from tests.factories import ProductFactory, StaffFactory, UserFactory
from tests.history.test_relay_process import RelayProcess
from tests.pages import text

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def psql():
    """A connection of its own, given statements one by one as they are typed."""
    given = connection.get_connection_params()
    where = {name: given[name] for name in ("host", "port", "dbname", "user", "password") if given.get(name)}
    with closing(psycopg.connect(**where, autocommit=True)) as typed:
        yield typed


@pytest.fixture
def relay(mirror, settings):
    running = RelayProcess(settings.MONGODB_URL)
    yield running
    running.end()


def place(psql, user, product, quantity):
    psql.execute("BEGIN")
    [order] = psql.execute(
        f"INSERT INTO orders(user_id, total_amount) VALUES ({user}, {quantity * 50}) RETURNING order_id"
    ).fetchone()
    psql.execute(
        f"INSERT INTO order_items(order_id, product_id, quantity, price) VALUES ({order}, {product}, {quantity}, 50)"
    )
    psql.execute("COMMIT")
    return order


def seconds_until(condition):
    began = time.monotonic()
    assert wait_until(condition)
    return time.monotonic() - began


def test_inserts_typed_into_psql_are_in_mongodb_and_in_the_reports_within_a_second(psql, relay, mirror, client):
    user = UserFactory()
    client.force_login(StaffFactory())
    sales, products = reverse("reports:sales"), reverse("reports:products")
    client.get(sales), client.get(products)  # compiled and connected
    waited = {"MongoDB": [], "sales": [], "products": []}

    for number in range(5):
        product = ProductFactory(name=f"Laptop {number}.")
        assert wait_until(lambda: not Event.objects.pending().exists() and not DirtyDay.objects.exists())
        time.sleep(number * 0.1)  # the relay looks now and then; where in between an order comes must not matter
        order = place(psql, user.pk, product.pk, quantity=3)
        waited["MongoDB"].append(seconds_until(lambda order=order: mirror.find_one({"order_id": order})))
        revenue = f"${150 * (number + 1):,}.00"
        waited["sales"].append(
            waited["MongoDB"][-1] + seconds_until(lambda revenue=revenue: revenue in text(client.get(sales)))
        )
        waited["products"].append(
            waited["sales"][-1] + seconds_until(lambda product=product: product.name in text(client.get(products)))
        )

    # One of five may meet a busy moment of the machine.
    assert all(sorted(seconds)[-2] < 1.0 for seconds in waited.values()), waited
