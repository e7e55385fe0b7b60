"""A proxy in front of several web servers that does what nginx does, and no more, to spare visitors a failure.

Who is refused at one server is sent to the next: nothing was asked there yet. Where a kept connection turns out to be
closed, what may be asked twice (GET, HEAD) is asked anew; nobody knows whether a POST was done, so it fails. A server
that hangs up on a new connection fails the request, whatever it was.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Sequence

from tests.listening import Door

# nginx's own: a kept connection is closed after so many seconds without use, a server is left alone for so many after
# it refused one.
KEPT, LEFT_ALONE = 60.0, 1.0
PATIENCE = 60.0
FAILED = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class HungUp(OSError):
    """The other side closed its connection where something was to come."""


class Balancer:
    """Listens on `port`. happened: how often what, in words."""

    def __init__(self, ports: Sequence[int]) -> None:
        self.happened: Counter[str] = Counter()
        self._idle: dict[int, deque[tuple[socket.socket, float]]] = {port: deque() for port in ports}
        self._refused_at = dict.fromkeys(ports, 0.0)
        self._turn = 0
        self._lock = threading.Lock()
        self._door = Door(self._serve)
        self.port = self._door.port

    def __enter__(self) -> Balancer:
        return self

    def __exit__(self, *_: object) -> None:
        self._door.close()
        for kept in self._idle.values():
            while kept:
                kept.pop()[0].close()

    def _serve(self, client: socket.socket) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with client, contextlib.suppress(OSError):
            while request := message(client, may_end=True):
                try:
                    answer = self._ask(request)
                except OSError as error:
                    self.happened[f"failed: {error}"] += 1
                    answer = FAILED
                client.sendall(answer)
                if _is_last(answer):
                    return

    def _ask(self, request: bytes) -> bytes:
        """Return the answer of whichever server gives one; raises OSError."""
        may_be_repeated = request.startswith((b"GET ", b"HEAD "))
        for port in self._in_turn():
            for kept in self._kept(port):
                try:
                    return self._exchange(kept, port, request)
                except OSError:
                    if not may_be_repeated:
                        raise
                    self.happened["kept connection was closed, asked again"] += 1
            try:
                fresh = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
            except ConnectionRefusedError:
                self.happened["refused, sent to the next"] += 1
                self._refused_at[port] = time.monotonic()
                continue
            fresh.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return self._exchange(fresh, port, request)
        raise ConnectionRefusedError("no server takes connections")

    def _in_turn(self) -> list[int]:
        """All of them, who refused somebody lately last."""
        with self._lock:
            self._turn += 1
            ports = list(self._idle)
            turned = ports[self._turn % len(ports) :] + ports[: self._turn % len(ports)]
        return sorted(turned, key=lambda port: time.monotonic() - self._refused_at[port] < LEFT_ALONE)

    def _kept(self, port: int) -> list[socket.socket]:
        """One connection that was not closed meanwhile, as far as can be seen; or none."""
        with self._lock:
            while self._idle[port]:
                kept, since = self._idle[port].pop()
                if time.monotonic() - since < KEPT and not select.select([kept], [], [], 0)[0]:
                    return [kept]
                kept.close()
        return []

    def _exchange(self, server: socket.socket, port: int, request: bytes) -> bytes:
        try:
            server.sendall(request)
            answer = message(server, to_head=request.startswith(b"HEAD "))
        except OSError:
            server.close()
            raise
        if _is_last(answer):
            server.close()
        else:
            with self._lock:
                self._idle[port].append((server, time.monotonic()))
        return answer


def message(source: socket.socket, *, may_end: bool = False, to_head: bool = False) -> bytes:
    """Read a request or an answer, as long as its head says. Raises HungUp; b"" for an end that may be."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = source.recv(65_536)
        if not part and may_end and not data:
            return b""
        if not part:
            raise HungUp("hung up before a whole head")
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0 if to_head else _length(head)
    parts, missing = [data], length - len(body)
    while missing > 0:
        parts.append(source.recv(65_536))
        if not parts[-1]:
            raise HungUp("hung up before a whole body")
        missing -= len(parts[-1])
    return b"".join(parts)


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.split(b":")[1])
    return 0


def _is_last(answer: bytes) -> bool:
    return b"\r\nconnection: close" in answer.partition(b"\r\n\r\n")[0].lower()
