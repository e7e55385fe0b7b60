"""Tells PostgreSQL which request a transaction belongs to, with the BEGIN that is sent anyway."""

from __future__ import annotations

from django.db.backends.postgresql import base

from config import request_ids


class DatabaseWrapper(base.DatabaseWrapper):
    def _set_autocommit(self, autocommit: bool) -> None:
        """Begin a request's transaction with the setting that history_events.request_id is filled from.

        psycopg would send BEGIN by itself before the first statement; this is as many messages, and no statement more.
        Of what follows psycopg thinks as of a transaction begun by hand, which commit and rollback end as any other.
        """
        request_id = request_ids.current.get()
        if autocommit or not request_id:
            super()._set_autocommit(autocommit)  # type: ignore[misc]
            return
        with self.wrap_database_errors:
            # Its form has nothing to be quoted; as parameters would be, each a statement of its own.
            self.connection.execute(f"BEGIN; SET LOCAL shop.request_id = '{request_id}'", prepare=False)
