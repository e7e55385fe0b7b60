"""Carrying events over: from PostgreSQL's log to MongoDB's documents, in batches, by any number of relays.

A batch is one transaction: pending events are claimed, each touched order is read once, its document written and
confirmed, and only what is confirmed is marked delivered. Whatever dies in between, the claim falls back.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Set
from dataclasses import dataclass

import psycopg
from django.db import Error, connection
from django.db.backends.utils import CursorWrapper
from pymongo.errors import PyMongoError

from config import heartbeat
from config.working import Trouble
from core.db.transactions import waiting_transaction
from history import faults, mongo, upkeep, wakeup
from history.archive import daily, marks
from history.mirror import activity, documents, lag, source, trail, writer
from history.mirror.documents import Document
from history.rollups import keeper, queue
from orders import popularity

logger = logging.getLogger(__name__)

# Events claimed at a time; more make longer transactions, fewer more round trips.
BATCH = 1000
# Seconds between two looks while there is work, and while there is none: plain SQL wakes nobody, and is to be in the
# reports within a second all the same.
BUSY_PAUSE = 0.02
IDLE_PAUSE = 0.4
LONGEST_RETRY = "1 hour"

CLAIM = """
SELECT event_id, order_id, rev FROM history_events
WHERE delivered_at IS NULL AND (retry_at IS NULL OR retry_at <= now())
ORDER BY event_id LIMIT %s FOR UPDATE SKIP LOCKED
"""
# A full batch takes the later events of its orders too, or a backlog would read and look up each order once per event.
CLAIM_REST = """
SELECT event_id, order_id, rev FROM history_events
WHERE order_id = ANY(%s) AND delivered_at IS NULL AND (retry_at IS NULL OR retry_at <= now())
    AND event_id > %s
FOR UPDATE SKIP LOCKED
"""
MARK = """
UPDATE history_events SET delivered_at = clock_timestamp(), parked_at = NULL, retry_at = NULL
WHERE event_id = ANY(%s)
RETURNING event_id, order_id, rev, request_id, extract(epoch FROM delivered_at - recorded_at) * 1000
"""
PARK = f"""
UPDATE history_events SET parked_at = clock_timestamp(), attempts = attempts + 1, error = %s,
    retry_at = clock_timestamp()
        + least(interval '1 second' * power(2, least(attempts, 20)), interval '{LONGEST_RETRY}')
