"""Whoever waits for PostgreSQL finds out whether it is there; one that only takes its time is waited for."""

from __future__ import annotations

import time

import psycopg
import pytest
from django.db import connection

from config.database import silence
from tests.config.processes import wait_until
from tests.load.exhaustion import addresses
from tests.load.line import Line

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def line(settings, monkeypatch):
    # As in the settings, only quicker.
    monkeypatch.setattr(silence, "SUSPICIOUS", 0.2)
    monkeypatch.setattr(silence, "ASKING", 0.2)
    monkeypatch.setattr(silence, "ENOUGH", 0.1)
    with Line(addresses(settings.MONGODB_URL)[0]) as line:
        yield line


@pytest.fixture
def connect(line):
    opened = []

    def connect():
        known = connection.get_connection_params()
        given = {name: known[name] for name in ("dbname", "user", "password") if name in known}
        opened.append(silence.Connection.connect(**given, host="127.0.0.1", port=line.port, autocommit=True))
        return opened[-1]

    yield connect
    for each in opened:
        each.close()


def seconds_of_failure(asking):
    began = time.monotonic()
    with pytest.raises(psycopg.OperationalError, match="does not answer"):
        asking.execute("SELECT 1")
    return time.monotonic() - began


def test_a_server_that_takes_its_time_is_waited_for_and_a_silent_one_is_not(line, connect):
    first, second, third = connect(), connect(), connect()

    assert first.execute("SELECT 'slow', pg_sleep(0.9)").fetchone()[0] == "slow"

    line.fall_silent()
    found_out = seconds_of_failure(first)
    known = seconds_of_failure(second)

    assert found_out < 3
    assert known < found_out
    assert (first.closed, second.closed, third.closed) == (True, True, False)

    line.speak()

    assert third.execute("SELECT 2").fetchone() == (2,)
    assert not silence.silent.was_lately
    # An answer that came too late is nobody's.
    with pytest.raises(psycopg.OperationalError):
        first.execute("SELECT 1")


def test_what_takes_long_to_send_is_sent(line, connect):
    asking = connect()
    line.delay = 0.01
    began = time.monotonic()

    assert asking.execute("SELECT length(%s)", ["x" * 8_000_000]).fetchone() == (8_000_000,)

    line.delay = 0.0
    assert time.monotonic() - began > 2 * silence.SUSPICIOUS
    assert asking.execute("SELECT 2").fetchone() == (2,)


def test_a_statement_is_waited_for_however_often_somebody_asks(monkeypatch):
    """An hour's is asked about more often than Python lets calls be within each other."""
    monkeypatch.setattr(silence, "SUSPICIOUS", 0.0005)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 'slow', pg_sleep(3)")

        assert cursor.fetchone()[0] == "slow"


def test_a_connection_is_surely_there_while_its_server_was_heard_lately_and_has_not_said_that_it_ends(
    line, connect, monkeypatch
):
    asking, other = connect(), connect()
    asking.execute("SELECT 1")

    assert asking.is_surely_there()
    other.execute("SELECT pg_terminate_backend(%s)", [asking.info.backend_pid])
    assert wait_until(lambda: not asking.is_surely_there(), silence.LATELY / 2)

    assert other.is_surely_there()
    monkeypatch.setattr(silence, "LATELY", 0.0)
    assert not other.is_surely_there()
