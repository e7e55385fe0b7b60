"""A web process without its pages: business steps through the services and plain SQL, each one in the client's log."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.db import Error, close_old_connections, connection, transaction
from django.utils import timezone

from catalog.models import Product
from orders.models import Order, OrderQuerySet
from orders.services import OrderError, RequestedItem, change_status, place_order
from orders.status import Status, allowed_after
from tests.faults import journal
from users.models import User

PAUSE = 0.015
# Steps are taken on the latest orders, so that both workers and the relays meet on the same ones.
RECENT = 30

# Which order an action changed, with the revision and the status it made; None where it was no order.
Action = Callable[[str], tuple[int, int, str] | None]


class _RolledBack(Exception):
    """Raised on purpose, to take a whole step back."""


class Web:
    """One worker; a later generation of it first asks again for what the killed one was about to place."""

    def __init__(self, name: str, generation: int, seed: str, path: Path) -> None:
        self._name = f"{name}.{generation}"
        self._chance = random.Random(f"{seed} {self._name}")
        self._unfinished = journal.last(path)
        self._journal = journal.Journal(path)
        self._steps = 0
        self._stopping = False
        self._again: dict[str, Any] | None = None
        self._kinds: dict[Action, int] = {
            self.place: 30,
            self.step: 45,
            self.sql: 9,
            self.items: 9,
            self.delete: 1,
            self.product: 3,
            self.rolled_back: 6,
        }

    def run(self) -> None:
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "_stopping", True))
        self._again = self._unfinished if (self._unfinished or {}).get("do") == "invoke" else None
        while not self._stopping:
            self._one()
            time.sleep(self._chance.uniform(0, 2 * PAUSE))

    def _one(self) -> None:
        [action] = self._chance.choices(list(self._kinds), list(self._kinds.values()))
        self._steps += 1
        op = f"{self._name}-{self._steps}"
        if self._again and self._again["kind"] == "place":
            action, op = self.place, self._again["op"]
        self._again = None
        self.do(action, op)

    def do(self, action: Action, op: str) -> None:
        """Take one step, with its line before and its line after it in the log."""
        self._journal.write(op, "invoke", kind=action.__name__)
        try:
            close_old_connections()
            made = action(op)
        except (OrderError, _RolledBack):
            self._journal.write(op, "fail")
        except Error:
            # Perhaps committed, perhaps not. A customer would press the button again.
            self._journal.write(op, "unknown")
            self._again = {"kind": action.__name__, "op": op}
            time.sleep(0.1)
        else:
            order, rev, status = made or (None, None, None)
            self._journal.write(op, "ok", order=order, rev=rev, status=status)
        finally:
            connection.close()

    def place(self, op: str) -> tuple[int, int, str]:
        # What is ordered follows from the op, as it would on a form sent twice.
        chance = random.Random(op)
        products = list(Product.objects.order_by("pk"))
        items = [RequestedItem(product, chance.randint(1, 3)) for product in chance.sample(products, 2)]
        customer = chance.choice(list(User.objects.filter(is_staff=False).order_by("pk")))
        order = place_order(customer=customer, items=items, key=op, at=timezone.now())
        return order.pk, 1, Status.PENDING

    def step(self, op: str) -> tuple[int, int, str]:
        """A step of the status table, now and then one that is not in it."""
        order = self._recent()
        to = self._chance.choice(allowed_after(order.status) or [Status.PAID])
        order = change_status(order, to=to, by=User.objects.filter(is_staff=True)[0], at=timezone.now(), note=op)
        return order.pk, order.rev, order.status

    def sql(self, op: str, among: OrderQuerySet | None = None) -> tuple[int, int, str]:
        """A change that sends no signal and asks for no mirror."""
        return self._execute(
            "UPDATE orders SET shipping_address = jsonb_build_object('op', %s::text) WHERE order_id = %s "
            "RETURNING order_id, rev, status",
            [op, self._recent(among).pk],
        )

    def items(self, op: str) -> tuple[int, int, str]:
        number = self._recent().pk
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "UPDATE order_items SET product_name = %s, quantity = quantity %% 5 + 1 WHERE order_item_id = "
                "(SELECT min(order_item_id) FROM order_items WHERE order_id = %s)",
                [op, number],
            )
            return self._execute("SELECT order_id, rev, status FROM orders WHERE order_id = %s", [number])

    def delete(self, op: str) -> tuple[int, int, str]:
        # Not one that its customer may still be asking for again.
        old = Order.objects.filter(created_at__lt=timezone.now() - timedelta(seconds=15))
        with transaction.atomic():
            signed = self.sql(op, old)
            Order.objects.filter(pk=signed[0]).delete()
        return signed

    def product(self, op: str) -> None:
        """What staff do in the back office; told of in the activity log."""
        with transaction.atomic():
            product = self._chance.choice(list(Product.objects.select_for_update().order_by("pk")))
            product.name = op
            product.save(update_fields=["name"])

    def rolled_back(self, op: str) -> tuple[int, int, str]:
        """A step that is refused only after everything was written."""
        with transaction.atomic():
            self._chance.choice([self.place, self.step, self.sql, self.items, self.product])(op)
            raise _RolledBack

    def _recent(self, among: OrderQuerySet | None = None) -> Order:
        orders = list((Order.objects.all() if among is None else among).order_by("-pk")[:RECENT])
        if not orders:
            raise _RolledBack
        return self._chance.choice(orders)

    def _execute(self, statement: str, values: list[object]) -> tuple[int, int, str]:
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            row = cursor.fetchone()
        if row is None:
            raise _RolledBack  # deleted by the other worker meanwhile
        return row
