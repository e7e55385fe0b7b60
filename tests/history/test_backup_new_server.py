"""A backup comes back on a new server by the steps of docs/backup.md; that server knows none of the roles."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from config.embedded.postgres import PostgresServer
from history import mongo
from history.backup.postgres import embedded
from orders.services import cancel_order
from tests.config.processes import ROOT
from tests.factories import ProductFactory, StaffFactory
from tests.history.archived import archive

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def new_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    directory = tmp_path_factory.mktemp("new-server")
    for folder in (directory, *directory.parents[:2]):
        folder.chmod(0o755)  # where root runs the tests, PostgreSQL runs as another user
    server = PostgresServer(directory, durable=False)
    server.start()
    yield server
    server.stop()


def steps() -> list[str]:
    text = (ROOT / "docs/backup.md").read_text()
    [block] = re.findall(r"### Everything is lost.*?```\n(.*?)```", text, re.DOTALL)
    return [line.partition("  #")[0].strip() for line in block.splitlines()]


@pytest.fixture
def roles():
    printed = StringIO()
    call_command("database_roles", web="old_web", relay="old_relay", stdout=printed)
    with connection.cursor() as cursor:
        cursor.execute(printed.getvalue())
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP OWNED BY old_web, old_relay; DROP ROLE old_web, old_relay")
        cursor.execute(f'GRANT TEMPORARY ON DATABASE "{connection.settings_dict["NAME"]}" TO PUBLIC')


def test_everything_is_lost_and_comes_back(roles, mirror, place, now, tmp_path, new_server):
    orders = [place(ProductFactory(), at=now) for _ in range(2)]
    cancel_order(orders[0], by=StaffFactory(), at=now)
    archive(orders[0])
    call_command("dump_archive", tmp_path / "archive.jsonl.gz", pg_dump=tmp_path / "shop.dump")
    mongo.for_writing().drop()
    administrator = psycopg.conninfo.conninfo_to_dict(new_server.url)

    for step in steps():
        command = step.replace("--pwprompt shop", "buyer").replace("--owner=shop", "--owner=buyer")
        command = re.sub(r"(UTF8 |--dbname=)shop$", r"\1bought", command)
        result = subprocess.run(
            ["/bin/sh", "-ec", f"alias manage.py='{shlex.join(manage())}'\n{command}"],
            cwd=tmp_path,
            env=os.environ
            | {
                "PATH": f"{Path(str(embedded('psql'))).parent}:{os.environ['PATH']}",
                "DATABASE_URL": f"postgresql://buyer@/bought?host={administrator['host']}",
                "MONGODB_URL": settings.MONGODB_URL,
                "PGHOST": str(administrator["host"]),
                "PGUSER": str(administrator["user"]),
                "PGDATABASE": "postgres",
                "PYTHONPATH": str(ROOT),
            },
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert result.returncode == 0, (step, result.stdout, result.stderr)

    assert "0 differ" in result.stdout
    with psycopg.connect(f"postgresql://buyer@/bought?host={administrator['host']}") as restored:
        found = restored.execute("SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM archived_orders)")
        assert found.fetchone() == (1, 1)
        can = "SELECT has_table_privilege('shop_web', 'orders', 'SELECT')"
        assert restored.execute(can).fetchone() == (True,)


def manage() -> list[str]:
    return [sys.executable, str(ROOT / "manage.py")]
