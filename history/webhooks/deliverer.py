"""The process behind the feed and the webhooks: numbers events, writes deliveries, sends them.

Sends on threads, few for each endpoint, so that one that hangs holds up neither the others nor this loop. Several
processes share the work; what one that died had in hand is taken up by another.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from threading import Lock

import psycopg
from django.conf import settings
from django.db import Error, connection
from django.utils import timezone

from config import heartbeat
from config.working import Trouble
from core.dates import retained_since
from history import wakeup
from history.feed import positions
from history.webhooks import deliveries, sending, signing
from history.webhooks.models import Delivery, Endpoint

logger = logging.getLogger(__name__)

# Sent at the same time: to one endpoint, and in all.
PER_ENDPOINT = 4
WORKERS = 16
# Seconds between two looks, while something is in hand and while nothing is.
BUSY_PAUSE = 0.02
IDLE_PAUSE = 0.4
CLEANING = timedelta(hours=1)


class Deliverer:
    """Works until it is stopped. lease: how long what another process had in hand is left to it."""

    def __init__(self, lease: timedelta = deliveries.LEASE) -> None:
        self._lease = lease
        self._is_stopping = False
        self._listener = wakeup.Listener()
        self._trouble = Trouble(logger, "Webhooks wait, none is lost")
        self._cleaned_at: datetime | None = None
        self._in_hand: Counter[int] = Counter()
        self._counting = Lock()
        self._threads = ThreadPoolExecutor(WORKERS, thread_name_prefix="webhook")

    def stop(self) -> None:
        """Ask it to end after what it has in hand."""
        self._is_stopping = True

    def run(self) -> None:
        while not self._is_stopping:
            heartbeat.beat()
            try:
                self._listener.open()
                is_busy = self.turn(at=timezone.now())
                self._listener.wait(BUSY_PAUSE if is_busy else IDLE_PAUSE)
                self._trouble.end()
            except (Error, psycopg.Error) as error:
                self._trouble.tell(error)
                self._close()
                time.sleep(IDLE_PAUSE)
        self.finish()
        self._close()

    def turn(self, *, at: datetime) -> bool:
        """Do what there is to do now, without waiting for what is sent; return whether there was or is anything."""
        found = positions.number()
        endpoints = list(Endpoint.objects.active())
        last = positions.ends().last if endpoints else 0
        for endpoint in endpoints:
            if endpoint.position < last:
                found += deliveries.fan_out(endpoint.pk, at=at)
        # Whoever has least in hand comes first.
        for endpoint in sorted(endpoints, key=lambda each: self._in_hand[each.pk]):
            found += self._send_due(endpoint, at)
        self._clean(at)
        return bool(found or self._in_hand.total())

    def finish(self) -> None:
        """Wait for what is being sent, and send no more."""
        self._threads.shutdown(wait=True)

    def _send_due(self, endpoint: Endpoint, at: datetime) -> int:
        free = min(PER_ENDPOINT - self._in_hand[endpoint.pk], WORKERS - self._in_hand.total())
        claimed = deliveries.claim(endpoint, free, at=at, lease=self._lease) if free > 0 else []
        for delivery in claimed:
            self._count(endpoint.pk, 1)
            sent = self._threads.submit(_send, endpoint, delivery)
            sent.add_done_callback(partial(self._sent, endpoint.pk))
        return len(claimed)

    def _sent(self, endpoint_id: int, sent: Future[None]) -> None:
        self._count(endpoint_id, -1)
        if error := sent.exception():
            # What was claimed comes up again by itself.
            logger.error("What became of a webhook could not be kept: %s", error)

    def _count(self, endpoint_id: int, by: int) -> None:
        with self._counting:
            self._in_hand[endpoint_id] += by

    def _clean(self, at: datetime) -> None:
        if self._cleaned_at and at - self._cleaned_at < CLEANING:
            return
        before = retained_since(settings.FEED_DAYS, at=at)
        while positions.forget(before=before):
            pass
        deliveries.forget(before=before)
        self._cleaned_at = at

    def _close(self) -> None:
        connection.close()
        self._listener.close()


def _send(endpoint: Endpoint, delivery: Delivery) -> None:
    at = timezone.now()
    body = delivery.body.encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Shop-Webhooks/1",
        **signing.headers(endpoint, delivery.event_id, body, at=at),
    }
    # No connection of the database is held meanwhile.
    answer = sending.post(endpoint.url, body, headers)
    try:
        deliveries.settle(delivery, answer, at=timezone.now())
    finally:
        connection.close()
