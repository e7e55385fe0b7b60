"""Taking items of an order back: what comes back, what is refunded for it, what goes on sale again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from catalog.models import Reason
from orders import seen
from orders.edits import set_quantities
from orders.models import Order, OrderItem, Refund
from orders.services import WHO_AND_WHY, OrderError, adjust_stock, change_status, sign
from orders.status import Status
from users.models import User

RETURNABLE = (Status.SHIPPED, Status.DELIVERED)


class NotReturnable(OrderError):
    def __init__(self, order: Order) -> None:
        super().__init__(
            f"Order {order} is {order.get_status_display().lower()}: items come back once they were shipped."
        )


class NotDeliveredYet(OrderError):
    def __init__(self, order: Order) -> None:
        super().__init__(f"Everything of order {order} comes back: mark it delivered first, then take it back.")


class NotThatMany(OrderError):
    def __init__(self, item: OrderItem | None) -> None:
        super().__init__(
            f"Of {item.product_name} only {item.quantity} can come back." if item else "An item is not in this order."
        )


class NothingReturned(OrderError):
    def __init__(self) -> None:
        super().__init__("Say of at least one item how many came back.")


@dataclass(frozen=True)
class Returned:
    """How many of one item came back, and whether they go on sale again."""

    quantity: int
    restock: bool


@dataclass(frozen=True)
class Plan:
    """What a return would do; items: those that come back."""

    order: Order
    items: Mapping[OrderItem, Returned]
    is_last: bool  # nothing of the order is left

    @property
    def amount(self) -> Decimal:
        """What is refunded: the price as sold, but not more than the order costs; in the end, what it still costs."""
        if self.is_last:
            return self.order.total_amount
        worth = sum((item.price * returned.quantity for item, returned in self.items.items()), Decimal(0))
        return min(worth, self.order.total_amount)

    @property
    def total(self) -> Decimal:
        """What is left to pay."""
        return self.order.total_amount - self.amount


def plan_return(order: Order, wanted: Mapping[int, Returned]) -> Plan:
    """Return what would come back, by order_item_id; raises an OrderError for what cannot."""
    if order.status not in RETURNABLE:
        raise NotReturnable(order)
    every = {item.pk: item for item in order.items.order_by("order_item_id")}
    coming = {item_id: returned for item_id, returned in wanted.items() if returned.quantity}
    if not coming:
        raise NothingReturned
    for item_id, returned in coming.items():
        item = every.get(item_id)
        if item is None or not 0 < returned.quantity <= item.quantity:
            raise NotThatMany(item)
    items = {every[item_id]: returned for item_id, returned in sorted(coming.items())}
    left = sum(item.quantity for item in every.values()) - sum(each.quantity for each in items.values())
    if not left and order.status != Status.DELIVERED:
        raise NotDeliveredYet(order)
    return Plan(order, items, is_last=not left)


@transaction.atomic
def return_items(
    order: Order, wanted: Mapping[int, Returned], *, seen_rev: int, reason: str, by: User, at: datetime
) -> Refund:
    """Take items back (by order_item_id) and return the refund's record; one event, stock included.

    A part lowers the order's items and total. All that is left of a delivered order makes it returned; items and
    total then stay, as a cancel leaves them. Raises seen.MovedOn or an OrderError of plan_return: nothing is written.
    """
    current = seen.lock_as_seen(order.pk, rev=seen_rev, reader=by)
    plan = plan_return(current, wanted)
    amount = plan.amount
    items = [_as_sold(item, returned) for item, returned in plan.items.items()]
    if plan.is_last:
        change_status(current, to=Status.RETURNED, by=by, at=at, note=reason)
    else:
        _lower(plan, by=by, at=at, reason=reason)
    _restock(plan, by=by, at=at)
    return Refund.objects.create(
        order=current,
        amount=amount,
        items=items,
        reason=reason,
        is_last=plan.is_last,
        refunded_by=by.pk,
        refunded_by_name=str(by),
        refunded_at=at,
    )


def refunds_of(order: Order) -> list[Refund]:
    """Return the order's refunds, oldest first; asks only where there can be any."""
    if order.status not in (*RETURNABLE, Status.RETURNED):
        return []
    return sorted(order.refunds.all(), key=lambda refund: refund.pk)


def items_as_sold(items: Sequence[OrderItem], refunds: Sequence[Refund]) -> list[OrderItem]:
    """Return what was sold, never saved: the items of today and what came back of them."""
    sold = {item.pk: item for item in items}
    for refund in refunds:
        for entry in [] if refund.is_last else refund.readable_items:
            item_id = entry["order_item_id"]
            there = sold.get(item_id)
            sold[item_id] = OrderItem(
                order_item_id=item_id,
                product_id=entry["product_id"],
                product_name=entry["product_name"],
                sku=entry["sku"],
                price=Decimal(entry["price"]),
                quantity=entry["quantity"] + (there.quantity if there else 0),
            )
    return [sold[item_id] for item_id in sorted(sold)]


def _lower(plan: Plan, *, by: User, at: datetime, reason: str) -> None:
    """Take the items out of the order; the order is written first, so that they join its event."""
    order = plan.order
    order.total_amount = plan.total
    sign(order, by=by, at=at, note=reason)
    order.save(update_fields=["total_amount", *WHO_AND_WHY])
    set_quantities({item: item.quantity - returned.quantity for item, returned in plan.items.items()})


def _restock(plan: Plan, *, by: User, at: datetime) -> None:
    back: Counter[int] = Counter()
    for item, returned in plan.items.items():
        if returned.restock:
            back[item.product_id] += returned.quantity
    if back:
        adjust_stock(plan.order, back, reason=Reason.RETURN, by=by, at=at)


def _as_sold(item: OrderItem, returned: Returned) -> dict[str, object]:
    return {
        "order_item_id": item.pk,
        "product_id": item.product_id,
        "product_name": item.product_name,
        "sku": item.sku,
        "quantity": returned.quantity,
        "price": str(item.price),
        "restocked": returned.restock,
    }
