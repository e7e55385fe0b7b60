"""Waking the relay from any process: one NOTIFY for many changes, off the request's path.

Inside the change's own transaction a NOTIFY would cost most of the throughput, because commits queue for it; here a
thread of each process sends it afterwards, one for all that asked meanwhile. A lost one costs a second, no more.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from typing import Any

import psycopg
from django.db import Error, connection

from history import faults

logger = logging.getLogger(__name__)

CHANNEL = "history_events"

# Seconds between two wake-ups of a process: a relay that was woken looks again and again by itself for longer.
REST = 0.05


class _Waker:
    """The thread of one process that sends what was asked for."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._start = threading.Lock()
        # Held from taking up what was asked for until it is sent.
        self._sending = threading.Lock()
        self._pid: int | None = None

    def request(self) -> None:
        self._asked.set()
        if self._pid == os.getpid():
            return
        with self._start:
            # Threads do not survive a fork: each process starts its own at its first change.
            if self._pid != os.getpid():
                threading.Thread(target=self._notify_when_asked, name="wakeup", daemon=True).start()
                self._pid = os.getpid()

    def _notify_when_asked(self) -> None:
        while True:
            self._asked.wait()
            with self._sending:
                self._asked.clear()
                faults.point("web: before the wake-up")
                try:
                    notify()
                except Error as error:
                    logger.info("The relay was not woken, it looks by itself: %s", error)
                finally:
                    # Back to the pool: between bursts the thread holds no connection.
                    connection.close()
            time.sleep(REST)

    def is_done(self) -> bool:
        """Whether all that was asked for is sent; waits for what is being sent."""
        with self._sending:
            return not self._asked.is_set()


_waker = _Waker()


def request() -> None:
    """Ask that the relay look soon; returns at once, never raises."""
    _waker.request()


def is_done() -> bool:
    """Whether nothing asked for by this process is still to be sent."""
    return _waker.is_done()


class Listener:
    """Hears wake-ups on a connection of its own: nothing else runs on it, so none is missed."""

    def __init__(self) -> None:
        self._connection: psycopg.Connection[Any] | None = None

    def open(self) -> psycopg.Connection[Any]:
        """Listen from now on; raises psycopg.Error."""
        if self._connection is None:
            params = {key: value for key, value in connection.get_connection_params().items() if key != "pool"}
            self._connection = psycopg.connect(**params, autocommit=True)
            self._connection.execute(f"LISTEN {CHANNEL}")
        return self._connection

    def wait(self, seconds: float) -> bool:
        """Wait for a wake-up, so long at most; return whether one came. Raises psycopg.Error."""
        return any(True for _ in self.open().notifies(timeout=seconds, stop_after=1))

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def notify() -> None:
    """Wake the relay now, on this thread's own connection; for commands that end after their change."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])
