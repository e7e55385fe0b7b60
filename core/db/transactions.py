"""Transactions beside the usual ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper


@contextmanager
def waiting_transaction(*, durable: bool = False) -> Iterator[CursorWrapper]:
    """One transaction that may wait for another system, such as MongoDB or pg_dump, as long as that takes.

    PostgreSQL ends other transactions that are idle for a minute, because they hold their locks and their snapshot.
    """
    with transaction.atomic(durable=durable), connection.cursor() as cursor:
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        yield cursor
