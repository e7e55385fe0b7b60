"""What an event changed, as the back office tells it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from history.timeline import TOLD


def told_changes(changes: dict[str, Any]) -> Iterator[str]:
    """Yield what an event changed, a line each: "total_amount: 10.00 → 12.00", "Lamp: 1 × 10.00 → none"."""
    for column, change in changes.items():
        if column == "items":
            yield from (f"{_item_name(old or new)}: {_item(old)} → {_item(new)}" for old, new in change)
        elif column == "total_amount":
            yield f"{column}: {_amount(change[0])} → {_amount(change[1])}"
        elif column == TOLD:
            yield "The customer sees this note."
        elif column not in ("order", "refunds"):  # the whole rows of a deleted order
            yield f"{column}: {change[0]} → {change[1]}"


def _item_name(item: dict[str, Any]) -> str:
    return str(item["product_name"] or f"product {item['product_id']}")


def _item(item: dict[str, Any] | None) -> str:
    return f"{item['quantity']} × {_amount(item['price'])}" if item else "none"


def _amount(number: float) -> str:
    # JSON has one kind of number: 10.00 came back as 10.0, which str() still tells exactly.
    return f"{Decimal(str(number)):.2f}"
