"""Watching the mirror during a run: the revision it holds of an order never decreases, and is never below what was
marked delivered."""

from __future__ import annotations

import contextlib
import threading
from typing import Any

import psycopg
from pymongo import MongoClient
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern

# The orders that the web workers are changing, and some more.
LATEST = 200
DELIVERED = """
SELECT order_id, max(rev) FROM history_events
WHERE delivered_at IS NOT NULL AND order_id > (SELECT coalesce(max(order_id), 0) FROM orders) - %s GROUP BY order_id
"""


class Sampler:
    """A thread that looks a few times a second. samples: looks that both stores answered."""

    def __init__(self, database_url: str, mongodb_url: str) -> None:
        self.samples = 0
        self.decreased: list[str] = []
        self._database_url = database_url
        self._mongodb_url = mongodb_url
        self._seen: dict[int, int] = {}
        self._crashes = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def mongodb_crashed(self) -> None:
        """What was seen before and not acknowledged by then may be gone; call before and after."""
        self._crashes += 1
        self._seen = {}

    def end(self) -> None:
        self._ended.set()
        self._thread.join(10)

    def _run(self) -> None:
        client: MongoClient[dict[str, Any]] = MongoClient(
            self._mongodb_url, serverSelectionTimeoutMS=500, connectTimeoutMS=500, socketTimeoutMS=3000, tz_aware=True
        )
        with client:
            collection = client.get_default_database().get_collection(
                "order_history", read_concern=ReadConcern("majority")
            )
            while not self._ended.wait(0.2):
                with contextlib.suppress(psycopg.Error, PyMongoError):
                    self._sample(collection)

    def _sample(self, collection: Any) -> None:
        crashes = self._crashes
        with psycopg.connect(self._database_url, connect_timeout=2, application_name="sampler") as connection:
            delivered = dict(connection.execute(DELIVERED, [LATEST]).fetchall())
        found = collection.find({"order_id": {"$gte": min(delivered, default=0)}}, {"order_id": 1, "rev": 1})
        held = {document["order_id"]: document["rev"] for document in found}
        if crashes != self._crashes:
            return
        self.samples += 1
        for order, rev in delivered.items():
            if held.get(order, 0) < rev:
                self.decreased.append(f"order {order}: rev {rev} was delivered, the mirror has {held.get(order)}")
        for order, rev in self._seen.items():
            if order in held and held[order] < rev:
                self.decreased.append(f"order {order}: the mirror went from rev {rev} to {held[order]}")
        self._seen = held
