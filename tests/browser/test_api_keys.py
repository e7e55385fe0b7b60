"""Keys of the API in a browser, and the page that describes it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import PASSWORD


@pytest.mark.timeout(300)
def test_a_key_is_made_and_tried_in_the_description(visit, goods):
    clerk = visit()
    clerk.sign_in("staff@shop.example")
    page = clerk.go("/admin/users/apikey/add/")
    found = clerk.flaws_by_look()

    page.get_by_label("Name").fill("Warehouse")
    page.get_by_label("orders:read").check()
    clerk.follow(page.get_by_role("button", name="Save"))
    page.locator("input[name=password]").fill(PASSWORD)
    clerk.follow(page.locator("main button[type=submit]"))
    found |= clerk.flaws_by_look()
    key = page.locator(".key-text").inner_text()
    for link in ("I have copied it: back to the keys", "Warehouse", "Revoke"):
        clerk.follow(page.get_by_role("link", name=link, exact=True))
        found |= clerk.flaws_by_look()
    assert found == {}

    # The description is another's page: of it only the policy counts.
    clerk.dress(dark=False, width=1280)
    clerk.go("/api/v1/docs")
    page.get_by_role("button", name="Authorize").click()
    page.locator(".modal-ux input").fill(key)
    page.locator(".modal-ux").get_by_role("button", name="Apply credentials").click()
    page.locator(".modal-ux").get_by_role("button", name="Close").last.click()
    page.get_by_text("List products").click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    expect(page.locator(".live-responses-table .response .response-col_status").first).to_contain_text("200")
    assert clerk.faults == []
