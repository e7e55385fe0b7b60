"""Noticing that PostgreSQL, or the way to it, has fallen silent, or has no connection left: soon, and by one of many.

The server itself ends a statement that takes too long (statement_timeout in the settings). One that hangs cannot, and
whoever waits for it would do so for ever; so whoever waits for long asks on another connection whether it is there at
all. What was found out holds for a moment for the others too, or each in turn would keep a thread waiting and the last
visitor would be answered after all of them. Nothing is ever written twice: what became of a commit that was not
answered is told by the order's own key.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from typing import Any, TypeVar

import psycopg
from psycopg import errors, waiting
from psycopg.abc import PQGen

Value = TypeVar("Value")

# Seconds without an answer after which somebody asks, and how long that may take.
SUSPICIOUS, ASKING = 1.5, 1.0
# Seconds that are enough where it was silent, or had no connection left, lately; and how long ago that is.
ENOUGH, LATELY = 0.3, 1.0
# What a client may say first of all, and is answered with one letter: whether there is TLS.
TLS_REQUEST = struct.pack("!ii", 8, 80877103)


class Lately:
    """Whether there was trouble lately, for all threads of this process."""

    def __init__(self) -> None:
        self._until = 0.0

    def begin(self) -> None:
        self._until = time.monotonic() + LATELY

    def end(self) -> None:
        self._until = 0.0

    @property
    def was_lately(self) -> bool:
        return time.monotonic() < self._until


silent, exhausted = Lately(), Lately()


class Connection(psycopg.Connection[Any]):
    """One that gives up a server which answers nobody. Raises psycopg.OperationalError."""

    _heard_at = 0.0

    def is_surely_there(self) -> bool:
        """Whether the server was heard lately and has said nothing since: its last word would be that it ends."""
        if time.monotonic() > self._heard_at + LATELY:
            return False
        news = select.poll()
        news.register(self.fileno(), select.POLLIN)
        return not news.poll(0)

    def wait(self, gen: PQGen[Value], interval: float = 0.1, timeout: float | None = None) -> Value:
        if timeout is not None:  # who waits for a notification says how long
            return super().wait(gen, interval, timeout)
        is_resumed = False
        while True:
            is_known = silent.was_lately
            try:
                value = super().wait(gen, interval, ENOUGH if is_known else SUSPICIOUS)
            except errors._WaitTimeout:
                if is_known or not answers(self.info.host, self.info.port):
                    self._give_up()
                if not is_resumed:  # once: an hour's statement is waited for thousands of times
                    gen, is_resumed = _resumed(gen), True
            else:
                if is_known:
                    silent.end()
                self._heard_at = time.monotonic()
                return value

    def _give_up(self) -> None:
        silent.begin()
        # Whatever it may still say would be taken for the answer to the next statement.
        self.pgconn.finish()
        raise psycopg.OperationalError("PostgreSQL does not answer")


def _resumed(gen: PQGen[Value]) -> PQGen[Value]:
    """As begun: whoever waits for a generator begins with next(), which one that is under way takes for an answer.

    What is still being sent, such as a large value, would fail by it, and with it every statement after it.
    """
    ready: int = waiting.READY_NONE
    while True:
        try:
            waits_for = gen.send(ready)
        except StopIteration as done:
            value: Value = done.value
            return value
        ready = (yield waits_for) or waiting.READY_NONE


def answers(host: str, port: int) -> bool:
    """Whether a server is there that says anything at all, within ASKING seconds."""
    is_file = host.startswith("/")
    deadline = time.monotonic() + ASKING
    with socket.socket(socket.AF_UNIX) if is_file else socket.socket() as asking:
        asking.settimeout(ASKING)
        try:
            asking.connect(f"{host}/.s.PGSQL.{port}" if is_file else (host, port))
            asking.sendall(TLS_REQUEST)
            asking.settimeout(max(deadline - time.monotonic(), 0.01))
            return bool(asking.recv(1))
        except OSError:
            return False
