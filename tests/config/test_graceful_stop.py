"""SIGTERM ends the web in order: what was asked is answered, and its exit code is 0.

So do relay, mails, imports and webhooks: test_relay_process, test_mails, test_product_work and test_webhooks say so.
"""

import os
import signal
import socket
import time

import pytest

from tests.config.processes import database_url
from tests.factories import ProductFactory
from tests.web.server import Server

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_web_answers_what_it_was_asked_before_it_ends(mirror, settings, tmp_path):
    product = ProductFactory()
    body = f"product={product.pk}&quantity=1&csrfmiddlewaretoken={'a' * 32}".encode()
    head = (
        f"POST /cart/add/ HTTP/1.1\r\nHost: localhost\r\nCookie: csrftoken={'a' * 32}\r\nConnection: close\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    environ = {"DATABASE_URL": database_url(), "MONGODB_URL": settings.MONGODB_URL, "WEB_CONCURRENCY": "1"}

    with Server(tmp_path / "web.log", **environ) as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as asking:
            asking.sendall(head + body[:5])
            time.sleep(0.3)  # it is being read by now
            os.kill(server.pid, signal.SIGTERM)
            asking.sendall(body[5:])
            answer = asking.recv(4096)
        assert server.wait(10) == 0

    assert answer.startswith(b"HTTP/1.1 302")
