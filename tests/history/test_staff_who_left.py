"""Staff accounts are deleted: no event goes with them, and every history still says who it was."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog import stock_desk
from catalog.models import Product, StockMovement
from history import mongo
from history.mirror import relay
from history.mirror.reconcile import reconcile
from history.models import Event
from orders.models import Order, Refund
from orders.notes import add_note
from orders.returns import Returned, return_items
from orders.services import change_status
from tests.factories import PASSWORD, ProductFactory, StaffFactory, UserFactory
from tests.pages import text
from users.models import User

# The relay claims in a transaction of its own.
pytestmark = pytest.mark.django_db(transaction=True)

STEPS = ("shipped", "delivered")


@pytest.fixture(autouse=True)
def _nobody_is_throttled():
    cache.clear()


def manager(name: str) -> User:
    staff = UserFactory(is_staff=True, name=name)
    staff.groups.add(Group.objects.get(name="Manager"))
    return staff


def work(staff: User, order: Order) -> Product:
    """Whatever leaves a name somewhere; returns the product that was retired and corrected."""
    product, browser = ProductFactory(), Client()
    browser.post(reverse("account_login"), {"login": staff.email, "password": PASSWORD})
    browser.post(reverse("admin:orders_order_status", args=[order.pk]), {"to": "paid", "rev": order.rev})
    browser.post("/admin/catalog/product/", {"action": "retire", "_selected_action": [product.pk]})
    signed: dict[str, Any] = {"by": staff, "at": timezone.now()}
    for to in STEPS:
        order = change_status(order, to=to, **signed)
    seen = StockMovement.objects.filter(product_id=product.pk).latest("pk").pk
    stock_desk.correct(product, to=90, seen=seen, note="ten broken", **signed)
    order = add_note(order, text="Rang them", to_customer=True, seen_rev=order.rev, **signed)
    item = order.items.get()
    return_items(order, {item.pk: Returned(1, restock=True)}, seen_rev=order.rev, reason="Broken", **signed)
    return product


def written() -> dict[tuple[str, Any], Any]:
    """Everything both stores remember of what was done."""
    found: dict[tuple[str, Any], Any] = {}
    for model in (Event, StockMovement, Refund):
        found |= {(model.__name__, row[model._meta.pk.attname]): row for row in model.objects.values()}
    for document in mongo.for_reading().find():
        found |= {("document", event["event_id"]): event for event in document["events"]}
        found |= {("refund", refund["refund_id"]): refund for refund in document["refunds"]}
    return found | {("activity", each["_id"]): each for each in mongo.for_reading(mongo.ACTIVITY_LOG).find()}


def test_ten_staff_accounts_go_and_no_event_and_no_name_is_lost(client, place, activity_log):
    boss = StaffFactory(name="Bo Boss")
    client.force_login(boss)
    staff = [manager(f"Staff {letter}.") for letter in "ABCDEFGHIJ"]
    orders = [place(quantity=2) for _ in staff]
    products = [work(each, order) for each, order in zip(staff, orders, strict=True)]
    relay.drain()
    before = written()

    for each in staff:
        assert client.post(reverse("admin:users_user_delete", args=[each.pk]), {"post": "yes"}).status_code == 302
    for order in Order.objects.all():
        # Each document is made anew, when nobody knows the staff any more.
        add_note(order, text="Checked", to_customer=False, seen_rev=order.rev, by=boss, at=timezone.now())
    relay.drain()

    assert not User.objects.filter(pk__in=[each.pk for each in staff]).exists()
    assert not EmailAddress.objects.filter(user_id__in=[each.pk for each in staff]).exists()
    after = written()
    assert {kind for kind, _ in before} == {"Event", "StockMovement", "Refund", "document", "refund", "activity"}
    assert {key: after.get(key) for key in before} == before
    assert reconcile().differences == []
    assert Event.objects.filter(kind="deleted", subject="user", actor_name="Bo Boss").count() == 10
    for each, order, product in zip(staff, orders, products, strict=True):
        steps = Event.objects.of_order(order.pk).filter(actor_id=each.pk, actor_name=each.name)
        assert [event.status for event in steps] == ["paid", *STEPS, "delivered", "delivered"]
        assert_named_on_pages(client, each, order, product)


def assert_named_on_pages(client: Client, staff: User, order: Order, product: Product) -> None:
    """Each history that the back office shows of what they did says who, as often as they did something."""
    of_product = client.get(reverse("admin:catalog_product_history", args=[product.pk]))["Location"]
    of_person = f"/admin/history/event/activity/?{urlencode({'who': staff.name})}"
    shown = {
        reverse("admin:orders_order_change", args=[order.pk]): 5,
        f"/reports/orders/{order.pk}/": 5,
        reverse("admin:catalog_product_change", args=[product.pk]): 1,
        of_product: 1,
        of_person: 2,
    }
    counted = {address: text(client.get(address)).count(staff.name) for address in shown}
    assert {address: min(counted[address], least) for address, least in shown.items()} == shown
