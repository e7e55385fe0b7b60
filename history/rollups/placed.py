"""One order as the rollup of its day needs it."""

from __future__ import annotations

from typing import NamedTuple

# What a column holds; the line that is worth more counts as this much.
MOST_CENTS = 2**63 - 1


class Placed(NamedTuple):
    """One order as a rollup needs it. cents, line_cents: money; created_at: epoch milliseconds; to_paid, to_shipped,
    to_delivered: minutes from the step before, None where not reached or not known.

    Of a counted order alone: cohort (month of the customer's first counted order, as YYYYMM), nth among the customer's
    counted orders, whether it is the first of its month, whether it came within 90 × 24 hours of the first.
    """

    order_id: int
    user_id: int
    status: str
    cents: int
    created_at: int
    product_ids: list[int] | None
    quantities: list[int] | None
    line_cents: list[int] | None
    to_paid: int | None
    to_shipped: int | None
    to_delivered: int | None
    cohort: int | None
    is_first_of_month: bool | None
    nth: int | None
    is_soon: bool | None
    is_archived: bool
