"""The reports in a browser: periods by key, charts drawn from the table, and everything without JavaScript."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from history.mirror import relay

REPORTS = ["sales", "products", "customers", "status", "retention", "orders", "trust"]


@pytest.fixture
def analyst(visit):
    # What the reports say has to stand still here.
    relay.drain()

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
