"""How the database records every change: what callers need to know of the triggers (migrations 0002, 0006, 0007, 0010,
0012, 0014, 0016, 0020, 0022).

Each committed change of an order (save, update, bulk, admin, cascade, plain SQL) bumps `orders.rev` and leaves one
row in history_events, in the same transaction. Changes of items and refunds join the event that it wrote for their
order, or make one. Who and why are read from changed_by, changed_by_name, changed_at and change_note, if changed_at
was moved on in that statement; otherwise the change is put down to "database".
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps.registry import Apps
from django.db import connection, connections

from core.db.transactions import waiting_transaction

OUR_APPS = {"users", "catalog", "orders", "history"}
TRIGGERS = {
    "history_set_first_revision": "orders",
    "history_set_revision": "orders",
    "history_record_insert": "orders",
    "history_record_update": "orders",
    "history_record_delete": "orders",
    "history_item_inserted": "order_items",
    "history_item_updated": "order_items",
    "history_item_deleted": "order_items",
    "history_events_append_only": "history_events",
    "history_refund_changed": "refunds",
    "history_feed": "history_events",
    "history_keep_number": "orders",
    "history_keep_item_number": "order_items",
    "history_erase_orders": "orders",
    "history_erase_order_items": "order_items",
    "history_erase_history_events": "history_events",
    "history_refuse_truncate_orders": "orders",
    "history_refuse_truncate_order_items": "order_items",
    "history_refuse_truncate_history_events": "history_events",
    "history_refuse_truncate_refunds": "refunds",
    "history_refuse_delete_refunds": "refunds",
    "history_refuse_truncate_archived_orders": "archived_orders",
    "history_refuse_delete_archived_orders": "archived_orders",
}


@contextmanager
def capture_off() -> Iterator[None]:
    """Let one whole transaction write orders without events, because it brings or takes the events itself.

    Only for moving whole histories: import, archive, restore. Ends with the transaction, whatever happens.
    """
    with waiting_transaction(durable=True) as cursor:
        cursor.execute("SET LOCAL history.capture = 'off'")
        yield


@contextmanager
def erasing() -> Iterator[None]:
    """Let one whole transaction take words off orders, their log and the stock ledger, and old activity out of the log.

    The database refuses everything else meanwhile: no figure, time or number changes, no event of an order goes. What
    it does to an order it has to tell by an event of its own. Ends with the transaction, whatever happens.
    """
    with capture_off(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL shop.erasing = 'on'")
        yield


def guard_values(apps: Apps, using: str, **kwargs: Any) -> None:
    """Have each column of our tables refuse impossible values (migration 0030); runs at the end of each `migrate`."""
    tables = [m._meta.db_table for m in apps.get_models() if m._meta.managed and m._meta.app_label in OUR_APPS]
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT to_regprocedure('refuse_impossible_values(regclass)') IS NOT NULL")
        [is_there] = cursor.fetchone()
        if is_there:  # not on the way back
            cursor.execute("SELECT refuse_impossible_values(name::regclass) FROM unnest(%s::text[]) name", [tables])


def missing() -> list[str]:
    """Return the triggers that are not there or are switched off; without them changes leave no trace."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname FROM pg_trigger WHERE tgname = ANY(%s) AND tgenabled IN ('O', 'A')", [list(TRIGGERS)]
        )
        present = {name for (name,) in cursor.fetchall()}
    return sorted(set(TRIGGERS) - present)
