"""Doing things at the same moment, each on a database connection of its own."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from django.db import connection


def in_parallel(calls):
    """Make each call in a thread of its own, released together; return what each returned or raised."""
    barrier = threading.Barrier(len(calls))

    def run(call):
        barrier.wait()
        try:
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        made = [pool.submit(run, call) for call in calls]
    return [each.exception() or each.result() for each in made]


def blocked():
    """How many wait for a lock; pg_stat_activity would be the one of the transaction's beginning."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted")
        return cursor.fetchone()[0]
