"""Compare what an order's document holds with the columns that PostgreSQL has, so that archiving loses none.

Source: PostgreSQL's catalogue.
"""

from __future__ import annotations

from collections import defaultdict

from django.db import connection

from history.archive.rows import Rows
from history.mirror import source

# The rows that leave with an order, and come back: table and the columns that its document holds.
HELD = {
    "orders": ("order_id", *source.ORDER),
    "order_items": ("order_id", *source.ITEM),
    "refunds": ("order_id", *source.REFUND),
    "history_events": ("order_id", *source.EVENT),
}
# Of an event and not of its order: how its delivery went, and what only activity has.
NOT_HELD = {
    *("delivered_at", "parked_at", "retry_at", "attempts", "error", "request_id"),
    *("subject", "subject_id", "subject_name"),
}

# A generated column is made again from the others.
COLUMNS = """
SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE a.attrelid = ANY(%s::regclass[]) AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
ORDER BY c.relname, a.attnum
"""
CHILDREN = """
SELECT DISTINCT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint
WHERE contype = 'f' AND confrelid = ANY(%(tables)s::regclass[]) AND conrelid <> ALL(%(tables)s::regclass[]) ORDER BY 1
"""


class NotArchivable(Exception):
    """Nothing is archived: PostgreSQL has columns or tables of orders that a document does not hold."""

    def __init__(self, unknown: list[str]) -> None:
        self.why = "; ".join(unknown)
        super().__init__(f"Orders are not archived: {self.why}.")


def unknown() -> list[str]:
    """Return in words each column and table of orders that archiving would lose."""
    lost = [
        f"the archive does not hold the column {table}.{column}"
        for table, columns in _columns().items()
        for column in columns
        if column not in HELD[table] and (table != "history_events" or column not in NOT_HELD)
    ]
    with connection.cursor() as cursor:
        cursor.execute(CHILDREN, {"tables": list(HELD)})
        return lost + [f"the archive does not hold the table {child}, which refers to {of}" for child, of in cursor]


def lacking(brought: Rows) -> list[str]:
    """Return the columns of a document's rows that PostgreSQL or this release does not have."""
    there = _columns()
    return sorted(
        {
            f"{table}.{column}"
            for table, table_rows in brought.by_table().items()
            for row in table_rows
            for column in row
            if column not in there[table] or column not in HELD[table]
        }
    )


def _columns() -> dict[str, list[str]]:
    columns: dict[str, list[str]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS, [list(HELD)])
        for table, column in cursor:
            columns[table].append(column)
    return columns
