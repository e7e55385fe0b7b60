"""Where PostgreSQL has words about people, and what is to become of them when somebody is erased.

A table or column that is missing here, or in NOTHING_PERSONAL of tests/history/test_erasure.py, is a test that fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

from history.erasure.person import Person, Whose
from history.mirror import source

Row = dict[str, Any]

# The person's orders, and those that were theirs once, by plain SQL alone. A number may have been given again after its
# order was deleted: then it is the new one's.
ORDERS = """
WITH own AS (
    SELECT order_id FROM orders WHERE user_id = %(user)s
    UNION SELECT order_id FROM archived_orders WHERE user_id = %(user)s
), once AS (
    SELECT order_id, kind = 'deleted' AS is_gone FROM history_events
    WHERE order_id IS NOT NULL AND (kind = 'deleted' AND changes -> 'order' -> 0 ->> 'user_id' = %(user)s::text
        OR changes -> 'user_id' @> to_jsonb(%(user)s::bigint))
)
SELECT order_id, 'OWN' FROM own
UNION SELECT order_id, CASE WHEN bool_or(is_gone) AND NOT EXISTS (SELECT FROM orders WHERE order_id = once.order_id)
    THEN 'OWN' ELSE 'ONCE' END
FROM once WHERE order_id NOT IN (SELECT order_id FROM own) GROUP BY order_id
"""


@dataclass(frozen=True)
class Table:
    """A table with words about people, and how its rows are found: by order_id, where it has one, and by `where`.

    json: columns of JSON, the others are texts and numbers. is_mirrored: whether it is part of what MongoDB has.
    """

    name: str
    key: str
    columns: tuple[str, ...]
    where: str
    json: tuple[str, ...] = ()
    is_mirrored: bool = False

    @property
    def select(self) -> str:
        columns = [self.key, *self.columns, *(f"{column}::text AS {column}" for column in self.json)]
        theirs = "order_id = ANY(%(orders)s::bigint[]) OR" if "order_id" in columns else ""
        return f"SELECT {', '.join(columns)} FROM {self.name} WHERE {theirs} {self.where} ORDER BY {self.key}"  # noqa: S608


def _like(*columns: str) -> str:
    """The condition that one of the columns may name the person; Person.without tells for certain."""
    return " OR ".join(f"{column} ILIKE ANY(%(like)s::text[])" for column in columns)


TABLES = (
    Table(
        "orders",
        "order_id",
        ("changed_by", "changed_by_name", "change_note"),
        f"changed_by = %(user)s OR {_like('change_note')}",
        json=("shipping_address",),
        is_mirrored=True,
    ),
    Table(
        "history_events",
        "event_id",
        ("order_id", "subject", "subject_id", "subject_name", "actor_id", "actor_name", "note", "error"),
        "subject IN ('user', 'session') AND subject_id = %(user)s OR actor_id = %(user)s OR " + _like("note", "error"),
        json=("changes",),
        is_mirrored=True,
    ),
    Table(
        "refunds",
        "refund_id",
        ("order_id", "reason", "refunded_by", "refunded_by_name"),
        f"refunded_by = %(user)s OR {_like('reason')}",
        is_mirrored=True,
    ),
    Table(
        "stock_movements",
        "movement_id",
        ("order_id", "note", "actor_id", "actor_name"),
        f"actor_id = %(user)s OR {_like('note')}",
    ),
    Table("order_mails", "mail_id", ("order_id", "error"), _like("error")),
    Table("webhook_deliveries", "delivery_id", ("order_id", "answer", "error"), _like("answer", "error")),
    Table("django_admin_log", "id", ("object_repr", "change_message"), _like("object_repr", "change_message")),
)


def whose_orders(user_id: int) -> dict[int, Whose]:
    """Return the numbers of the orders that are or were the person's: live, archived or deleted."""
    with connection.cursor() as cursor:
        cursor.execute(ORDERS, {"user": user_id})
        return {order_id: Whose[whose] for order_id, whose in cursor.fetchall()}


def find(person: Person) -> Iterator[tuple[Table, Row, Row]]:
    """Yield each row that tells of the person, as it is and as it is to be; the account's own rows apart."""
    orders = whose_orders(person.user_id)
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(
                table.select, {"user": person.user_id, "orders": list(orders), "like": _patterns(person.words)}
            )
            for row in _rows(cursor, table.json):
                clean = person.cleaned_event(row, orders.get(row.get("order_id") or 0, Whose.OTHERS))
                if clean != row:
                    yield table, row, clean


def _rows(cursor: CursorWrapper, json: tuple[str, ...]) -> list[Row]:
    names = [column.name for column in cursor.description]
    rows = [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]
    return [row | {column: source.parse(row[column]) for column in json} for row in rows]


def _patterns(words: list[str]) -> list[str]:
    """What finds the words with LIKE, whatever they are made of."""
    escaped = [word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") for word in words]
    return [f"%{word}%" for word in escaped]
