"""Changing what a pending order consists of and where it goes: first a plan to look at, then the change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.functional import cached_property

from catalog.models import Product, Reason
from orders import seen
from orders.models import Order, OrderItem
from orders.services import WHO_AND_WHY, NotForSale, OrderError, add_items, adjust_stock, checked_total, sign
from orders.shown import Shown, ShownLine, differences, lines_of
from orders.status import Status
from users.models import User


class NotEditable(OrderError):
    def __init__(self, order: Order) -> None:
        super().__init__(
            f"Order {order} is {order.get_status_display().lower()}: items and address change only while it is pending."
        )


class NothingDifferent(OrderError):
    def __init__(self, order: Order) -> None:
        super().__init__(f"Order {order} is like that already. Nothing was changed.")


class NothingLeft(OrderError):
    def __init__(self) -> None:
        super().__init__("An order has at least one item. To drop all of them, cancel the order.")


class InOrderAlready(OrderError):
    def __init__(self, product: Product) -> None:
        super().__init__(f"{product} is in this order already: change its quantity instead.")


class TotalMoved(OrderError):
    def __init__(self) -> None:
        super().__init__("A price has changed meanwhile: look at the new total before you confirm.")


class AddedChanged(OrderError):
    def __init__(self, changes: Sequence[str]) -> None:
        super().__init__(" ".join(["An added product has changed meanwhile: look at it before you confirm.", *changes]))


@dataclass(frozen=True)
class Wanted:
    """What an order shall become: quantities by order_item_id (0 takes the item out, an unnamed one stays as it is),
    products to add, and the new address (None: it stays)."""

    quantities: Mapping[int, int]
    added: Mapping[Product, int]
    address: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Line:
    """An item before and after: at the price as sold, or today's where it is added (then item is None)."""

    product_id: int
    name: str
    price: Decimal
    before: int
    after: int
    item: OrderItem | None = None


@dataclass(frozen=True)
class Plan:
    """What an edit would do; lines are all items, changed or not."""

    order: Order
    lines: list[Line]
    added: Mapping[Product, int]
    address: Mapping[str, Any] | None

    @cached_property
    def changed(self) -> list[Line]:
        return [line for line in self.lines if line.before != line.after]

    @property
    def is_empty(self) -> bool:
        return not self.changed and self.address is None

    @property
    def difference(self) -> Decimal:
        return self.total - self.order.total_amount

    @property
    def total(self) -> Decimal:
        """What the order would cost; whatever its total was beside its items (a discount, say) stays."""
        difference = sum(line.price * (line.after - line.before) for line in self.lines)
        return max(self.order.total_amount + difference, Decimal(0))

    def added_lines(self) -> list[ShownLine]:
        return lines_of(self.added.items())

    def shown(self) -> str:
        """What a page that shows the plan is to send back."""
        return Shown(self.order.customer_id, self.added_lines(), {}).signed()

    def stock_deltas(self) -> dict[int, int]:
        deltas: Counter[int] = Counter()
        for line in self.changed:
            deltas[line.product_id] += line.before - line.after
        return dict(deltas)


def plan_edit(order: Order, wanted: Wanted) -> Plan:
    """Return what the order would become; raises an OrderError for what no order can be."""
    items = list(order.items.order_by("order_item_id"))
    lines = [_kept(item, wanted.quantities.get(item.pk, item.quantity)) for item in items]
    there = {line.product_id for line in lines if line.after}
    for product, quantity in wanted.added.items():
        if product.pk in there:
            raise InOrderAlready(product)
        lines.append(Line(product.pk, product.name, product.price, 0, quantity))
    if retired := [product.name for product in wanted.added if not product.is_active]:
        raise NotForSale(retired)
    if not any(line.after for line in lines):
        raise NothingLeft
    address = wanted.address if wanted.address != order.shipping_address else None
    plan = Plan(order, lines, wanted.added, address)
    checked_total(plan.total)
    return plan


def short_of(plan: Plan) -> list[Product]:
    """Return the products of which an edit takes more than there is by now; the `stock` of each is what is left."""
    taken = {pk: -delta for pk, delta in plan.stock_deltas().items() if delta < 0}
    found = Product.objects.filter(pk__in=taken).order_by("name", "pk") if taken else []
    return [product for product in found if product.stock < taken[product.pk]]


@transaction.atomic
def edit_order(
    order: Order,
    wanted: Wanted,
    *,
    seen_rev: int,
    shown_total: Decimal,
    shown: Sequence[ShownLine] | None = None,
    reason: str,
    by: User,
    at: datetime,
) -> Order:
    """Change a pending order's items and address, its total with them, and return it; one event, stock included.

    shown_total, shown: what was confirmed, the total and the added products. Raises seen.MovedOn, NotEditable,
    NothingDifferent, AddedChanged, TotalMoved, OutOfStock,
    NotForSale or another OrderError of plan_edit; then nothing is written.
    """
    current = seen.lock_as_seen(order.pk, rev=seen_rev, reader=by)
    if current.status != Status.PENDING:
        raise NotEditable(current)
    plan = plan_edit(current, wanted)
    if plan.is_empty:
        raise NothingDifferent(current)
    if shown is not None and (changes := differences(shown, plan.added_lines())):
        raise AddedChanged(changes)
    if plan.total != shown_total:
        raise TotalMoved
    if current.holds_stock:
        adjust_stock(current, plan.stock_deltas(), reason=Reason.EDIT, by=by, at=at)
    _write(plan, by=by, at=at, reason=reason)
    current.refresh_from_db(fields=["rev"])
    return current


def _kept(item: OrderItem, quantity: int) -> Line:
    return Line(item.product_id, item.product_name, item.price, item.quantity, quantity, item)


def _write(plan: Plan, *, by: User, at: datetime, reason: str) -> None:
    """Write order and items; the order first, so that the items join its event."""
    order = plan.order
    sign(order, by=by, at=at, note=reason)
    order.total_amount = plan.total
    if plan.address is not None:
        order.shipping_address = dict(plan.address)
    order.save(update_fields=["total_amount", "shipping_address", *WHO_AND_WHY])
    set_quantities({line.item: line.after for line in plan.changed if line.item})
    add_items(order, list(plan.added), {product.pk: quantity for product, quantity in plan.added.items()})


def set_quantities(quantities: Mapping[OrderItem, int]) -> None:
    """Give items of an order these quantities, and take out those of 0; two statements at most."""
    for item, quantity in quantities.items():
        item.quantity = quantity
    kept = [item for item in quantities if item.quantity]
    gone = [item.pk for item in quantities if not item.quantity]
    if kept:
        OrderItem.objects.bulk_update(kept, ["quantity"])
    if gone:
        OrderItem.objects.filter(pk__in=gone).delete()
