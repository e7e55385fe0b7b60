"""Every number that counts or sums orders opens exactly these orders; every number of customers these customers."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest
import time_machine
from django.core.management import call_command

from catalog.models import Product
from history.demo import people
from history.mirror import relay
from history.reports.views import REPORTS
from history.rollups import keeper
from tests.history.random_orders import place_random_orders
from tests.history.report_walk import Walk, numbers
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2024, 3, 31, 12, tzinfo=UTC)
MOMENTS = [NOON, datetime(2024, 3, 3, 12, tzinfo=UTC), datetime(2023, 3, 20, 12, tzinfo=UTC)]

QUERIES = [
    "from=2024-03-01&to=2024-03-31&by=week&compare=year",
    "period=90d&by=month",
    "period=all&status=counted",
    "from=2023-03-01&to=2024-03-31&category={category}&by=month&compare=previous",
    "period=year&product={product}&customer={customer}",
    "period=year&status=cancelled",
    "period=year&by=month&first-from=2023-03-01&first-to=2023-04-01",
]


@pytest.fixture
def shop(settings, mirror):
    settings.TIME_ZONE = "America/Sao_Paulo"
    with time_machine.travel(NOON, tick=False):
        place_random_orders(25, around=MOMENTS, seed=11)
        relay.drain()
        yield


@pytest.mark.parametrize("name", REPORTS)
def test_every_number_opens_what_it_counts(analyst, shop, name):
    customer = User.objects.filter(orders__status="paid").first()
    product = Product.objects.exclude(category=None).first()
    walk, walked, off = Walk(analyst), 0, []

    for query in QUERIES:
        asked = query.format(category=product.category_id, product=product.pk, customer=customer.pk)
        found = numbers(analyst, name, asked)
        nothing = [number for number in found if number.is_nothing]
        found = [number for number in found if not number.is_nothing] + nothing[::7]
        off += [(asked, number) for number in walk.off(found)]
        walked += len(found)

    assert off == []
    assert walked > 10


def test_numbers_of_the_demo_shop_open_what_they_count(client, mirror):
    call_command("seed_demo")
    keeper.drain()
    client.force_login(User.objects.get(email=people.ANALYST))
    walk, chance = Walk(client), random.Random(3)

    for name in REPORTS:
        found = numbers(client, name, "period=90d&by=month&compare=previous")
        of_all = [number for number in found if number.part != "tbody"]
        of_rows = [number for number in found if number.part == "tbody"]

        assert walk.off([*of_all, *chance.sample(of_rows, min(len(of_rows), 8))]) == []
        assert of_all
