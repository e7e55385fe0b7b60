"""`python -m tests.migrations`: migrations since the first release let the shop run on while they are applied.

The code of the release before goes on for a while on the new schema, and nothing may wait long for a lock
(docs/migrations.md). squawk reads the SQL that PostgreSQL would be given. What a migration does on purpose is said in
its file, with the reason why nobody is hurt:

    # squawk: ban-drop-column: no release reads it since 2.1

django-migration-linter looks for such words by regular expressions, and is told of exceptions by a class that the
product would have to import; squawk parses.
"""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import django
from django.db import connection
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

from config.embedded.postgres import PostgresServer

# The last migration of each app that the first release brought: nobody had data before it.
FIRST_RELEASE = {"catalog": 10, "history": 21, "orders": 7, "users": 9}
# README.md: the oldest PostgreSQL that is supported.
POSTGRESQL = "14"
# Matters of taste, which Django decides; and the time limits, which come with the connection.
NOT_ASKED = [
    "ban-char-field",
    "prefer-bigint-over-int",
    "prefer-bigint-over-smallint",
    "prefer-identity",
    "prefer-robust-stmts",
    "prefer-text-field",
    "require-lock-timeout",
    "require-statement-timeout",
]
WAIVER = re.compile(r"^\s*# squawk: ([\w-]+): \S.*$", re.MULTILINE)


def since_the_first_release() -> Iterator[tuple[Migration, ProjectState]]:
    """Yield each of our later migrations, with the models as they are before it."""
    loader = MigrationLoader(None)
    for app, name in sorted(loader.graph.nodes):
        if app in FIRST_RELEASE and int(name[:4]) > FIRST_RELEASE[app]:
            yield loader.graph.nodes[app, name], loader.project_state((app, name), at_end=False)


def sql_of(migration: Migration, before: ProjectState) -> str:
    # Collected outside of a transaction, which an index that is built concurrently would refuse.
    with connection.schema_editor(collect_sql=True, atomic=False) as editor:
        migration.apply(before, editor, collect_sql=True)
    return "\n".join(editor.collected_sql)


def complaints(migration: Migration, before: ProjectState) -> list[str]:
    """What there is to say against a migration, in words for who wrote it."""
    source = inspect.getsource(sys.modules[type(migration).__module__])
    told = found_in(sql_of(migration, before), is_atomic=migration.atomic, waived=set(WAIVER.findall(source)))
    return [f"{migration.app_label}.{migration.name}: {each}" for each in told]


def found_in(sql: str, *, is_atomic: bool, waived: set[str]) -> list[str]:
    """What there is to say against some SQL, and for exceptions that it does not need."""
    found, lines = _squawk(sql, is_atomic=is_atomic), sql.splitlines()
    return [
        f"{each['rule_name']}: {each['message']} {each.get('help') or ''}\n    {lines[each['line']].strip()}"
        for each in found
        if each["rule_name"] not in waived
    ] + [f"{rule} is waived and not broken" for rule in sorted(waived - {each["rule_name"] for each in found})]


def _squawk(sql: str, *, is_atomic: bool) -> list[dict[str, Any]]:
    program = Path(sysconfig.get_path("scripts")) / "squawk"
    options = ["--reporter=json", f"--pg-version={POSTGRESQL}", f"--exclude={','.join(NOT_ASKED)}"]
    if is_atomic:
        options.append("--assume-in-transaction")
    done = subprocess.run([program, *options], input=sql, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout or "[]")


@contextmanager
def _server(directory: Path) -> Iterator[None]:
    """Django has psycopg put values into SQL, for which it needs a connection; nothing is asked of the database."""
    server = PostgresServer(directory, durable=False)
    server.start()
    try:
        yield
    finally:
        connection.close()
        server.stop()


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    with tempfile.TemporaryDirectory(prefix="user-order-system-migrations-") as directory:
        Path(directory).chmod(0o755)  # where root runs it, PostgreSQL runs as another user
        os.environ["DATA_DIR"] = directory
        django.setup()
        looked_at = list(since_the_first_release())
        needs_server = bool(looked_at) and not os.environ.get("DATABASE_URL")
        with _server(Path(directory)) if needs_server else nullcontext():
            told = [each for migration, before in looked_at for each in complaints(migration, before)]
    print("\n".join([*told, f"{len(looked_at)} migrations since the first release, {len(told)} complaints"]))
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())
