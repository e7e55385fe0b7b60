"""A shop under fire: relays and web workers on real databases, a proxy, and whoever kills them all."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable

import psycopg

from config.embedded import addresses
from config.embedded.guarded import ServerError
from config.embedded.mongodb import MongoServer
from config.embedded.postgres import PostgresServer
from history import faults
from tests.config.processes import guarded
from tests.faults.parts import Part, frozen, tries
from tests.faults.proxy import Proxy
from tests.faults.sampler import Sampler
from tests.faults.servers import Servers

BUSY = """
SELECT pid, application_name FROM pg_stat_activity
WHERE backend_xid IS NOT NULL AND application_name ~ %s AND datname = current_database()
"""
ANY_PART = "^(relay|web)-"


class World:
    """Relays, web workers and proxy on running databases. `with World(servers, seed) as world`."""

    def __init__(self, servers: Servers, seed: str) -> None:
        self.chance = random.Random(seed)
        self.kills: Counter[str] = Counter()
        self.in_flight: Counter[str] = Counter()
        self.points: Counter[str] = Counter()
        self.stalls: Counter[str] = Counter()
        self.home = servers.home
        self.postgres, self.mongodb = servers.postgres, servers.mongodb
        port = addresses.mongodb_port(self.home)
        self.proxy = Proxy(port, seed)
        environment = {
            # Relays go through the proxy; who checks does not.
            "MONGODB_URL": self.mongodb.url.replace(f":{port}/", f":{self.proxy.port}/"),
            # An answer that never comes is waited for that long, out of a short run.
            "MONGODB_WRITE_TIMEOUT_MS": "2000",
        }
        names = [f"{kind}-{number}" for kind in ("relay", "web") for number in range(2)]
        self.parts = [Part(name, self.home, environment, seed) for name in names]

    def __enter__(self) -> World:
        self.sampler = Sampler(self.postgres.url, self.mongodb.url)
        for part in self.parts:
            part.start()
        return self

    def __exit__(self, *_: object) -> None:
        for part in self.parts:
            part.kill()
        self.sampler.end()
        self.proxy.close()

    def query(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """Ask PostgreSQL; nothing where it does not answer."""
        with (
            contextlib.suppress(psycopg.Error),
            psycopg.connect(self.postgres.url, connect_timeout=2, application_name="faults") as connection,
        ):
            return connection.execute(statement, values).fetchall()
        return []

    def busy(self, pattern: str = ANY_PART) -> dict[str, int]:
        """Sessions with a transaction that has written or claimed something, by name."""
        return {str(name): int(str(pid)) for pid, name in self.query(BUSY, pattern)}

    def kill_relay(self) -> None:
        self._kill_part([part for part in self.parts if not part.is_web], lambda part: part.name in self.busy())

    def kill_web(self) -> None:
        self._kill_part([part for part in self.parts if part.is_web], Part.has_unfinished)

    def _kill_part(self, parts: list[Part], is_busy: Callable[[Part], bool]) -> None:
        part = self.chance.choice(parts)
        hit = False
        for _ in tries():
            if not part.is_alive:
                break  # a fault point was quicker
            part.signal(signal.SIGSTOP)
            if hit := is_busy(part):
                break
            part.signal(signal.SIGCONT)
        if part.is_alive:
            part.kill()
            self._count("web" if part.is_web else "relay", hit)
            self._restart(part)
        else:
            self.revive()

    def revive(self) -> None:
        """Start again what died at a fault point."""
        for part in self.parts:
            if part.is_alive or part.is_asked_to_end:
                continue
            if not part.armed or part.exit_code != -signal.SIGKILL:
                raise AssertionError(f"{part.name} ended by itself with {part.exit_code}; see {part.name}.log")
            self.points[part.armed] += 1
            self._count("web" if part.is_web else "relay", True)
            self._restart(part)

    def _restart(self, part: Part) -> None:
        point = ""
        if self.chance.random() < 0.6:
            point = self.chance.choice(faults.WEB_POINTS if part.is_web else faults.RELAY_POINTS)
        part.start(point, self.chance.choice([1, 2, 5, 12]))

    def kill_mongodb(self) -> None:
        pid, hit = guarded(self.home, "secantus"), False
        for _ in tries():
            with frozen(pid):
                if hit := bool(self.busy("^relay-")):
                    break
        self.sampler.mongodb_crashed()
        os.kill(pid, signal.SIGKILL)
        self._count("mongodb", hit)
        self._restart_server(self.mongodb)
        self.sampler.mongodb_crashed()

    def kill_postgres(self) -> None:
        """A backend at work, or the postmaster itself."""
        busy: dict[str, int] = {}
        for _ in tries():
            if busy := self.busy():
                break
        if busy and self.chance.random() < 0.6:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.chance.choice(sorted(busy.values())), signal.SIGKILL)
            self._count("postgres backend", True)
            self._wait_for_postgres()
        else:
            os.kill(guarded(self.home, "postgres"), signal.SIGKILL)
            self._count("postmaster", bool(busy))
            self._restart_server(self.postgres)

    def _wait_for_postgres(self) -> None:
        deadline = time.monotonic() + 30
        while not self.query("SELECT 1"):
            assert time.monotonic() < deadline, "PostgreSQL does not come back after the loss of a backend"
            time.sleep(0.1)

    def _restart_server(self, server: MongoServer | PostgresServer) -> None:
        time.sleep(self.chance.uniform(0, 0.5))
        for _ in range(3):
            with contextlib.suppress(ServerError):
                server.start()
                return
        raise AssertionError(f"{server.name} does not start again; see its log")

    def stall(self) -> None:
        """Let something hang for a moment; a relay may have lost its transaction when it goes on."""
        what = self.chance.choice(["relay", "web", "mongodb", "relay without its transaction"])
        self.stalls[what] += 1
        if what == "mongodb":
            with frozen(guarded(self.home, "secantus")):
                time.sleep(self.chance.uniform(0.1, 0.8))
            return
        part = self.chance.choice([part for part in self.parts if part.is_web == (what == "web") and part.is_alive])
        part.signal(signal.SIGSTOP)
        if what == "relay without its transaction":
            self.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s", part.name)
        time.sleep(self.chance.uniform(0.1, 0.8))
        part.signal(signal.SIGCONT)

    def _count(self, target: str, hit: bool) -> None:
        self.kills[target] += 1
        self.in_flight[target] += hit

    def quiet(self) -> None:
        """Stop the trouble and the clients; relays stay."""
        self.proxy.share = 0.0
        self.revive()
        for part in self.parts:
            if part.is_web and not part.end():
                raise AssertionError(f"{part.name} did not end when asked to")

    def wait_until_delivered(self, seconds: float = 90.0) -> float:
        """Return the seconds it took the relays to deliver everything; raises AssertionError."""
        started = time.monotonic()
        while time.monotonic() - started < seconds:
            self.revive()
            if self.query("SELECT count(*) FROM history_events WHERE delivered_at IS NULL") == [(0,)]:
                return time.monotonic() - started
            time.sleep(0.1)
        left = self.query("SELECT count(*), max(error) FROM history_events WHERE delivered_at IS NULL")
        raise AssertionError(f"(events, error) not delivered after {seconds} s: {left}")
