"""gunicorn with the shop's own configuration, on a port of its own."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from tests.config.processes import ROOT


class Server:
    """`with Server(log) as server:` answers on 127.0.0.1, at `server.port`; its environment is this process's."""

    def __init__(self, log: Path, *, application: str = "config.wsgi", **environment: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self._log = log
        self._command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", application]
        # Tests and measurements ask from one address, and more than any visitor would.
        self._environment = os.environ | {"PORT": str(self.port), "RATE_LIMITS": "off"} | environment

    def __enter__(self) -> Server:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, cwd=ROOT, env=self._environment, stdout=log, stderr=log)
        deadline = time.monotonic() + 120
        while not self._listens():
            if time.monotonic() > deadline:
                self.__exit__()
                raise AssertionError(f"the web does not start: {self._log.read_text()[-2000:]}")
            time.sleep(0.05)
        return self

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait(self, seconds: float) -> int:
        """Wait for its end and return the exit code."""
        return self._process.wait(seconds)

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(20)

    def _listens(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            # A worker, not only the socket: it is open before the application is loaded.
            connection.sendall(b"HEAD /nowhere/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return connection.recv(12).startswith(b"HTTP/1.1")
        return False
