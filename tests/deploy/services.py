"""The services of compose.yaml that run the image, each as compose.yaml confines it, without a container engine."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.deploy import compose
from tests.deploy.container import Container
from tests.deploy.image import Image

HOST = "shop.example"
# As behind a proxy that ends TLS; what compose.yaml leaves to whoever starts it.
VARIABLES = {
    "SECRET_KEY": "replayed-" + "0123456789abcdef" * 4,
    "POSTGRES_PASSWORD": "replayed",
    "MONGODB_PASSWORD": "replayed/+@",
    "MONGODB_ROOT_PASSWORD": "replayed",
    "ALLOWED_HOSTS": HOST,
    "EMAIL_URL": "consolemail://",
    "BEHIND_TLS_PROXY": "1",
    "METRICS_TOKEN": "replayed",
}
STATIC = re.compile(r'href="(/static/[^"]+\.css)"')


@dataclass
class Service:
    """One of them. scratch: the folder that its volumes are made in."""

    name: str
    image: Image
    definition: dict[str, Any]
    environment: Mapping[str, str]
    scratch: Path

    def __post_init__(self) -> None:
        self.log = self.scratch / f"{self.name}.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.container = Container(
            self.image.root,
            self.image.environment | self.definition["environment"] | self.environment,
            self.image.directory,
            self.image.user,
            is_read_only=self.definition["read_only"],
            volumes={path: self._volume(path) for path in compose.mounts(self.definition)},
        )

    def _volume(self, path: str) -> Path:
        """A folder as an engine makes it: a new volume has the rights that its place in the image has."""
        folder = self.scratch / self.name / path.strip("/")
        folder.mkdir(parents=True)
        folder.chmod(self.image.at(path).stat().st_mode)
        return folder

    @property
    def command(self) -> list[str]:
        return self.definition.get("command") or self.image.command

    @property
    def healthcheck(self) -> list[str]:
        """The words of its health check, as an engine runs them."""
        test = self.definition.get("healthcheck", {}).get("test")
        if test is None:
            return self.image.healthcheck
        return ["sh", "-c", test[1]] if test[0] == "CMD-SHELL" else test[1:]

    def start(self) -> None:
        self.process = self.container.start(self.command, self.log)

    def is_healthy(self) -> bool:
        return self.container.run(self.healthcheck, timeout=30).returncode == 0

    def wait(self, *, until_healthy: bool, patience: float = 60) -> None:
        """Wait until its health check says so. Raises AssertionError, with what the service said."""
        deadline = time.monotonic() + patience
        while self.is_healthy() is not until_healthy:
            is_gone = self.process is None or self.process.poll() is not None
            if is_gone or time.monotonic() > deadline:
                raise AssertionError(f"{self.name} is {'gone' if is_gone else 'unwell'}: {self.said[-3000:]}")
            time.sleep(0.5)

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def end(self) -> tuple[int, float]:
        """Ask it to end as an engine does; return its exit code and the seconds it took, or kill it after ten."""
        assert self.process
        began = time.monotonic()
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        seconds = time.monotonic() - began
        self.kill()
        return self.process.returncode, seconds

    def kill(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()


class Services:
    """`with Services(...) as services`: what is started is ended, whatever happens."""

    def __init__(self, image: Image, scratch: Path, *, database_url: str, mongodb_url: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        environment = {
            "DATABASE_URL": database_url,
            "MONGODB_URL": mongodb_url,
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "OWNER_PID": str(os.getpid()),
        }
        definitions = compose.of_the_image(compose.load(VARIABLES))
        self.all = {name: Service(name, image, each, environment, scratch) for name, each in definitions.items()}

    def __enter__(self) -> Services:
        return self

    def __exit__(self, *_: object) -> None:
        for service in self.all.values():
            service.kill()

    @property
    def lasting(self) -> list[Service]:
        """Those that run until they are stopped."""
        return [service for service in self.all.values() if service.definition["restart"] != "no"]

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Ask the web as its proxy does; returns status, headers in small letters, body."""
        asking = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        asking.request("GET", path, headers={"Host": HOST, "X-Forwarded-Proto": "https", **headers})
        answer = asking.getresponse()
        body = answer.read()
        asking.close()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, body
