"""A TCP proxy in front of MongoDB that treats one write in a few badly.

delay: the request waits; reset: its connection is reset instead; cut: half of it arrives, then the connection ends;
swallow: the server applies it, and its answer never comes.
"""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import threading
import time
from collections import Counter

from tests.listening import Door

FAULTS = ("delay", "reset", "cut", "swallow")
# First element of a command document: its name, a string.
WRITES = (b"\x02insert\x00", b"\x02update\x00")


class Proxy:
    """Listens on a port of its own, on this machine only. share: of the writes that meet a fault, 0 to 1."""

    def __init__(self, target: int, seed: str) -> None:
        self.share = 0.0
        self.done: Counter[str] = Counter()
        self._target = target
        self._chance = random.Random(f"{seed} proxy")
        self._door = Door(self._serve)
        self.port = self._door.port

    def close(self) -> None:
        self._door.close()

    def _serve(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self._target), timeout=5)
        except OSError:
            client.close()
            return
        server.settimeout(None)
        for each in (client, server):
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        swallowing = threading.Event()
        threading.Thread(target=_answer, args=(server, client, swallowing), daemon=True).start()
        with contextlib.suppress(OSError, EOFError):
            while True:
                self._pass_on(_message(client), client, server, swallowing)
        _end(client, server)

    def _pass_on(
        self, message: bytes, client: socket.socket, server: socket.socket, swallowing: threading.Event
    ) -> None:
        fault = ""
        if any(name in message[:64] for name in WRITES) and self._chance.random() < self.share:
            fault = self._chance.choice(FAULTS)
            self.done[fault] += 1
        if fault == "delay":
            time.sleep(self._chance.uniform(0.05, 0.4))
        elif fault == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            raise EOFError
        elif fault == "cut":
            server.sendall(message[: len(message) // 2])
            raise EOFError
        elif fault == "swallow":
            swallowing.set()
        server.sendall(message)


def _message(source: socket.socket) -> bytes:
    """Read one message of MongoDB's protocol: its length comes first."""
    head = _exactly(source, 4)
    return head + _exactly(source, struct.unpack("<i", head)[0] - 4)


def _exactly(source: socket.socket, size: int) -> bytes:
    parts = []
    while size:
        part = source.recv(min(size, 65536))
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _answer(server: socket.socket, client: socket.socket, swallowing: threading.Event) -> None:
    with contextlib.suppress(OSError):
        while data := server.recv(65536):
            if swallowing.is_set():
                break
            client.sendall(data)
    _end(client, server)


def _end(*sockets: socket.socket) -> None:
    for each in sockets:
        # A shutdown wakes the other thread, which a close alone would not.
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()
