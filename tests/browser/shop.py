"""The shop as it runs in production, for a browser: gunicorn with its settings and policy, and a relay."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from django.conf import settings
from django.test import override_settings

from tests.config.processes import ROOT, database_url
from tests.emails import deliver


class Shop:
    """A web server and a relay on the test's databases; `url` has no slash at its end."""

    def __init__(self, log: Path) -> None:
        port = _free_port()
        self.url = f"http://localhost:{port}"
        self._log = log
        self._mail = log.parent / "mail"
        self._environment = os.environ | {
            "DATABASE_URL": database_url(),
            "MONGODB_URL": settings.MONGODB_URL,
            "PORT": str(port),
            "WEB_CONCURRENCY": "1",
            # Its path is what comes after the third slash.
            "EMAIL_URL": f"filemail:///{self._mail}",
        }
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start both; returns when the web answers."""
        self._run("-m", "gunicorn", "-c", "gunicorn.conf.py")
        self._run("manage.py", "relay")
        deadline = time.monotonic() + 120
        while not self._answers():
            assert time.monotonic() < deadline, f"the shop does not answer: {self._log.read_text()[-2000:]}"
            time.sleep(0.1)

    def stop(self) -> None:
        for process in self._processes:
            process.send_signal(signal.SIGTERM)
        for process in self._processes:
            process.wait(20)

    def mailed_code(self) -> str:
        """Return the code in the latest mail."""
        file_backend = "django.core.mail.backends.filebased.EmailBackend"
        with override_settings(EMAIL_BACKEND=file_backend, EMAIL_FILE_PATH=str(self._mail)):
            deliver()
        latest = max(self._mail.iterdir(), key=lambda file: file.stat().st_mtime_ns)
        found = re.findall(r"^\d{6}$", latest.read_text(), re.MULTILINE)
        code: str = found[-1]
        return code

    def _run(self, *arguments: str) -> None:
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *arguments], cwd=ROOT, env=self._environment, stdout=log, stderr=log
            )
        self._processes.append(process)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            return bool(urllib.request.urlopen(f"{self.url}/static/css/shop.css", timeout=5))
        return False


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
