"""Tells PostgreSQL which request a transaction belongs to, with the BEGIN sent anyway; does not wait for it long."""

from __future__ import annotations

from typing import Any

import psycopg
from django.db.backends.postgresql import base

from config import request_ids
from config.database import silence


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Take a connection of the pool, with little patience where there was none to be had a moment ago."""
        try:
            if self.pool and silence.exhausted.was_lately:
                self.pool.open()
                return self.pool.getconn(silence.ENOUGH)
            return super().get_new_connection(conn_params)
        except psycopg.OperationalError:
            silence.exhausted.begin()
            raise

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
