"""Every page in a browser: readable by everyone, light and dark, wide and narrow, nothing refused by the policy."""

from __future__ import annotations

import pytest

from orders.models import Order

# Light at 320 has the colours of the first and the room of the last.
LOOKS = [(False, 1280), (True, 1280), (True, 320)]

GUEST = ["/", "/search/?q=lamp", "/search/?q=nothinglikethis", "/cart/", "/account/login/", "/account/signup/",
         "/account/password/reset/", "/nowhere/"]  # fmt: skip
ANALYST = ["/reports/", "/reports/sales/?period=all", "/reports/products/?period=all",
           "/reports/customers/?period=all", "/reports/status/?period=all",
           "/reports/retention/?period=all", "/reports/orders/", "/reports/trust/"]  # fmt: skip


@pytest.fixture(scope="module")
def shop(demo_shop):
    return demo_shop


def flaws(visitor, paths):
    """What is wrong with each page in each look."""
    found = {}
    for path in paths:
        visitor.go(path)
        found |= visitor.flaws_by_look(LOOKS)
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
