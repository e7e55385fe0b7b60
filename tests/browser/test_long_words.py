"""A text without blanks, such as an address of the web, widens no page, whoever wrote it."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.utils import timezone

from catalog.models import Category, Product
from history.mirror import relay
from orders.models import Order
from orders.notes import add_note
from orders.services import RequestedItem, change_status, place_order
from tests.browser.visitor import PASSWORD, Visitor
from tests.factories import UserFactory
from users.models import User

LONG = "https://example.test/" + "unbroken" * 18
WIDTHS = (320, 375, 1280)


@pytest.fixture(scope="module")
def shop(open_shop):
    return open_shop(stock_up)


def stock_up() -> None:
    call_command("seed_demo")
    category = Category.objects.create(name=LONG[:90], slug="long")
    product = Product.objects.create(
        name=LONG, sku="S" * 60, price="12.50", stock=9, category=category, description=LONG * 3,
        attributes={LONG[:60]: LONG, "brand": LONG[:80]},
    )  # fmt: skip
    customer = UserFactory(name=LONG[:180], email=f"{'a' * 60}@{'b' * 60}.example", password=PASSWORD)
    address = {"name": LONG[:100], "line1": LONG[:100], "city": LONG[:100], "postcode": "8010", "country": LONG[:50]}
    order = place_order(
        customer=customer, items=[RequestedItem(product, 2)], key="long", at=timezone.now(), shipping_address=address
    )
    staff = User.objects.get(email="staff@shop.example")
    order = change_status(order, to="paid", by=staff, at=timezone.now(), note=LONG)
    for to_customer in (False, True):
        text = LONG * 2
        order = add_note(order, text=text, to_customer=to_customer, seen_rev=order.rev, by=staff, at=timezone.now())
    relay.drain()


def too_wide(visitor: Visitor, paths: list[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for path in paths:
        visitor.go(path)
        for width in WIDTHS:
            visitor.dress(dark=False, width=width)
            if visitor.is_too_wide():
                found.setdefault(path, []).append(width)
    return found


@pytest.mark.timeout(300)
def test_pages_of_guest_and_customer(visit):
    product, order = Product.objects.get(name=LONG), Order.objects.latest("pk")
    visitor = visit()
    visitor.sign_in(order.customer.email)
    visitor.go(product.get_absolute_url())
    visitor.page.get_by_role("button", name="Add to cart").first.click()

    paths = ["/", f"/search/?q={LONG}", "/c/long/", product.get_absolute_url(), "/cart/", "/checkout/", "/orders/"]
    paths += [f"/orders/{order.pk}/", f"/orders/{order.pk}/receipt/", "/account/"]
    assert too_wide(visitor, paths) == {}


@pytest.mark.timeout(300)
def test_pages_of_staff_and_analyst(visit):
    product, order = Product.objects.get(name=LONG), Order.objects.latest("pk")
    staff, analyst = visit(), visit()
    staff.sign_in("staff@shop.example")
    analyst.sign_in("analyst@shop.example")

    admin = ["", "orders/order/", f"orders/order/{order.pk}/change/", "catalog/product/", "catalog/category/"]
    admin += [f"catalog/product/{product.pk}/change/", f"users/user/{order.customer.pk}/change/", "users/user/"]
    admin += ["history/event/", "history/event/activity/"]
    assert too_wide(staff, [f"/admin/{path}" for path in admin]) == {}
    reports = ["products/?period=all", "customers/?period=all", "orders/", f"orders/{order.pk}/", "sales/?period=all"]
    assert too_wide(analyst, [f"/reports/{path}" for path in reports]) == {}
