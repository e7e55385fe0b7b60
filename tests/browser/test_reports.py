"""The reports in a browser: periods by key, charts drawn from the table, the way down to an order and back, paper, and
everything without JavaScript."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from django.core.management import call_command
from playwright.sync_api import expect

PAGES = ["/reports/", "/reports/sales/?period=all", "/reports/products/?period=all",
         "/reports/customers/?period=all", "/reports/status/?period=all",
         "/reports/retention/?period=all", "/reports/orders/", "/reports/trust/"]  # fmt: skip
REPORTS = ["sales", "products", "customers", "status", "retention", "orders", "trust"]


@pytest.fixture(scope="module")
def shop(open_shop):
    return open_shop(lambda: call_command("seed_demo"))


@pytest.fixture
def analyst(visit):
    def sign_in(**options):
        visitor = visit(**options)
        visitor.sign_in("analyst@shop.example")
        return visitor

    return sign_in


def table(page):
    """The values of the page's first table, row by row."""
    return page.evaluate(
        """() => [...document.querySelector('.report-table').tBodies[0].rows]
            .map(row => [...row.cells].map(cell => cell.dataset.plain))"""
    )


def test_keys_choose_the_period_and_the_chart_is_drawn_from_the_table(analyst):
    page = analyst().go("/reports/sales/?compare=none")
    page.keyboard.press("m")
    expect(page).to_have_url(re.compile("period=30d"))
    assert "compare=none" in page.url
    page.wait_for_load_state()

    drawn = page.evaluate("Chart.getChart(document.querySelector('.chart canvas')).data.datasets[0].data")

    column = page.evaluate(
        """() => [...document.querySelector('.report-table').tHead.rows[0].cells]
            .findIndex(cell => cell.dataset.name === 'revenue')"""
    )
    assert drawn == [float(row[column]) for row in sorted(table(page))]
    assert sum(drawn) > 0
    page.keyboard.press("c")
    expect(page.locator("#report-from")).to_be_focused()


def column(page, name):
    """The values of one column of the page's first table."""
    names = page.evaluate(
        "() => [...document.querySelector('.report-table').tHead.rows[0].cells].map(cell => cell.dataset.name)"
    )
    return [row[names.index(name)] for row in table(page)]


def arrive(page, address):
    """Wait until a page is there, all of it."""
    expect(page).to_have_url(address)
    page.wait_for_load_state()


def test_the_way_down_to_an_order_and_back_keeps_what_was_chosen(analyst):
    visitor = analyst()
    page = visitor.go("/reports/sales/")
    visitor.follow(page.get_by_role("link", name="90 days"))
    visitor.follow(page.get_by_role("link", name="the same days last year"))
    page.get_by_label("Status").select_option("Counted")
    visitor.follow(page.get_by_role("button", name="Show", exact=True))
    visitor.follow(page.get_by_role("columnheader", name="Revenue").get_by_role("link"))
    chosen = re.compile(r"(?=.*period=90d)(?=.*compare=year)(?=.*status=counted)(?=.*sort=-revenue)")
    arrive(page, chosen)
    address, sales = page.url, table(page)
    revenue, orders = column(page, "revenue"), column(page, "orders")

    visitor.follow(page.locator(".report-table tbody tr").first.locator("td[data-heading=Orders] a"))
    arrive(page, re.compile("/reports/orders/.*status=counted"))
    listed, amounts = column(page, "order"), column(page, "amount")
    page.locator(".report-table tbody th a").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Order {listed[0]}")
    total = page.locator(".report-table tfoot td").inner_text()

    assert len(listed) == int(orders[0]) > 0
    assert sum(map(Decimal, amounts)) == Decimal(revenue[0]) == max(map(Decimal, revenue))
    assert total.replace("$", "").replace(",", "") == amounts[0]
    page.go_back()
    arrive(page, re.compile("/reports/orders/.*status=counted"))
    page.go_back()
    arrive(page, address)
    assert table(page) == sales
    expect(page.get_by_role("link", name="the same days last year")).to_have_attribute("aria-current", "true")
    expect(page.get_by_role("link", name="90 days")).to_have_attribute("aria-current", "true")
    expect(page.get_by_label("Status")).to_have_value("counted")


LANDSCAPE = {"width": 964, "height": 700}  # a sheet of Letter, the narrower of the usual ones, without its margins
CUT = """() => [...document.querySelectorAll('.table-room, .tile')]
    .filter(room => room.scrollWidth > room.clientWidth).map(room => room.outerHTML.slice(0, 120))"""


def test_paper_has_every_column_and_nothing_to_click(analyst):
    page = analyst().page
    page.set_viewport_size(LANDSCAPE)
    page.emulate_media(media="print")

    for name in REPORTS:
        page.goto(f"/reports/{name}/?period=all")

        assert page.evaluate(CUT) == []
        expect(page.locator("main h1")).to_be_visible()
        for control in ("nav", ".report-bar", ".report-actions", ".table-head a", "footer", "header"):
            assert not any(each.is_visible() for each in page.locator(control).all()), control


@pytest.mark.timeout(300)
def test_without_javascript_every_number_is_there(analyst):
    plain, quick = analyst(javascript=False), analyst()

    for name in REPORTS:
        read = [
            (page.locator(".report-table").first.inner_text(), page.locator(".tile-value").all_inner_texts())
            for page in (visitor.go(f"/reports/{name}/?period=90d") for visitor in (plain, quick))
        ]
        assert read[0] == read[1]
        assert read[0][0].strip()


@pytest.mark.timeout(300)
def test_pages_of_an_analyst(analyst):
    assert analyst().flaws_of(PAGES) == {}
