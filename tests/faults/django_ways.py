"""Ways of writing an order through Django: its connection, models, services, fixtures and the back office."""

from __future__ import annotations

import json
import random
from contextlib import AbstractContextManager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import F
from django.forms import inlineformset_factory
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from orders.edits import Wanted, plan_edit
from orders.models import Order, OrderItem
from orders.services import RequestedItem, cancel_order, change_status, place_order
from orders.status import TRANSITIONS, Status
from tests.faults.ways import Made, People, Ways, by_database

ItemForms = inlineformset_factory(Order, OrderItem, fields=["product", "quantity", "price"], extra=1)


class DjangoWays(Ways):
    """All the ways of SQL, and Django's own."""

    name = "Django"

    def __init__(self, people: People, chance: random.Random, home: Path) -> None:
        super().__init__(people, chance)
        self._fixture = home / "orders.json"
        self._browser = Client(SERVER_NAME="localhost")
        self._browser.force_login(people.staff)

    def atomic(self) -> AbstractContextManager[Any]:
        return transaction.atomic()

    def execute(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def orders(self, number: int, **which: Any) -> list[Order]:
        return list(Order.objects.filter(pk__in=[order for order, _ in self.pick(number, **which)]))

    def service_places(self) -> Made:
        customer = self.customer()
        items = [RequestedItem(each, 1) for each in self.chance.sample(self.people.products, 2)]
        key = f"way-{next(self.people.keys)}"
        order = place_order(customer=customer, items=items, key=key, at=timezone.now())
        return [(order.pk, ("placed", "pending", customer.pk, str(customer)))]

    def service_steps(self) -> Made:
        staff, made = self.people.staff, []
        for order in self.orders(1, status=tuple(status for status, after in TRANSITIONS.items() if after)):
            to = TRANSITIONS[Status(order.status)][0]
            change_status(order, to=to, by=staff, at=timezone.now())
            made.append((order.pk, ("status", str(to), staff.pk, str(staff))))
        return made

    def service_cancels(self) -> Made:
        made = []
        for order in self.orders(1, status=("pending", "paid")):
            cancel_order(order, by=order.customer, at=timezone.now())
            made.append((order.pk, ("status", "cancelled", order.customer_id, str(order.customer))))
        return made

    def django_creates(self) -> Made:
        order = Order.objects.create(customer=self.customer(), total_amount=Decimal("5.00"))
        return [(order.pk, by_database("placed", "pending"))]

    def django_saves(self) -> Made:
        orders = self.orders(1)
        for order in orders:
            order.status = self.other_than(order.status)
            order.save()
        return [(order.pk, by_database("status", order.status)) for order in orders]

    def django_saves_a_note(self) -> Made:
        staff, orders = self.people.staff, self.orders(1)
        for order in orders:
            order.changed_by, order.changed_by_name = staff.pk, str(staff)
            order.changed_at, order.change_note = order.changed_at + timedelta(microseconds=1), "called"
            order.save(update_fields=["changed_by", "changed_by_name", "changed_at", "change_note"])
        return [(order.pk, ("note", order.status, staff.pk, str(staff))) for order in orders]

    def django_saves_unchanged(self) -> Made:
        for order in self.orders(1):
            order.save()
        return []

    def django_updates(self) -> Made:
        orders = self.orders(4)
        numbers = [order.pk for order in orders]
        Order.objects.filter(pk__in=numbers).update(total_amount=F("total_amount") + 1)
        return [(order.pk, by_database("edited", order.status)) for order in orders]

    def django_bulk_creates(self) -> Made:
        with self.atomic():
            orders = Order.objects.bulk_create(Order(customer=self.customer(), total_amount=3) for _ in range(3))
            OrderItem.objects.bulk_create(
                OrderItem(order=order, product=self.product(), quantity=1, price=3) for order in orders
            )
        return [(order.pk, by_database("placed", "pending")) for order in orders]

    def django_bulk_updates(self) -> Made:
        orders = self.orders(3)
        for order in orders:
            order.status = self.other_than(order.status)
        Order.objects.bulk_update(orders, ["status"])
        return [(order.pk, by_database("status", order.status)) for order in orders]

    def django_saves_an_item(self) -> Made:
        orders = self.orders(1, items=1)
        for order in orders:
            item = order.items.all()[0]
            item.quantity += 1
            item.save()
        return [(order.pk, by_database("items", order.status)) for order in orders]

    def django_changes_order_and_items(self) -> Made:
        orders = self.orders(1, items=1)
        with self.atomic():
            for order in orders:
                order.total_amount += 1
                order.save(update_fields=["total_amount"])
                order.items.update(quantity=F("quantity") + 1)
                order.items.create(product=self.product(), quantity=1, price=1)
        return [(order.pk, by_database("items", order.status)) for order in orders]

    def django_saves_an_inline(self) -> Made:
        """What the page of an order with its items as inlines does: change one, remove one, add one."""
        orders = self.orders(1, items=2)
        with self.atomic():
            for order in orders:
                items = list(order.items.order_by("pk"))
                rows = [(item.pk, item.product_id, item.quantity + 1, item.price) for item in items]
                forms = ItemForms(_inline(order, [*rows, ("", self.product().pk, 1, 2)]), instance=order)
                assert forms.is_valid(), forms.errors
                forms.save()
        return [(order.pk, by_database("items", order.status)) for order in orders]

    def django_deletes(self) -> Made:
        orders = self.orders(1)
        made = [(order.pk, by_database("deleted", order.status)) for order in orders]
        for order in orders:
            order.delete()
        return made

    def django_deletes_many(self) -> Made:
        orders = self.orders(2)
        Order.objects.filter(pk__in=[order.pk for order in orders]).delete()
        return [(order.pk, by_database("deleted", order.status)) for order in orders]

    def django_loads_data(self) -> Made:
        """A fixture that changes an order there is and brings a new one with an item."""
        made, rows = [], []
        for order in self.orders(1):
            made.append((order.pk, by_database("status", self.other_than(order.status))))
            rows.append({"model": "orders.order", "pk": order.pk, "fields": _fields(order.customer_id, made[-1][1][1])})
        [(new,)] = self.execute("SELECT nextval(pg_get_serial_sequence('orders', 'order_id'))")
        made.append((new, by_database("placed", "paid")))
        rows.append({"model": "orders.order", "pk": new, "fields": _fields(self.customer().pk, "paid")})
        item = {"order": new, "product": self.product().pk, "quantity": 1, "price": "9.00"}
        rows.append({"model": "orders.orderitem", "fields": item | {"product_name": "Loaded", "sku": ""}})
        self._fixture.write_text(json.dumps(rows))
        call_command("loaddata", self._fixture, verbosity=0)
        return made

    def admin_marks_selected(self) -> Made:
        """Of the selected orders those that are pending are paid; the others are told about."""
        orders, staff = self.orders(3), self.people.staff
        if orders:
            selected = {"action": "mark_paid", "_selected_action": [order.pk for order in orders]}
            self._post(reverse("admin:orders_order_changelist"), selected)
        return [(order.pk, ("status", "paid", staff.pk, str(staff))) for order in orders if order.status == "pending"]

    def admin_takes_a_step(self) -> Made:
        staff, made = self.people.staff, []
        for order in self.orders(1, status=("pending", "paid", "shipped")):
            to = str(TRANSITIONS[Status(order.status)][0])
            self._post(reverse("admin:orders_order_status", args=[order.pk]), {"to": to, "rev": order.rev, "note": "x"})
            made.append((order.pk, ("status", to, staff.pk, str(staff))))
        return made

    def admin_edits(self) -> Made:
        staff, made = self.people.staff, []
        for order in self.orders(1, status=("pending",), items=1):
            item = order.items.all()[0]
            plan = plan_edit(order, Wanted({item.pk: item.quantity + 1}, {}))
            typed = {f"quantity_{item.pk}": item.quantity + 1, "rev": order.rev}
            confirmed = {**typed, "confirmed": 1, "shown_total": plan.total}
            self._post(reverse("admin:orders_order_edit", args=[order.pk]), confirmed)
            made.append((order.pk, ("items", "pending", staff.pk, str(staff))))
        return made

    def admin_takes_items_back(self) -> Made:
        staff, made = self.people.staff, []
        for order in self.orders(1, status=("shipped", "delivered"), items=2):
            came = {f"quantity_{order.items.all()[0].pk}": 1, "rev": order.rev, "reason": "broken", "confirmed": 1}
            self._post(reverse("admin:orders_order_return", args=[order.pk]), came)
            made.append((order.pk, ("items", order.status, staff.pk, str(staff))))
        return made

    def admin_writes_notes(self) -> Made:
        staff, made = self.people.staff, []
        for order in self.orders(2):
            for kind, audience in (("note", "internal"), ("edited", "customer")):
                words = {"text": f"for {audience}", "audience": audience, "rev": order.rev}
                self._post(reverse("admin:orders_order_note", args=[order.pk]), words)
                made.append((order.pk, (kind, order.status, staff.pk, str(staff))))
        return made

    def _post(self, url: str, data: dict[str, Any]) -> None:
        response = self._browser.post(url, data)
        assert response.status_code == 302, (url, response.status_code)


def _fields(customer: int, status: str) -> dict[str, Any]:
    now = timezone.now().isoformat()
    row = {"customer": customer, "total_amount": "9.00", "status": status, "created_at": now, "changed_at": now}
    return row | {"changed_by": None, "changed_by_name": "database", "change_note": "", "shipping_address": {}}


def _inline(order: Order, rows: list[tuple[Any, ...]]) -> dict[str, Any]:
    """A posted inline: its second row is to be removed, its last one is new."""
    data: dict[str, Any] = {
        "items-TOTAL_FORMS": len(rows),
        "items-INITIAL_FORMS": len(rows) - 1,
        "items-1-DELETE": "on",
    }
    for number, values in enumerate(rows):
        names = ("order_item_id", "product", "quantity", "price")
        data |= {f"items-{number}-{name}": value for name, value in zip(names, values, strict=True)}
        data[f"items-{number}-order"] = order.pk
    return data
