"""Ways of writing an order by plain SQL, on any connection.

Each way makes one write and returns the revisions it should leave: [(order, (kind, status, actor, actor's name)), …].
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import psycopg
from django.db import connection

from catalog.models import Product
from orders.status import Status
from users.models import User

Revision = tuple[str, str, int | None, str]
Made = list[tuple[int, Revision]]

# Orders to choose from, counted from the latest.
RECENT = 60


@dataclass
class People:
    """Who writes, and what is sold."""

    customers: list[User]
    staff: User
    products: list[Product]
    keys: itertools.count[int] = field(default_factory=itertools.count)


class Ways:
    """Plain SQL. untouchable: orders not to choose, because their next revision depends on an earlier write."""

    name = "SQL"

    def __init__(self, people: People, chance: random.Random) -> None:
        self.people, self.chance = people, chance
        self.untouchable: set[int] = set()

    def all(self) -> list[Callable[[], Made]]:
        return [
            getattr(self, name)
            for name in sorted(dir(self))
            if name.startswith(("sql_", "copy_", "django_", "service_", "admin_"))
        ]

    def atomic(self) -> AbstractContextManager[Any]:
        """A transaction; within one, a savepoint."""
        raise NotImplementedError

    def execute(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        raise NotImplementedError

    def pick(self, number: int, *, status: tuple[str, ...] = tuple(Status), items: int = 0) -> list[tuple[int, str]]:
        """Up to that many orders, with their status; only such as have that many items."""
        found = self.execute(
            """SELECT order_id, status FROM orders o WHERE status = ANY(%s) AND NOT order_id = ANY(%s)
            AND (SELECT count(*) FROM order_items i WHERE i.order_id = o.order_id) >= %s
            ORDER BY order_id DESC LIMIT %s""",
            list(status),
            list(self.untouchable),
            items,
            RECENT,
        )
        return [(pk, status) for pk, status in self.chance.sample(found, min(number, len(found)))]

    def product(self) -> Product:
        return self.chance.choice(self.people.products)

    def customer(self) -> User:
        return self.chance.choice(self.people.customers)

    def other_than(self, status: str) -> str:
        return self.chance.choice([other for other in Status.values if other != status])

    def sql_places(self) -> Made:
        with self.atomic():
            [(order,)] = self.execute(
                "INSERT INTO orders (user_id, total_amount) VALUES (%s, 150) RETURNING order_id", self.customer().pk
            )
            self.execute(
                """INSERT INTO order_items (order_id, product_id, quantity, price)
                VALUES (%s, %s, 2, 50), (%s, %s, 1, 50)""",
                *(order, self.product().pk, order, self.product().pk),
            )
        return [(order, by_database("placed", "pending"))]

    def sql_places_in_one_statement(self) -> Made:
        [(order,)] = self.execute(
            """WITH placed AS (INSERT INTO orders (user_id, total_amount) VALUES (%s, 7) RETURNING order_id)
            INSERT INTO order_items (order_id, product_id, quantity, price)
            SELECT order_id, %s, 1, 7 FROM placed RETURNING order_id""",
            *(self.customer().pk, self.product().pk),
        )
        return [(order, by_database("placed", "pending"))]

    def sql_changes_many(self) -> Made:
        orders = self.pick(3)
        numbers = [order for order, _ in orders]
        self.execute("UPDATE orders SET total_amount = total_amount + 0.01 WHERE order_id = ANY(%s)", numbers)
        return [(order, by_database("edited", status)) for order, status in orders]

    def sql_signs_a_change(self) -> Made:
        staff = self.people.staff
        made = []
        for order, status in self.pick(1):
            to = self.other_than(status)
            self.execute(
                """UPDATE orders SET status = %s, changed_by = %s, changed_by_name = %s, change_note = 'by hand',
                changed_at = greatest(clock_timestamp(), changed_at + interval '1 us') WHERE order_id = %s""",
                *(to, staff.pk, str(staff), order),
            )
            made.append((order, ("status", to, staff.pk, str(staff))))
        return made

    def sql_inserts_or_updates(self) -> Made:
        made = []
        for order, status in self.pick(1):
            to = self.other_than(status)
            self.execute(
                """INSERT INTO orders (order_id, user_id, total_amount, status) VALUES (%s, %s, 1, %s)
                ON CONFLICT (order_id) DO UPDATE SET status = excluded.status""",
                *(order, self.customer().pk, to),
            )
            made.append((order, by_database("status", to)))
        return made

    def sql_changes_items(self) -> Made:
        orders = self.pick(2, items=1)
        numbers = [order for order, _ in orders]
        self.execute("UPDATE order_items SET quantity = quantity + 1 WHERE order_id = ANY(%s)", numbers)
        return [(order, by_database("items", status)) for order, status in orders]

    def sql_removes_an_item(self) -> Made:
        orders = self.pick(1, items=2)
        for order, _ in orders:
            self.execute(
                "DELETE FROM order_items WHERE order_item_id = "
                "(SELECT max(order_item_id) FROM order_items WHERE order_id = %s)",
                order,
            )
        return [(order, by_database("items", status)) for order, status in orders]

    def sql_moves_an_item(self) -> Made:
        orders = self.pick(2, items=1)
        if len(orders) < 2:
            return []
        self.execute(
            "UPDATE order_items SET order_id = %s WHERE order_item_id = "
            "(SELECT min(order_item_id) FROM order_items WHERE order_id = %s)",
            *(orders[0][0], orders[1][0]),
        )
        return [(order, by_database("items", status)) for order, status in orders]

    def sql_deletes(self) -> Made:
        orders = self.pick(1)
        self.execute("DELETE FROM orders WHERE order_id = ANY(%s)", [order for order, _ in orders])
        return [(order, by_database("deleted", status)) for order, status in orders]

    def sql_changes_nothing(self) -> Made:
        self.execute(
            "UPDATE orders SET status = status, rev = 77 WHERE order_id = ANY(%s)", [pk for pk, _ in self.pick(3)]
        )
        return []


class PlainWays(Ways):
    """A connection that knows nothing of Django, as psql's."""

    name = "psycopg"

    def __init__(self, people: People, chance: random.Random) -> None:
        super().__init__(people, chance)
        given = connection.get_connection_params()
        where = {name: given[name] for name in ("host", "port", "dbname", "user", "password") if given.get(name)}
        self.connection = psycopg.connect(**where, autocommit=True)

    def atomic(self) -> AbstractContextManager[Any]:
        return self.connection.transaction()

    def execute(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        cursor = self.connection.execute(statement, values)
        return cursor.fetchall() if cursor.description else []

    def copy_places(self) -> Made:
        numbers = [self.execute("SELECT nextval(pg_get_serial_sequence('orders', 'order_id'))")[0][0] for _ in range(3)]
        with self.connection.cursor().copy("COPY orders (order_id, user_id, total_amount) FROM STDIN") as copy:
            for number in numbers:
                copy.write_row((number, self.customer().pk, Decimal("12.50")))
        return [(number, by_database("placed", "pending")) for number in numbers]


def by_database(kind: str, status: str) -> Revision:
    """What nobody we know did."""
    return kind, status, None, "database"
