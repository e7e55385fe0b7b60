"""Every page in a browser: readable by everyone, light and dark, wide and narrow, nothing refused by the policy."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group

from catalog.models import Category, Product
from history.models import Event
from orders.models import Order
from users.models import User

LOOKS = [(False, 1280), (True, 1280), (False, 320), (True, 320)]

GUEST = ["/", "/search/?q=lamp", "/search/?q=nothinglikethis", "/cart/", "/account/login/", "/account/signup/",
         "/account/password/reset/", "/nowhere/"]  # fmt: skip
ANALYST = ["/reports/", "/reports/sales/?period=all", "/reports/products/?period=all",
           "/reports/customers/?period=all", "/reports/status/?period=all",
           "/reports/retention/?period=all", "/reports/orders/", "/reports/trust/"]  # fmt: skip
STAFF = ["/admin/", "/admin/orders/order/", "/admin/orders/order/?q=nobodylikethis", "/admin/catalog/product/",
         "/admin/catalog/product/add/", "/admin/catalog/category/", "/admin/users/user/", "/admin/users/user/add/",
         "/admin/history/event/", "/admin/history/event/activity/", "/admin/history/event/mirror/",
         "/admin/auth/group/", "/admin/login/"]  # fmt: skip


def flaws(visitor, paths):
    """What is wrong with each page in each look, by page."""
    found = {}
    for path in paths:
        visitor.go(path)
        for dark, width in LOOKS:
            visitor.dress(dark=dark, width=width)
            if seen := visitor.flaws():
                found[f"{path} {'dark' if dark else 'light'} {width}"] = seen
    return found


@pytest.mark.timeout(300)
def test_pages_of_a_guest(visit):
    visitor = visit()

    with visitor.expecting(404):
        assert flaws(visitor, GUEST) == {}


@pytest.mark.timeout(300)
def test_pages_of_a_customer(visit):
    visitor = visit()
    visitor.sign_in("customer@shop.example")
    order = Order.objects.filter(customer__email="customer@shop.example").earliest("pk")

    visitor.go("/")
    visitor.page.locator("main a[href^='/p/']").first.click()
    visitor.page.get_by_role("button", name="Add to cart").first.click()
    visitor.page.wait_for_load_state()
    product = visitor.page.url

    assert flaws(visitor, [product, "/cart/", "/checkout/", "/orders/", f"/orders/{order.pk}/"]) == {}


@pytest.mark.timeout(300)
def test_pages_of_an_analyst(visit):
    visitor = visit()
    visitor.sign_in("analyst@shop.example")

    assert flaws(visitor, ANALYST) == {}


@pytest.mark.timeout(300)
def test_pages_of_staff(visit):
    visitor = visit()
    visitor.sign_in("staff@shop.example")
    pages = [f"/admin/{model._meta.app_label}/{model._meta.model_name}/{model.objects.earliest('pk').pk}/change/"
             for model in (Order, Product, Category, User, Group, Event)]  # fmt: skip
    waiting = Product.objects.filter(is_active=True).earliest("pk")

    assert flaws(visitor, [*STAFF, *pages, f"/admin/catalog/product/{waiting.pk}/delete/"]) == {}
