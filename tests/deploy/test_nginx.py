"""Behind nginx with the sample configuration, visitors who are slow or silent keep nobody else waiting."""

from __future__ import annotations

import resource
import socket
from contextlib import ExitStack

import pytest

from tests.config.processes import database_url
from tests.factories import ProductFactory
from tests.nginx import Nginx
from tests.web.server import Server

pytestmark = pytest.mark.django_db(transaction=True)

SILENT = 2_300
# Of a web server with one process of two threads.
THREADS = 2
HEAD = "Host: localhost\r\nX-Forwarded-Proto: https\r\n"


@pytest.fixture
def shop(mirror, settings, tmp_path):
    ProductFactory()
    stores = {"DATABASE_URL": database_url(), "MONGODB_URL": settings.MONGODB_URL}
    with (
        Server(tmp_path / "web.log", WEB_CONCURRENCY="1", WEB_THREADS=str(THREADS), **stores) as web,
        Nginx(tmp_path, [web.port]) as nginx,
    ):
        yield nginx


@pytest.fixture
def visitors(shop):
    """visitors(count, sent): so many connections, on each of which this was sent and nothing is read."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4 * SILENT), hard))
    with ExitStack() as stack:

        def connect(count: int, sent: str) -> None:
            for _ in range(count):
                visitor = stack.enter_context(socket.create_connection(("127.0.0.1", shop.port), timeout=20))
                visitor.sendall(sent.encode())

        yield connect
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def status(port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as visitor:
        visitor.sendall(f"GET / HTTP/1.1\r\n{HEAD}Connection: close\r\n\r\n".encode())
        return visitor.recv(12)


def test_silent_connections(shop, visitors):
    visitors(SILENT, "")

    assert status(shop.port) == b"HTTP/1.1 200"


def test_readers_who_do_not_read(shop, visitors):
    # Together larger than what the kernel keeps for a connection.
    page = f"GET /static/vendor/bootstrap/bootstrap.min.css HTTP/1.1\r\n{HEAD}\r\n"
    visitors(8 * THREADS, page * 100)

    assert status(shop.port) == b"HTTP/1.1 200"


def test_senders_who_stop_in_the_middle(shop, visitors):
    visitors(8 * THREADS, f"GET / HTTP/1.1\r\n{HEAD}")
    visitors(8 * THREADS, f"POST /cart/add/ HTTP/1.1\r\n{HEAD}Content-Length: 1000\r\n\r\nproduct=")

    assert status(shop.port) == b"HTTP/1.1 200"
