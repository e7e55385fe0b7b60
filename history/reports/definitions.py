"""What every number of the reports counts, once, in words for the page; and the arithmetic common to all."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from django.conf import settings

from history.reports.numbers import Numbers, ranked
from orders.status import WITHOUT_REVENUE

Definition = tuple[str, str]

ORDERS = (
    "Orders",
    "Placed in the period, by the moment of placing, whatever became of them; deleted ones are not there any more.",
)
COUNTED = (
    "Counted orders",
    "Orders that are not cancelled and not returned, as of now or of the past moment that is asked for.",
)
REVENUE = ("Revenue", "The total amounts of counted orders.")
UNITS = ("Units", "The quantities in counted orders.")
AVERAGE = ("Average order", "Revenue divided by counted orders.")
PREVIOUS = ("Previous", "Revenue of the days compared with, row by row.")
CHANGE = ("Change", "Against the period compared with; “new” where that had nothing.")
PRODUCT_REVENUE = ("Revenue of a product", "Price as sold × quantity, in counted orders.")
PRODUCT_ORDERS = (
    "Counted orders of a product",
    "Counted orders with the product in them. An order of two products counts for both, so the column has no total.",
)
SHARE = ("Share", "Of the revenue of all products shown.")
PRODUCTS_SOLD = ("Products sold", "Different products in counted orders.")
TOP_SHARE = ("Top share", "The share of the product with the most revenue.")
NEW = ("New customers", "Their first counted order ever falls in the period (in the row's days, in the table of days).")
RETURNING = ("Returning customers", "They have a counted order in the period and had one before it.")
REPEAT = ("Repeat rate", "Of the customers with a counted order in the period, those with two or more in it.")
SPENT = ("Spent", "The total amounts of the customer's counted orders in the period.")
FIRST_LAST = ("First and last", "The customer's first and last order placed in the period.")
AMOUNT = ("Amount", "The total amounts of these orders, whether they count as revenue or not.")
ORDER_UNITS = ("Units", "The quantities in these orders, whether they count as revenue or not.")
OPEN = ("Open now", "Pending, paid or shipped.")
SHARE_OF_ORDERS = ("Share of orders", "Orders in this status in percent of all orders shown.")
CANCELLED = ("Cancelled", "Cancelled orders in percent of orders.")
OLDEST = ("Oldest", "When the oldest of these orders was placed.")
AGE = ("Median age", "How long ago the middle one of these orders was placed; of an even number, the older one.")
TIMES = (
    "Time to pay, ship, deliver",
    "From placed to paid, paid to shipped, shipped to delivered, each the first time, where both times are known. "
    "Half of the orders took at most p50, nine of ten at most p90.",
)
COHORT = ("Cohort", "Customers by the month of their first counted order ever; the months that touch the period.")
ACTIVE = ("Month 1, 2, 3 …", "Customers of the cohort with a counted order in that calendar month after their first.")
SECOND = ("Second order", "Customers of the cohorts with a second counted order until now, in percent.")
SECOND_90 = ("Second within 90 days", "Those of them who placed it at most 90 days after the first.")
STORES = (
    "PostgreSQL and MongoDB",
    "Orders placed and their total amounts, asked of PostgreSQL now, beside what the reports have from MongoDB.",
)
DIFFERENCE = ("Difference", "MongoDB less PostgreSQL. What is still on its way shows here too, and is told above.")
PARKED = ("Parked", "Changes of orders that could not be delivered and wait with their error.")
LAG = (
    "Lag",
    "From the recording of a change to its delivery: of the last minute, and by hour of the last two days.",
)

CATEGORY = (
    "With a category or product",
    "Orders with such a product in them; units and amounts are of these products only, at the price as sold. "
    "The category is the product's of today.",
)

CENT = Decimal(1).scaleb(-settings.CURRENCY_DECIMALS)
TENTH = Decimal("0.1")


def is_counted(status: str) -> bool:
    return status not in WITHOUT_REVENUE


def money(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)


def share(part: Decimal | int, whole: Decimal | int) -> Decimal | None:
    """part in percent of whole, to a tenth; None of nothing."""
    if not whole:
        return None
    return (Decimal(part) * 100 / Decimal(whole)).quantize(TENTH, ROUND_HALF_UP)


def average(total: Decimal, count: int) -> Decimal | None:
    """total / count to the cent; None of nothing."""
    return (total / count).quantize(CENT, ROUND_HALF_UP) if count else None


def percentiles(values: Numbers, percents: Sequence[int]) -> list[int | None]:
    """For each the smallest of the values that so many percent of them do not exceed; None of nothing."""
    if not len(values):
        return [None for _ in percents]
    return [*ranked(values, [max(-(-len(values) * percent // 100), 1) - 1 for percent in percents])]


def tenths(value: Decimal | int, unit: int) -> Decimal:
    """value / unit to a tenth: minutes as hours, seconds as days."""
    return (Decimal(value) / unit).quantize(TENTH, ROUND_HALF_UP)
