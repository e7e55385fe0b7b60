"""Five hundred edits, returns, notes and steps at random: original + changes = current, to the cent, everywhere."""

from __future__ import annotations

import random
from collections import Counter
from decimal import Decimal
from itertools import count

import pytest
from django.db.models import Sum
from django.http import QueryDict
from django.utils import timezone

from catalog.models import Product
from history import changes, order_events
from history.mirror import relay
from history.mirror.reconcile import reconcile
from history.models import Event
from history.mongo import Document
from history.reports import question
from history.reports.views import REPORTS
from orders import edits, returns
from orders.models import Order, OrderItem, Refund
from orders.notes import add_note
from orders.services import OrderError, RequestedItem, change_status, place_order
from orders.status import WITHOUT_REVENUE, Status, allowed_after
from tests.factories import ProductFactory, StaffFactory, UserFactory
from tests.history.rollup_truth import assert_rollups_are_true

pytestmark = pytest.mark.django_db(transaction=True)

DECISIONS = 500


class Desk:
    """A clerk who decides anything about any order; refused counts what was not possible."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.clerk = StaffFactory(name="Kim")
        self.products = [ProductFactory(price=self._price(), stock=60) for _ in range(8)]
        self.stock = {product.pk: product.stock for product in self.products}
        self.numbers = count()
        customers = UserFactory.create_batch(3)
        self.original = {
            order.pk: order.total_amount for order in [self._place(self.chance.choice(customers)) for _ in range(60)]
        }
        self.done: Counter[str] = Counter()

    def decide(self) -> None:
        order = Order.objects.get(pk=self.chance.choice(list(self.original)))
        does = self.chance.choices([self._edit, self._return, self._note, self._step], [6, 5, 3, 3])[0]
        # What was sold keeps its price.
        Product.objects.filter(pk=self.chance.choice(self.products).pk).update(price=self._price())
        try:
            does(order)
            self.done[does.__name__] += 1
        except OrderError:
            self.done["refused"] += 1

    def _place(self, customer):
        products = self.chance.sample(self.products, 3)
        items = [RequestedItem(product, self.chance.randint(1, 2)) for product in products]
        return place_order(customer=customer, items=items, key=f"key-{next(self.numbers)}", at=timezone.now())

    def _edit(self, order):
        quantities = {item.pk: self.chance.randint(0, 3) for item in order.items.all()}
        added = {Product.objects.get(pk=self.chance.choice(self.products).pk): self.chance.randint(1, 2)}
        wanted = edits.Wanted(quantities, added if self.chance.random() < 0.4 else {})
        total = edits.plan_edit(order, wanted).total
        signed = {"by": self.clerk, "at": timezone.now()}
        edits.edit_order(order, wanted, seen_rev=order.rev, shown_total=total, reason="wished", **signed)

    def _return(self, order):
        wanted = {
            item.pk: returns.Returned(self.chance.randint(0, item.quantity), self.chance.random() < 0.5)
            for item in order.items.all()
        }
        signed = {"by": self.clerk, "at": timezone.now()}
        returns.return_items(order, wanted, seen_rev=order.rev, reason="broken", **signed)

    def _note(self, order):
        for_customer = self.chance.random() < 0.5
        signed = {"by": self.clerk, "at": timezone.now()}
        add_note(order, text=f"{next(self.numbers)}", to_customer=for_customer, seen_rev=order.rev, **signed)

    def _step(self, order):
        # Seldom a cancel: too little would be left to decide about.
        steps = [to for to in allowed_after(order.status) if to != Status.CANCELLED or self.chance.random() < 0.1]
        if not steps or steps[0] == Status.RETURNED:
            raise OrderError
        change_status(order, to=steps[0], by=self.clerk, at=timezone.now())

    def _price(self) -> Decimal:
        return Decimal(self.chance.randint(1, 9_999)).scaleb(-2)


def test_original_and_changes_make_the_current_total_everywhere(mirror):
    seed = random.randrange(10**6)
    print(f"{seed=}")  # shown if the test fails
    desk = Desk(seed)
    decided = 0
    # Until each kind was made more than ten times: by chance one of them may be rare.
    while decided < DECISIONS or (decided < 10 * DECISIONS and _rarest(desk) <= 10):
        desk.decide()
        decided += 1
    relay.drain()

    orders = list(Order.objects.with_items().order_by("pk"))
    assert desk.done.total() == decided
    assert _rarest(desk) > 10, desk.done
    documents = {document["order_id"]: document for document in mirror.find()}
    for order in orders:
        # As sold + what came back of it, too.
        refunds = returns.refunds_of(order)
        events = list(Event.objects.of_order(order.pk))
        lost = sum(refund.amount for refund in refunds if not refund.is_last)
        sold = sum(item.subtotal for item in returns.items_as_sold(list(order.items.all()), refunds))
        assert sold == order.total_amount + lost == sum(item.subtotal for item in order.items.all()) + lost
        for told in (events, order_events.events_of(order)):
            assert [event.rev for event in told] == list(range(1, order.rev + 1))
            found = changes.since_placed(order, told, customer_id=order.customer_id)
            amounts = [change.amount for change in found.changes] if found else []
            assert desk.original[order.pk] + sum(amounts) == order.total_amount
        assert_mirrored(order, refunds, documents[order.pk])
    assert reconcile().differences == []
    assert_rollups_are_true()
    assert_reported(orders)
    assert_stock_is_accounted_for(desk)


def _rarest(desk: Desk) -> int:
    return min(desk.done[name] for name in ("_edit", "_return", "_note", "_step"))


def assert_mirrored(order: Order, refunds: list[Refund], document: Document) -> None:
    """The document has the order's items at the prices as sold, its total, and every refund of it."""
    products = [(each["product_id"], each["quantity"], each["price"].to_decimal()) for each in document["products"]]
    assert products == [(item.product_id, item.quantity, item.price) for item in order.items.all()]
    assert document["total_amount"].to_decimal() == order.total_amount
    assert [each["amount"].to_decimal() for each in document["refunds"]] == [refund.amount for refund in refunds]
    assert document["status"] == order.status


