"""What every process that works until it is stopped has in common: its signals, its pauses, what it says of trouble."""

from __future__ import annotations

import logging
import signal
import threading
from abc import ABC, abstractmethod
from typing import Protocol

from django.core.management.base import BaseCommand
from django.db import Error, connection

from config import heartbeat


class Trouble:
    """What is in the way of a work, logged when it begins or changes, not with every try.

    waits: what the log says of it, such as "Mails wait, none is lost".
    """

    def __init__(self, logger: logging.Logger, waits: str) -> None:
        self._logger, self._waits = logger, waits
        self._reason = ""

    def tell(self, error: BaseException) -> None:
        reason = str(error).split("\n")[0][:300]
        if reason != self._reason:
            self._logger.warning("%s: %s", self._waits, reason)
            self._reason = reason

    def end(self) -> bool:
        """Take note that all goes well; return whether there was trouble."""
        had, self._reason = bool(self._reason), ""
        return had


class Worker(ABC):
    """Takes one step after the other until it is stopped, and outlives the death of PostgreSQL.

    pause: seconds between two looks while nothing is due, and after a failure.
    """

    pause: float

    def __init__(self, trouble: Trouble) -> None:
        self._stopping = threading.Event()
        self._trouble = trouble

    def stop(self) -> None:
        """Ask it to end after what is at hand."""
        self._stopping.set()

    def run(self) -> None:
        while not self._stopping.is_set():
            heartbeat.beat()
            try:
                worked = self.step()
                self._trouble.end()
            except Error as error:
                self._trouble.tell(error)
                connection.close()
                worked = False
            if not worked:
                self.rest()
                self._stopping.wait(self.pause)
        self.rest()

    @abstractmethod
    def step(self) -> bool:
        """Do what is due next and return whether anything was; raises django.db.Error where PostgreSQL is away."""

    def rest(self) -> None:  # noqa: B027 - most hold nothing
        """Let go of what is only held while there is work."""


class Runs(Protocol):
    def run(self) -> None: ...

    def stop(self) -> None: ...


class Service(BaseCommand):
    """A command that works until it is stopped. Django's checks are left to `migrate`, which runs before any of them:
    they would load every page of the site, and who takes over from one that died is there twice as soon without.
    """

    requires_system_checks = ()

    def serve(self, worker: Runs, *, name: str, waits_for: str) -> None:
        """Run it until SIGTERM or SIGINT asks it to stop."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: worker.stop())
        self.stdout.write(f"{name}: waiting for {waits_for}")
        worker.run()
        self.stdout.write(f"{name}: stopped")
