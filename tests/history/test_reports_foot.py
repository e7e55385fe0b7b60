"""Every number that counts or sums orders opens exactly these orders; every number of customers these customers."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from html.parser import HTMLParser

import pytest
import time_machine
from django.urls import reverse

from catalog.models import Product
from history.mirror import relay
from tests.history.random_orders import place_random_orders
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2024, 3, 31, 12, tzinfo=UTC)
MOMENTS = [NOON, datetime(2024, 3, 3, 12, tzinfo=UTC), datetime(2023, 3, 20, 12, tzinfo=UTC)]

# What a column or tile is of the orders that it opens.
COUNT = {"orders", "counted", "mirrored", "status", "Orders", "Open now", "Counted orders"}
UNITS = {"units", "Units"}
AMOUNT = {"revenue", "previous", "spent", "amount", "mirrored_amount", "Revenue"}
CUSTOMERS = {"new", "returning", "customers", "New customers", "Returning customers", "Customers"}


@dataclass
class Opening:
    """A number of a page and the address behind it."""

    name: str
    value: str
    href: str


class _Page(HTMLParser):
    """The linked numbers of a report's tables and tiles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[Opening] = []
        self.columns: list[str] = []
        self.name = self.value = self.tag = ""
        self.is_tile = False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tag = tag
        if tag == "thead":
            self.columns = []
        elif tag == "tr":
            self.place = -1
        elif "data-name" in given:
            self.columns.append(given["data-name"])
        elif tag in ("td", "th") and self.columns:
            self.place += 1
            self.name, self.value, self.is_tile = self.columns[self.place], given.get("data-plain", ""), False
        elif given.get("class") == "tile-value":
            self.is_tile = True
        elif tag == "a" and self.name and given.get("href", "").startswith("/reports/"):
            self.found.append(Opening(self.name, "" if self.is_tile else self.value, given["href"]))

    def handle_data(self, data):
        if self.tag == "dt":
            self.name = data.strip() or self.name
        elif self.is_tile and self.tag == "a" and self.found and not self.found[-1].value:
            self.found[-1].value = data.strip().replace("$", "").replace(",", "")


@pytest.fixture
def shop(settings, mirror):
    settings.TIME_ZONE = "America/Sao_Paulo"
    with time_machine.travel(NOON, tick=False):
        place_random_orders(25, around=MOMENTS, seed=11)
        relay.drain()
        yield


def openings(client, path: str) -> list[Opening]:
    page = client.get(path).content.decode()
    return [opening for opening in _Page(page).found if opening.name in COUNT | UNITS | AMOUNT | CUSTOMERS
            or opening.name.startswith("month-")]  # fmt: skip


def foots(client, opening: Opening) -> bool:
    """Whether what the address lists makes the number."""
    listed = list(csv.DictReader(io.StringIO(client.get(f"{opening.href}&format=csv").content.decode())))
    name = opening.name
    if name == "status":
        return {row["status"] for row in listed} <= {opening.value}
    if name in UNITS:
        return sum(int(row["units"]) for row in listed) == int(opening.value)
    if name in AMOUNT:
        return sum(Decimal(row["amount"]) for row in listed) == Decimal(opening.value)
    return len(listed) == int(opening.value)


QUERIES = [
    "from=2024-03-01&to=2024-03-31&by=week&compare=year",
    "period=90d&by=month",
    "period=all&status=counted",
    "from=2023-03-01&to=2024-03-31&category={category}&by=month&compare=previous",
    "period=year&product={product}&customer={customer}",
    "period=year&status=cancelled",
    "period=year&by=month&first-from=2023-03-01&first-to=2023-04-01",
]


@pytest.mark.parametrize("name", ["sales", "products", "customers", "status", "retention", "orders", "trust"])
def test_every_number_opens_what_it_counts(analyst, shop, name):
    customer = User.objects.filter(orders__status="paid").first()
    product = Product.objects.exclude(category=None).first()
    off, walked = [], 0

    for query in QUERIES:
        asked = query.format(category=product.category_id, product=product.pk, customer=customer.pk)
        for opening in openings(analyst, f"{reverse(f'reports:{name}')}?{asked}"):
            walked += 1
            if not foots(analyst, opening):
                off.append((asked, opening))

    assert off == []
    assert walked > 10
