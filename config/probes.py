"""Health probes that requests share: one thread queries a store, every request reads its latest result.

So a store that hangs holds one thread of each process, not one for each anonymous request.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Result = TypeVar("Result")

# Seconds for which a result is taken as it is; after which it says nothing any more.
TTL, MAX_AGE = 1.0, 5.0
# Seconds that a request waits, counted from the beginning of the probe: with a result to fall back on, and without.
MAX_WAIT, FIRST_WAIT = 0.1, 2.0


class Probe(Generic[Result]):
    """query: returns the state of a store, in limited time; it runs on a thread of its own."""

    def __init__(self, query: Callable[[], Result]) -> None:
        self._query = query
        self._lock = threading.Lock()
        self._finished = threading.Event()
        self._finished.set()
        self._started_at = self._finished_at = -MAX_AGE
        self._result: Result | None = None

    def result(self) -> Result | None:
        """Return the latest result; None where the store has not answered for MAX_AGE."""
        now = time.monotonic()
        with self._lock:
            if now - self._finished_at < TTL:
                return self._result
            if self._finished.is_set():
                self._finished.clear()
                self._started_at = now
                threading.Thread(target=self._run, name="probe", daemon=True).start()
            wait = MAX_WAIT if now - self._finished_at < MAX_AGE else FIRST_WAIT
        self._finished.wait(max(self._started_at + wait - now, 0))
        return self._result if time.monotonic() - self._finished_at < MAX_AGE else None

    def _run(self) -> None:
        try:
            self._result = self._query()
            self._finished_at = time.monotonic()
        finally:
            self._finished.set()
