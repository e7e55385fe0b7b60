"""Both stores as a test finds them: the tables empty but for what migrations made, MongoDB's collections new."""

from __future__ import annotations

import time
from functools import cache

from django.db import connection, transaction

from history import mongo, wakeup

# Rows that migrations made.
KEPT_TABLES = {"django_migrations", "django_content_type", "auth_permission", "auth_group", "auth_group_permissions"}
# The ledger has no switch: only who owns the tables can take its triggers away.
LEDGER = "ALTER TABLE products {0} TRIGGER USER; ALTER TABLE stock_movements {0} TRIGGER USER;"
COLLECTIONS = (mongo.ORDER_HISTORY, mongo.ACTIVITY_LOG, mongo.ROLLUPS)


def empty_tables() -> None:
    """Delete every row, in one transaction: quicker than Django's flush, and what migrations made stays."""
    wait_for_wakeups()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_statements())


def wait_for_wakeups() -> None:
    """The thread that wakes relays belongs to no test; between two it may not ask the database."""
    deadline = time.monotonic() + 10
    while not wakeup.is_done() and time.monotonic() < deadline:
        time.sleep(0.001)


@cache
def _statements() -> str:
    """As one text, so that some sixty statements are one way to the server and back."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
        tables = [name for (name,) in cursor if name not in KEPT_TABLES]
    deleting = " ".join(f'DELETE FROM "{table}";' for table in tables)
    return (
        "SET LOCAL history.capture = 'off'; SET CONSTRAINTS ALL DEFERRED;"
        f"{LEDGER.format('DISABLE')} {deleting} SET CONSTRAINTS ALL IMMEDIATE; {LEDGER.format('ENABLE')}"
    )


def drop_collections() -> None:
    for name in COLLECTIONS:
        mongo.for_writing(name).drop()
