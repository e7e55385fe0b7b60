"""Walking over the numbers of a report's page: each that counts or sums orders opens exactly these orders, each of
customers these customers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

from django.test import Client
from django.urls import reverse

# What a column or tile is of the orders, or customers, that it opens.
COUNT = {"orders", "counted", "mirrored", "status", "Orders", "Open now", "Counted orders"}
UNITS = {"units", "Units"}
AMOUNT = {"revenue", "previous", "spent", "amount", "mirrored_amount", "Revenue", "Amount"}
CUSTOMERS = {"new", "returning", "customers", "New customers", "Returning customers", "Customers"}
# In the report of orders of any status.
OF_COUNTED = ("Counted orders", "Revenue")
NAMES = COUNT | UNITS | AMOUNT | CUSTOMERS


@dataclass(frozen=True)
class Number:
    """A number of a page: table is "tile" for a key number; href is "" where nothing opens."""

    table: str
    part: str  # thead, tbody, tfoot
    name: str
    value: str
    href: str = ""

    @property
    def is_counting(self) -> bool:
        return self.name in NAMES or self.name.startswith("month-")

    @property
    def is_nothing(self) -> bool:
        return self.value in ("0", "0.00")


class _Page(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[Number] = []
        self.table = self.part = self.tag = self.label = ""
        self.columns: list[str] = []
        self.place = -1
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tag = tag
        if tag == "table":
            self.table = given["id"].removeprefix("table-")
            self.columns = []
        elif tag in ("thead", "tbody", "tfoot"):
            self.part = tag
        elif tag == "tr":
            self.place = -1
        elif "data-name" in given:
            self.columns.append(given["data-name"])
        elif tag in ("td", "th") and self.part != "thead" and self.table:
            self.place += 1
            name = self.columns[self.place]
            self.found.append(Number(self.table, self.part, name, given.get("data-plain", "")))
        elif given.get("class") == "tile-value":
            self.found.append(Number("tile", "", self.label, ""))
        elif tag == "a" and given.get("href", "").startswith("/reports/") and self._is_in_number:
            self._last(href=given["href"])

    def handle_endtag(self, tag: str) -> None:
        if tag == "table":
            self.table = ""

    def handle_data(self, data: str) -> None:
        if self.tag == "dt" and data.strip():
            self.label = data.strip()
        elif self._is_in_tile and not self.found[-1].value:
            self._last(value=data.strip().replace("$", "").replace(",", ""))

    @property
    def _is_in_tile(self) -> bool:
        return bool(self.found) and self.found[-1].table == "tile" and self.found[-1].name == self.label

    @property
    def _is_in_number(self) -> bool:
        return bool(self.found) and (self._is_in_tile or self.part in ("tbody", "tfoot"))

    def _last(self, **values: Any) -> None:
        self.found[-1] = replace(self.found[-1], **values)


def numbers(client: Client, name: str, query: str) -> list[Number]:
    """Every number of a report's page that counts or sums orders, or counts customers."""
    address = f"{reverse(f'reports:{name}')}?{query}"
    response = client.get(address)
    assert response.status_code == 200, address
    found = [number for number in _Page(response.content.decode()).found if number.is_counting]
    found = [number for number in found if number.value not in ("", "–") and (number.href or number.name != "status")]
    if name == "orders":
        # Its rows are the orders; its sums are of them.
        own = {each: replace(each, href=each.href or address) for each in found if each.name not in OF_COUNTED}
        return [own.get(number, number) for number in found if number.part != "tbody"]
    # Beside each number of PostgreSQL stands that of MongoDB, which opens the orders, and their difference.
    return [number for number in found if name != "trust" or number.name not in ("orders", "amount")]


class Walk:
    """Opens numbers; an address is asked once, however many numbers it is behind."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._listed: dict[str, list[dict[str, str]]] = {}

    def off(self, numbers: Iterable[Number]) -> list[Number]:
        """Those that open something else than they count, or nothing although there is something."""
        return [number for number in numbers if not (self._foots(number) if number.href else number.is_nothing)]

    def _foots(self, number: Number) -> bool:
        if number.href not in self._listed:
            page = self._client.get(f"{number.href}&format=csv").content.decode("utf-8-sig")
            self._listed[number.href] = list(csv.DictReader(io.StringIO(page)))
        listed, name = self._listed[number.href], number.name
        if name == "status":
            return {row["status"] for row in listed} <= {number.value}
        if name in UNITS:
            return sum(int(row["units"]) for row in listed) == int(number.value)
        if name in AMOUNT:
            return sum(Decimal(row["amount"]) for row in listed) == Decimal(number.value)
        return len(listed) == int(number.value)
