"""What a relay does beside delivery, on its own thread: rows left out are rechecked, erasures advance, old activity
and carts that guests left are deleted.
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import datetime, timedelta

from django.db import Error, connection
from django.utils import timezone
from pymongo.errors import PyMongoError

from config.working import Trouble
from history import forgetting, parked_rows
from history.erasure import erase
from orders.models import CartItem
from users.models import Erasure

logger = logging.getLogger(__name__)

# Seconds between two looks.
ERASING, FORGETTING = 20.0, 3600.0
# A page that somebody had open when their account was shut has written by then what it had to.
AFTER = timedelta(seconds=60)
RETRY = timedelta(minutes=15)


def carry_on(*, at: datetime) -> int:
    """Take each erasure that was confirmed a while ago through both stores once; return how many are finished by that.

    One that fails is tried again after a while. at: aware datetime, now.
    Raises django.db.Error or PyMongoError where a store is unavailable.
    """
    ready = Erasure.objects.under_way().filter(confirmed_at__lte=at - AFTER).exclude(failed_at__gt=at - RETRY)
    return sum(bool(done and done.is_finished) for erasure in ready if (done := erase.attempt(erasure, at=at)))


class Upkeep:
    """To be called as often as one likes; returns at once."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._erase_at = self._forget_at = 0.0
        self._trouble = Trouble(logger, "Erasures wait, nothing is lost")

    def __call__(self) -> None:
        if time.monotonic() < self._erase_at or (self._thread and self._thread.is_alive()):
            return
        self._erase_at = time.monotonic() + ERASING
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Return when it has come to the end of what it is at."""
        if self._thread:
            self._thread.join()

    def _run(self) -> None:
        try:
            carry_on(at=timezone.now())
            parked_rows.recheck(at=timezone.now())
            if time.monotonic() >= self._forget_at:
                forgetting.forget_activity(at=timezone.now())
                CartItem.objects.expired(at=timezone.now()).delete()
                self._forget_at = time.monotonic() + FORGETTING
            self._trouble.end()
        except (Error, PyMongoError) as error:
            self._trouble.tell(error)
        finally:
            connection.close()
