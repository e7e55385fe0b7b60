"""The shop as it runs in production, to be attacked: gunicorn with the settings of production, on stores of its own."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pymongo
from django.conf import settings
from django.db import connection
from psycopg import sql

from tests.config.processes import ROOT
from tests.security.visitor import HOST, Visitor
from tests.web.server import Server

SEED = "import django; django.setup(); from tests.security import seed; seed.main()"
# What every question may write, and columns of others that say when something was used last.
NOTED = {"django_session", "usersessions_usersession", "api_uses", "rate_counts"}
WHEN = "'last_used_at', 'last_seen_at'"
# Thousands come in one run; each connection is an open file.
MOST_CONNECTED = 50

Rows = list[tuple[Any, ...]]
Unblocked = Callable[[], AbstractContextManager[None]]


class Shop:
    """people, orders, keys, objects, samples: what seed.py made, by name. "" is a visitor who is nobody."""

    def __init__(self, server: Server, database: str, environment: Mapping[str, str], made: Mapping[str, Any]) -> None:
        self.port, self.environment = server.port, environment
        self.people: dict[str, int] = made["people"]
        self.orders: dict[str, int] = made["orders"]
        self.keys: dict[str, str] = made["keys"]
        self.objects: dict[str, int] = made["objects"]
        self.samples: dict[str, Any] = made["samples"]
        self._sessions: dict[str, str] = made["sessions"]
        self._database = psycopg.connect(database, autocommit=True)
        self._visitors: deque[Visitor] = deque()

    def visitor(self, who: str = "", place: str = "127.0.0.1") -> Visitor:
        return self._opened(Visitor(self.port, session=self._sessions[who] if who else "", place=place))

    def client(self, key: str) -> Visitor:
        """Another system with a key of the API."""
        return self._opened(Visitor(self.port, key=self.keys[key]))

    def rows(self, statement: str, *values: Any) -> Rows:
        """What PostgreSQL answers; a statement that changes something is committed."""
        with self._database.cursor() as cursor:
            cursor.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def order(self, order_id: int) -> tuple[Any, ...]:
        """Its customer, status, total and revision."""
        [row] = self.rows("SELECT user_id, status, total_amount, rev FROM orders WHERE order_id = %s", order_id)
        return row

    def digests(self) -> dict[str, tuple[Any, ...]]:
        """Of each table, how many rows it has and a sum over all that is in them."""
        tables = [table for (table,) in self.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        each = sql.SQL(" UNION ALL ").join(
            sql.SQL(f"SELECT {{}}, count(*), sum(hashtext((to_jsonb(t) - ARRAY[{WHEN}])::text)) FROM {{}} t").format(
                table, sql.Identifier(table)
            )
            for table in sorted(set(tables) - NOTED)
        )
        with self._database.cursor() as cursor:
            cursor.execute(each)
            return {table: (count, digest) for table, count, digest in cursor.fetchall()}

    def close(self) -> None:
        for visitor in self._visitors:
            visitor.close()
        self._database.close()

    def _opened(self, visitor: Visitor) -> Visitor:
        self._visitors.append(visitor)
        if len(self._visitors) > MOST_CONNECTED:
            self._visitors.popleft().close()  # it connects anew, should it ask again
        return visitor


@contextlib.contextmanager
def opened(directory: Path, unblocked: Unblocked, name: str = "attacked") -> Iterator[Shop]:
    """directory: for logs, mails, pictures and static files. unblocked: lets us at the tests' database server.

    name: tells its stores from those of another shop.
    """
    with _stores(unblocked, name) as (database, mongodb):
        environment = _production(directory) | {"DATABASE_URL": database, "MONGODB_URL": mongodb}
        made = _seed(environment)
        with (
            Server(directory / "web.log", **environment) as server,
            closing(Shop(server, database, environment, made)) as shop,
        ):
            yield shop


def _production(directory: Path) -> dict[str, str]:
    return {
        "LOCAL": "0",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "ALLOWED_HOSTS": HOST,
        "BEHIND_TLS_PROXY": "1",
        # Its path is what comes after the third slash.
        "EMAIL_URL": f"filemail:///{directory / 'mail'}",
        "MEDIA_ROOT": str(directory / "media"),
        "STATIC_ROOT": str(directory / "static"),
        "METRICS_TOKEN": secrets.token_urlsafe(20),
        "WEB_CONCURRENCY": "1",
        # The tests of the limits themselves say lower ones.
        "RATE_LIMITS": "search=100000,checkout=100000,export=100000,sessions=100000",
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }


def _seed(environment: Mapping[str, str]) -> dict[str, Any]:
    command, variables = [sys.executable, "-c", SEED], os.environ | environment
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    made: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return made


@contextlib.contextmanager
def _stores(unblocked: Unblocked, name: str) -> Iterator[tuple[str, str]]:
    """Addresses of a PostgreSQL database, migrated and without a row of anybody's, and of an empty MongoDB one."""
    of_tests = connection.settings_dict["NAME"]
    mongodb = urlsplit(settings.MONGODB_URL)
    mongodb = mongodb._replace(path=f"{mongodb.path}_{name}")
    name = f"{of_tests}_{name}"
    with unblocked():
        _copy(of_tests, name)
    try:
        yield urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl(), mongodb.geturl()
    finally:
        with unblocked(), connection._nodb_cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        with pymongo.MongoClient[dict[str, Any]](mongodb.geturl()) as client:
            client.drop_database(mongodb.path.removeprefix("/"))


def _copy(of_tests: str, name: str) -> None:
    """Nobody may be in a database that is copied, its own pool included."""
    connection.close()
    connection.close_pool()
    with connection._nodb_cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [of_tests])
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{of_tests}"')
