"""The day of an order clerk in a browser: find, mark paid, ship fifty at once, change an order, take an item back."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from catalog.models import Product
from history.mirror import relay
from history.mirror.reconcile import reconcile
from history.models import Event
from orders.models import Order, Refund
from orders.services import RequestedItem, change_status, place_order
from orders.status import Status
from tests.browser.visitor import PASSWORD
from tests.factories import ProductFactory, UserFactory
from users.models import User

LIST = "/admin/orders/order/"


@pytest.fixture
def goods(goods):
    """Goods for fifty orders, and a customer with three that are older than these."""
    products = ProductFactory.create_batch(2, stock=200)
    customer = UserFactory(email="customer@shop.example", password=PASSWORD)
    for number in range(3):
        items = [RequestedItem(product, 2) for product in products]
        place_order(customer=customer, items=items, key=f"old-{number}", at=timezone.now() - timedelta(days=1))


@pytest.fixture
def staff(shop):
    return User.objects.get(email="staff@shop.example")


@pytest.fixture
def fifty(shop, staff):
    """Fifty orders of today, of 2 × one product and 1 × another: 48 paid, 2 cancelled."""
    products = list(Product.objects.filter(stock__gte=150).order_by("pk")[:2])
    customer = User.objects.get(email="customer@shop.example")
    orders = []
    for number in range(50):
        items = [RequestedItem(products[0], 2), RequestedItem(products[1], 1)]
        order = place_order(customer=customer, items=items, key=f"desk-{number}", at=timezone.now())
        to = Status.CANCELLED if number in (7, 31) else Status.PAID
        orders.append(change_status(order, to=to, by=customer, at=timezone.now()))
    return orders


def pending(skip: int = 0) -> Order:
    return Order.objects.filter(status=Status.PENDING).order_by("pk")[skip]


def told(page) -> str:
    return page.locator("ul.messagelist").inner_text()


def fits(visitor) -> bool:
    """Whether the page fits a phone; what its console complained of fails the test at its end."""
    visitor.dress(dark=True, width=320)
    is_too_wide = visitor.is_too_wide()
    visitor.dress(dark=False, width=1280)
    return not is_too_wide


def mark_paid(clerk, order) -> None:
    """Find an order by its customer and number, and mark it paid."""
    page = clerk.page
    clerk.go(LIST)
    page.locator("#searchbar").fill(f"{order.customer.email} #{order.pk}")
    clerk.follow(page.get_by_role("button", name="Search"))
    clerk.follow(page.get_by_role("link", name=f"#{order.pk}", exact=True))
    page.get_by_label("Note (optional)").fill("Transfer of today")
    clerk.follow(page.get_by_role("button", name="Mark paid"))
    assert told(page) == f"Order #{order.pk} is paid."
    assert fits(clerk)


def ship_fifty(clerk) -> None:
    """Ship all that the list shows, of which two are cancelled."""
    page = clerk.page
    clerk.go(LIST)
    assert fits(clerk)
    page.locator("#action-toggle").check()
    page.get_by_label("Action:").select_option("Mark shipped")
    clerk.follow(page.get_by_role("button", name="Go", exact=True))
    assert told(page).startswith("48 shipped, 2 skipped (cancelled): ")


def add_one(clerk, order) -> None:
    """Change a pending order: one more of its first item."""
    page = clerk.page
    item = order.items.order_by("pk")[0]
    clerk.go(f"{LIST}{order.pk}/change/")
    clerk.follow(page.get_by_role("link", name="Change items and address"))
    assert fits(clerk)
    page.locator(f"#id_quantity_{item.pk}").fill(str(item.quantity + 1))
    page.locator("#id_reason").fill("As agreed by phone")
    clerk.follow(page.get_by_role("button", name="Look at the new total"))
    assert fits(clerk)
    expect(page.locator("tfoot")).to_contain_text("New total")
    clerk.follow(page.get_by_role("button", name="Change order"))
    assert told(page).startswith(f"Order #{order.pk} is changed.")


def take_one_back(clerk, order) -> None:
    """Take one item of a shipped order back, and write to its customer."""
    page = clerk.page
    clerk.go(f"{LIST}{order.pk}/change/")
    clerk.follow(page.get_by_role("link", name="Take items back"))
    assert fits(clerk)
    page.locator("input[name^=quantity_]").first.fill("1")
    page.locator("#id_reason").fill("Broken")
    clerk.follow(page.get_by_role("button", name="Look at the refund"))
    assert fits(clerk)
    clerk.follow(page.get_by_role("button", name="Take back and refund"))
    assert told(page).startswith("Taken back: 1 ×")
    page.locator("textarea[name=text]").fill("The money is on its way.")
    page.get_by_label(re.compile("To the customer")).check()
    clerk.follow(page.get_by_role("button", name="Add note"))
    assert fits(clerk)


@pytest.mark.timeout(300)
def test_the_day_of_an_order_clerk(visit, staff, fifty):
    clerk = visit()
    clerk.sign_in(staff.email)
    first, edited, back = pending(), pending(skip=2), fifty[0]

    mark_paid(clerk, first)
    ship_fifty(clerk)
    add_one(clerk, edited)
    take_one_back(clerk, back)

    statuses = list(Order.objects.filter(pk__in=[order.pk for order in fifty]).values_list("status", flat=True))
    assert sorted(statuses) == ["cancelled"] * 2 + ["shipped"] * 48
    by_staff = Event.objects.filter(order_id__isnull=False, actor_id=staff.pk, actor_name=str(staff))
    assert by_staff.filter(order_id__in=[order.pk for order in fifty], kind="status", status="shipped").count() == 48
    latest = [by_staff.filter(order_id=order.pk).latest("rev") for order in (first, edited, back)]
    assert [(event.kind, event.note) for event in latest] == [
        ("status", "Transfer of today"),
        ("items", "As agreed by phone"),
        ("edited", "The money is on its way."),
    ]
    refund = Refund.objects.get()
    assert (refund.order_id, refund.amount) == (back.pk, Decimal(refund.items[0]["price"]))
    relay.drain()
    assert reconcile().differences == []

    # The customer sees what came of it.
    customer = visit()
    customer.sign_in("customer@shop.example")
    shown = customer.go(f"/orders/{back.pk}/").locator("main")
    expect(shown).to_contain_text("Reason: Broken")
    expect(shown).to_contain_text("The money is on its way.")
    assert customer.flaws_by_look() == {}
    expect(customer.go(f"/orders/{back.pk}/receipt/").locator("main")).to_contain_text("Total after returns")
    assert customer.flaws_by_look() == {}
