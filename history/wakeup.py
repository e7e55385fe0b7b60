"""Waking the relay from any process: one NOTIFY for many changes, off the request's path.

Inside the change's own transaction a NOTIFY would cost most of the throughput, because commits queue for it; here a
thread of each process sends it afterwards, one for all that asked meanwhile. A lost one costs a second, no more.
"""

from __future__ import annotations

import logging
import os
import threading

from django.db import Error, connection

logger = logging.getLogger(__name__)

CHANNEL = "history_events"

_asked = threading.Event()
_start = threading.Lock()
_thread_pid: int | None = None


def request() -> None:
    """Ask that the relay look soon; returns at once, never raises."""
    _asked.set()
    if _thread_pid != os.getpid():
        _start_thread()


def _start_thread() -> None:
    global _thread_pid
    with _start:
        # Threads do not survive a fork: each process starts its own at its first change.
        if _thread_pid != os.getpid():
            threading.Thread(target=_notify_when_asked, name="wakeup", daemon=True).start()
            _thread_pid = os.getpid()


def _notify_when_asked() -> None:
    while True:
        _asked.wait()
        _asked.clear()
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])
        except Error as error:
            logger.info("The relay was not woken, it looks by itself: %s", error)
        finally:
            # Back to the pool: between bursts the thread holds no connection.
            connection.close()
