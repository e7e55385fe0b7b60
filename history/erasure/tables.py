"""Where PostgreSQL has words about people, and what is to become of them when somebody is erased.

A table or column that is missing here, or in NOTHING_PERSONAL of tests/history/test_erasure.py, is a test that fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection

from core.db.transactions import waiting_transaction
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


# Rows looked at by one statement, so that none takes long however large the table is.
WINDOW = 50_000
FIRST = -(2**63)


@dataclass(frozen=True)
class Table:
    """A table with words about people. Its rows are found by order_id, where it has one, by `where`, and by its texts.

    texts: columns that may name anybody. json: columns of JSON, the others are texts and numbers.
    is_mirrored: whether it is part of what MongoDB has.
    """

    name: str
    key: str
    columns: tuple[str, ...]
    texts: tuple[str, ...]
    where: str = "false"
    json: tuple[str, ...] = ()
    is_mirrored: bool = False

    @property
    def window_end(self) -> str:
        """The statement for the last key of a window."""
        return (
            f"SELECT max({self.key}) FROM (SELECT {self.key} FROM {self.name} WHERE {self.key} > %(after)s "  # noqa: S608
            f"ORDER BY {self.key} LIMIT {WINDOW}) AS ahead"
        )

    @property
    def select(self) -> str:
        """The statement for the rows of a window that are about the person, or have a text that may name anybody."""
        columns = [self.key, *self.columns, *(f"{column}::text AS {column}" for column in self.json)]
        is_theirs = "order_id = ANY(%(orders)s::bigint[])" if "order_id" in columns else "false"
        has_text = " OR ".join(f"{column} <> ''" for column in self.texts)
        return (
            f"SELECT {', '.join(columns)}, ({is_theirs} OR {self.where}) IS TRUE AS is_about FROM {self.name} "  # noqa: S608
            f"WHERE {self.key} > %(after)s AND {self.key} <= %(upto)s "
            f"AND ({is_theirs} OR {self.where} OR %(by_text)s AND ({has_text})) ORDER BY {self.key}"
        )


TABLES = (
    Table(
        "orders",
        "order_id",
        ("changed_by", "changed_by_name", "change_note", "external_ref", "idempotency_key"),
        ("change_note", "external_ref", "idempotency_key"),
        where="changed_by = %(user)s",
        json=("shipping_address",),
        is_mirrored=True,
    ),
    Table(
        "history_events",
        "event_id",
        ("order_id", "subject", "subject_id", "subject_name", "actor_id", "actor_name", "note", "error"),
        ("note", "error"),
        where="subject IN ('user', 'session') AND subject_id = %(user)s OR actor_id = %(user)s"
        # References among what changed, or of an order that was deleted.
        " OR changes ?| array['external_ref', 'idempotency_key', 'order']",
        json=("changes",),
        is_mirrored=True,
    ),
    Table(
        "refunds",
        "refund_id",
        ("order_id", "reason", "refunded_by", "refunded_by_name"),
        ("reason",),
        where="refunded_by = %(user)s",
        is_mirrored=True,
    ),
    Table(
        "stock_movements",
        "movement_id",
        ("order_id", "note", "actor_id", "actor_name"),
        ("note",),
        where="actor_id = %(user)s",
    ),
    Table("order_mails", "mail_id", ("order_id", "error"), ("error",)),
    Table("webhook_deliveries", "delivery_id", ("order_id", "answer", "error"), ("answer", "error")),
    # PostgreSQL and Python quote the value that they cannot work with.
    Table("parked_rows", "parked_row_id", ("reason",), ("reason",)),
    Table("django_admin_log", "id", ("object_repr", "change_message"), ("object_repr", "change_message")),
)


def whose_orders(user_id: int) -> dict[int, Whose]:
    """Return the numbers of the orders that are or were the person's: live, archived or deleted."""
    with waiting_transaction() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")  # it reads the whole log
        cursor.execute(ORDERS, {"user": user_id})
        return {order_id: Whose[whose] for order_id, whose in cursor.fetchall()}


def find(person: Person) -> Iterator[tuple[Table, Row, Row]]:
    """Yield each row that tells of the person, as it is and as it is to be; the account's own rows apart."""
    orders = whose_orders(person.user_id)
    for table in TABLES:
        for row, is_about in _candidates(table, person, list(orders)):
            if not (is_about or person.is_named_in(*(row[column] for column in table.texts))):
                continue
            parsed = row | {column: source.parse(row[column]) for column in table.json}
            clean = person.cleaned_event(parsed, orders.get(row.get("order_id") or 0, Whose.OTHERS))
            if clean != parsed:
                yield table, parsed, clean


def _candidates(table: Table, person: Person, orders: list[int]) -> Iterator[tuple[Row, bool]]:
    """Yield rows of the table, JSON as text, and whether they are about the person; others may only name them."""
    asked: dict[str, Any] = {"user": person.user_id, "orders": orders, "by_text": bool(person.words), "after": FIRST}
    while True:
        with connection.cursor() as cursor:
            cursor.execute(table.window_end, asked)
            [upto] = cursor.fetchone()
            if upto is None:
                return
            cursor.execute(table.select, {**asked, "upto": upto})
            names = [column.name for column in cursor.description[:-1]]
            found = cursor.fetchall()
        for *values, is_about in found:
            yield dict(zip(names, values, strict=True)), is_about
        asked["after"] = upto
