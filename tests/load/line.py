"""The line to a store: everything goes over it as it is, until it becomes slow, silent or dead."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

from tests.listening import Door

Address = str | tuple[str, int]


class Line:
    """Listens on `port` of this machine. delay: seconds for each way of each message."""

    def __init__(self, to: Address) -> None:
        self.delay = 0.0
        self._to = to
        self._goes = threading.Event()
        self._goes.set()
        self._door = Door(self._connect)
        self.port = self._door.port

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        self.speak()
        self._door.close()

    def fall_silent(self) -> None:
        """Take what is sent, new connections too, and pass nothing on, in neither direction."""
        self._goes.clear()

    def speak(self) -> None:
        """Pass on what was kept back, and all that follows."""
        self._goes.set()

    def _connect(self, near: socket.socket) -> None:
        self._goes.wait()
        far = socket.socket(socket.AF_UNIX if isinstance(self._to, str) else socket.AF_INET)
        try:
            far.connect(self._to)
        except OSError:
            near.close()
            return
        for each in (near, far):
            if each.family == socket.AF_INET:
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for source, sink in ((near, far), (far, near)):
            threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                time.sleep(self.delay)
                self._goes.wait()
                sink.sendall(data)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        source.close()  # the other one is the other thread's
