"""A link that counts somebody's orders opens theirs and nobody else's; so do the links of products and of the log."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.urls import reverse
from django.utils import timezone

from history.models import Event, Kind
from history.timeline import FOR_CUSTOMERS, is_for_customer
from orders.models import Order
from orders.services import change_status
from tests.factories import ProductFactory, StaffFactory, UserFactory
from tests.pages import text

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client):
    user = StaffFactory()
    client.force_login(user)
    return user


def link(client, page, words):
    """Where a link with these words leads."""
    body = client.get(page).content.decode()
    return unescape(re.search(rf'<a href="([^"]*)"[^>]*>\s*{words}', body).group(1))


def listed(client, url):
    return {row.pk for row in client.get(url).context["cl"].result_list}


def test_a_persons_orders(client, staff, place):
    ann = UserFactory(name="Ann", email="ann@shop.example")
    joann = UserFactory(name="Joann", email="joann@shop.example")
    own, _ = place(customer=ann), place(customer=joann)

    url = link(client, reverse("admin:users_user_change", args=[ann.pk]), "1 in all")

    assert listed(client, url) == {own.pk}
    assert "Ann" in text(client.get(url))


def test_the_pending_orders_of_a_product(client, staff, place):
    lamp, other = ProductFactory(name="Lamp", sku="1"), ProductFactory(name="Lamp 1", sku="1-2")
    own = place(lamp)
    place(other)
    change_status(place(lamp), to="paid", by=staff, at=timezone.now())

    url = link(client, reverse("admin:catalog_product_change", args=[lamp.pk]), r"[^<]*order")

    assert listed(client, url) == {own.pk}


@pytest.mark.parametrize("asked", ["person=x", "person=9" * 9, "product=-1", "person=", "product=99999999999999999999"])
def test_any_other_number_leads_to_a_list(client, staff, place, asked):
    place()

    assert client.get(f"{reverse('admin:orders_order_changelist')}?{asked}", follow=True).status_code == 200


def test_a_customer_is_shown_changes_of_their_order_and_nothing_of_the_mirror():
    shown = {kind for kind in Kind if is_for_customer(kind, None, 1)}

    assert shown == FOR_CUSTOMERS == {Kind.PLACED, Kind.STATUS, Kind.ITEMS, Kind.EDITED}
    assert is_for_customer(Kind.NOTE, 1, 1)


def test_a_repair_of_the_mirror_is_not_in_the_timeline(client, mirror, place):
    customer = UserFactory()
    order = place(customer=customer)
    Order.objects.filter(pk=order.pk).update(rev=2)
    Event.objects.create(
        order_id=order.pk,
        rev=2,
        kind=Kind.REPAIRED,
        status="pending",
        occurred_at=timezone.now(),
        actor_name="reconcile",
        transaction_id=1,
    )
    client.force_login(customer)

    page = text(client.get(f"/orders/{order.pk}/"))

    assert "Order placed" in page
    assert "Order updated" not in page


def test_an_edit_of_what_no_page_shows_is_not_in_the_timeline(client, mirror, place):
    customer = UserFactory()
    order = place(customer=customer)
    Order.objects.filter(pk=order.pk).update(external_ref="WEB-1")
    client.force_login(customer)

    assert "Order updated" not in text(client.get(f"/orders/{order.pk}/"))

    Order.objects.filter(pk=order.pk).update(shipping_address={"name": "Ada"})
    assert "Order updated Delivery address changed" in text(client.get(f"/orders/{order.pk}/"))
