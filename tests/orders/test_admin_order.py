from __future__ import annotations

import re

import pytest
from django.utils import timezone
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from history.models import Event
from orders.models import Order
from orders.services import change_status
from orders.status import Status, allowed_after
from tests.factories import ProductFactory, StaffFactory, UserFactory
from tests.impossible import possible
from tests.orders.back_office import LIST, page_of, status_of, step_of

pytestmark = pytest.mark.django_db


def test_the_page_tells_the_facts(client, boss, place):
    order = place(ProductFactory(name="Lamp", sku="LMP-7"), customer=UserFactory(name="Ada"), quantity=3)
    Order.objects.filter(pk=order.pk).update(shipping_address={"city": "London", "name": "Ada L.", "gate": "7"})

    page = client.get(page_of(order))

    for text in (f"Order #{order.pk}", "Ada", "Lamp", "LMP-7", "$30.00", "Ada L.<br>London<br>gate: 7", "Placed"):
        assertContains(page, text)


@pytest.mark.parametrize("status", Status)
def test_the_page_offers_the_steps_allowed_now(client, boss, order_in, status):
    page = client.get(page_of(order_in(status)))

    offered = set(re.findall(r'name="to"\s+value="(\w+)"', page.text))
    # A return says what came back: it is a page of its own.
    assert offered == set(allowed_after(status)) - {Status.RETURNED}


def test_a_button_takes_the_order_a_step_further_and_says_who_did(client, boss, place):
    order = place()

    response = client.post(step_of(order), {"to": "paid", "rev": 1, "note": "Transfer\nof today"})

    assertRedirects(response, page_of(order), fetch_redirect_response=False)
    event = Event.objects.of_order(order.pk).last()
    assert (event.rev, event.status, event.actor_id, event.actor_name) == (2, "paid", boss.pk, "Bo Boss")
    assert event.note == "Transfer\nof today"
    page = client.get(page_of(order))
    assertContains(page, f"Order #{order.pk} is paid.")
    assertContains(page, "Transfer<br>of today")


def test_a_step_not_in_the_table_is_refused_in_words(client, boss, order_in):
    order = order_in(Status.CANCELLED)

    page = client.post(step_of(order), {"to": "shipped", "rev": order.rev}, follow=True)

    assertContains(page, "is cancelled and cannot become shipped. Its way ends there.")
    assertContains(page, 'class="error" role="alert"')
    assert (status_of(order), Event.objects.of_order(order.pk).count()) == ("cancelled", 2)


def test_the_second_of_two_is_told_what_the_first_did(client, boss, order_in):
    order = order_in(Status.PAID)
    colleague = StaffFactory(name="Cleo")
    change_status(order, to=Status.SHIPPED, by=colleague, at=timezone.now())

    page = client.post(step_of(order), {"to": "cancelled", "rev": order.rev, "confirmed": "1"}, follow=True)

    assertContains(page, "has moved on since you opened it: it is shipped now, last changed by Cleo now (")
    assertContains(page, "Nothing was changed now.")
    assert status_of(order) == Status.SHIPPED


def test_a_step_that_would_be_allowed_is_refused_too_when_the_page_is_old(client, boss, order_in):
    order = order_in(Status.PENDING)
    Order.objects.filter(pk=order.pk).update(shipping_address={"city": "Elsewhere"})

    page = client.post(step_of(order), {"to": "paid", "rev": 1}, follow=True)

    assertContains(page, "it is pending now, last changed by database")
    assert status_of(order) == Status.PENDING


def test_a_double_click_does_one_thing(client, boss, place):
    order = place()

    client.post(step_of(order), {"to": "paid", "rev": 1})
    page = client.post(step_of(order), {"to": "paid", "rev": 1}, follow=True)

    assertContains(page, "it is paid now, last changed by you")
    assert Event.objects.of_order(order.pk).count() == 2


def test_a_cancel_is_asked_about_first_and_keeps_its_note(client, boss, place):
    order = place()
    step = {"to": "cancelled", "rev": 1, "note": 'Says "no"'}

    question = client.post(step_of(order), step)
    assertContains(question, f"Cancel order #{order.pk}?")
    assertContains(question, 'name="note" value="Says &quot;no&quot;"')
    assert status_of(order) == Status.PENDING

    client.post(step_of(order), {**step, "confirmed": "1"})
    assert status_of(order) == Status.CANCELLED
    assert Event.objects.of_order(order.pk).last().note == 'Says "no"'


@pytest.mark.parametrize(
    "step",
    [
        {},
        {"to": "paid"},
        {"to": "paid", "rev": "x"},
        {"to": "lost", "rev": 1},
        {"to": "returned", "rev": 1},
        {"to": "paid", "rev": 1, "note": "x" * 1001},
        {"to": "paid", "rev": 1, "note": "a\x00b"},
        {"to": "paid", "rev": "9" * 30},
    ],
)
def test_a_malformed_step_changes_nothing_and_says_so(client, boss, place, step):
    order = place()

    page = client.post(step_of(order), step, follow=True)

    assertContains(page, 'class="error" role="alert"')
    assert status_of(order) == Status.PENDING


def test_unknown_orders(client, boss):
    assertRedirects(client.get(f"{LIST}999999/change/"), "/admin/")
    assertRedirects(client.get(f"{LIST}nonsense/change/"), "/admin/")
    assert client.post(f"{LIST}999999/status/", {"to": "paid", "rev": 1}).status_code == 404


def test_hostile_names_are_shown_as_text(client, boss, place):
    evil = "<script>alert(1)</script>"
    order = place(ProductFactory(name=evil, sku="<b>"), customer=UserFactory(name=evil))
    Order.objects.filter(pk=order.pk).update(shipping_address={"<i>": evil}, external_ref="<u>")
    client.post(step_of(order), {"to": "paid", "rev": 2, "note": evil})

    for response in (
        client.get(LIST),
        client.get(LIST, {"q": evil}),
        client.get(page_of(order)),
        client.post(LIST, {"action": "mark_cancelled", "_selected_action": [order.pk]}),
        client.post(step_of(order), {"to": "cancelled", "rev": 2, "note": evil}),
    ):
        assertContains(response, "&lt;script&gt;alert(1)")
        for raw in ("<script>alert(1)", "<b>", "<i>", "<u>"):
            assertNotContains(response, raw)


@pytest.mark.parametrize("address", [[], ["Main St"], "Main St", 7, {"lines": ["Main St", 1]}, {"city": None}])
def test_an_address_may_be_anything_that_plain_sql_put_there(client, boss, place, address):
    order = place()
    with possible("orders_shipping_address_possible", "orders"):
        Order.objects.filter(pk=order.pk).update(shipping_address=address)

    page = client.get(page_of(order))

    assertContains(page, "Shipping address")
    assert ("Main St" in page.text) == ("Main St" in str(address))
