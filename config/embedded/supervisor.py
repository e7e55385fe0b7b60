"""Keeps the embedded databases running until it is told to stop."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Protocol

from config.embedded import lock
from config.embedded.guarded import ServerError
from config.embedded.mongodb import MongoServer
from config.embedded.postgres import PostgresServer

# The line that tells whoever started this that all of it is up.
READY = "databases ready"
CHECK_SECONDS = 0.2
# A server that ends this often within a minute has a reason that another restart does not mend.
MOST_RESTARTS = 5


class Server(Protocol):
    """What both servers offer."""

    name: str

    @property
    def place(self) -> str: ...
    def start(self, timeout: float = 60.0) -> None: ...
    def poll(self) -> int | None: ...
    def stop(self) -> None: ...


class _Stopped(BaseException):
    """SIGTERM or SIGINT arrived; a BaseException, so that nothing on the way takes it for a failure."""


def run(data_dir: Path, say: Callable[[str], None]) -> None:
    """Run what DATABASE_URL and MONGODB_URL do not provide, until SIGTERM or SIGINT. Raises ServerError."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _stop)
    servers: list[Server] = []
    try:
        needed = _needed(data_dir, say)
        for server in needed:
            servers.append(server)
            _start(server, say)
        if needed:
            say(READY)
            _watch(servers, say)
    except _Stopped:
        say("stopping")
    finally:
        # From here on one more Ctrl-C must not leave a server half stopped.
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        for server in servers:
            server.stop()


def _stop(number: int, frame: FrameType | None) -> None:
    raise _Stopped


def _needed(data_dir: Path, say: Callable[[str], None]) -> list[Server]:
    given = {name for name in ("DATABASE_URL", "MONGODB_URL") if os.environ.get(name)}
    for name, what in (("DATABASE_URL", "PostgreSQL"), ("MONGODB_URL", "MongoDB")):
        if name in given:
            say(f"{name} is set: no embedded {what} is started")
    if len(given) == 2:
        return []
    held = lock.claim(data_dir)
    servers: list[Server] = []
    if "DATABASE_URL" not in given:
        servers.append(PostgresServer(data_dir, hold=[held]))
    if "MONGODB_URL" not in given:
        servers.append(MongoServer(data_dir, hold=[held]))
    return servers


def _start(server: Server, say: Callable[[str], None]) -> None:
    began = time.monotonic()
    server.start()
    say(f"{server.name} ready at {server.place} in {time.monotonic() - began:.1f} s")


def _watch(servers: list[Server], say: Callable[[str], None]) -> None:
    """Start again what ends. Raises ServerError for a server that keeps ending."""
    restarts: dict[str, list[float]] = {server.name: [] for server in servers}
    while True:
        for server in servers:
            code = server.poll()
            if code is None:
                continue
            recent = [at for at in restarts[server.name] if at > time.monotonic() - 60]
            restarts[server.name] = [*recent, time.monotonic()]
            if len(recent) >= MOST_RESTARTS:
                raise ServerError(f"{server.name} ended {len(recent)} times in a minute; see its log in DATA_DIR/logs.")
            say(f"{server.name} ended with code {code}, starting it again")
            server.stop()
            _start(server, say)
        time.sleep(CHECK_SECONDS)
