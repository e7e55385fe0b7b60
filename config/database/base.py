"""Django's PostgreSQL backend; tells the database which request a transaction belongs to, and loads every timestamp."""

from __future__ import annotations

from typing import Any

from django.db.backends.postgresql import base
from psycopg import sql

from config import request_ids
from core.db.timestamps import clamping


class DatabaseWrapper(base.DatabaseWrapper):
    def get_connection_params(self) -> dict[str, Any]:
        parameters: dict[str, Any] = super().get_connection_params()
        return parameters | {"context": clamping(parameters["context"])}

    def set_autocommit(self, autocommit: bool, force_begin_transaction_with_broken_autocommit: bool = False) -> None:
        """Begin a request's transaction with the setting that history_events.request_id is filled from."""
        super().set_autocommit(autocommit, force_begin_transaction_with_broken_autocommit)
        request_id = request_ids.current.get()
        if not autocommit and request_id:
            with self.wrap_database_errors:
                # Not a SELECT: after a query a transaction can take no other isolation level.
                self.connection.execute(sql.SQL("SET LOCAL shop.request_id = {}").format(request_id))
