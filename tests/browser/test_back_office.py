"""The back office in a browser: readable by everyone, light and dark, wide and narrow, the policy kept."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from catalog import product_work
from catalog.models import Category, Product, ProductSheet
from catalog.product_sheets import BATCH
from history.mirror import relay
from orders.models import Order
from orders.services import RequestedItem, change_status, place_order
from orders.status import Status
from tests.browser.visitor import Visitor
from tests.factories import UserFactory
from users.models import User

LIST = "/admin/orders/order/"


@pytest.fixture
def orders(goods) -> dict[Status, Order]:
    """An order that waits, one that is paid and one that is on its way."""
    staff, customer = User.objects.get(email="staff@shop.example"), UserFactory()
    items = [RequestedItem(product, 2) for product in Product.objects.filter(stock__gte=10)[:2]]
    placed = {}
    for status in (Status.PENDING, Status.PAID, Status.SHIPPED):
        order = place_order(customer=customer, items=items, key=status, at=timezone.now())
        for to in (Status.PAID, Status.SHIPPED)[: len(placed)]:
            order = change_status(order, to=to, by=staff, at=timezone.now())
        placed[status] = order
    relay.drain()
    return placed


@pytest.fixture
def clerk(visit) -> Visitor:
    clerk = visit()
    clerk.sign_in("staff@shop.example")
    return clerk


@pytest.mark.timeout(300)
def test_pages_that_look_after_the_shop(clerk, orders):
    customer = orders[Status.PAID].customer
    product, category = Product.objects.earliest("pk"), Category.objects.earliest("pk")

    found = {}
    for path in (
        "",
        f"catalog/product/{product.pk}/change/",
        f"catalog/product/{product.pk}/correct/",
        "catalog/product/import/",
        "catalog/product/",
        "catalog/product/add/",
        "catalog/category/",
        f"catalog/category/{category.pk}/change/",
        "users/user/",
        f"users/user/{customer.pk}/change/",
        "users/user/add/",
        "auth/group/",
        "auth/group/add/",
        "history/event/",
        "history/event/activity/",
        "history/event/mirror/",
        "history/endpoint/",
        "history/endpoint/add/",
        "history/delivery/",
        f"users/user/{customer.pk}/delete/",
    ):
        clerk.go(f"/admin/{path}")
        found |= clerk.flaws_by_look()

    assert found == {}


@pytest.mark.timeout(300)
def test_a_long_import_tells_how_far_it_is(clerk, goods, tmp_path):
    lamp = Product.objects.earliest("pk")
    file = tmp_path / "spring.csv"
    lines = [f"N{number},New lamp,1.50,2" for number in range(BATCH)]
    file.write_text("\n".join(["sku,name,price,stock", f"{lamp.sku},{lamp.name},9,5", "BAD,,,", *lines]))
    page = clerk.page

    clerk.go("/admin/catalog/product/import/")
    page.locator("input[type=file]").set_input_files(file)
    clerk.follow(page.get_by_role("button", name="Look at changes"))
    expect(page.get_by_text("Line 0 of 503")).to_be_visible()
    ProductSheet.objects.update(due_at=timezone.now() - timedelta(minutes=1))
    expect(page.get_by_text("Nobody works on it.")).to_be_visible()
    found = clerk.flaws_by_look()
    # The page sees by itself what the worker has done.
    assert product_work.work(at=timezone.now())
    expect(page.get_by_role("heading", name="Nothing is changed yet")).to_be_visible()
    expect(page.locator("#said")).to_have_text("spring.csv: To be confirmed")
    found |= clerk.flaws_by_look()
    page.get_by_label("Leave the 1 bad line out").check()
    clerk.follow(page.get_by_role("button", name="Import 501 lines"))
    expect(page.get_by_role("button", name="Stop here, keep what is imported")).to_be_visible()
    assert product_work.work(at=timezone.now())
    expect(page.get_by_text("500 products added, 1 changed, 0 lines left out, beside the 1 bad.")).to_be_visible()
    found |= clerk.flaws_by_look()
    clerk.go("/admin/catalog/product/import/")
    found |= clerk.flaws_by_look()

    assert found == {}


@pytest.mark.timeout(300)
def test_pages_of_the_order_desk(clerk, orders):
    page = clerk.page
    pending, shipped = (f"{LIST}{orders[status].pk}/" for status in (Status.PENDING, Status.SHIPPED))

    found = {}
    for path in (LIST, f"{pending}change/", f"{pending}edit/", f"{shipped}change/", f"{shipped}return/"):
        clerk.go(path)
        found |= clerk.flaws_by_look()
    page.locator("input[name^=quantity_]").first.fill("1")
    page.locator("#id_reason").fill("Broken")
    clerk.follow(page.get_by_role("button", name="Look at the refund"))
    found |= clerk.flaws_by_look()
    clerk.go(f"{pending}edit/")
    page.locator("input[name^=quantity_]").first.fill("1")
    clerk.follow(page.get_by_role("button", name="Look at the new total"))
    found |= clerk.flaws_by_look()
    clerk.go(f"{pending}change/")
    clerk.follow(page.get_by_role("button", name="Cancel order"))
    found |= clerk.flaws_by_look()

    assert found == {}
