"""Business steps and faults in any order that hypothesis can think of, against a plain model of both stores."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from history import faults
from history.mirror import documents, reconcile, relay, source, writer
from history.models import Event
from orders.models import Order, OrderItem
from orders.services import RequestedItem, TransitionNotAllowed, change_status, place_order
from orders.status import TRANSITIONS, Status
from tests.factories import ProductFactory, StaffFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

PRICE = Decimal("9.90")
# Which of the model's orders, counted from the latest.
which = st.integers(0, 3)


class Died(BaseException):
    """The relay's end at a fault point; what it had open in PostgreSQL is rolled back."""


class Machine(RuleBasedStateMachine):
    """The model keeps, of each order, what it was at each revision: (status, quantity)."""

    # The test's fixtures, in a dict: hypothesis asks every attribute whether it is a rule, and a collection says yes.
    given = {}
    keys = iter(range(10**9))

    def __init__(self):
        super().__init__()
        self.customer, self.staff = UserFactory(), StaffFactory()
        self.product = ProductFactory(price=PRICE, stock=10**6)
        self.orders = {}
        self.seen = {}
        self.old_documents = []

    def pick(self, number):
        return sorted(self.orders)[-1 - number % len(self.orders)]

    def has_orders(self):
        return bool(self.orders)

    def add(self, order, *, status=None, quantity=None):
        latest = self.orders[order][-1]
        self.orders[order].append((status or latest[0], latest[1] if quantity is None else quantity))

    @rule(quantity=st.integers(1, 5))
    def place(self, quantity):
        items = [RequestedItem(self.product, quantity)]
        key = f"model-{next(self.keys)}"
        placed = [place_order(customer=self.customer, items=items, key=key, at=timezone.now()).pk for _ in range(2)]
        assert placed[0] == placed[1]
        self.orders[placed[0]] = [("pending", quantity)]

    @precondition(has_orders)
    @rule(number=which, to=st.sampled_from(Status.values))
    def step(self, number, to):
        order = self.pick(number)
        status = self.orders[order][-1][0]
        if status == "deleted":
            return
        is_allowed = to in TRANSITIONS[Status(status)]
        try:
            change_status(Order(pk=order), to=to, by=self.staff, at=timezone.now())
        except TransitionNotAllowed:
            assert not is_allowed
        else:
            assert is_allowed
            self.add(order, status=to)

    @precondition(has_orders)
    @rule(number=which, quantity=st.integers(1, 5), is_taken_back=st.booleans())
    def change_items_by_sql(self, number, quantity, is_taken_back):
        order = self.pick(number)
        with suppress(ZeroDivisionError), transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("UPDATE order_items SET quantity = %s WHERE order_id = %s", [quantity, order])
            if is_taken_back:
                raise ZeroDivisionError
        status, before = self.orders[order][-1]
        if status != "deleted" and not is_taken_back and quantity != before:
            self.add(order, quantity=quantity)

    @precondition(has_orders)
    @rule(number=which)
    def delete(self, number):
        order = self.pick(number)
        if Order.objects.filter(pk=order).delete()[0]:
            self.add(order, status="deleted", quantity=0)

    @rule(limit=st.integers(1, 3))
    def deliver_some(self, limit):
        relay.deliver_batch(limit)

    @rule(point=st.sampled_from(faults.RELAY_POINTS), hit=st.integers(1, 3))
    def a_relay_dies(self, point, hit):
        def die():
            faults._hits_left -= 1
            if faults._hits_left <= 0:
                raise Died

        with self.given["patch"].context() as patch:
            patch.setattr(faults, "_pass", die)
            patch.setattr(faults, "_armed", point)
            patch.setattr(faults, "_hits_left", hit)
            with suppress(Died):
                relay.deliver_batch()

    @precondition(has_orders)
    @rule(number=which)
    def a_relay_reads_and_falls_asleep(self, number):
        self.old_documents += [documents.build(rows) for rows in source.read([self.pick(number)])]

    @precondition(lambda self: bool(self.old_documents))
    @rule()
    def it_wakes_up_and_writes(self):
        writer.write(self.given["mirror"], [self.old_documents.pop(0)])

    @invariant()
    def what_mongodb_has_was_true_at_its_revision(self):
        held = {each["order_id"]: each for each in self.given["mirror"].find({"order_id": {"$in": list(self.orders)}})}
        for order, document in held.items():
            assert document["rev"] >= self.seen.get(order, 0)
            status, quantity = self.orders[order][document["rev"] - 1]
            assert document["status"] == status
            assert [each["quantity"] for each in document["products"]] == ([quantity] if quantity else [])
            assert len(document["events"]) == document["rev"]
        assert self.seen.keys() <= held.keys()
        self.seen = {order: document["rev"] for order, document in held.items()}

    def teardown(self):
        relay.drain()
        assert not Event.objects.pending().exists()
        self.what_mongodb_has_was_true_at_its_revision()
        assert self.seen == {order: len(versions) for order, versions in self.orders.items()}
        assert reconcile.reconcile().differences == []
        assert OrderItem.objects.exclude(order__in=Order.objects.all()).count() == 0


def test_no_order_of_steps_and_faults_breaks_the_mirror(mirror, monkeypatch):
    Machine.given.update(mirror=mirror, patch=monkeypatch)

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=15,
            stateful_step_count=30,
            deadline=None,
            database=None,
            # A shorter story of the same failure would take minutes.
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
