"""What gunicorn.conf.py says to gunicorn."""

from __future__ import annotations

import runpy
import socket
import time

import pytest
from django.test import RequestFactory

from config.middleware import MAX_SHOP_FORM
from config.wsgi import application
from tests.config.processes import ROOT
from tests.web.server import Server


@pytest.mark.parametrize(
    ("host", "bind"),
    [
        ("", "127.0.0.1:8123"),
        ("0.0.0.0", "0.0.0.0:8123"),
        ("::1", "[::1]:8123"),
        ("shop.internal", "shop.internal:8123"),
    ],
)
def test_it_listens_where_host_and_port_say(monkeypatch, host, bind):
    monkeypatch.setenv("HOST", host)
    monkeypatch.setenv("PORT", "8123")

    settings = runpy.run_path(str(ROOT / "gunicorn.conf.py"))

    assert settings["bind"] == bind
    assert settings["worker_class"] == "gthread"
    # Neither a pool of connections nor a client of MongoDB survives a fork.
    assert settings["preload_app"] is False


def test_no_header_says_where_the_shop_is_mounted_or_that_it_came_by_https(tmp_path):
    headers = "X-Forwarded-Proto: https\r\nSCRIPT_NAME: /evil\r\nPATH_INFO: /evil\r\nScript-Name: /evil"
    with Server(tmp_path / "log") as server, socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(f"GET /account/login/ HTTP/1.0\r\nHost: localhost\r\n{headers}\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b"")).decode()

    assert answer.split()[1] == "200"
    assert "/evil" not in answer
    assert "https://localhost" not in answer


@pytest.mark.django_db
def test_a_cookie_of_backslashes_takes_no_time():
    cookie = 'cart="' + "\\" * 80_000 + '"'
    environ = RequestFactory().get("/cart/", headers={"cookie": cookie}).environ
    began = time.thread_time()

    answer = application(environ, lambda *_: None)

    assert b"Your cart" in b"".join(answer)
    assert time.thread_time() - began < 3


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/cart/add/", "/account/signup/", "/language/", "/checkout/"])
def test_a_form_of_the_shop_takes_no_more_than_it_needs(client, path):
    assert client.post(path, {"email": "a" * MAX_SHOP_FORM}).status_code == 400
