"""Which orders of a period a report is about: the part of the address that narrows them.

?status= a status, "counted" or "open"; ?category= a category's number, 0 for none; ?product= a product's number, 0 for
any; ?customer= a customer's number; ?first-from= and ?first-to= the days between which the customer placed their first
counted order ever, which tells new customers, returning ones and cohorts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date

from catalog.models import Category, Product
from orders.status import OPEN, WITHOUT_REVENUE, Status
from users.models import User

COUNTED = "counted"
EVERY_STATUS = frozenset(Status.values)
STATUSES: dict[str, tuple[str, frozenset[str]]] = {
    COUNTED: ("Counted", EVERY_STATUS - frozenset(WITHOUT_REVENUE)),
    "open": ("Open", frozenset(OPEN)),
    **{status.value: (str(status.label), frozenset([status.value])) for status in Status},
}
ANY_PRODUCT = 0
NO_CATEGORY = 0
NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)


@dataclass(frozen=True)
class Filters:
    """Everything that narrows a period's orders; None and "" narrow nothing."""

    status: str = ""
    category: int | None = None
    product: int | None = None
    customer: int | None = None
    first_from: date | None = None
    first_to: date | None = None

    @property
    def is_of_items(self) -> bool:
        """Units and amounts are of some products, at the price as sold, and not of whole orders."""
        return self.category is not None or self.product is not None

    @property
    def is_of_statuses(self) -> bool:
        """Nothing but the status narrows."""
        return Filters(status=self.status) == self

    @property
    def is_of_first_days(self) -> bool:
        return self.first_from is not None or self.first_to is not None

    @property
    def has_all_counted(self) -> bool:
        """Every counted order of everybody is among them."""
        return self.is_of_statuses and self.status in ("", COUNTED)

    @property
    def statuses(self) -> frozenset[str]:
        return STATUSES[self.status][1] if self.status else EVERY_STATUS

    def query(self) -> dict[str, str]:
        """As the address has it."""
        given = {field.name.replace("_", "-"): getattr(self, field.name) for field in fields(self)}
        return {name: str(value) for name, value in given.items() if value not in ("", None)}

    def narrowed_to_counted(self) -> Filters | None:
        """The same for counted orders only; None where no such order can be."""
        statuses = self.statuses & STATUSES[COUNTED][1]
        if statuses == self.statuses:
            return self
        return replace(self, status=COUNTED) if statuses else None


def read(asked: Mapping[str, str]) -> tuple[Filters, list[str]]:
    """The filters of an address; what makes no sense is left out and noted."""
    notes: list[str] = []
    numbers = {name: _number(name, asked.get(name), notes) for name in ("category", "product", "customer")}
    if numbers["category"] and not Category.objects.filter(pk=numbers["category"]).exists():
        numbers["category"] = None
        notes.append("There is no such category: all are shown.")
    return Filters(
        status=_status(asked.get("status"), notes),
        first_from=_date(asked.get("first-from"), notes),
        first_to=_date(asked.get("first-to"), notes),
        **numbers,
    ), notes


def chips(filters: Filters) -> list[tuple[str, str]]:
    """(parameter, words) of each filter that the bar has no field for."""
    shown = []
    if filters.product is not None:
        shown.append(("product", _product_name(filters.product)))
    if filters.customer is not None:
        name = User.objects.filter(pk=filters.customer).values_list("name", flat=True).first()
        shown.append(("customer", f"Customer: {name or filters.customer}"))
    if filters.first_from:
        shown.append(("first-from", f"First order from {filters.first_from}"))
    if filters.first_to:
        shown.append(("first-to", f"First order until {filters.first_to}"))
    return shown


def _product_name(product_id: int) -> str:
    if product_id == ANY_PRODUCT:
        return "Any product, at prices as sold"
    name = Product.objects.filter(pk=product_id).values_list("name", flat=True).first()
    return f"Product: {name or product_id}"


def _number(name: str, text: str | None, notes: list[str]) -> int | None:
    if not text:
        return None
    if NUMBER.fullmatch(text):
        return int(text)
    notes.append(f"“{text[:40]}” is no number of a {name} and was ignored.")
    return None


def _status(text: str | None, notes: list[str]) -> str:
    if not text or text in STATUSES:
        return text or ""
    notes.append(f"“{text[:40]}” is no status and was ignored.")
    return ""


def _date(text: str | None, notes: list[str]) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        notes.append(f"“{text[:40]}” is no date like 2024-03-31 and was ignored.")
        return None