def assert_reported(orders: list[Order]) -> None:
    """Every report that says money says the money of the orders in PostgreSQL."""
    counted = [order for order in orders if order.status not in WITHOUT_REVENUE]
    revenue = sum(order.total_amount for order in counted)
    units = sum(item.quantity for order in counted for item in order.items.all())
    sold = sum(item.subtotal for order in counted for item in order.items.all())
    asked = question.read(QueryDict("period=all&compare=none"), timezone.now())

    told = {name: REPORTS[name].ask(asked).table for name in ("sales", "products", "customers", "orders")}

    assert (told["sales"].totals["revenue"], told["sales"].totals["units"]) == (revenue, units)
    assert (told["products"].totals["revenue"], told["products"].totals["units"]) == (sold, units)
    assert told["customers"].totals["spent"] == revenue
    assert {row["key"]: row["amount"] for row in told["orders"].rows} == {
        order.pk: order.total_amount for order in orders
    }


def assert_stock_is_accounted_for(desk: Desk) -> None:
    """What is on the shelf, with the customers, or came back and stays off the shelf is what there was at first."""
    there = dict(Product.objects.values_list("pk", "stock"))
    returned = Refund.objects.filter(is_last=True).values("order_id")
    away = OrderItem.objects.exclude(order__status=Status.CANCELLED).exclude(order__in=returned)
    gone = Counter(dict(away.values_list("product_id").annotate(sum=Sum("quantity"))))
    for refund in Refund.objects.all():
        gone.update({item["product_id"]: item["quantity"] for item in refund.items if not item["restocked"]})
    assert {pk: there[pk] + gone[pk] for pk in there} == desk.stock
