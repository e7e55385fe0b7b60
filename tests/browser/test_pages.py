"""The shop's pages in a browser: readable by everyone, light and dark, wide and narrow, all that the policy lets in.

Those of analysts are in test_reports.py, those of staff in test_back_office.py.
"""

from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from catalog.models import Product
from orders.models import Order
from orders.services import RequestedItem, change_status, place_order
from tests.browser.goods import stock_few_goods
from tests.browser.visitor import PASSWORD
from tests.factories import StaffFactory, UserFactory

GUEST = ["/", "/search/?q=lamp", "/search/?q=nothinglikethis", "/cart/", "/account/login/", "/account/signup/",
         "/account/password/reset/", "/nowhere/"]  # fmt: skip
ADDRESS = {"name": "Ada Lovelace", "line1": "1 Long Lane", "city": "Graz", "postcode": "8010", "country": "AT"}


@pytest.fixture(scope="module")
def shop(open_shop):
    return open_shop(stock_up)


def stock_up() -> None:
    """Few goods, of which a customer has ordered two."""
    stock_few_goods()
    Product.objects.update(description="It lights the way.\n\nMade to last.")
    customer = UserFactory(email="customer@shop.example", password=PASSWORD)
    items = [RequestedItem(product, 2) for product in Product.objects.order_by("pk")[:2]]
    order = place_order(customer=customer, items=items, key="k", at=timezone.now(), shipping_address=ADDRESS)
    change_status(order, to="paid", by=StaffFactory(), at=timezone.now())


@pytest.mark.timeout(300)
def test_pages_of_a_guest(visit):
    visitor = visit()

    with visitor.expecting(404):
        assert visitor.flaws_of(GUEST) == {}


@pytest.mark.timeout(300)
def test_pages_of_a_customer(visit):
    visitor = visit()
    visitor.sign_in("customer@shop.example")
    order = Order.objects.get()

    visitor.go("/")
    visitor.follow(visitor.page.locator("main a[href^='/p/']").first)
    visitor.page.get_by_role("button", name="Add to cart").first.click()
    expect(visitor.page.locator("#cart-link .badge")).to_contain_text("1")
    product = visitor.page.url

    assert visitor.flaws_of([product, "/cart/", "/checkout/", "/orders/", f"/orders/{order.pk}/"]) == {}
