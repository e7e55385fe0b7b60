"""The short form of `python -m tests.bench.archived`: nobody can tell by any page that orders were archived."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from history.archive import reading
from history.mirror import relay
from history.order_events import PATIENCE
from history.rollups import keeper
from orders.models import Order
from orders.status import OPEN
from tests.bench import archived
from tests.history.archived import archive_ids
from tests.history.random_orders import place_random_orders
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

LATELY, BEFORE = datetime(2018, 3, 15, 12, tzinfo=UTC), datetime(2017, 5, 9, 12, tzinfo=UTC)


def test_nobody_can_tell_by_any_page(mirror, client, monkeypatch):
    for patience in (PATIENCE, reading.PATIENCE):
        monkeypatch.setattr(patience, "seconds", 10)
    place_random_orders(60, around=[BEFORE, LATELY], seed=11)
    relay.drain()
    orders = archived.chosen(4)
    users = User.objects.in_bulk({customer for _, customer in orders})
    sessions = {pk: archived.signed_in(user) for pk, user in users.items()}
    desk = archived.signed_in(archived.desk_user())

    def get(ask):
        client.cookies["sessionid"] = ask.session
        answer = client.get(ask.path)
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        return answer.status_code, body.decode()

    asks = [
        *archived.of_orders(sessions, orders, desk),
        *archived.of_lists(desk),
        *archived.of_reports(desk, ["", "&as_of=2018-03-20"]),
    ]
    before = archived.look(get, asks)
    old = Order.objects.filter(created_at__year=2017).exclude(status__in=OPEN).values_list("pk", flat=True)
    archive_ids(list(old))
    keeper.queue_all()
    keeper.drain()

    assert archived.differing(before, archived.look(get, asks)) == []
