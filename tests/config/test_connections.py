"""Connections are shared out evenly among the workers of a web server, and none waits for a worker that hangs."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import pytest

from config import connections
from tests.config.processes import children, database_url, wait_until
from tests.web.server import Server

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop(mirror, settings, tmp_path):
    told = {"DATABASE_URL": database_url(), "MONGODB_URL": settings.MONGODB_URL, "WEB_CONCURRENCY": "2"}
    with Server(tmp_path / "web.log", **told) as server:
        yield server


def ask(port: int) -> socket.socket:
    """Return a connection that is kept, on which a request was answered."""
    asking = socket.create_connection(("127.0.0.1", port), timeout=20)
    asking.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert asking.recv(4096).startswith(b"HTTP/1.1 200")
    return asking


def sockets(pid: int) -> int:
    found = 0
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed just now
            found += os.readlink(file).startswith("socket:")
    return found


def test_a_new_connection_goes_to_the_worker_that_has_fewest(shop):
    workers = children(shop.pid)
    before = [sockets(pid) for pid in workers]
    with ExitStack() as kept:

        def one_more() -> list[int]:
            kept.enter_context(ask(shop.port))
            return [sockets(pid) - had for pid, had in zip(workers, before, strict=True)]

        assert wait_until(lambda: min(one_more()) > 0)  # both are at work
        apart = [max(counts) - min(counts) for counts in (one_more() for _ in range(200))]

    # By lot they would be further apart. Now and then a busy machine lets the other one take a connection.
    assert median(apart[100:]) <= 4


def test_who_would_be_let_in_by_a_worker_that_hangs_is_let_in_by_another(shop):
    [_, other] = children(shop.pid)
    with ExitStack() as kept:
        for _ in range(10):
            kept.enter_context(ask(shop.port))
        os.kill(other, signal.SIGSTOP)  # however many the first one gets now, this one has fewer
        kept.callback(os.kill, other, signal.SIGCONT)

        began = time.monotonic()
        for _ in range(10):
            kept.enter_context(ask(shop.port))
        took = time.monotonic() - began

    assert took < 5


def test_a_worker_that_is_gone_has_no_say():
    connections.tell(3, 7)
    connections.tell(4 + connections.WORKERS, 2)
    was_fuller = not connections.has_fewest(3)
    connections.forget(4)

    assert was_fuller
    assert connections.has_fewest(3)
    connections.forget(3)
