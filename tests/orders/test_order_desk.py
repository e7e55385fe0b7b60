from __future__ import annotations

import threading

import pytest
from django.db import connections
from django.utils import timezone

from history.models import Event
from orders import order_desk, seen
from orders.models import Order
from orders.status import Status
from tests.factories import StaffFactory

pytestmark = pytest.mark.django_db


def test_refusals_beyond_the_first_few_are_counted(place, boss, now):
    orders = [place() for _ in range(order_desk.REFUSALS_TOLD + 2)]

    outcome = order_desk.take_each(orders, to=Status.DELIVERED, by=boss, at=now)

    assert str(outcome).startswith("0 delivered, 12 skipped (pending): ")
    assert str(outcome).endswith(" And 2 more.")


def test_an_order_that_left_meanwhile_holds_up_no_other(place, boss, now):
    gone, here = place(), place()
    Order.objects.filter(pk=gone.pk).delete()

    outcome = order_desk.take_each([gone, here], to=Status.PAID, by=boss, at=now)

    assert str(outcome) == f"1 paid, 1 skipped (gone): Order #{gone.pk} is not here any more."


@pytest.mark.django_db(transaction=True)
def test_of_two_at_the_same_moment_one_wins(place, now):
    order = place()
    staff = [StaffFactory(name="Ann"), StaffFactory(name="Bea")]
    together = threading.Barrier(2)
    told: list[str] = []

    def press(by) -> None:
        together.wait()
        try:
            order_desk.take_step(order, seen_rev=1, to=Status.PAID, by=by, at=timezone.now())
            told.append("done")
        except seen.MovedOn as error:
            told.append(str(error))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=press, args=[by]) for by in staff]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(text == "done" for text in told) == [False, True]
    assert Event.objects.of_order(order.pk).count() == 2
