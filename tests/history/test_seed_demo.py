"""The demo shop: the same everywhere, alive on the day it is loaded, never over somebody's data."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from itertools import pairwise
from random import Random

import pytest
import time_machine
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.db.models import F, Sum

from catalog.models import Category, Product
from config import terminal
from history.demo import people, rhythm, shop
from history.mirror import relay
from history.models import Event
from orders.models import Order, OrderItem
from orders.status import Status, allowed_after
from tests.factories import ProductFactory, UserFactory
from users.models import User

NOW = datetime(2024, 6, 12, 15, 30, tzinfo=UTC)
TODAY = NOW.replace(hour=0, minute=0)


@pytest.fixture(scope="module")
def invented():
    return shop.invent(NOW)


def test_the_shop_is_the_same_for_every_moment_of_a_day(invented):
    assert shop.invent(NOW + timedelta(hours=8)) == invented


def test_orders_spread_over_thirteen_months_until_last_midnight(invented):
    placed = [order.steps[0].at for order in invented.orders]

    assert len(placed) == 3000
    assert TODAY - timedelta(days=396) <= placed[0] < TODAY - timedelta(days=390)
    assert TODAY - timedelta(days=1) < placed[-1] < TODAY
    assert all(step.at < TODAY for order in invented.orders for step in order.steps)


def test_every_order_goes_a_way_that_the_status_table_has(invented):
    for order in invented.orders:
        statuses = [step.status for step in order.steps]
        assert statuses[0] == Status.PENDING
        assert all(after in allowed_after(before) for before, after in pairwise(statuses))
        assert all(before.at < after.at for before, after in pairwise(order.steps))


def test_most_orders_arrive_and_only_the_newest_are_open(invented):
    endings = Counter(order.steps[-1].status for order in invented.orders)
    still_open = [order for order in invented.orders if order.steps[-1].status in ("pending", "paid", "shipped")]

    assert 90 <= endings[Status.CANCELLED] <= 160
    assert 35 <= endings[Status.RETURNED] <= 85
    assert endings[Status.DELIVERED] > 2600
    assert endings[Status.PAID]
    assert endings[Status.SHIPPED]
    assert all(order.steps[0].at > TODAY - timedelta(days=15) for order in still_open)


def test_nobody_orders_before_joining(invented):
    assert all(order.customer.created_at < order.steps[0].at for order in invented.orders)


def test_black_friday_is_the_day_after_the_fourth_thursday():
    assert rhythm.black_friday(2024) == date(2024, 11, 29)
    assert rhythm.black_friday(2019) == date(2019, 11, 29)
    assert rhythm.black_friday(2018) == date(2018, 11, 23)


def test_black_friday_brings_the_most_orders():
    moments = rhythm.moments(Random(1), 20_000, date(2024, 10, 1), 90)

    busiest, _ = Counter(at.date() for at in moments).most_common(1)[0]
    assert busiest == date(2024, 11, 29)


def test_the_accounts_are_those_that_are_announced():
    announced = {"customer": people.CUSTOMER, "staff": people.STAFF, "analyst": people.ANALYST}

    assert (announced, people.PASSWORD) == (terminal.DEMO_ACCOUNTS, terminal.DEMO_PASSWORD)


@pytest.fixture
def seeded(transactional_db):
    out = StringIO()
    with time_machine.travel(NOW, tick=False):
        call_command("seed_demo", "--if-empty", stdout=out)
    return out.getvalue()


def test_the_demo_shop_is_complete_and_true(seeded, mirror):
    assert "60 products in 6 categories, 202 users, 3,000 orders" in seeded
    assert (Product.objects.count(), Category.objects.count()) == (60, 6)
    assert all(product.description and product.attributes for product in Product.objects.all())
    items = OrderItem.objects.aggregate(total=Sum(F("price") * F("quantity")))["total"]
    assert Order.objects.aggregate(total=Sum("total_amount"))["total"] == items > Decimal(300_000)
    assert Event.objects.filter(rev=1, kind="placed").count() == 3000
    newest = Order.objects.newest_first()[0]
    assert newest.shipping_address["country"] == "United Kingdom"
    assert newest.external_ref is None
    assert not newest.holds_stock

    relay.drain()

    assert mirror.count_documents({}) == 3000
    assert not Event.objects.pending().exists()


def test_events_name_the_customer_first_and_staff_later(seeded):
    order = Order.objects.filter(status="delivered").newest_first()[0]
    staff = User.objects.get(email=people.STAFF)

    events = list(Event.objects.of_order(order.pk))

    assert (events[0].actor_id, events[0].actor_name) == (order.customer_id, order.customer.name)
    assert {(event.actor_id, event.actor_name) for event in events[1:]} == {(staff.pk, staff.name)}
    assert (order.rev, order.changed_by) == (4, staff.pk)
    assert all(event.is_time_known for event in events)


def test_the_demo_accounts_sign_in_and_may_what_they_should(seeded):
    customer, staff, analyst = (
        authenticate(email=email, password="demo-shop-2024")
        for email in ("customer@shop.example", "staff@shop.example", "analyst@shop.example")
    )

    assert {order.status for order in customer.orders.all()} == set(Status.values)
    assert not customer.is_staff
    assert not customer.has_perm("history.view_reports")
    assert staff.is_staff
    assert staff.has_perm("orders.view_order")
    assert not analyst.is_staff
    assert analyst.get_all_permissions() == {"history.view_reports"}


def test_a_second_time_is_refused_or_with_if_empty_passed_over(seeded):
    out = StringIO()

    call_command("seed_demo", "--if-empty", stdout=out)
    with pytest.raises(CommandError, match="goes into an empty one only"):
        call_command("seed_demo")

    assert out.getvalue() == "The database is not empty: no demo shop was loaded.\n"
    assert Order.objects.count() == 3000


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("factory", [UserFactory, ProductFactory])
def test_it_never_mixes_with_what_is_there(factory):
    factory()

    with pytest.raises(CommandError, match="goes into an empty one only"):
        call_command("seed_demo")

    assert User.objects.count() + Product.objects.count() == 1
