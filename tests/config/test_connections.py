"""Connections are shared out evenly among the workers of a web server, and none waits for a worker that hangs."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import time
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import pytest
from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.sock import TCPSocket
from gunicorn.workers.gthread import TConn

from config import connections
from config.worker import Worker
from tests.config.processes import children, database_url, wait_until
from tests.web.server import Server

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop(mirror, settings, tmp_path):
    told = {"DATABASE_URL": database_url(), "MONGODB_URL": settings.MONGODB_URL, "WEB_CONCURRENCY": "2"}
    with Server(tmp_path / "web.log", **told) as server:
        yield server


def knock(port: int) -> socket.socket:
    """Return a connection that is kept, on which something was asked."""
    asking = socket.create_connection(("127.0.0.1", port), timeout=20)
    asking.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return asking


def ask(port: int) -> socket.socket:
    """Return a connection that is kept, on which a request was answered."""
    asking = knock(port)
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


def test_those_who_would_be_let_in_by_a_worker_that_hangs_are_let_in_by_another(shop):
    [_, other] = children(shop.pid)
    with ExitStack() as kept:
        for _ in range(10):
            kept.enter_context(ask(shop.port))
        os.kill(other, signal.SIGSTOP)  # however many the first one gets now, this one has fewer
        kept.callback(os.kill, other, signal.SIGCONT)

        began = time.monotonic()
        waiting = [kept.enter_context(knock(shop.port)) for _ in range(300)]
        answers = [asking.recv(4096) for asking in waiting]
        took = time.monotonic() - began

    assert all(answer.startswith(b"HTTP/1.1 200") for answer in answers)
    # One at a time, after the head start, would be three seconds and more.
    assert took < 2.5


@pytest.fixture
def worker():
    """One that is not at work, with a door of its own, which another worker holds open too."""
    settings = Config()
    log = Logger(settings)
    door = TCPSocket(("127.0.0.1", 0), settings, log)
    with door.sock.dup():
        made = Worker(900, os.getpid(), [door], None, 60, settings, log)
        made.poller, made.tpool = selectors.DefaultSelector(), made.get_thread_pool()
        made.method_queue.init()
        yield made
        made.tpool.shutdown()
        made.poller.close()
        made.method_queue.close()
        made.tmp.close()
    door.close()
    connections.forget(900)
    connections.forget(901)


def test_a_worker_that_is_stopped_in_its_turn_lets_nobody_in_any_more(worker):
    connections.tell(901, 0)
    worker.set_accept_enabled(True)
    connections.tell(900, 3)
    [door] = worker.sockets
    address = door.getsockname()
    worker.nr_conns = 3
    worker.accept(door)  # left to the other one
    assert worker._turn_at

    worker._turn_at = 0.0
    worker.alive = False  # just before it would have let people in again
    worker.set_accept_enabled(True)
    with socket.create_connection(address, timeout=5):
        worker.wait_for_and_dispatch_events(0.1)

    assert worker.nr_conns == 3
    assert connections.has_fewest(901)


def test_an_answer_that_breaks_is_taken_off_once(worker):
    worker.nr_conns = 1
    ours, theirs = socket.socketpair()
    conn = TConn(worker.cfg, ours, "", "")
    conn.close()  # as gunicorn does where an answer breaks after its head was sent
    broken = Future()
    broken.set_result(False)

    worker.finish_request(conn, broken)
    worker.wait_for_and_dispatch_events(0)
    theirs.close()

    assert worker.nr_conns == 0
    assert connections.has_fewest(900)


def test_one_with_no_thread_free_leaves_newcomers_to_one_with_more_connections(worker):
    worker.cfg.set("threads", 2)
    connections.tell(901, 8)
    worker.nr_conns = 2

    worker._tell()
    assert not connections.has_fewest(900)
    worker.keepalived_conns.append("one that waits for its next request")
    worker._tell()
    assert connections.has_fewest(900)


def test_a_worker_that_is_gone_has_no_say():
    connections.tell(3, 7)
    connections.tell(4 + connections.WORKERS, 2)
    was_fuller = not connections.has_fewest(3)
    connections.forget(4)

    assert was_fuller
    assert connections.has_fewest(3)
    connections.forget(3)
