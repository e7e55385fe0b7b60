"""Orders that live at random, and what each was at moments in between: what a look back has to show again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from django.db import connection, transaction
from django.utils import timezone

from history import mongo
from history.mirror import relay
from history.mirror.documents import milliseconds
from history.mirror.source import parse
from history.models import ArchivedOrder
from history.past.find import present
from history.past.standing import Standing, standing
from orders.models import Order, OrderItem
from orders.returns import RETURNABLE, Returned, return_items
from orders.services import change_status
from orders.status import Status
from tests.factories import StaffFactory
from tests.history.random_orders import place_random_orders
from tests.history.test_reports_as_of import Life, moment

# Of every order by number: its columns, its items and its refunds, in turn.
Snapshot = dict[int, tuple[object, ...]]

READ = """
SELECT order_id, user_id, status, total_amount, created_at, external_ref, shipping_address::text,
    (SELECT array_agg(ARRAY[order_item_id::text, product_id::text, quantity::text, price::text, product_name, sku]
        ORDER BY order_item_id) FROM order_items i WHERE i.order_id = o.order_id),
    (SELECT array_agg(ARRAY[refund_id::text, amount::text] ORDER BY refund_id) FROM refunds r
        WHERE r.order_id = o.order_id)
FROM orders o
"""


class BusyLife(Life):
    """With addresses, returns and steps of the services too; the orders it works on are drawn without reading all."""

    def __init__(self, seed: int, orders: int) -> None:
        super().__init__(seed)
        place_random_orders(orders - Order.objects.count(), around=self.days(), seed=seed + 1)
        self.staff = StaffFactory()

    def happen(self) -> None:
        order = Order.objects.get(pk=self.other())
        more = [self.readdress, self.readdress, self.give_back, self.give_back, self.serve, self.edit, self.swap]
        steps = [self.place, self.step, self.move, self.give, self.note, *more]
        with transaction.atomic():
            self.chance.choice([*steps, self.delete] if self.chance.random() < 0.3 else steps)(order)

    def place(self, _) -> None:
        place_random_orders(1, around=self.days(), seed=self.chance.randrange(10**6))

    def swap(self, order) -> None:
        OrderItem.objects.filter(pk__in=OrderItem.objects.filter(order=order)[:1].values("pk")).delete()
        for _ in range(2):
            OrderItem.objects.create(order=order, product=self.product(), quantity=1, price=Decimal("3.10"))
        last = OrderItem.objects.filter(order=order).last()
        OrderItem.objects.filter(pk=last.pk).update(order=self.other())

    def archive(self) -> None:
        super().archive()
        for stub in ArchivedOrder.objects.filter(sha256=""):
            document = mongo.for_writing().find_one({"order_id": stub.pk})
            ArchivedOrder.objects.filter(pk=stub.pk).update(sha256=document["digest"])

    def other(self) -> int:
        return self.chance.choice(list(Order.objects.values_list("pk", flat=True)))

    def readdress(self, order) -> None:
        address = {"name": f"Ada {self.chance.randint(1, 9)}", "city": self.chance.choice(["Graz", "Linz"]), "floor": 3}
        Order.objects.filter(pk=order.pk).update(shipping_address=address)

    def serve(self, order) -> None:
        if order.status == Status.SHIPPED:
            change_status(order, to=Status.DELIVERED, by=self.staff, at=timezone.now())

    def give_back(self, order) -> None:
        if order.status not in RETURNABLE:
            Order.objects.filter(pk=order.pk).update(status=Status.DELIVERED)
            order.refresh_from_db()
        items = list(order.items.all())
        if sum(item.quantity for item in items) > 1:
            wanted = {items[0].pk: Returned(1, restock=False)}
            return_items(order, wanted, seen_rev=order.rev, reason="Too green", by=self.staff, at=timezone.now())


def snapshot() -> Snapshot:
    """Every live order, read by SQL."""
    with connection.cursor() as cursor:
        cursor.execute(READ)
        return {order_id: _cut(row) for order_id, *row in cursor.fetchall()}


def _cut(row: Sequence) -> tuple[object, ...]:
    user, status, total, created_at, ref, address, items, refunds = row
    return (user, status, total, milliseconds(created_at), ref, parse(address), items or [], refunds or [])


def shown(past: Standing | None) -> tuple[object, ...] | None:
    """What a look back shows, as a snapshot has it."""
    if past is None:
        return None
    names = ("order_item_id", "product_id", "quantity", "price", "product_name", "sku")
    items = [[f"{item[name]}" for name in names] for item in past.items]
    refunds = [[f"{each['refund_id']}", f"{each['amount']}"] for each in past.refunds]
    order = past.order
    columns = ("user_id", "status", "total_amount", "created_at", "external_ref", "shipping_address")
    return (*(order[name] for name in columns), items, refunds)


def differing(orders: int, moments: int, steps: int, seed: int) -> tuple[int, list[str]]:
    """Let so many orders live, take a snapshot at each moment, and return how many looks back were compared with
    them, and those that show something else or doubt. A tenth of the finished orders is archived on the way."""
    life = BusyLife(seed, orders)
    taken: list[tuple[datetime, Snapshot]] = []
    left: Snapshot = {}
    for _ in range(moments):
        for _ in range(steps):
            life.happen()
        at = moment()
        taken.append((at, left | snapshot()))
        relay.drain()
        before, archived = snapshot(), set(life.archived)
        life.archive()
        left |= {number: before[number] for number in life.archived - archived}
    for _ in range(steps):
        life.happen()
    numbers = sorted(set[int]().union(*(each for _, each in taken)) | set(Order.objects.values_list("pk", flat=True)))
    found = []
    for number in numbers:
        document = present(number)
        assert document is not None
        for at, then in taken:
            past = standing(document, at)
            if shown(past) != then.get(number) or (past and past.doubts):
                found.append(f"{number} at {at}: {then.get(number)} shown as {shown(past)} {past and past.doubts}")
    return len(numbers) * len(taken), found
