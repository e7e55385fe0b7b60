"""Whatever an address says, the answer is a sensible page and a note: never a 500, never somebody else's data."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.urls import reverse

from history.mirror import relay
from history.reports.views import REPORTS
from tests.history.random_orders import place_random_orders
from tests.history.report_page import PageTable, text

pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2024, 3, 15, 12, tzinfo=UTC)
PAGES = [reverse(f"reports:{name}") for name in REPORTS]

NOTED = [
    "period=nonsense&sort=nonsense&page=nonsense&by=nonsense&compare=nonsense&format=nonsense",
    "from=2024-13-99&to=x",
    "from=2024-03-09&to=2024-03-01",
    "from=0001-01-01&to=9999-12-31",
    "from=1969-12-31&to=2200-01-01",
    "from=9999-12-31",
    "period=%00&sort=%00&page=%00&by=%00&compare=%00&from=%00",
    "period=%FF%FE&sort=%C3%28&from=%ED%A0%80",
    "period=all%27%20OR%201=1--&sort=-revenue%3B%20DROP%20TABLE%20orders",
    "sort=-&page=-1",
    "page=99999999999999999999",
    "sort=key",
    "sort=__class__",
    "status=lost",
    "status={%22$ne%22:1}&customer={%22$gt%22:0}",
    "category=999999",
    "category=999999999999999999",
    "category=x&product=-1&customer=1.5",
    "product=99999999999999999999",
    "customer=%D9%A1%D9%A2",
    "first-from=2024-02-30&first-to=x",
    "status=%00&category=%00&product=%00&customer=%00&first-from=%00",
    "status=" + "9" * 5000,
]
# Nothing is wrong with these, however odd they are.
UNNOTED = [
    "status[$ne]=paid&period[$gt]=&from[$where]=sleep(9)",
    "first-from=0001-01-01&first-to=9999-12-31",
    "first-from=9999-12-31&first-to=0001-01-01",
    "from=1970-01-01&to=1970-01-01&compare=year",
    "from=2199-12-31&to=2199-12-31&compare=previous",
    "from=20240309&to=2024-W11-5",
    "product=999999999999999999&customer=999999999999999999",
    "from=2024-03-01&from=2024-03-02&to=2024-03-09&to=2024-03-08",
    "period=all&format=csv&table=%00",
    "period=all&table=nonsense&format[]=csv",
    "&&==&%&;;",
]


@pytest.fixture
def shop(mirror):
    place_random_orders(10, around=[NOON], seed=4)
    relay.drain()


@pytest.mark.parametrize("path", PAGES)
def test_nonsense_in_an_address_is_noted(analyst, shop, path):
    for query in NOTED:
        response = analyst.get(f"{path}?{query}")

        assert response.status_code == 200, query
        assert 'class="alert alert-warning"' in text(response), query
    assert all(analyst.get(f"{path}?{query}&format=csv").status_code == 200 for query in NOTED[::4])


@pytest.mark.parametrize("path", PAGES)
def test_oddities_in_an_address_are_answered(analyst, shop, path):
    for query in UNNOTED:
        assert analyst.get(f"{path}?{query}").status_code == 200, query


def test_no_operator_reaches_a_store(analyst, shop):
    everything = PageTable(text(analyst.get(f"{PAGES[5]}?period=all"))).rows

    for query in ("status[$ne]=paid", "customer[$gt]=0", 'status={"$ne":"paid"}', "customer=1%20OR%201=1"):
        assert PageTable(text(analyst.get(f"{PAGES[5]}?period=all&{query}"))).rows == everything


@pytest.mark.parametrize(
    "path",
    [
        "/reports/nothing/",
        "/reports/orders/0/",
        "/reports/orders/-1/",
        "/reports/orders/9223372036854775808/",
        "/reports/orders/" + "9" * 200 + "/",
        "/reports/trust/%00/",
        "/reports/trust/%FF/",
        "/reports/trust/2024-02-30/",
        "/reports/trust/0001-01-01/",
        "/reports/trust/9999-12-31/",
    ],
)
def test_what_is_not_there_is_not_found(analyst, mirror, path):
    assert analyst.get(path).status_code == 404


def test_reports_are_only_read(analyst, mirror):
    assert [analyst.post(path).status_code for path in PAGES] == [405] * len(PAGES)
    assert analyst.get(reverse("reports:trust-repair", args=["2024-03-15"])).status_code == 405
    assert analyst.post(reverse("reports:trust-repair", args=["2024-03-15"])).status_code == 403
