"""What every number of the reports counts, once: for the pipelines, and in words for the page."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from orders.status import WITHOUT_REVENUE

ORDERS = (
    "Orders",
    "Placed in the period, by the moment of placing, whatever became of them; deleted ones are not there any more.",
)
COUNTED = ("Counted orders", "Orders that are not cancelled and not returned as of now.")
REVENUE = ("Revenue", "The total amounts of counted orders.")
UNITS = ("Units", "The quantities in counted orders.")
AVERAGE = ("Average order", "Revenue divided by counted orders.")
CHANGE = ("Change", "Against the period compared with; “new” where that had nothing.")
PRODUCT_REVENUE = ("Revenue of a product", "Price as sold × quantity, in counted orders.")
PRODUCT_ORDERS = (
    "Counted orders of a product",
    "Counted orders with the product in them. An order of two products counts for both, so the column has no total.",
)
SHARE = ("Share", "Of the revenue of all products in the period.")
SPENT = ("Spent", "The total amounts of the customer's counted orders in the period.")
FIRST_LAST = ("First and last", "The customer's first and last order placed in the period.")
AMOUNT = ("Amount", "The total amounts of the orders in this status, whether they count as revenue or not.")
OLDEST = ("Oldest", "When the oldest of these orders was placed.")

# The expressions below are read by MongoDB. Statuses are ours, never a customer's text.
IS_COUNTED: dict[str, Any] = {"$not": [{"$in": ["$status", list(WITHOUT_REVENUE)]}]}
ONLY_COUNTED: dict[str, Any] = {"status": {"$nin": list(WITHOUT_REVENUE)}}
REVENUE_OF_ORDER: dict[str, Any] = {"$cond": [IS_COUNTED, "$total_amount", 0]}
# $map, because the embedded server does not follow "$products.quantity" into the array.
QUANTITY_OF_ORDER: dict[str, Any] = {"$sum": {"$map": {"input": "$products", "as": "item", "in": "$$item.quantity"}}}
REVENUE_OF_ITEM: dict[str, Any] = {"$multiply": ["$products.price", "$products.quantity"]}

CENT = Decimal("0.01")
TENTH = Decimal("0.1")


def is_counted(status: str) -> bool:
    return status not in WITHOUT_REVENUE


def share(part: Decimal | int, whole: Decimal | int) -> Decimal | None:
    """part in percent of whole, to a tenth; None of nothing."""
    if not whole:
        return None
    return (Decimal(part) * 100 / Decimal(whole)).quantize(TENTH, ROUND_HALF_UP)


def average(total: Decimal, count: int) -> Decimal | None:
    """total / count to the cent; None of nothing."""
    return (total / count).quantize(CENT, ROUND_HALF_UP) if count else None
