"""An order that is archived or restored between two statements of a request is found all the same."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse

from history.archive import back, leave
from history.archive.finding import find
from history.mirror import relay
from history.past.find import present
from orders.models import Mail
from orders.services import cancel_order
from tests.factories import UserFactory
from tests.parallel import in_parallel

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def order(place, now, mirror):
    at = now - timedelta(days=400)
    order = place(customer=UserFactory(), at=at)
    cancel_order(order, by=order.customer, at=at + timedelta(days=1))
    Mail.objects.update(due_at=None)
    relay.drain()
    return order


@pytest.fixture
def archived(order, now):
    assert leave.archive([order.pk], at=now).archived == 1
    return order


class Between:
    """Does something once, right before the first statement about a table; on a connection of its own."""

    def __init__(self, table, work):
        self._table, self._work, self.is_done = f'"{table}"', work, False

    def __call__(self, execute, sql, params, many, context):
        if self._table in sql and not self.is_done:
            self.is_done = True
            [outcome] = in_parallel([self._work])
            assert not isinstance(outcome, Exception), outcome
        return execute(sql, params, many, context)


def test_one_that_comes_back(archived, now):
    between = Between("archived_orders", lambda: back.restore(archived.pk, by=None, at=now))

    with connection.execute_wrapper(between):
        assert present(archived.pk)["status"] == "cancelled"

    assert between.is_done


def test_one_that_leaves(order, now):
    between = Between("archived_orders", lambda: leave.archive([order.pk], at=now))

    with connection.execute_wrapper(between):
        assert present(order.pk)["status"] == "cancelled"


def test_its_page_of_a_past_moment(archived, now, client):
    client.force_login(archived.customer)
    address = reverse("order", args=[archived.pk]) + "?as_of=" + (now - timedelta(days=1)).strftime("%Y-%m-%d")
    for table in ("every_order", "archived_orders"):
        between = Between(table, lambda: back.restore(archived.pk, by=None, at=now))

        with connection.execute_wrapper(between):
            assert client.get(address).status_code == 200

        assert between.is_done
        relay.drain()
        assert leave.archive([archived.pk], at=now).archived == 1


def test_its_page_of_now(archived, now):
    between = Between("every_order", lambda: back.restore(archived.pk, by=None, at=now))

    with connection.execute_wrapper(between):
        assert find(archived.pk).order.pk == archived.pk
