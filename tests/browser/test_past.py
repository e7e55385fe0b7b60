"""The pages of an order at a past moment, light and wide, dark and narrow."""

from __future__ import annotations

import pytest
from django.utils import timezone

from catalog.models import Product
from orders.models import Order
from orders.services import RequestedItem, change_status, place_order
from tests.browser.visitor import PASSWORD
from tests.factories import UserFactory
from users.models import User


@pytest.mark.timeout(300)
def test_an_order_is_seen_as_it_stood_by_all_who_see_it_now(visit, shop):
    customer = UserFactory(email="ada@shop.example", password=PASSWORD)
    staff = User.objects.get(email="staff@shop.example")
    items = [RequestedItem(product, 2) for product in Product.objects.filter(stock__gte=2).order_by("pk")[:3]]
    address = {"name": "Ada Lovelace", "line1": "1 Long Lane", "city": "Graz", "postcode": "8010", "country": "AT"}
    order = place_order(customer=customer, items=items, key="k", at=timezone.now(), shipping_address=address)
    change_status(order, to="paid", by=staff, at=timezone.now(), note="By wire")
    Order.objects.filter(pk=order.pk).update(status="shipped")

    pages = [f"/orders/{order.pk}/", f"/admin/orders/order/{order.pk}/change/", f"/reports/orders/{order.pk}/"]
    found = {}
    for email, page in zip([customer.email, staff.email, staff.email], pages, strict=True):
        visitor = visit()
        visitor.sign_in(email)
        visitor.go(page)
        visitor.follow(visitor.page.get_by_role("link", name="The order then").first)
        assert "As it was on" in visitor.page.locator(".past-moment").inner_text()
        assert "Paid" in visitor.page.locator("main, #content").first.inner_text()
        found |= visitor.flaws_by_look()
        visitor.dress(dark=False, width=1280)
        visitor.follow(visitor.page.get_by_role("link", name="Show it as it is now"))
        assert "Shipped" in visitor.page.locator("main, #content").first.inner_text()
    assert found == {}
