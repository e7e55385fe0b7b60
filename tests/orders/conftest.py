from __future__ import annotations

import pytest

from orders.models import Order
from orders.services import change_status
from orders.status import Status
from tests.factories import StaffFactory, UserFactory

PATHS = {
    Status.PENDING: [],
    Status.PAID: [Status.PAID],
    Status.SHIPPED: [Status.PAID, Status.SHIPPED],
    Status.DELIVERED: [Status.PAID, Status.SHIPPED, Status.DELIVERED],
    Status.RETURNED: [Status.PAID, Status.SHIPPED, Status.DELIVERED, Status.RETURNED],
    Status.CANCELLED: [Status.CANCELLED],
}


@pytest.fixture
def boss(client):
    boss = StaffFactory(name="Bo Boss")
    client.force_login(boss)
    return boss


@pytest.fixture
def order_in(place, now):
    """Place an order and take it to a status."""
    clerk = UserFactory(name="Clerk")

    def make(status: Status, **kwargs) -> Order:
        order = place(**kwargs)
        for to in PATHS[status]:
            order = change_status(order, to=to, by=clerk, at=now)
        return order

    return make
