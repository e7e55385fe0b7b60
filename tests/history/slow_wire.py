"""A wire to MongoDB on which questions about rollups get lost, for what a page says when the answer takes too long."""

from __future__ import annotations

import re
import socket
import threading
from contextlib import suppress

from tests.listening import Door

LOST = b"rollups"


class SlowWire:
    """Listens on a port of its own and passes everything on, but for the lost questions; use it in a with statement."""

    def __init__(self, url: str) -> None:
        self._target = re.search(r"//([^:/]+):(\d+)", url)
        self._sockets: list[socket.socket] = []
        self._door = Door(self._connect)
        self.url = url.replace(self._target[0], f"//127.0.0.1:{self._door.port}")

    def __enter__(self) -> SlowWire:
        return self

    def __exit__(self, *_: object) -> None:
        self._door.close()
        for each in self._sockets:
            # A thread that waits on it goes on.
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _connect(self, near: socket.socket) -> None:
        with suppress(OSError):
            far = socket.create_connection((self._target[1], int(self._target[2])))
            self._sockets += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                if LOST not in data:
                    sink.sendall(data)
