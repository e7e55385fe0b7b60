"""Asking MongoDB while somebody waits for a page: for a moment at most, and not again for a while after it was away."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import pymongo
from django.conf import settings
from pymongo.errors import PyMongoError

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")


class Away(Exception):
    """MongoDB did not answer now, or did not a moment ago."""


@dataclass
class Patience:
    """seconds: how long a page waits; rest: seconds after which MongoDB is asked again, once it was away.

    away_until: until when (time.monotonic) each address is left alone; of this process, and one address but for tests.
    """

    seconds: float
    rest: float = 5.0
    away_until: dict[str, float] = field(default_factory=dict)

    def ask(self, question: Callable[[], Answer]) -> Answer:
        """Return the answer; raises Away."""
        address = settings.MONGODB_URL
        if time.monotonic() < self.away_until.get(address, 0.0):
            raise Away
        try:
            with pymongo.timeout(self.seconds):
                return question()
        except PyMongoError as error:
            self.away_until[address] = time.monotonic() + self.rest
            logger.warning("MongoDB is left alone for %g s: %s", self.rest, str(error)[:200])
            raise Away from error
