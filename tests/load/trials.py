"""What can happen to a store: each a context in which it does, by its name."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

import psycopg

from config.embedded.mongodb import MongoServer
from config.embedded.postgres import PostgresServer
from tests.faults.servers import Servers
from tests.load.disk import SmallDisk
from tests.load.line import Line

# Seconds for each way of each message.
SLOW_POSTGRESQL, SLOW_MONGODB = 0.02, 0.1
# What the reports are read from, and what they say then.
ONLY_REPORTS = frozenset({"report"})
FULL_DISK, LOST = "full-disk", "lost-postgresql"
# Only root may mount a disk and drop packets.
AS_ROOT = (FULL_DISK, LOST)


@dataclass(frozen=True)
class Scene:
    """The shop's lines to its stores, PostgreSQL's own address, and where there are, its servers and its disk."""

    postgresql: Line
    mongodb: Line
    address: str
    servers: Servers | None = None
    disk: SmallDisk | None = None


@dataclass(frozen=True)
class Trial:
    """begin: makes the trouble, for as long as it is entered. touches: kinds of requests that may be answered 503; None
    for all. environment: of the shop meanwhile."""

    name: str
    begin: Callable[[Scene], AbstractContextManager[None]]
    touches: frozenset[str] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def slow_postgresql(scene: Scene) -> Iterator[None]:
    with _slow(scene.postgresql, SLOW_POSTGRESQL):
        yield


@contextmanager
def slow_mongodb(scene: Scene) -> Iterator[None]:
    with _slow(scene.mongodb, SLOW_MONGODB):
        yield


@contextmanager
def _slow(line: Line, delay: float) -> Iterator[None]:
    line.delay = delay
    try:
        yield
    finally:
        line.delay = 0.0


@contextmanager
def lost_postgresql(scene: Scene) -> Iterator[None]:
    """Drop every packet of the shop's connections to PostgreSQL, as a broken network does."""
    rules = "".join(
        f"add rule inet {LOST} input tcp {direction} {scene.postgresql.port} drop\n" for direction in ("dport", "sport")
    )
    _nft(f"add table inet {LOST}\nadd chain inet {LOST} input {{ type filter hook input priority 0; }}\n{rules}")
    try:
        yield
    finally:
        _nft(f"delete table inet {LOST}")


def _nft(commands: str) -> None:
    subprocess.run(["nft", "-f", "-"], input=commands, text=True, check=True)


@contextmanager
def silent_mongodb(scene: Scene) -> Iterator[None]:
    with _silent(scene.mongodb):
        yield


@contextmanager
def _silent(line: Line) -> Iterator[None]:
    line.fall_silent()
    try:
        yield
    finally:
        line.speak()


@contextmanager
def postgresql_gone(scene: Scene) -> Iterator[None]:
    assert scene.servers
    with _gone(scene.servers.postgres):
        yield


@contextmanager
def mongodb_gone(scene: Scene) -> Iterator[None]:
    assert scene.servers
    with _gone(scene.servers.mongodb):
        yield


@contextmanager
def _gone(server: PostgresServer | MongoServer) -> Iterator[None]:
    server.stop()
    try:
        yield
    finally:
        server.start()


@contextmanager
def pool_held(scene: Scene) -> Iterator[None]:
    """Whoever asks for products waits, and keeps a connection of its web server's pool."""
    with psycopg.connect(scene.address) as holding:
        holding.execute("LOCK TABLE products IN ACCESS EXCLUSIVE MODE")
        yield
        holding.rollback()


@contextmanager
def no_connection_left(scene: Scene) -> Iterator[None]:
    """Take every connection that PostgreSQL has to give, those of the shop's too."""
    ended = threading.Event()
    taking = threading.Thread(target=_take, args=(scene.address, ended))
    taking.start()
    try:
        yield
    finally:
        ended.set()
        taking.join()


def _take(address: str, ended: threading.Event) -> None:
    with contextlib.ExitStack() as held:
        first = held.enter_context(psycopg.connect(address, autocommit=True, application_name="taker"))
        while not ended.wait(0.02):
            try:
                while not ended.is_set():
                    held.enter_context(psycopg.connect(address, autocommit=True, application_name="taker"))
            except psycopg.OperationalError:
                first.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE backend_type = 'client backend' AND application_name <> 'taker'"
                )


@contextmanager
def full_disk(scene: Scene) -> Iterator[None]:
    assert scene.disk
    assert scene.servers
    scene.disk.fill()
    try:
        yield
    finally:
        scene.disk.clear()
        # It ends where it cannot write its log of changes; whoever watches over it starts it again.
        if not scene.servers.postgres.is_running:
            scene.servers.postgres.start()


TRIALS = {
    trial.name: trial
    for trial in (
        Trial("slow-postgresql", slow_postgresql),
        Trial(LOST, lost_postgresql),
        Trial("postgresql-gone", postgresql_gone),
        Trial("no-connection-left", no_connection_left),
        Trial("slow-mongodb", slow_mongodb, ONLY_REPORTS),
        Trial("silent-mongodb", silent_mongodb, ONLY_REPORTS),
        Trial("mongodb-gone", mongodb_gone, ONLY_REPORTS),
        Trial(FULL_DISK, full_disk),
        # By themselves a web server's threads are fewer than its connections.
        Trial("pool-held", pool_held, environment={"WEB_THREADS": "12", "DATABASE_POOL_SIZE": "3"}),
    )
}
