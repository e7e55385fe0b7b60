"""Real nginx with the sample of docs/examples/nginx.conf, as an unprivileged part of a test."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from tests import debian
from tests.config.processes import ROOT

SAMPLE = ROOT / "docs" / "examples" / "nginx.conf"
MISSING = "No nginx for this test: install it (on Debian and Ubuntu: apt install nginx) and run the test again."
# For old processes to answer the requests they have.
ENDS_WITHIN = 60.0
# Everything outside the sample: one folder for all of it.
AROUND = """
daemon off;
worker_processes 2;
worker_rlimit_nofile 16384;
pid {home}/nginx.pid;
error_log {home}/error.log notice;
{user}
events {{ worker_connections 8192; }}
http {{
    access_log off;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    {sample}
}}
"""


class Nginx:
    """`with Nginx(home, ports) as nginx`: listens on nginx.port, in front of web servers at these ports.

    It listens without TLS and tells the shop that a request came by https.
    """

    def __init__(self, home: Path, ports: Sequence[int]) -> None:
        self._program = _installed()
        self._home = home / "nginx"
        self._home.mkdir()
        self._ports = list(ports)
        self._down: set[int] = set()
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]

    def __enter__(self) -> Nginx:
        self._write()
        self._process = subprocess.Popen([self._program, "-p", str(self._home), "-c", str(self._file)])
        deadline = time.monotonic() + 30
        while not self._listens():
            assert time.monotonic() < deadline, (self._home / "error.log").read_text()
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(20)

    def take_out(self, port: int) -> None:
        """Mark a server `down`, reload, and wait until nginx has no request at it any more."""
        self._down.add(port)
        self._reload()

    def put_back(self, port: int) -> None:
        self._down.discard(port)
        self._reload()

    @property
    def _file(self) -> Path:
        return self._home / "nginx.conf"

    def _write(self) -> None:
        sample = SAMPLE.read_text()
        [limits] = {*re.findall(r"server 127\.0\.0\.1:\d+(.*);", sample)}
        servers = "".join(
            f"server 127.0.0.1:{port}{limits}{' down' if port in self._down else ''};\n" for port in self._ports
        )
        sample = re.sub(r"( *server 127\.0\.0\.1:\d+.*;\n)+", servers.replace("\\", ""), sample)
        sample = re.sub(r" *ssl_certificate.*\n", "", sample)
        sample = sample.replace("listen 443 ssl;", f"listen 127.0.0.1:{self.port};").replace("$scheme", "https")
        user = "user root;" if os.geteuid() == 0 else ""
        self._file.write_text(AROUND.format(home=self._home, user=user, sample=sample))

    def _workers(self) -> set[int]:
        pid = self._process.pid
        return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))

    def _reload(self) -> None:
        """Returns when the processes of before have answered what they had and are gone."""
        self._write()
        old = self._workers()
        self._process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + ENDS_WITHIN
        while old & self._workers():
            assert time.monotonic() < deadline, "nginx's old processes do not end"
            time.sleep(0.05)

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
        except OSError:
            return False
        return True


def _installed() -> str:
    with debian.one_at_a_time():
        if not _found():
            debian.install("nginx")
    found = _found()
    assert found, MISSING
    return found


def _found() -> str | None:
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
