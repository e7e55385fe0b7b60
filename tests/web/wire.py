"""Asking a web server as fast as Python can: one kept connection, cookies, nothing else."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlencode

LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)
LOCATION = re.compile(rb"\r\nlocation: ([^\r]+)", re.IGNORECASE)
COOKIE = re.compile(rb"\r\nset-cookie: ([^=\r]+)=([^;\r]*)", re.IGNORECASE)
# Any text of this length is a CSRF secret, if cookie and form agree on it.
CSRF = "a" * 32
# A kept connection that nobody asks anything may be closed on the other side: workers are stopped, too.
IDLE = 1.0
PATIENCE = 60


class ClosedIdleError(ConnectionError):
    """The server closed a kept connection before any byte of an answer."""


class Answer(NamedTuple):
    status: int
    location: str
    body: str


def form(fields: Mapping[str, str]) -> str:
    """The fields as a browser sends them, their headers before them."""
    body = urlencode({"csrfmiddlewaretoken": CSRF} | dict(fields))
    return f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n{body}"


class Wire:
    """A visitor's browser; session: the key of the session it is signed in with, "" for a guest."""

    def __init__(self, port: int, session: str = "") -> None:
        self._address = ("127.0.0.1", port)
        self._cookies = {"csrftoken": CSRF} | ({"sessionid": session} if session else {})
        self._socket: socket.socket | None = None
        self._used = 0.0

    def become(self, session: str) -> None:
        """Go on as another visitor on the same connection, as behind a proxy that keeps some open."""
        self._cookies = {"csrftoken": CSRF, "sessionid": session}

    def get(self, path: str) -> Answer:
        return self._ask(f"GET {path} {self._head()}\r\n")

    def post(self, path: str, fields: Mapping[str, str]) -> Answer:
        return self.post_form(path, form(fields))

    def post_form(self, path: str, form: str) -> Answer:
        """Post what `form` made."""
        return self._ask(f"POST {path} {self._head()}{form}")

    def post_json(self, path: str, body: str, headers: Mapping[str, str]) -> Answer:
        told = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        sent = f"Content-Type: application/json\r\nContent-Length: {len(body.encode())}\r\n{told}\r\n{body}"
        return self._ask(f"POST {path} {self._head()}{sent}")

    def close(self) -> None:
        if self._socket:
            self._socket.close()
        self._socket = None

    def _head(self) -> str:
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        return f"HTTP/1.1\r\nHost: localhost\r\nCookie: {cookies}\r\n"

    def _ask(self, request: str) -> Answer:
        if time.monotonic() - self._used > IDLE:
            self.close()
        if not self._socket:
            self._socket = socket.create_connection(self._address, timeout=PATIENCE)
        head, body = self._exchange(self._socket, request)
        self._used = time.monotonic()
        if b"\r\nconnection: close" in head.lower():
            self.close()
        self._cookies |= {name.decode(): value.decode() for name, value in COOKIE.findall(head)}
        location = LOCATION.search(head)
        return Answer(int(head[9:12]), location.group(1).decode() if location else "", body.decode())

    def _exchange(self, connection: socket.socket, request: str) -> tuple[bytes, bytes]:
        try:
            connection.sendall(request.encode())
            connection.recv(1, socket.MSG_PEEK) or _closed()
        except (ConnectionResetError, BrokenPipeError):
            _closed()
        return self._read(connection)

    def _read(self, connection: socket.socket) -> tuple[bytes, bytes]:
        """Head and body of the answer; every page of the shop tells its length."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += _more(connection)
        head, _, body = data.partition(b"\r\n\r\n")
        told = LENGTH.search(head)
        assert told, head
        parts, missing = [body], int(told.group(1)) - len(body)
        while missing > 0:
            parts.append(_more(connection))
            missing -= len(parts[-1])
        return head, b"".join(parts)


def _closed() -> None:
    raise ClosedIdleError("the web server closed the connection before its answer")


def _more(connection: socket.socket) -> bytes:
    data = connection.recv(1 << 18)
    if not data:
        raise ConnectionError("the web server closed the connection before its answer was complete")
    return data
