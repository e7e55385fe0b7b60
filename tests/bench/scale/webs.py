"""Orders a second with one, two and four web processes, whose processor time that takes, and how many connections."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from django.db import connection

from tests.bench import http
from tests.bench.figures import Figure, p95
from tests.bench.scale.cpu import Cpu
from tests.web.server import Server

COUNTS = (1, 2, 4)
LOOK = 0.2
CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


class Connections(threading.Thread):
    """Counts those that came after it was made, until it is stopped; most: the most there were."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._before = self._now()
        self._stopped = threading.Event()
        self.most = 0

    def run(self) -> None:
        while not self._stopped.wait(LOOK):
            # One more is this thread's own.
            self.most = max(self.most, self._now() - self._before - 1)
        connection.close()

    def stop(self) -> None:
        self._stopped.set()
        self.join()

    def _now(self) -> int:
        with connection.cursor() as cursor:
            cursor.execute(CONNECTIONS)
            return int(cursor.fetchone()[0])


def measured(checkouts: int) -> Iterator[Figure]:
    first = 0.0
    with ProcessPoolExecutor(1, get_context("spawn")) as clients:
        for count in COUNTS:
            rate, took, told = _with_webs(count, checkouts, clients)
            first = first or rate
            what = f"checkouts, {http.CLIENTS} clients, {count} web process{'es' if count > 1 else ''}"
            yield Figure(what, f"{rate:,.0f} orders/s", f"p95 {p95(took):,.0f} ms; {told}", rate / first)


def _with_webs(count: int, checkouts: int, clients: ProcessPoolExecutor) -> tuple[float, list[float], str]:
    """Orders a second, milliseconds of each, and what they took of the machine."""
    warm = http.forms(http.CLIENTS * http.WARM)
    watched = Connections()
    with TemporaryDirectory() as logs, Server(Path(logs) / "web.log", WEB_CONCURRENCY=str(count)) as shop:
        clients.submit(http.post, shop.port, warm).result()
        # That takes seconds, in which the last process begins to let people in: whoever is let in before stays where
        # they are.
        posted = http.forms(checkouts)
        watched.start()
        cpu = Cpu()
        rate, took = clients.submit(http.post, shop.port, posted).result()
        used = cpu.used()
        watched.stop()
    told = ", ".join(f"{name} {used[name] / checkouts * 1000:.2f}" for name in ("web", "PostgreSQL"))
    return rate, took, f"processor, ms an order: {told}; {watched.most} connections at most"
