"""From the search to the second order, as somebody new to the shop goes: with JavaScript and without."""

from __future__ import annotations

import re

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from orders.models import Order
from orders.services import change_status
from orders.status import Status
from users.models import User

PASSWORD = "correct-horse-battery"
ADDRESS = {"line1": "1 High Street", "postcode": "12345", "city": "Springfield", "country": "Utopia"}


class Newcomer:
    """Goes the way; every page passed has to be in order, light and wide, dark and narrow."""

    def __init__(self, visitor, shop, email):
        self.visitor, self.page, self.shop, self.email = visitor, visitor.page, shop, email

    def look(self):
        assert self.visitor.flaws_by_look() == {}
        self.visitor.dress(dark=False, width=1280)

    def press(self, name):
        self.page.locator("main").get_by_role("button", name=name).first.click()

    def find_and_take(self, word):
        self.visitor.go("/")
        self.look()
        self.page.get_by_role("searchbox").first.fill(word)
        self.visitor.follow(self.page.locator("header").get_by_role("button", name="Search").first)
        self.look()
        self.visitor.follow(self.page.locator("main .product-name a").first)
        self.look()
        self.press("Add to cart")
        expect(self.page.locator("#said")).to_contain_text("Added 1 ×")
        expect(self.page.locator("#cart-link .badge")).to_contain_text("1")
        self.visitor.follow(self.page.locator("#cart-link"))
        self.look()

    def sign_up(self):
        self.visitor.follow(self.page.get_by_role("link", name="Checkout"))
        self.look()
        self.visitor.follow(self.page.get_by_role("link", name="Create an account"))
        self.look()
        for name, value in {"name": "Nell", "email": self.email, "password1": PASSWORD}.items():
            self.page.locator(f"input[name={name}]").fill(value)
        self.press("Create account")
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Confirm your e-mail address")
        self.look()
        self.page.locator("input[name=code]").fill(self.shop.mailed_code())
        self.press("Confirm")
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Checkout")

    def order(self):
        """Fill in the checkout, unless the address is known by now; return the new order."""
        self.look()
        if self.page.locator("input[name=line1]").is_visible():
            for name, value in ADDRESS.items():
                self.page.locator(f"input[name={name}]").fill(value)
        self.press(re.compile("^Place order"))
        expect(self.page.get_by_role("heading", level=1)).to_contain_text("Thank you")
        self.look()
        self.visitor.follow(self.page.get_by_role("link", name="Track order"))
        self.look()
        return Order.objects.latest("pk")

    def sees(self, status):
        expect(self.page.locator("main .step.current .step-name")).to_have_text(status)

    def buy_again(self):
        self.press("Buy again")
        expect(self.page.locator("#said")).to_contain_text("Everything from that order is in your cart.")
        self.look()
        self.visitor.follow(self.page.get_by_role("link", name="Checkout"))

    def cancel(self):
        self.visitor.follow(self.page.get_by_role("link", name="Cancel order"))
        self.look()
        self.press("Cancel order")
        expect(self.page.locator("#said")).to_contain_text("is cancelled")
        self.look()


@pytest.fixture
def staff(shop):
    """Take an order a step further, as the order desk does."""
    clerk = User.objects.get(email="staff@shop.example")

    def step(order, to):
        return change_status(order, to=to, by=clerk, at=timezone.now())

    return step


@pytest.mark.timeout(300)
def test_the_whole_journey(visit, shop, staff):
    newcomer = Newcomer(visit(), shop, "nell@shop.example")

    newcomer.find_and_take("lamp")
    newcomer.sign_up()
    order = newcomer.order()
    newcomer.sees("Pending")
    newcomer.page.evaluate("window.isTheSamePage = true")
    for to in (Status.PAID, Status.SHIPPED, Status.DELIVERED):
        staff(order, to)
        newcomer.sees(str(to.label))
        expect(newcomer.page.locator("#live")).to_have_text(f"Status is now {to.label}")
    assert newcomer.page.evaluate("window.isTheSamePage")
    # It asks no more: nothing comes after this that it would wait for.
    assert newcomer.page.locator("[hx-trigger]").count() == 0
    newcomer.look()

    newcomer.buy_again()
    second = newcomer.order()
    assert second.pk != order.pk
    newcomer.cancel()
    newcomer.sees("Cancelled")
    assert Order.objects.get(pk=second.pk).status == Status.CANCELLED


@pytest.mark.timeout(300)
def test_the_whole_journey_without_javascript(visit, shop, staff):
    newcomer = Newcomer(visit(javascript=False), shop, "nora@shop.example")
    # What looks at a page is a script itself.
    newcomer.look = lambda: None

    newcomer.find_and_take("lamp")
    newcomer.sign_up()
    order = newcomer.order()
    staff(order, Status.PAID)
    newcomer.page.reload()
    newcomer.sees("Paid")
    newcomer.cancel()
    newcomer.buy_again()

    assert newcomer.order().pk != order.pk
