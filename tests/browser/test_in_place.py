"""What changes in place where there is JavaScript: the same pages, without leaving them."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.goods import stock_few_goods


@pytest.fixture(scope="module")
def shop(open_shop):
    return open_shop(stock_few_goods)


@pytest.fixture
def visitor(visit):
    return visit()


@pytest.fixture
def page(visitor):
    return visitor.page


def test_filters_change_the_list_alone_and_the_address_with_it(page):
    page.goto("/")
    page.evaluate("window.isTheSamePage = true")
    choice = page.locator("#filters-body a", has_text="In stock only")
    choice.focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"\?in_stock=on"))
    expect(page.locator(".chips")).to_contain_text("In stock")
    expect(choice).to_be_focused()
    expect(choice).to_have_attribute("aria-current", "true")
    expect(page.locator("#live")).to_contain_text("products")

    page.locator("#filters-body a").nth(1).click()
    expect(page).to_have_url(re.compile(r"/c/[a-z-]+/\?in_stock=on"))
    name = page.locator("#filters-body a[aria-current] span").first.inner_text()
    expect(page.locator("h1")).to_have_text(name)
    expect(page.locator("#crumbs")).to_contain_text(name)
    expect(page).to_have_title(re.compile(name))
    page.locator(".sorts a", has_text="Price: low to high").click()
    expect(page.locator(".sorts a[aria-current]")).to_have_text("Price: low to high")
    assert page.evaluate("window.isTheSamePage")

    page.go_back()
    expect(page.locator(".sorts a[aria-current]")).to_have_text("Newest")
    page.go_back()
    expect(page.locator("h1")).to_have_text("All products")


def test_on_a_phone_the_filters_stay_open_until_they_are_closed(visit):
    page = visit(width=320).page
    page.goto("/")
    page.get_by_role("button", name="Filters", exact=True).click()
    page.locator("#filters-body a", has_text="In stock only").click()
    expect(page.locator(".chips")).to_contain_text("In stock")
    expect(page.locator("#filters")).to_be_visible()

    page.get_by_role("button", name="Close filters").click()

    expect(page.locator("#filters")).to_be_hidden()
    page.locator("main .product-name a").first.click()
    expect(page).to_have_url(re.compile("/p/"))


def test_the_cart_fills_and_changes_without_leaving_the_page(visitor, page):
    page.goto("/?in_stock=on")
    page.evaluate("window.isTheSamePage = true")
    add = page.locator(".product-add").first
    for count in ("1", "2"):
        add.focus()
        page.keyboard.press("Enter")
        expect(page.locator("#cart-link .badge")).to_contain_text(count)
        expect(page.locator("#said")).to_contain_text("Added 1 ×")
        expect(add).to_be_focused()
    assert page.evaluate("window.isTheSamePage")

    visitor.follow(page.locator("#cart-link"))
    page.evaluate("window.isTheSamePage = true")
    page.locator("input[name=quantity]").first.fill("1")
    page.get_by_role("button", name="Update").click()
    expect(page.locator("#said")).to_contain_text("quantity is 1 now")
    expect(page.locator("#cart-link .badge")).to_contain_text("1")
    page.get_by_role("button", name=re.compile("^Remove")).click()
    expect(page.get_by_text("Your cart is empty")).to_be_visible()
    expect(page.locator("#live")).to_contain_text("Removed")
    expect(page.locator("#cart-link .badge")).to_have_count(0)
    page.get_by_role("button", name=re.compile("^Undo")).click()
    expect(page.locator("#cart-link .badge")).to_contain_text("1")
    assert page.evaluate("window.isTheSamePage")


def test_without_a_connection_it_is_said(visit, shop):
    visitor = visit()
    page = visitor.go("/")
    visitor.page.context.set_offline(True)
    page.locator(".product-add").first.click()

    expect(page.locator("#warned")).to_contain_text("no connection")
    assert visitor.faults
    visitor.faults.clear()


def test_pages_turn_in_place_and_read_in_german_as_in_english(visit):
    visitor = visit()
    page = visitor.go("/")
    page.locator(".pagination a[rel=next]").click()
    expect(page).to_have_url(re.compile(r"\?page=2$"))
    expect(page.locator("#found")).to_be_in_viewport()
    page.get_by_role("button", name="Deutsch").click()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    # The page that was in sight, not the one it came with.
    expect(page.locator(".pagination [aria-current]")).to_have_text("Seite 2")
    page.locator(".product-add").first.click()
    expect(page.locator("#said")).to_contain_text("hinzugefügt")

    for path in ("/", "/cart/", "/account/signup/"):
        visitor.go(path)
        assert visitor.flaws_by_look() == {}


def test_what_was_typed_is_there_in_the_other_language(page):
    page.goto("/account/signup/")
    page.locator("[name=name]").fill("Ada Lovelace")
    page.locator("[name=password1]").fill("1234")
    page.locator("[name=email]").fill("ada@shop.example")
    page.locator("main button[type=submit]").click()
    expect(page.locator("#error-summary, .is-invalid").first).to_be_visible()

    page.get_by_role("button", name="Deutsch").click()

    expect(page).to_have_title(re.compile("Konto anlegen"))
    expect(page.locator("[name=name]")).to_have_value("Ada Lovelace")
    expect(page.locator("[name=email]")).to_have_value("ada@shop.example")
    expect(page.locator("[name=password1]")).to_have_value("")
    page.goto("/account/signup/")
    expect(page.locator("[name=name]")).to_have_value("")
