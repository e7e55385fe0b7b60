"""Doing things at the same moment, each on a database connection of its own."""

from __future__ import annotations

import threading

from django.db import connection


def in_parallel(calls):
    """Make each call in a thread of its own, released together; return what each returned or raised."""
    results, barrier = [None] * len(calls), threading.Barrier(len(calls))

    def run(number):
        barrier.wait()
        try:
            results[number] = calls[number]()
        except Exception as error:  # noqa: BLE001 - the refusal is the result
            results[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
