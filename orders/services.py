"""Every write to orders and their items. One function, one transaction, one thing that happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from catalog import stock
from catalog.models import Product, ProductQuerySet, Reason
from orders.models import Mail, Order, OrderItem
from orders.shown import ShownLine, differences, lines_of
from orders.status import Status, allowed_after
from users.models import User

# The largest total that orders.total_amount holds is below this.
TOTAL_LIMIT = Decimal(10) ** 10

# What every change of an order carries on its row, for its event.
# By how much the clocks of web servers and database may differ; what is later lies in the future.
CLOCKS_DIFFER = timedelta(minutes=1)
WHO_AND_WHY = ("changed_by", "changed_by_name", "changed_at", "change_note")


class OrderError(Exception):
    """A refusal, worded for people; nothing was written."""


class NotForSale(OrderError):
    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)
        super().__init__(_("No longer for sale: {products}.").format(products=", ".join(names)))


class OutOfStock(OrderError):
    """products: each product there is too little of; its `stock` is what is left."""

    def __init__(self, products: Sequence[Product]) -> None:
        self.products = list(products)
        few, none = _("{product} (only {left} left)"), _("{product} (sold out)")
        told = [(few if p.stock else none).format(product=p.name, left=p.stock) for p in products]
        super().__init__(_("Not enough in stock: {products}.").format(products=", ".join(told)))


class NotActive(OrderError):
    def __init__(self) -> None:
        super().__init__(_("This account is not active any more. Nothing was ordered."))


class NoCustomer(NotActive):
    """There is no such account, or not any more."""


class OrderChanged(OrderError):
    """sentences: that it is not what its form showed, then how it differs."""

    def __init__(self, changes: Sequence[str]) -> None:
        head = _("Your order changed while this page was open. Nothing was ordered yet: check it and order again.")
        self.sentences = [head, *changes]
        super().__init__(" ".join(self.sentences))


class NotAsShown(OrderError):
    def __init__(self, order: Order) -> None:
        told = _("Order {order} changed while this page was open. Nothing was cancelled: decide again.")
        super().__init__(told.format(order=order))


class TotalChanged(OrderError):
    """total: what the order would cost today."""

    def __init__(self, total: Decimal) -> None:
        self.total = total
        super().__init__(_("A price changed while you were ordering. Nothing was ordered yet."))


class TotalTooLarge(OrderError):
    def __init__(self) -> None:
        super().__init__(_("This is more than one order can hold. Order less at a time."))


class KeyReused(OrderError):
    def __init__(self, order: Order) -> None:
        self.order = order
        told = _("Order {order} was placed already with this form. Nothing new was ordered.")
        super().__init__(told.format(order=order))


class ReferenceTaken(OrderError):
    def __init__(self, external_ref: str) -> None:
        super().__init__(_("Another order has the reference {reference}.").format(reference=external_ref))


class TransitionNotAllowed(OrderError):
    def __init__(self, order: Order, to: str) -> None:
        self.order = order
        allowed = allowed_after(order.status)
        steps = ", ".join(status.label.lower() for status in allowed)
        rest = _("Allowed now: {steps}.").format(steps=steps) if allowed else _("Its way ends there.")
        label = Status(to).label.lower() if to in Status.values else to
        told = _("Order {order} is {status} and cannot become {to}.")
        super().__init__(f"{told.format(order=order, status=order.get_status_display().lower(), to=label)} {rest}")


@dataclass(frozen=True)
class RequestedItem:
    product: Product
    quantity: int


def place_in_transaction(
    *,
    customer: User,
    items: Sequence[RequestedItem],
    key: str,
    at: datetime,
    shipping_address: Mapping[str, str] | None = None,
    shown: Sequence[ShownLine] | None = None,
    shown_total: Decimal | None = None,
    external_ref: str | None = None,
    by: User | str | None = None,
) -> Order:
    """Place an order at today's prices and return it; the same key returns the first order again.

    The caller is in a transaction, which any refusal must undo; place_order brings its own.
    items: at least one, each product once, quantity >= 1.
    key: idempotency key, unique per customer. at: aware datetime, kept as `created_at`.
    shown, shown_total: the lines and the total that the customer agreed to, where they were stated.
    by: who places it, or the name of what does; the customer unless said.
    Raises OutOfStock (which products, how many are left), NotForSale, NotActive where the customer was deactivated,
    NoCustomer where there is none, OrderChanged or TotalChanged where it is not what was shown, TotalTooLarge,
    ReferenceTaken where another order has the external_ref, or KeyReused where the key belongs to an order of other
    items; then nothing is written.
    """
    quantities, by = _quantities(items), by or customer
    account = _locked_account(customer)
    first = Order.objects.filter(customer=customer, idempotency_key=key).first()
    if first is not None:
        return _same_again(first, quantities)
    if not account.is_active:
        raise NotActive
    products = list(_locked(quantities).defer("description", "attributes"))
    _refuse_missing(products, quantities)
    total = _agreed_total(products, quantities, shown, shown_total)
    order = Order(customer_id=customer.pk, total_amount=total, idempotency_key=key, external_ref=external_ref)
    order.shipping_address = dict(shipping_address or {})
    order.created_at = order.changed_at = at
    order.changed_by, order.changed_by_name, order.holds_stock = stock.actor_id(by), str(by)[:200], True
    _insert(order)
    add_items(order, products, quantities)
    taken = {pk: -quantity for pk, quantity in quantities.items()}
    stock.move(taken, reason=Reason.SALE, by=by, at=at, order_id=order.pk)
    _queue_email(order)
    return order


place_order = transaction.atomic(place_in_transaction)


@transaction.atomic
def change_status(
    order: Order, *, to: str, by: User | str, at: datetime, note: str = "", expected_rev: int | None = None
) -> Order:
    """Take an order one step further and return it as it is now; a cancel gives its stock back.

    by: a user, or the name of what does it.
    Raises TransitionNotAllowed where the status table does not have the step, judged on the row as it is now, and
    NotAsShown where its revision is another one than expected.
    """
    current = Order.objects.select_for_update(no_key=True).get(pk=order.pk)
    if to not in allowed_after(current.status):
        raise TransitionNotAllowed(current, to)
    if expected_rev not in (None, current.rev):
        raise NotAsShown(current)
    current.status = to
    sign(current, by=by, at=at, note=note)
    gives_back = to == Status.CANCELLED and current.holds_stock
    current.holds_stock = current.holds_stock and not gives_back
    current.save(update_fields=["status", "holds_stock", *WHO_AND_WHY])
    if gives_back:
        _give_back_stock(current, by=by, at=at)
    current.refresh_from_db(fields=["rev"])
    _queue_email(current)
    return current


def cancel_order(order: Order, *, by: User, at: datetime, note: str = "", expected_rev: int | None = None) -> Order:
    """Cancel an order that has not been shipped; its stock is for sale again."""
    return change_status(order, to=Status.CANCELLED, by=by, at=at, note=note, expected_rev=expected_rev)


def _locked_account(customer: User) -> User:
    """One customer's orders go one after the other, so an order's key is either there or nobody else is writing it.

    Raises NoCustomer where there is no such account.
    """
    account = User.objects.select_for_update(no_key=True).only("is_active").filter(pk=customer.pk).first()
    if account is None:
        raise NoCustomer
    return account


def _insert(order: Order) -> None:
    """Raises ReferenceTaken where a live or an archived order has its external_ref."""
    if order.external_ref is None:
        order.save(force_insert=True)
        return
    with connection.cursor() as cursor:
        # The view of live and archived orders, so that an archived one can always be restored.
        cursor.execute("SELECT EXISTS (SELECT FROM every_order WHERE external_ref = %s)", [order.external_ref])
        if cursor.fetchone()[0]:
            raise ReferenceTaken(order.external_ref)
    try:
        with transaction.atomic():
            order.save(force_insert=True)
    except IntegrityError as error:  # another one was placed at the same moment
        if "external_ref" not in str(error):
            raise
        raise ReferenceTaken(order.external_ref) from error


def _same_again(first: Order, quantities: Mapping[int, int]) -> Order:
    if dict(first.items.values_list("product_id", "quantity")) != quantities:
        raise KeyReused(first)
    return first


def add_items(order: Order, products: Sequence[Product], quantities: Mapping[int, int]) -> None:
    """Add the products at their price and name, by one statement."""
    OrderItem.objects.bulk_create(
        OrderItem(
            order=order,
            product=product,
            quantity=quantities[product.pk],
            price=product.price,
            product_name=product.name,
            sku=product.sku,
        )
        for product in products
    )


def sign(order: Order, *, by: User | str, at: datetime, note: str) -> None:
    """Put who, when and why on the locked row, for the event of the change about to be saved."""
    order.changed_by = stock.actor_id(by)
    order.changed_by_name = str(by)[:200]
    # The database tells a signed change by a later changed_at; clocks of two web servers may disagree. A time that is
    # still to come was wrong: the database takes any other then.
    is_honest = order.changed_at <= timezone.now() + CLOCKS_DIFFER
    order.changed_at = max(at, order.changed_at + timedelta(microseconds=1)) if is_honest else at
    order.change_note = note


def _queue_email(order: Order) -> None:
    """Queue the customer's email about the status just reached; orders.mails sends it after the commit."""
    language = get_language() or settings.LANGUAGE_CODE
    Mail.objects.create(order=order, rev=order.rev, status=order.status, language=language)


