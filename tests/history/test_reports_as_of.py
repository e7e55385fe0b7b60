"""A report as of a past moment shows what it showed at that moment, and its causes make the difference to now."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.http import QueryDict
from django.utils import timezone

from catalog.models import Product
from history.mirror import relay
from history.reports import question
from history.reports.views import REPORTS
from orders.models import Order, OrderItem
from orders.status import Status
from tests.history.random_orders import place_random_orders
from tests.history.test_rollups_archived import archive

pytestmark = pytest.mark.django_db(transaction=True)

NAMES = ["sales", "products", "customers", "status", "retention", "orders"]
# What of a report's totals its causes have to sum to.
EXPLAINED = {
    "sales": {"orders": "orders", "counted": "counted", "units": "units", "revenue": "revenue"},
    "products": {"units": "units", "revenue": "revenue"},
    "customers": {"orders": "orders", "spent": "revenue"},
    "status": {"orders": "orders", "units": "units", "amount": "amount"},
    "orders": {"units": "units", "amount": "amount"},
}


def asked(query: dict[str, str], at: datetime) -> question.Question:
    parameters = QueryDict(mutable=True)
    parameters.update(query)
    return question.read(parameters, at)


def answer(name: str, asked: question.Question) -> dict:
    """Every value of a report: tiles with what they are compared with and their sparks, rows, totals."""
    report = REPORTS[name].ask(asked)
    told = {tile.label: (tile.value, tile.before, list(tile.spark)) for tile in report.tiles}
    for table in report.tables:
        table.add_names(table.rows)
        names = [column.name for column in table.columns]
        told[table.name] = sorted((row["key"], [row[name] for name in names]) for row in table.rows)
        told[f"{table.name} totals"] = {name: table.totals.get(name) for name in names}
    return told


def moment() -> datetime:
    """Now, to the millisecond, with nothing before or after it in the same one."""
    time.sleep(0.002)
    now = timezone.now()
    time.sleep(0.002)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


class Life:
    """Whatever may happen to orders, by services' way, by the ORM and by SQL, at the time it really happens."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.now = timezone.now()
        place_random_orders(25, around=self.days(), seed=seed)
        self.customers = list(Order.objects.values_list("customer_id", flat=True).distinct())
        self.products = list(Product.objects.all())
        self.archived: set[int] = set()

    def days(self) -> list[datetime]:
        return [self.now - timedelta(days=days) for days in (3, 10, 40, 100, 400)]

    def happen(self) -> None:
        steps = [self.place, self.sell, self.step, self.step, self.cancel, self.move, self.give, self.delete]
        step = self.chance.choice([*steps, self.edit, self.edit, self.swap, self.note])
        order = self.chance.choice(list(Order.objects.all()))
        with transaction.atomic():
            step(order)

    def place(self, _) -> None:
        """Whoever writes SQL may say that an order was placed long ago."""
        place_random_orders(1, around=self.days(), seed=self.chance.randrange(10**6))
        self.give(Order.objects.latest("pk"))

    def sell(self, _) -> None:
        order = Order.objects.create(customer_id=self.chance.choice(self.customers), total_amount=Decimal("12.34"))
        OrderItem.objects.create(order=order, product=self.product(), quantity=2, price=Decimal("6.17"))

    def product(self) -> Product:
        return self.chance.choice(self.products)

    def step(self, order) -> None:
        status = self.chance.choice(Status.values)
        by = {"changed_at": timezone.now(), "changed_by_name": "Ada"} if self.chance.random() < 0.5 else {}
        Order.objects.filter(pk=order.pk).update(status=status, **by)

    def cancel(self, order) -> None:
        order.status = self.chance.choice(["cancelled", "returned"])
        order.save()

    def move(self, order) -> None:
        at = self.chance.choice(self.days()) + timedelta(minutes=self.chance.randint(-4000, 4000))
        with connection.cursor() as cursor:
            cursor.execute("UPDATE orders SET created_at = %s WHERE order_id = %s", [at, order.pk])

    def give(self, order) -> None:
        Order.objects.filter(pk=order.pk).update(customer=self.chance.choice(self.customers))

    def delete(self, order) -> None:
        order.delete()

    def edit(self, order) -> None:
        OrderItem.objects.filter(order=order).update(quantity=self.chance.randint(1, 9))
        Order.objects.filter(pk=order.pk).update(total_amount=Decimal(self.chance.randint(0, 10**6)) / 100)

    def swap(self, order) -> None:
        """One item goes, two equal ones come, one goes to another order."""
        OrderItem.objects.filter(pk__in=OrderItem.objects.filter(order=order)[:1].values("pk")).delete()
        for _ in range(2):
            OrderItem.objects.create(order=order, product=self.product(), quantity=1, price=Decimal("3.10"))
        last = OrderItem.objects.filter(order=order).last()
        OrderItem.objects.filter(pk=last.pk).update(order=self.chance.choice(list(Order.objects.all())))

    def note(self, order) -> None:
        Order.objects.filter(pk=order.pk).update(changed_at=timezone.now(), change_note="Rang the customer")

    def archive(self) -> None:
        finished = Order.objects.exclude(status__in=["pending", "paid"]).values_list("pk", flat=True)
        chosen = self.chance.sample(sorted(finished), k=min(2, len(finished)))
        archive(chosen)
        self.archived.update(chosen)

    def query(self) -> dict[str, str]:
        first = self.now.date() - timedelta(days=self.chance.choice([2, 12, 60, 500]))
        period = self.chance.choice(
            [{"period": "today"}, {"period": "all"}, {"period": "year"}, {"from": f"{first}", "to": f"{self.now:%F}"}]
        )
        narrowed = self.chance.choice(
            [
                {},
                {},
                {"status": self.chance.choice(["counted", "open", "cancelled", "paid"])},
                {"category": str(self.product().category_id or 0)},
                {"product": str(self.product().pk), "status": "counted"},
                {"customer": str(self.chance.choice(self.customers))},
                {"first-from": f"{first}"},
            ]
        )
        return period | narrowed | {"compare": self.chance.choice(["previous", "year", "none"])}


def test_two_hundred_past_figures_are_those_of_the_moment_and_their_causes_sum(mirror):
    life = Life(7)
    saved = []
    for _ in range(20):
        for _ in range(life.chance.randint(2, 8)):
            life.happen()
        relay.drain()
        if life.chance.random() < 0.4:
            life.archive()
        at = moment()
        for number in range(10):
            name, query = NAMES[number % len(NAMES)], life.query()
            saved.append((name, query, at, answer(name, asked(query, at))))
    for _ in range(8):
        life.happen()
    relay.drain()
    now = moment()
    assert life.archived
    assert len(saved) == 200

    differing = 0
    for name, query, at, before in saved:
        then = asked(query | {"as_of": at.isoformat()}, now)
        assert answer(name, then) == before, (name, query, at)
        if name in EXPLAINED:
            differing += assert_causes_sum(name, then, before)
    assert differing > 100


def assert_causes_sum(name: str, then: question.Question, before: dict) -> bool:
    after = answer(name, replace(then, past=None))
    assert then.past
    causes = REPORTS[name].causes(then, then.past)
    for total, column in EXPLAINED[name].items():
        difference = after["rows totals"][total] - before["rows totals"][total]
        assert sum(row[column] for row in causes.rows) == causes.totals[column] == difference, (name, total)
    assert all(row["what"] for row in causes.rows)
    return bool(causes.rows)