WHERE event_id = ANY(%s)
RETURNING request_id
"""  # noqa: S608 - nothing in it comes from outside


# event_id, and of which order and revision; None for activity.
Claim = tuple[int, int | None, int | None]


@dataclass
class Batch:
    """What became of one batch: events claimed, delivered, parked; orders they belong to."""

    claimed: int = 0
    delivered: int = 0
    parked: int = 0
    orders: int = 0


def deliver_batch(limit: int = BATCH) -> Batch:
    """Deliver up to `limit` pending events.

    Raises django.db.Error or PyMongoError where a store fails; then nothing is marked and all stays pending.
    """
    with waiting_transaction() as cursor:
        claimed = _claim(cursor, limit)
        if not claimed:
            return Batch()
        faults.point("relay: after claim")
        orders = {order_id for _, order_id, _ in claimed if order_id is not None}
        outcome = _mirror(orders, unseen={order_id for _, order_id, rev in claimed if order_id and rev == 1})
        done = activity.deliver([event for event, order_id, _ in claimed if order_id is None])
        delivered = [claim[0] for claim in claimed if claim[0] in done.held or _is_mirrored(claim, outcome)]
        faults.point("relay: before mark")
        cursor.execute(MARK, [delivered])
        marked = cursor.fetchall()
        queue.add(delivered)
        parked = 0
        for what, reason, events in _refused(claimed, outcome, done):
            cursor.execute(PARK, [reason[:2000], events])
            parked += len(events)
            requests = sorted({request_id for (request_id,) in cursor.fetchall() if request_id})
            logger.error("%s is parked: %s", what, reason, extra={"told": {"request_ids": requests}})
        faults.point("relay: before commit")
    trail.tell(marked)
    return Batch(len(claimed), len(delivered), parked, len(orders))


def _claim(cursor: CursorWrapper, limit: int) -> list[Claim]:
    cursor.execute(CLAIM, [limit])
    claimed: list[Claim] = cursor.fetchall()
    if len(claimed) == limit:
        cursor.execute(CLAIM_REST, [list({order_id for _, order_id, _ in claimed}), claimed[-1][0]])
        claimed += cursor.fetchall()
    return claimed


def _is_mirrored(claim: Claim, outcome: writer.Outcome) -> bool:
    _, order_id, rev = claim
    return order_id is not None and rev is not None and outcome.revs.get(order_id, 0) >= rev


def _refused(
    claimed: list[Claim], outcome: writer.Outcome, done: activity.Outcome
) -> Iterator[tuple[str, str, list[int]]]:
    """Yield what is refused, why, and its events."""
    for order_id, reason in outcome.refused.items():
        yield f"Order {order_id}", reason, [event for event, of, _ in claimed if of == order_id]
    for event, reason in done.refused.items():
        yield f"Event {event}", reason, [event]


def _mirror(order_ids: set[int], unseen: Set[int] = frozenset()) -> writer.Outcome:
    rows = source.read(sorted(order_ids))
    built, unbuildable = documents.build_each(rows)
    outcome = writer.write(mongo.for_writing(), list(built.values()), unseen=unseen)
    outcome.refused |= unbuildable
    if outcome.marked:
        _write_restored(built, outcome)
    return outcome


def _write_restored(built: dict[int, Document], outcome: writer.Outcome) -> None:
    """Write the documents of restored orders that had the mark of the archive still; refuse those of others."""
    restored = {order_id for order_id in outcome.marked if marks.remove(order_id)}
    again = writer.write(mongo.for_writing(), [built[order_id] for order_id in restored])
    outcome.revs |= again.revs
    outcome.refused |= again.refused
    for order_id in outcome.marked - restored:
        outcome.revs.pop(order_id, None)
        outcome.refused[order_id] = writer.ARCHIVED


def batches() -> Iterator[Batch]:
    """Deliver batch after batch until nothing can be delivered now."""
    while (batch := deliver_batch()).claimed:
        yield batch
        if not batch.delivered and not batch.parked:
            return  # another relay is on the same orders; looking again at once would only spin


def drain() -> int:
    """Deliver everything pending, bring the rollups up to date and return how many events that were.

    Parked events stay parked.
    """
    mongo.prepare()
    delivered = sum(batch.delivered for batch in batches())
    keeper.drain()
    return delivered


class Relay:
    """The long-running relay: delivers, waits for the next wake-up, outlives the death of either store."""

    def __init__(self) -> None:
        self._stopping = False
        self._is_prepared = False
        self._listener = wakeup.Listener()
        self._trouble = Trouble(logger, "Delivery waits, nothing is lost")
        self._keeper = keeper.Keeper()
        self._sample = lag.EachMinute()
        self._count_sales = popularity.EachHour()
        self._archive = daily.Daily()
        self._upkeep = upkeep.Upkeep()

    def stop(self) -> None:
        """Ask it to end after the batch at hand."""
        self._stopping = True

    def run(self) -> None:
        while not self._stopping:
            heartbeat.beat()
            try:
                self._deliver()
                self._archive()
                self._listener.wait(IDLE_PAUSE)
            except (Error, psycopg.Error, PyMongoError) as error:
                self._recover(error)
        self._keeper.stop()
        self._upkeep.stop()
        self._close()

    def _deliver(self) -> None:
        self._sample()  # first of all: while MongoDB is away too
        self._count_sales()
        if not self._is_prepared:
            mongo.prepare()
            self._is_prepared = True
        # Listening comes before looking, or what is asked for in between would wait for the idle look.
        self._listener.open()
        self._keeper.wake()
        self._upkeep()
        for batch in batches():
            heartbeat.beat()
            self._sample()
            self._keeper.wake()
            if self._trouble.end():
                logger.info("Both stores answer again.")
            logger.debug("%s", batch)
            if self._stopping:
                return
            if batch.claimed < BATCH:
                self._listener.wait(BUSY_PAUSE)

    def _recover(self, error: BaseException) -> None:
        self._trouble.tell(error)
        self._close()
        self._is_prepared = False
        time.sleep(IDLE_PAUSE / 2)

    def _close(self) -> None:
        connection.close()
        self._listener.close()
