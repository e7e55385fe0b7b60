"""The rollups say what PostgreSQL's rows say, whatever was changed, by whom and in which order it was delivered."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.utils import timezone

from history.mirror import relay
from history.models import DirtyDay
from history.rollups import keeper, read
from orders.models import Order, OrderItem
from orders.status import Status
from tests.history.random_orders import place_random_orders
from tests.history.rollup_truth import assert_rollups_are_true

pytestmark = pytest.mark.django_db(transaction=True)

# Days on which the clocks change, and around them.
CHANGES = {
    "UTC": [datetime(2017, 3, 1, tzinfo=UTC)],
    "Europe/Paris": [datetime(2017, 3, 26, 1, tzinfo=UTC), datetime(2017, 10, 29, 1, tzinfo=UTC)],
    "America/Sao_Paulo": [datetime(2017, 10, 15, 3, tzinfo=UTC), datetime(2018, 2, 18, 2, tzinfo=UTC)],
    "Asia/Kolkata": [datetime(2017, 12, 31, 18, 30, tzinfo=UTC)],
    "America/Havana": [datetime(2017, 11, 5, 5, tzinfo=UTC), datetime(2017, 3, 12, 5, tzinfo=UTC)],
}


@pytest.fixture(params=CHANGES)
def zone(request, settings):
    settings.TIME_ZONE = request.param
    timezone.get_default_timezone.cache_clear()
    yield request.param
    timezone.get_default_timezone.cache_clear()


class Life:
    """Things that happen to orders, at random: by the ORM, by SQL, several to one order before it is delivered."""

    def __init__(self, seed: int, around: list[datetime]):
        self.chance = random.Random(seed)
        self.around = around
        place_random_orders(20, around=around, seed=seed)
        self.customers = list(Order.objects.values_list("customer_id", flat=True).distinct())

    def moment(self) -> datetime:
        return self.chance.choice(self.around) + timedelta(minutes=self.chance.randint(-150_000, 150_000))

    def happen(self):
        step = self.chance.choice(
            [self.place, self.place, self.step, self.step, self.cancel, self.move, self.give, self.delete, self.edit]
        )
        order = self.chance.choice(list(Order.objects.all()) or [None])
        if order or step == self.place:
            with transaction.atomic():
                step(order)

    def place(self, _):
        place_random_orders(1, around=[self.moment()], seed=self.chance.randrange(10**6))
        Order.objects.filter(pk=Order.objects.latest("pk").pk).update(customer=self.chance.choice(self.customers))

    def step(self, order):
        Order.objects.filter(pk=order.pk).update(
            status=self.chance.choice(Status.values), changed_at=order.changed_at + timedelta(minutes=7, seconds=1)
        )

    def cancel(self, order):
        order.status = self.chance.choice(["cancelled", "returned"])
        order.save()

    def move(self, order):
        with connection.cursor() as cursor:
            cursor.execute("UPDATE orders SET created_at = %s WHERE order_id = %s", [self.moment(), order.pk])

    def give(self, order):
        Order.objects.filter(pk=order.pk).update(customer=self.chance.choice(self.customers))

    def delete(self, order):
        order.delete()

    def edit(self, order):
        OrderItem.objects.filter(order=order).update(quantity=self.chance.randint(1, 9))
        Order.objects.filter(pk=order.pk).update(total_amount=Decimal(self.chance.randint(0, 10**6)) / 100)


@pytest.mark.parametrize("seed", range(3))
def test_random_lives_are_counted_exactly(zone, mirror, seed):
    life = Life(seed, CHANGES[zone])
    relay.drain()
    assert_rollups_are_true()

    for _ in range(5):
        for _ in range(life.chance.randint(1, 12)):
            life.happen()
            # Some of it is delivered, and some of that counted, in between.
            if life.chance.random() < 0.4:
                relay.deliver_batch(life.chance.randint(1, 5))
            if life.chance.random() < 0.3:
                keeper.refresh(life.chance.randint(1, 4))
        relay.drain()

        assert_rollups_are_true()
        assert not DirtyDay.objects.exists()
        assert read.behind() == read.Behind(0, 0, None)
