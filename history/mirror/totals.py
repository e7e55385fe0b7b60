"""Orders and money per day and status in both stores, counted while they are compared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from bson import Decimal128
from django.utils import timezone

from history.mirror.documents import Document
from history.models import ArchivedOrder


@dataclass
class Total:
    """Of one day and status: orders and money of PostgreSQL (archived ones by their stub), and of MongoDB."""

    orders: int = 0
    amount: Decimal = Decimal("0.00")
    mirrored_orders: int = 0
    mirrored_amount: Decimal = Decimal("0.00")

    @property
    def is_equal(self) -> bool:
        return (self.orders, self.amount) == (self.mirrored_orders, self.mirrored_amount)


@dataclass
class Totals:
    """by: (day as YYYY-MM-DD in the shop's zone, status). A tombstone belongs to no day."""

    by: dict[tuple[str, str], Total] = field(default_factory=lambda: defaultdict(Total))

    def add_both(self, truth: Document | ArchivedOrder) -> None:
        """Count an order that both stores have alike."""
        for total, amount in self._of(truth):
            total.orders += 1
            total.mirrored_orders += 1
            total.amount += amount
            total.mirrored_amount += amount

    def add(self, truth: Document | ArchivedOrder | None, held: list[Document]) -> None:
        """Count an order as each store has it."""
        for total, amount in self._of(truth) if truth else ():
            total.orders += 1
            total.amount += amount
        for document in held:
            for total, amount in self._of(document):
                total.mirrored_orders += 1
                total.mirrored_amount += amount

    def differing(self) -> list[tuple[str, str, Total]]:
        """(day, status, total) where the stores differ, by day."""
        return [(*bucket, total) for bucket, total in sorted(self.by.items()) if not total.is_equal]

    def _of(self, order: Document | ArchivedOrder) -> Iterator[tuple[Total, Decimal]]:
        """Its total and its amount; nothing where it has no day."""
        if isinstance(order, ArchivedOrder):
            amount = order.total_amount
            yield self._at(order.created_at, order.status), amount if amount.is_finite() else Decimal(0)
        elif isinstance(created_at := order.get("created_at"), datetime):
            yield self._at(created_at, str(order.get("status"))), _amount(order)

    def _at(self, created_at: datetime, status: str) -> Total:
        return self.by[timezone.localdate(created_at).isoformat(), status]


def _amount(document: Document) -> Decimal:
    """What a document says, 0 where somebody made it something that is no amount."""
    amount = document.get("total_amount")
    decimal = amount.to_decimal() if isinstance(amount, Decimal128) else Decimal(0)
    return decimal if decimal.is_finite() else Decimal(0)
