"""What a shop in production consists of, as processes: web servers, relay, sender of mails, deliverer of webhooks."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from config import tether
from tests.config.processes import ROOT
from tests.load.wire import HOST

# Secret, as production wants one: long, and drawn by lot.
SECRET_KEY = "m0Yx4Zk1vQ8rT6nLb3HsWc7EjPdUa9GfKoIiRqXzVhSyBtNwCgDlFeMpJuOA52-_"
# Longer than a web server lets its requests finish, or a relay its batch.
PATIENCE = 30.0
# For all parts to be loaded, several at once, on a machine that is busy with something else too.
STARTS_WITHIN = 240.0


def production(home: Path, **more: str) -> dict[str, str]:
    """The environment of production; home: for pictures and static files. The stores' addresses are to be added."""
    return {
        "LOCAL": "0",
        "DEBUG": "0",
        "SECRET_KEY": SECRET_KEY,
        "ALLOWED_HOSTS": HOST,
        "BEHIND_TLS_PROXY": "1",
        # All visitors come from one address, and more often than any visitor would.
        "RATE_LIMITS": "off",
        "DEFAULT_FROM_EMAIL": f"shop@{HOST}",
        "MEDIA_ROOT": str(home / "media"),
        "STATIC_ROOT": str(home / "static"),
        "WEBHOOK_NETWORKS": "127.0.0.0/8",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        # They end with whoever started them.
        tether.OWNER_VARIABLE: str(os.getpid()),
    } | more


def collect_static(environment: Mapping[str, str]) -> None:
    """Put the static files where web servers of this environment, of production, find them by their hashed names."""
    subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity=0"],
        cwd=ROOT,
        env=os.environ | dict(environment),
        check=True,
    )


@dataclass(frozen=True)
class Memory:
    """Megabytes of one process. pss: its share of what it has in common with others counted in."""

    rss: float
    pss: float


class Part:
    """One process, started again and again under the same name and on the same port."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        self._command = [sys.executable, *command]
        self._environment = os.environ | dict(environment)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, cwd=ROOT, env=self._environment, stdout=log, stderr=subprocess.STDOUT
            )

    def stop(self) -> None:
        """Ask it to end and wait until it has; raises AssertionError where it does not in time."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError(f"{self.name} did not end when asked to") from None
        finally:
            self._process = None

    def restart(self) -> None:
        self.stop()
        self.start()

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def pids(self) -> list[int]:
        """The process, then those that it started, oldest first."""
        if not self.is_alive:
            return []
        assert self._process
        own = self._process.pid
        return [own, *map(int, Path(f"/proc/{own}/task/{own}/children").read_text().split())]

    def memory(self) -> dict[str, Memory]:
        """Of each of its processes, by a name that stays the same while nothing is restarted."""
        found = {}
        for number, pid in enumerate(self.pids()):
            with contextlib.suppress(OSError):  # it ended just now
                found[self.name if number == 0 else f"{self.name} worker {number}"] = memory_of(pid)
        return found


class Web(Part):
    def __init__(self, name: str, environment: Mapping[str, str], log: Path) -> None:
        self.port = free_port()
        super().__init__(
            name, ["-m", "gunicorn", "-c", "gunicorn.conf.py"], dict(environment) | {"PORT": str(self.port)}, log
        )

    def wait(self) -> None:
        """Return when it is ready; raises AssertionError where it does not get so far."""
        deadline = time.monotonic() + STARTS_WITHIN
        while not self.is_ready():
            assert self.is_alive, f"{self.name} ended: {self.log.read_text()[-2000:]}"
            assert time.monotonic() < deadline, f"{self.name} is not ready: {self.log.read_text()[-2000:]}"
            time.sleep(0.1)

    def is_ready(self) -> bool:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5).close()
            return True
        return False


class Shop:
    """`with Shop(...) as shop`: all parts are running; their logs are in home."""

    def __init__(self, home: Path, environment: Mapping[str, str], *, webs: int = 1) -> None:
        self.webs = [Web(f"web-{number}", environment, home / f"web-{number}.log") for number in range(1, webs + 1)]
        commands = {"relay": "relay", "mail": "send_mails", "hooks": "deliver_webhooks"}
        self.workers = [
            Part(name, ["manage.py", command], environment, home / f"{name}.log") for name, command in commands.items()
        ]

    @property
    def parts(self) -> list[Part]:
        return [*self.webs, *self.workers]

    def __enter__(self) -> Shop:
        for part in self.parts:
            part.start()
        try:
            for web in self.webs:
                web.wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.ExitStack() as stack:  # each of them, whatever another one says
            for part in self.parts:
                stack.callback(part.stop)

    def dead(self) -> Iterator[str]:
        """Parts that ended by themselves."""
        return (part.name for part in self.parts if not part.is_alive)

    def memory(self) -> dict[str, Memory]:
        return {name: memory for part in self.parts for name, memory in part.memory().items()}


def memory_of(pid: int) -> Memory:
    """Raises OSError where there is no such process."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    kilobytes = {name: int(rest.split()[0]) for name, rest in (line.split(":") for line in lines)}
    return Memory(kilobytes["Rss"] / 1024, kilobytes["Pss"] / 1024)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
