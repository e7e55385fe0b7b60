"""Temporary tables that hold an order book while it is checked, and the way into them.

They live in the transaction that makes the import and end with it. Whoever fills them (the reader of files, the demo
shop) brings the columns it has; the others have defaults.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.backends.utils import CursorWrapper
from psycopg import sql

TABLES = """
CREATE TEMPORARY TABLE import_users (
    line integer, email text, name text, created_at timestamptz
) ON COMMIT DROP;
CREATE TEMPORARY TABLE import_products (
    line integer, sku text, name text, price numeric(10,2), stock integer, category text, category_id bigint,
    description text DEFAULT '', attributes jsonb DEFAULT '{}', created_at timestamptz DEFAULT now()
) ON COMMIT DROP;
CREATE TEMPORARY TABLE import_orders (
    line integer, order_ref text, user_email text, status text, created_at timestamptz,
    shipping_address jsonb DEFAULT '{}'
) ON COMMIT DROP;
CREATE TEMPORARY TABLE import_order_items (
    line integer, order_ref text, sku text, quantity integer, price numeric(10,2)
) ON COMMIT DROP;
CREATE TEMPORARY TABLE import_order_events (
    line integer, order_ref text, status text, occurred_at timestamptz, actor_id bigint,
    actor_name text DEFAULT 'import', note text DEFAULT ''
) ON COMMIT DROP;
-- key is the e-mail, SKU or order_ref of the row.
CREATE TEMPORARY TABLE import_problems (sheet text, line integer, key text, reason text) ON COMMIT DROP;
"""

# Any number will do, as long as nothing else in this database uses it.
ADVISORY_LOCK = 7_205_759

# An import takes as long as it takes: the limits of the pages do not hold for its transaction.
NO_TIME_LIMITS = "SET LOCAL statement_timeout = 0;"


class ImportRunning(Exception):
    """Another import is at work in this database."""


def begin(cursor: CursorWrapper) -> None:
    """Make the tables in the current transaction; raises ImportRunning."""
    cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [ADVISORY_LOCK])
    if cursor.fetchone() != (True,):
        raise ImportRunning
    cursor.execute(NO_TIME_LIMITS + TABLES)


def copy(cursor: CursorWrapper, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Append rows to one of the tables, their values in the order of the columns."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(f"import_{table}"), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with cursor.copy(statement) as sink:
        for row in rows:
            sink.write_row(row)


def analyze(cursor: CursorWrapper) -> None:
    """Tell the planner how big they are, once they are filled: nothing else looks at temporary tables."""
    cursor.execute(
        "ANALYZE import_users; ANALYZE import_products; ANALYZE import_orders; ANALYZE import_order_items;"
        "ANALYZE import_order_events; ANALYZE import_problems"
    )
