"""Filling an empty database with the demo shop: the same shop on every machine, its days counted back from today."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.utils import timezone
from psycopg.types.json import Jsonb

from catalog.models import Product
from history.demo import catalogue, lives, people, rhythm
from history.demo.catalogue import DemoProduct
from history.demo.lives import DemoOrder
from history.demo.people import DemoCustomer
from history.imports import book, staging, writer
from history.imports.writer import Bar, Written, silent
from history.triggers import capture_off
from users.models import User

SEED = 2024
CUSTOMERS = 200
ORDERS = 3_000
DAYS = 396  # thirteen months
STAFF_ROLE, ANALYST_ROLE = "Manager", "Analyst"


class NotEmpty(Exception):
    """There are users or products already; nothing was written."""


@dataclass(frozen=True)
class DemoShop:
    customers: list[DemoCustomer]
    products: list[DemoProduct]
    orders: list[DemoOrder]
    start: datetime


def is_empty() -> bool:
    return not (User.objects.exists() or Product.objects.exists())


def invent(now: datetime) -> DemoShop:
    """Return the shop as it stood at the midnight before `now`, the same for every moment of a day."""
    random = Random(SEED)  # noqa: S311 (not for secrets)
    end = timezone.localtime(now, timezone.get_default_timezone()).replace(hour=0, minute=0, second=0, microsecond=0)
    first = end.date() - timedelta(days=DAYS)
    start = end - timedelta(days=DAYS)
    products = catalogue.products()
    customers = people.customers(random, CUSTOMERS, start, end)
    orders = lives.of_demo_customer(random, customers[0], products, end)
    moments = rhythm.moments(random, ORDERS - len(orders), first, DAYS)
    orders += lives.some(random, customers[1:], products, moments, end)
    orders.sort(key=lambda order: order.steps[0].at)
    return DemoShop(customers, products, orders, start)


def seed(*, now: datetime, bar: Bar = silent) -> Written:
    """Write the demo shop in one transaction; raises NotEmpty, or ImportRunning where somebody else is writing."""
    shop = invent(now)
    with capture_off(), connection.cursor() as cursor:
        staging.begin(cursor)
        if not is_empty():
            raise NotEmpty
        _create_accounts(shop)
        _stage_customers(cursor, shop.customers[1:])
        writer.write_users(cursor)
        _stage_products(cursor, shop)
        _stage_orders(cursor, shop.orders)
        staging.analyze(cursor)
        written = writer.write(cursor, keep_refs=False, bar=bar)
        written.users = User.objects.count()
    book.finish()
    return written


def _create_accounts(shop: DemoShop) -> None:
    """Create the three accounts that one can sign in with."""
    customer = shop.customers[0]
    before = shop.start - timedelta(days=90)
    accounts = [
        User.objects.create_user(customer.email, customer.name, people.PASSWORD, created_at=customer.created_at),
        User.objects.create_user(people.STAFF, people.STAFF_NAME, people.PASSWORD, created_at=before, is_staff=True),
        User.objects.create_user(people.ANALYST, people.ANALYST_NAME, people.PASSWORD, created_at=before),
    ]
    _, staff, analyst = accounts
    staff.groups.add(Group.objects.get(name=STAFF_ROLE))
    analyst.groups.add(Group.objects.get(name=ANALYST_ROLE))
    # Known to be theirs, so that signing in sends no mail that asks them to confirm it.
    EmailAddress.objects.bulk_create(
        EmailAddress(user=user, email=user.email, verified=True, primary=True) for user in accounts
    )


def _stage_customers(cursor: CursorWrapper, customers: Sequence[DemoCustomer]) -> None:
    in_order = sorted(customers, key=lambda customer: customer.created_at)
    rows = [(line, each.email, each.name, each.created_at) for line, each in enumerate(in_order)]
    staging.copy(cursor, "users", ["line", "email", "name", "created_at"], rows)


def _stage_products(cursor: CursorWrapper, shop: DemoShop) -> None:
    columns = ["line", "sku", "name", "price", "stock", "category", "description", "attributes", "created_at"]
    count = len(shop.products)
    rows = [
        # Put up one a day before the demo's first day, from every category in turn.
        (line, p.sku, p.name, p.price, p.stock, p.category, p.description, Jsonb(p.attributes),
         shop.start - timedelta(days=count - line * 17 % count))
        for line, p in enumerate(shop.products)
    ]  # fmt: skip
    staging.copy(cursor, "products", columns, rows)


def _stage_orders(cursor: CursorWrapper, orders: Sequence[DemoOrder]) -> None:
    who = {user.email: (user.pk, str(user)) for user in User.objects.all()}
    placed, items, events = [], [], []
    for line, order in enumerate(orders):
        first, last = order.steps[0], order.steps[-1]
        ref = str(line)
        placed.append((line, ref, order.customer.email, last.status, first.at, Jsonb(order.customer.address)))
        items += [(line, ref, product.sku, quantity, product.price) for product, quantity in order.items]
        events += [
            (number, ref, step.status, step.at, *who[step.by], step.note) for number, step in enumerate(order.steps)
        ]
    staging.copy(
        cursor, "orders", ["line", "order_ref", "user_email", "status", "created_at", "shipping_address"], placed
    )
    staging.copy(cursor, "order_items", ["line", "order_ref", "sku", "quantity", "price"], items)
    staging.copy(
        cursor,
        "order_events",
        ["line", "order_ref", "status", "occurred_at", "actor_id", "actor_name", "note"],
        events,
    )
