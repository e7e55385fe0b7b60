"""Notes: for the staff, or on the page of the customer's order."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from history.models import Event
from history.personal_data import Encoder, of
from orders import seen
from orders.models import Order
from orders.notes import add_note
from tests.factories import StaffFactory
from tests.pages import text

pytestmark = pytest.mark.django_db


@pytest.fixture
def kim():
    return StaffFactory(name="Kim Secretname")


@pytest.fixture
def note(kim):
    def do(order, words, *, to_customer=False, rev=1, by=kim) -> Order:
        return add_note(order, text=words, to_customer=to_customer, seen_rev=rev, by=by, at=timezone.now())

    return do


def events_of(order):
    return list(Event.objects.of_order(order.pk))


def test_each_note_is_one_event_of_who_wrote_it(place, note, kim):
    order = place()

    assert note(order, "Fort Knox").rev == 2
    assert note(order, "Two days late", to_customer=True, rev=2).rev == 3

    told = [(event.rev, event.actor_id, event.actor_name, event.note) for event in events_of(order)[1:]]
    assert told == [(2, kim.pk, "Kim Secretname", "Fort Knox"), (3, kim.pk, "Kim Secretname", "Two days late")]
    assert [list(event.changes) for event in events_of(order)[1:]] == [[], ["told_customer_at"]]


def test_the_customer_sees_theirs_and_no_other(client, place, note):
    order = place()
    note(order, "Fort Knox")
    note(order, "Two days <late>", to_customer=True, rev=2)
    client.force_login(order.customer)

    page = text(client.get(order.get_absolute_url()))

    assert "Note Two days <late> Store ·" in page
    assert "What changed" not in page
    held = of(order.customer, at=timezone.now())
    assert [event["kind"] for event in held["orders"][0]["events"]] == ["placed", "edited"]
    data = Encoder().encode(held)
    assert "Two days" in data
    then = f"{timezone.now():%Y-%m-%dT%H:%M:%S.%fZ}"
    past = text(client.get(order.get_absolute_url(), {"as_of": then}))
    assert "Note Two days <late> Store ·" in past
    for hidden in ("Fort Knox", "Secretname", "Order updated"):
        assert hidden not in page + past + data


def test_the_same_click_twice_is_one_note_and_a_colleagues_change_no_obstacle(place, note):
    order = place()

    for _ in range(2):
        note(order, "Called, no answer")
    note(order, "Called, no answer", by=StaffFactory())
    note(order, "Called, no answer", rev=3)

    assert [event.rev for event in events_of(order)] == [1, 2, 3, 4]


def test_a_note_on_a_gone_order_is_refused(place, note):
    order = place()
    Order.objects.filter(pk=order.pk).delete()

    with pytest.raises(seen.Gone):
        note(order, "Anybody?")


def test_notes_in_the_back_office(client, boss, place):
    order = place()
    page, add = reverse("admin:orders_order_change", args=[order.pk]), f"/admin/orders/order/{order.pk}/note/"

    for audience, words in (("internal", "Fort\nKnox"), ("customer", "It left")):
        client.post(add, {"text": words, "audience": audience, "rev": Order.objects.get(pk=order.pk).rev})

    shown = text(client.get(page))
    assert "The customer sees your note on the page of the order." in shown
    assert "Bo Boss It left The customer sees this note." in shown
    assert "Note to the customer" in shown
    assert "Bo Boss Fort Knox" in shown
    for bad in (
        {},
        {"text": " ", "audience": "internal", "rev": 1},
        {"text": "x" * 1001, "audience": "internal", "rev": 1},
        {"text": "a\x00b", "audience": "internal", "rev": 1},
        {"text": "typed", "audience": "everybody", "rev": 1},
    ):
        client.post(add, bad)
        assert "Nothing was changed." in (page_now := text(client.get(page)))
    assert "typed" in page_now
    assert "typed" not in text(client.get(page))
    assert Order.objects.get(pk=order.pk).rev == 3
    assert client.get(add)["Location"] == page
    assert client.post("/admin/orders/order/99999/note/", {"text": "x", "audience": "internal"}).status_code == 404
