"""Tells PostgreSQL which request a transaction belongs to, with the BEGIN sent anyway; does not wait for it long."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import psycopg
from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base
from psycopg_pool import ConnectionPool

from config import request_ids
from config.database import silence

Pool = ConnectionPool[psycopg.Connection[Any]]


class DatabaseWrapper(base.DatabaseWrapper):
    # Django's own, of which its stubs do not tell.
    _connection_pools: dict[str, Pool]
    _configure_connection: Callable[[psycopg.Connection[Any]], None]

    @property
    def pool(self) -> Pool | None:
        """As Django's, open or not. Each connection is tried before use unless it is surely there, so that a restart of
        PostgreSQL costs no request; where one is dead, the others are not tried in turn.
        """
        options = self.settings_dict["OPTIONS"].get("pool")
        if options and self.alias != NO_DB_ALIAS and self.alias not in self._connection_pools:
            self._connection_pools.setdefault(self.alias, self._new_pool(options))
        return self._connection_pools.get(self.alias)

    def _new_pool(self, options: Mapping[str, Any]) -> Pool:
        def check(connection: psycopg.Connection[Any]) -> None:
            if isinstance(connection, silence.Connection) and connection.is_surely_there():
                return
            try:
                ConnectionPool.check_connection(connection)
            except psycopg.OperationalError:
                # Whatever ended this one has ended all that were idle, and the pool rests longer after each it tries.
                pool.drain()
                raise

        pool: Pool = ConnectionPool(
            kwargs=self.get_connection_params() | {"autocommit": True},
            open=False,
            configure=self._configure_connection,
            check=check,
            **options,
        )
        return pool

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
