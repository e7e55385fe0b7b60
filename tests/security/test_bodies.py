"""What is too large, too much or too slow is refused at once, and keeps nobody else waiting."""

from __future__ import annotations

import socket
import time

import pytest

from tests.security import asking
from tests.security.visitor import CSRF_COOKIE, FORM, HOST, TOKEN

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(300)]

MEGABYTES = 10 * 2**20
MULTIPART = "multipart/form-data; boundary=x"
# They never look at a body.
NEVER_READ = ("/healthz", "/static/css/shop.css")
PATHS = ["/cart/add/", "/account/login/", "/account/signup/", "/checkout/", "/language/", "/nowhere/", "/admin/login/",
         "/orders/", "/api/v1/orders", "/static/css/shop.css", "/healthz"]  # fmt: skip
UPLOAD = b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n%s\r\n--x--\r\n'


def head(path: str, length: int | str, kind: str = FORM, method: str = "POST") -> bytes:
    return (
        f"{method} {path} HTTP/1.1\r\nHost: {HOST}\r\nX-Forwarded-Proto: https\r\nOrigin: https://{HOST}\r\n"
        f"X-CSRFToken: {TOKEN}\r\nCookie: {CSRF_COOKIE}={TOKEN}\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {length}\r\nConnection: close\r\n\r\n"
    ).encode()


def sent(port: int, *parts: bytes) -> tuple[int, float]:
    """The status of the answer, and how long it took from the first byte on; the server need not take them all."""
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        try:
            for part in parts:
                connection.sendall(part)
        except OSError:
            pass  # it has answered and hung up
        answer = connection.recv(100)
    return int(answer[9:12] or 0), time.perf_counter() - began


@pytest.mark.parametrize("path", PATHS)
def test_ten_megabytes_are_refused_at_once(shop, path):
    for kind, body in ((FORM, b"a=" + bytes(MEGABYTES)), (MULTIPART, UPLOAD % bytes(MEGABYTES))):
        status, seconds = sent(shop.port, head(path, len(body), kind), body)

        assert status in (400, 413) or (path in NEVER_READ and status < 500), (kind, status)
        assert seconds < asking.allowed(shop)


@pytest.mark.parametrize("path", ["/cart/add/", "/account/login/", "/admin/login/", "/language/"])
def test_five_thousand_fields_are_refused_at_once(shop, path):
    fields = "&".join(f"f{n}=x" for n in range(5000)).encode()
    parts = [b'--x\r\nContent-Disposition: form-data; name="f%d"\r\n\r\nx\r\n' % n for n in range(5000)]
    for kind, body in ((FORM, fields), (MULTIPART, b"".join([*parts, b"--x--\r\n"]))):
        status, seconds = sent(shop.port, head(path, len(body), kind), body)

        assert status == 400
        assert seconds < asking.allowed(shop)


@pytest.mark.parametrize("length", [10**12, "9" * 5000, "-1", "x", "1, 2", "٣".encode().decode("latin-1")])
def test_a_length_that_cannot_be_is_refused_before_anything_is_read(shop, length):
    status, seconds = sent(shop.port, head("/cart/add/", length).decode().encode("latin-1"))

    assert status in (400, 413, 431)
    assert seconds < asking.allowed(shop)


def test_a_head_that_is_too_large_is_refused(shop):
    for line in ("GET /" + "a" * 20_000, "GET / HTTP/1.1\r\nHost: shop.example\r\nX: " + "a" * 100_000,
                 "GET / HTTP/1.1\r\n" + "".join(f"X-{n}: x\r\n" for n in range(1000))):  # fmt: skip
        status, seconds = sent(shop.port, f"{line}\r\n\r\n".encode())

        assert 400 <= status < 500
        assert seconds < asking.allowed(shop)


SMUGGLED = [
    "POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG",
    "POST / HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: shop.example\r\nHost: evil.example\r\n\r\n",
    "GET / HTTP/1.1\r\nHost : shop.example\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: shop.example\r\nX: a\x00b\r\n\r\n",
    "GET / HTTP/9.9\r\nHost: shop.example\r\n\r\n",
    "\x16\x03\x01\x02\x00\x01\r\n\r\n",
]


@pytest.mark.parametrize("raw", SMUGGLED)
def test_what_two_servers_would_read_differently_is_refused(shop, raw):
    with socket.create_connection(("127.0.0.1", shop.port), timeout=10) as connection:
        connection.sendall(raw.encode("latin-1"))
        answer = connection.recv(10_000)

    assert not answer or int(answer[9:12]) in (400, 431, 501, 505)
    assert not asking.TOLD.search(answer)
