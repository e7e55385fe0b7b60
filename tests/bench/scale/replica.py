"""A second PostgreSQL that follows the first: how far behind its answers are while the shop takes orders."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
from django.db import connection

from config.embedded import installation
from tests.bench import buyers, statements
from tests.bench.figures import Figure, p95

CLIENTS = 16
PORT = 5433
LOOK = 0.02
PATIENCE = 30
COUNT = "SELECT count(*), sum(total_amount) FROM orders"
LAST = "SELECT coalesce(max(order_id), 0) FROM orders"


def measured(checkouts: int) -> Iterator[Figure]:
    """checkouts: of each way, by pgbench, as the shop would place them."""
    written = statements.script(statements.record())
    alone = statements.play(written, buyers.ready(checkouts), CLIENTS)
    with _following() as replica:
        behind: list[float] = []
        stopped = threading.Event()
        watching = threading.Thread(target=_watch, args=(replica, behind, stopped))
        watching.start()
        followed = statements.play(written, buyers.ready(checkouts), CLIENTS)
        stopped.set()
        watching.join()
        is_equal = _becomes_equal(replica)
    yield Figure(
        f"orders by pgbench, {CLIENTS} clients, a replica following",
        f"{followed.rate:,.0f}/s",
        f"without one {alone.rate:,.0f}/s",
        followed.rate / alone.rate,
    )
    yield Figure(
        "the replica behind, p95",
        f"{p95(behind) * 1000:,.0f} ms",
        f"{len(behind):,} looks; orders and their sum equal in the end: {'yes' if is_equal else 'no'}",
        is_met=is_equal,
    )


def _watch(replica: str, behind: list[float], stopped: threading.Event) -> None:
    """Note again and again how long the newest order takes to be seen there."""
    with psycopg.connect(replica, autocommit=True) as there:
        while not stopped.wait(LOOK):
            with connection.cursor() as cursor:
                cursor.execute(LAST)
                [last] = cursor.fetchone()
            began = time.perf_counter()
            while there.execute(LAST).fetchone()[0] < last:
                time.sleep(0.001)
            behind.append(time.perf_counter() - began)
    connection.close()


def _becomes_equal(replica: str) -> bool:
    with psycopg.connect(replica, autocommit=True) as there, connection.cursor() as cursor:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            cursor.execute(COUNT)
            if there.execute(COUNT).fetchone() == cursor.fetchone():
                return True
            time.sleep(0.1)
    return False


@contextmanager
def _following() -> Iterator[str]:
    """Copy the running database and start a server on the copy that follows it; the address of that one."""
    connection.ensure_connection()
    at = connection.connection.info
    home = Path(tempfile.mkdtemp(prefix="user-order-system-replica-"))
    who = installation.identity(home)
    programs = installation.binaries(who)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        if who.is_other:
            os.chown(home, who.uid, who.gid)
        copied = who.run([
            str(programs / "pg_basebackup"), f"--host={at.host}", f"--port={at.port}", f"--username={at.user}",
            f"--pgdata={home / 'cluster'}", "--wal-method=stream", "--write-recovery-conf", "--checkpoint=fast",
        ])  # fmt: skip
        assert copied.returncode == 0, copied.stderr
        command = [str(programs / "postgres"), "-D", str(home / "cluster"), f"--port={PORT}", "--listen_addresses="]
        command += [f"--unix_socket_directories={home}", "--unix_socket_permissions=0700"]
        user = {"user": who.uid, "group": who.gid, "extra_groups": []} if who.is_other else {}
        with (home / "log").open("w") as log:
            server = subprocess.Popen(command, cwd="/", env=installation.SERVER_ENV, stdout=log, stderr=log, **user)
        stack.callback(server.wait, PATIENCE)
        stack.callback(server.send_signal, signal.SIGINT)  # at once, whoever is connected
        address = f"host={home} port={PORT} user={at.user} dbname={at.dbname}"
        _wait_for(address)
        yield address


def _wait_for(address: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            psycopg.connect(address).close()
        except psycopg.OperationalError:
            assert time.monotonic() < deadline, "the replica does not answer"
            time.sleep(0.1)
        else:
            return
