"""What the order desk does beyond looking: finding orders, and taking one or many a step further."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from catalog.models import Product
from catalog.search import MOST_WORDS, has_words, named, query_of, words_of
from config.database.lookups import EqualsAny
from core.text import spellings
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
# Digits of a number that means an order and nothing else, if there is one.
SHORT_NUMBER = 3
TRIGRAM = 3
# The words that migration 0010 has indexes of.
ORDER_WORDS = "search_set(coalesce(external_ref, '') || ' ' || search_json(shipping_address))"
ITEM_WORDS = "search_set(product_name || ' ' || sku)"


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


@dataclass(frozen=True)
class Elsewhere:
    """Where else orders are found: by products that were in them, by a tsquery; at most MANY_ORDERS numbers."""

    with_products: Callable[[list[int]], Iterable[int]] = lambda products: ()
    with_words: Callable[[str], Iterable[int]] = lambda query: ()


def matching(orders: QuerySet[Any, Any], text: str, *, elsewhere: Elsewhere = Elsewhere()) -> QuerySet[Any, Any]:
    """Return those orders in which one thing has all words of text or, if there are none, things that have one each.

    Things are: the order's number (with or without #), our reference, the customer (a part of the name or email will
    do), the address, a product as sold or as it is called today (a part will do), and what is found elsewhere.
    A number of up to SHORT_NUMBER digits that is an order's means that order.

    orders: of any model with an order's fields.

    A word that fits thousands finds the orders of the newest MANY people and products, MANY_ORDERS at most, and words
    beyond the first MOST_WORDS are not looked for: the cost of a search has a bound."""
    parts = text.split()[:MOST_WORDS]
    if not parts:
        return orders
    exact = _exactly(" ".join(parts), orders.model)
    if exact and len(parts) == 1 and (parts[0].startswith("#") or len(parts[0]) <= SHORT_NUMBER):
        return orders.filter(EqualsAny("pk", exact))
    with _indexes_only():
        found = exact | _named_by(parts, orders.model, elsewhere) or _with_each(parts, orders.model, elsewhere)
    return orders.filter(EqualsAny("pk", found))


@contextmanager
def _indexes_only() -> Iterator[None]:
    """Have statements read the indexes of words: to split each row's text takes longer than the planner thinks."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        yield
        cursor.execute("SET LOCAL enable_seqscan = on")


def _with_each(parts: list[str], model: Any, elsewhere: Elsewhere) -> set[int]:
    """Return the orders that have each of the parts in some thing."""
    found: set[int] = set()
    for at, part in enumerate(parts if len(parts) > 1 else []):
        named = _exactly(part, model) | _named_by([part], model, elsewhere)
        found = found & named if at else named
        if not found:
            break
    return found


def _exactly(text: str, model: Any) -> set[int]:
    number = text.removeprefix("#")
    is_number = number.isascii() and number.isdigit() and len(number) < 19
    found = Q(external_ref=text) | Q(pk=int(number)) if is_number else Q(external_ref=text)
    return set(model.objects.filter(found).values_list("pk", flat=True))


def _named_by(parts: list[str], model: Any, elsewhere: Elsewhere) -> set[int]:
    """Return the orders that have all the parts in one thing."""
    words = words_of(" ".join(parts))
    query = query_of(words)
    # Trigrams need three letters; a number of fewer would be looked for in every row.
    is_long = any(len(part) >= TRIGRAM or not part.isdigit() for part in parts)
    products = _newest(Product.objects.filter(_in_each(parts, "name", "sku"))) if is_long else []
    products += _newest(named(Product.objects.all(), words)) if words else []
    # A union, because each part has an index of its own and an OR over these tables would use none of them.
    found: list[QuerySet[Any, Any]] = [
        OrderItem.objects.filter(EqualsAny("product_id", products)).values_list("order_id")
    ]
    if is_long:
        customers = _newest(User.objects.filter(_in_each(parts, "name", "email")))
        found.append(model.objects.filter(EqualsAny("customer_id", customers)).values_list("pk"))
    if words:
        found.append(Order.objects.filter(has_words(ORDER_WORDS, query)).values_list("pk"))
        found.append(OrderItem.objects.filter(has_words(ITEM_WORDS, query)).values_list("order_id"))
    first, *rest = (part[:MANY_ORDERS] for part in found)
    numbers = {pk for (pk,) in first.union(*rest, all=True)}
    return numbers.union(elsewhere.with_products(products), elsewhere.with_words(query) if words else ())


def _in_each(parts: list[str], *fields: str) -> Q:
    """Every part is in one of the fields."""
    found = Q()
    for part in parts:
        found &= reduce(or_, (Q(**{f"{field}__icontains": each}) for field in fields for each in spellings(part)))
    return found


def _newest(rows: QuerySet[Any, Any]) -> list[int]:
    return list(rows.order_by("-pk").values_list("pk", flat=True)[:MANY])
