"""What the order desk does beyond looking: finding orders, and taking one or many a step further."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from catalog.models import Product
from catalog.search import MOST_WORDS
from config.database.lookups import EqualsAny
from orders import seen
from orders.models import Order, OrderItem
from orders.services import OrderError, TransitionNotAllowed, change_status
from orders.status import Status
from users.models import User

# What the button for a step says; a return is no button, it says what came back (returns.py).
VERBS = {
    Status.PAID: "Mark paid",
    Status.SHIPPED: "Mark shipped",
    Status.DELIVERED: "Mark delivered",
    Status.CANCELLED: "Cancel order",
}
REFUSALS_TOLD = 10
# What a word of a search may mean at most.
MANY = 1000
MANY_ORDERS = 10_000


@transaction.atomic
def take_step(order: Order, *, seen_rev: int, to: str, by: User, at: datetime, note: str = "") -> Order:
    """Change an order's status as somebody decided who saw revision seen_rev, and return it as it is now.

    Raises seen.MovedOn where it has changed since then, TransitionNotAllowed where the status table has no such step,
    seen.Gone where it was archived or deleted meanwhile.
    """
    current = seen.lock_as_seen(order.pk, rev=seen_rev, reader=by)
    return change_status(current, to=to, by=by, at=at, note=note)


@dataclass
class Outcome:
    """What became of many orders: one entry each."""

    to: str
    done: list[Order] = field(default_factory=list)
    refused: list[OrderError] = field(default_factory=list)

    def __str__(self) -> str:
        text = f"{len(self.done)} {Status(self.to).label.lower()}"
        if not self.refused:
            return f"{text}."
        told = " ".join(str(error) for error in self.refused[:REFUSALS_TOLD])
        more = len(self.refused) - REFUSALS_TOLD
        skipped = f"{len(self.refused)} skipped ({self._reasons()})"
        return f"{text}, {skipped}: {told}{f' And {more} more.' if more > 0 else ''}"

    def _reasons(self) -> str:
        """What the skipped ones are: "cancelled", or "1 cancelled, 2 pending"."""
        counts = Counter(map(_reason, self.refused))
        if len(counts) == 1:
            return next(iter(counts))
        return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))


def _reason(error: OrderError) -> str:
    if isinstance(error, TransitionNotAllowed | seen.MovedOn):
        return error.order.get_status_display().lower()
    return "archived" if isinstance(error, seen.Archived) else "gone"


def take_each(
    orders: Iterable[Order], *, to: str, by: User, at: datetime, revisions: Mapping[int, int] | None = None
) -> Outcome:
    """Take each order a step further on its own: one that is refused holds up no other.

    revisions: by order, those that the page showed; an order that has another one now is refused.
    """
    outcome = Outcome(to)
    for order in orders:
        if order.is_archived:
            outcome.refused.append(seen.Archived(order.pk))
            continue
        try:
            shown = (revisions or {}).get(order.pk, order.rev)
            outcome.done.append(take_step(order, seen_rev=shown, to=to, by=by, at=at))
        except OrderError as error:
            outcome.refused.append(error)
    return outcome


def matching(
    orders: QuerySet[Any, Any], text: str, *, holding: Callable[[list[int]], Iterable[int]] = lambda products: ()
) -> QuerySet[Any, Any]:
    """Return those orders that the words of text name: a number (with or without #), the customer's mail or name,
    our reference, or a product in it by name or SKU as it is today. Every word has to fit.

    orders: of any model with an order's fields. holding: which orders, beside those that order_items tells, had one
    of these products in them.

    A word that fits thousands finds the orders of the newest MANY people and products, MANY_ORDERS at most, and words
    beyond the first MOST_WORDS are not looked for: the cost of a search has a bound."""
    named = [_named_by(word, orders.model, holding) for word in text.split()[:MOST_WORDS]]
    return orders.filter(EqualsAny("pk", set.intersection(*named))) if named else orders


def _named_by(word: str, model: Any, holding: Callable[[list[int]], Iterable[int]]) -> set[int]:
    number = word.removeprefix("#")
    is_number = number.isascii() and number.isdigit() and len(number) < 19
    # A union, because each part has an index of its own and an OR over these tables would use none of them.
    products = Product.objects.filter(sku__iexact=word)
    parts: list[QuerySet[Any, Any]] = [model.objects.filter(external_ref=word).values_list("pk")]
    if is_number:
        parts.append(model.objects.filter(pk=int(number)).values_list("pk"))
    else:
        customers = User.objects.filter(Q(email__icontains=word) | Q(name__icontains=word))
        parts.append(model.objects.filter(EqualsAny("customer_id", _newest(customers))).values_list("pk"))
        products = Product.objects.filter(Q(name__icontains=word) | Q(sku__iexact=word))
    product_ids = _newest(products)
    parts.append(OrderItem.objects.filter(EqualsAny("product_id", product_ids)).values_list("order_id"))
    return {pk for (pk,) in parts[0].union(*parts[1:])[:MANY_ORDERS]}.union(holding(product_ids))


def _newest(rows: QuerySet[Any, Any]) -> list[int]:
    return list(rows.order_by("-pk").values_list("pk", flat=True)[:MANY])
