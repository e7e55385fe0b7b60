"""Both stores brought back to an earlier moment, as a backup brings them back."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import connection

from history import mongo
from history.backup.postgres import address, embedded

Copy = dict[str, list[dict[str, Any]]]


@contextmanager
def postgres(dump: Path) -> Iterator[None]:
    """Work on a database that pg_restore made of a dump; afterwards on the other one again."""
    with empty_postgres("restored"):
        program = embedded("pg_restore") or "pg_restore"
        command = [program, "--exit-on-error", f"--dbname={address()}", str(dump)]
        subprocess.run(command, check=True)
        yield


@contextmanager
def empty_postgres(suffix: str) -> Iterator[None]:
    """Work on a new database, its name that of the other one and the suffix; afterwards on the other one again."""
    name = connection.settings_dict["NAME"]
    new = f"{name}_{suffix}"
    with connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{new}"')
        cursor.execute(f'CREATE DATABASE "{new}"')
    try:
        _work_on(new)
        connection.ensure_connection()
        yield
    finally:
        _work_on(name)
        with connection.cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{new}" WITH (FORCE)')


def _work_on(name: str) -> None:
    connection.close()
    connection.close_pool()
    connection.settings_dict["NAME"] = name


def copy_of_mongodb() -> Copy:
    """What mongodump would take."""
    names = (mongo.ORDER_HISTORY, mongo.ACTIVITY_LOG, mongo.ROLLUPS)
    return {name: list(mongo.for_writing(name).find({})) for name in names}


def bring_back(copy: Copy) -> None:
    """What mongorestore --drop would do."""
    for name, documents in copy.items():
        mongo.for_writing(name).drop()
        mongo.prepare()
        if documents:
            mongo.for_writing(name).insert_many(documents)
