"""Keeping the rollups: days that the queue names are counted anew from PostgreSQL and written whole, never added to.

One keeper works at a time, under a lock that ends with its transaction. Versions are drawn under the lock, so a later
keeper's are higher, and a document never gives way to a lower one: whatever a keeper that stood still writes when it
goes on, it changes nothing. The queue's rows go last, in the same transaction; a keeper that dies is taken over from.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date

import psycopg
from django.conf import settings
from django.db import Error, connection
from django.db.backends.utils import CursorWrapper
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError, PyMongoError

from config.working import Trouble
from core.db.transactions import waiting_transaction
from history import faults, mongo
from history.mirror.writer import DUPLICATE_KEY
from history.models import DirtyDay
from history.mongo import Document
from history.rollups import build, queue, shape, writes

logger = logging.getLogger(__name__)

# Days counted together: fewer statements, but a longer transaction.
DAYS = 16
# Any number will do, as long as nothing else in this database uses it.
ADVISORY_LOCK = 7_205_760
# Once, and again where MongoDB has higher versions than the sequence, left by a database of before.
WRITES = 3

# Seconds between two looks at an empty queue, and while another keeper works.
IDLE_PAUSE = 1.0
BUSY_PAUSE = 0.05
# A keeper beside a relay rests this many times as long as it worked, so that deliveries go on at their pace and a day
# is counted once for many batches.
REST = 4
# Seconds until a change is in the rollups: one that just missed a counting waits for its end, the rest and the next
# counting. The rest is shortened to keep to this, where that leaves at least half as long as was worked.
AGE, LEAST_REST = 1.2, 0.5


def refresh(days: int = DAYS) -> int | None:
    """Count up to so many dirty days anew, the newest first; return how many, None where another keeper is at work.

    Raises django.db.Error or PyMongoError where a store fails; then the days stay in the queue.
    """
    with waiting_transaction() as cursor:
        # A day of a million orders takes longer than a page may.
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [ADVISORY_LOCK])
        if cursor.fetchone() != (True,):
            return None
        taken, rows = queue.take(cursor, days)
        if taken:
            faults.point("keeper: after take")
            _write(cursor, build.days(taken))
            faults.point("keeper: before commit")
            queue.remove(cursor, rows)
    return len(taken)


def drain(progress: Callable[[int], object] = lambda _: None) -> int:
    """Count all dirty days anew and return how many that were; raises as refresh does."""
    prepare()
    counted = 0
    while DirtyDay.objects.exists():
        days = refresh()
        if days is None:
            time.sleep(BUSY_PAUSE)
        else:
            counted += days
            progress(days)
    return counted


def prepare() -> None:
    """Queue all days where the rollups are not there yet, or were counted by other rules, as in another time zone."""
    collection = mongo.for_writing(mongo.ROLLUPS)
    collection.create_indexes(mongo.ROLLUP_INDEXES)
    rules = {"_id": shape.RULES, "shape": shape.SHAPE, "zone": settings.TIME_ZONE}
    if collection.find_one({"_id": shape.RULES}) != rules:
        queue_all()
        collection.replace_one({"_id": shape.RULES}, rules, upsert=True)


def queue_all() -> int:
    """Queue every day that has orders or a rollup; return how many."""
    days = queue.days_with_orders() | held_days()
    queue.add_days(sorted(days))
    return len(days)


def held_days() -> set[date]:
    """The days that have a rollup, of no orders too."""
    months = mongo.for_writing(mongo.ROLLUPS).find({"kind": shape.SUMS})
    return {shape.day_of(month, key) for month in months for key in month["days"]}


def _write(cursor: CursorWrapper, counted: Mapping[date, build.Parts]) -> None:
    collection = mongo.for_writing(mongo.ROLLUPS)
    for attempt in range(1, WRITES + 1):
        cursor.execute("SELECT nextval('rollup_version')")
        [version] = cursor.fetchone()
        operations = writes.operations(counted, version)
        try:
            for some in faults.split("keeper: mid write", operations):
                collection.bulk_write(list(some.values()), ordered=False)
        except BulkWriteError as error:
            if attempt == WRITES or not _is_outrun(error):
                raise
            _catch_up(cursor, collection, list(operations))
        else:
            return


def _is_outrun(error: BulkWriteError) -> bool:
    """Whether all that went wrong is that MongoDB has such a document already, of a higher version."""
    failures = error.details["writeErrors"]
    return not error.details["writeConcernErrors"] and all(each["code"] == DUPLICATE_KEY for each in failures)


def _catch_up(cursor: CursorWrapper, collection: Collection[Document], ids: Sequence[str]) -> None:
    """Move the sequence beyond what MongoDB has.

    The lock is ours, so higher versions are those of a database that is no more, such as before a backup was put back.
    Where it is not ours any more, because we stood still, neither is this transaction: PostgreSQL refuses.
    """
    highest = max(map(writes.version_of, collection.find({"_id": {"$in": list(ids)}})), default=0)
    cursor.execute("SELECT setval('rollup_version', greatest(%s, nextval('rollup_version')))", [highest])


class Keeper:
    """A keeper beside a relay, on a thread and a connection of its own; outlives the death of either store."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._trouble = Trouble(logger, "The rollups wait, nothing is lost")

    def wake(self) -> None:
        """Look at the queue soon; returns at once."""
        self._asked.set()
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="rollups", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End after the days at hand; returns when it has."""
        self._stopped.set()
        self._asked.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        is_prepared = False
        while not self._stopped.is_set():
            began = time.monotonic()
            self._asked.clear()
            try:
                if not is_prepared:
                    prepare()
                    is_prepared = True
                days = refresh()
            except (Error, psycopg.Error, PyMongoError) as error:
                self._trouble.tell(error)
                connection.close()
                is_prepared = False
                self._stopped.wait(IDLE_PAUSE)
            else:
                self._trouble.end()
                self._rest(days, time.monotonic() - began)
        connection.close()

    def _rest(self, days: int | None, seconds: float) -> None:
        if days:
            self._stopped.wait(pause_after(seconds))
        elif days is None:
            self._stopped.wait(BUSY_PAUSE)
        else:
            self._asked.wait(IDLE_PAUSE)


def pause_after(seconds: float) -> float:
    """How long to rest, in seconds, after a counting that took so long."""
    return min(seconds * REST, max(AGE - 2 * seconds, seconds * LEAST_REST))
