"""The feed of events through the API: pages, waiting, refusals."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connection
from django.utils import timezone

from history.feed import positions
from history.models import FeedEvent
from orders.services import change_status
from tests.api.keys import ApiClient, kind
from tests.factories import StaffFactory, UserFactory
from tests.parallel import in_parallel

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_client_follows_from_the_first_event_to_the_last(place, now):
    client = ApiClient("orders:read")
    empty = client.get("/events").json()
    order = place()
    change_status(order, to="paid", by=StaffFactory(), at=now)
    positions.number()

    first = client.get("/events", {"limit": 1}).json()
    rest = client.get("/events", {"after": first["next"]}).json()

    assert empty == {"events": [], "next": 0, "latest": 0, "has_more": False}
    assert (first["next"], first["latest"], first["has_more"]) == (1, 2, True)
    assert (rest["next"], rest["has_more"]) == (2, False)
    events = first["events"] + rest["events"]
    assert [(event["type"], event["order_id"], event["rev"], event["status"]) for event in events] == [
        ("order.placed", order.pk, 1, "pending"),
        ("order.status", order.pk, 2, "paid"),
    ]
    assert events == [event.told() for event in FeedEvent.objects.after(0)]  # as a webhook tells it


def test_positions_that_are_none_are_refused(place):
    client = ApiClient("orders:read")
    for _ in range(2):
        place()
    positions.number()
    positions.forget(before=timezone.now())
    place()
    positions.number()

    for after in (0, 1, 4, 2**63 - 1):
        refused = client.get("/events", {"after": after})
        assert (refused.status_code, kind(refused), refused.json()["oldest"]) == (410, "position-unknown", 2)
    assert client.get("/events", {"after": 2}).json()["latest"] == 3
    for bad in ("-1", "x", "1.5", str(2**63), "", "0x1"):
        assert kind(client.get("/events", {"after": bad})) == "invalid", bad
    for query in ({"limit": 0}, {"limit": 1001}, {"wait": 26}, {"wait": -1}, {"order": 1}):
        assert kind(client.get("/events", query)) == "invalid", query


def test_it_is_for_keys_that_read_all_orders():
    assert kind(ApiClient(text="").get("/events")) == "not-authenticated"
    assert kind(ApiClient("reports:read").get("/events")) == "scope-missing"
    assert kind(ApiClient("orders:read", customer=UserFactory()).get("/events")) == "scope-missing"
    assert kind(ApiClient("orders:read").post("/events", {})) == "method-not-allowed"


def test_who_waits_gets_the_next_event_and_who_may_not_is_told_when_to_come_again(place):
    client = ApiClient("orders:read")
    place()
    positions.number()

    def place_one():
        time.sleep(0.5)
        place()
        positions.number()

    began = time.monotonic()
    waiting = threading.Thread(target=lambda: (place_one(), connection.close()))
    waiting.start()
    answers = in_parallel([lambda: client.get("/events", {"after": 1, "wait": 20}) for _ in range(3)])
    waiting.join()

    assert time.monotonic() - began < 15
    assert [answer.status_code for answer in answers] == [200] * 3
    waited = [answer for answer in answers if "Retry-After" not in answer]
    assert [[event["position"] for event in answer.json()["events"]] for answer in waited] == [[2]]
    assert [answer.json()["events"] for answer in answers if "Retry-After" in answer] == [[], []]
    began = time.monotonic()
    nothing = client.get("/events", {"after": 2, "wait": 1})
    assert nothing.json() == {"events": [], "next": 2, "latest": 2, "has_more": False}
    assert 1 <= time.monotonic() - began < 5
    assert "Retry-After" not in nothing