def _quantities(items: Sequence[RequestedItem]) -> dict[int, int]:
    quantities = {item.product.pk: item.quantity for item in items}
    if not items or len(quantities) != len(items) or min(quantities.values()) < 1:
        raise ValueError("An order has at least one item, each product once, with a quantity of 1 or more.")
    return quantities


def _locked(quantities: Mapping[int, int]) -> ProductQuerySet:
    # In key order, as everywhere, so that two orders of the same products cannot wait for each other.
    return Product.objects.select_for_update(no_key=True).filter(pk__in=quantities).order_by("pk")


def adjust_stock(order: Order, deltas: Mapping[int, int], *, reason: Reason, by: User, at: datetime) -> None:
    """Move the stock of products, by key, for an order: below 0 is taken out, above put back.

    The caller is in a transaction. Raises NotForSale or OutOfStock for what is to be taken out.
    """
    taken = {pk: -delta for pk, delta in deltas.items() if delta < 0}
    products = list(_locked(deltas))
    _refuse_missing([product for product in products if product.pk in taken], taken)
    stock.move(deltas, reason=reason, by=by, at=at, order_id=order.pk)


def _refuse_missing(products: Sequence[Product], quantities: Mapping[int, int]) -> None:
    """Raise NotForSale or OutOfStock unless each of the quantities can be had of the locked products."""
    retired = [p.name for p in products if not p.is_active]
    if retired or len(products) < len(quantities):
        raise NotForSale(retired or [_("a product that does not exist any more")])
    short = [p for p in products if p.stock < quantities[p.pk]]
    if short:
        raise OutOfStock(short)


def _agreed_total(
    products: Sequence[Product],
    quantities: Mapping[int, int],
    shown: Sequence[ShownLine] | None,
    shown_total: Decimal | None,
) -> Decimal:
    """Return what these cost today. Raises OrderChanged or TotalChanged where something else was shown."""
    now = lines_of((product, quantities[product.pk]) for product in products)
    if shown is not None and (changes := differences(shown, now)):
        raise OrderChanged(changes)
    total = sum((product.price * quantities[product.pk] for product in products), Decimal(0))
    if shown_total not in (None, total):
        raise TotalChanged(total)
    return checked_total(total)


def checked_total(total: Decimal) -> Decimal:
    """Return a total that an order can have. Raises TotalTooLarge."""
    if total >= TOTAL_LIMIT:
        raise TotalTooLarge
    return total


def _give_back_stock(order: Order, *, by: User | str, at: datetime) -> None:
    quantities: Counter[int] = Counter()
    for product_id, quantity in order.items.values_list("product_id", "quantity"):
        quantities[product_id] += quantity
    list(_locked(quantities))
    stock.move(quantities, reason=Reason.CANCEL, by=by, at=at, order_id=order.pk)
