"""Each named fault point in turn: who passes it dies at its first row, at one in the middle, at its last."""

from __future__ import annotations

import os
import signal
import time

from django.db import connection

from history import faults
from history.mirror import relay
from history.models import Event
from tests.faults import checker, journal
from tests.faults.parts import Part
from tests.faults.servers import Servers
from tests.faults.web import Web

# Orders waiting for each relay, and events it claims at a time: points of a batch are passed three times.
ORDERS, BATCH = 6, 2


def strike_every_point(servers: Servers, seed: str) -> int:
    """Return the number of points; raises AssertionError where one was not passed or its work was not taken up."""
    environment = {"MONGODB_URL": os.environ["MONGODB_URL"]}
    part = Part("relay-points", servers.home, environment, seed)
    web = Part("web-points", servers.home, environment, seed)
    client = Web("points", 1, seed, servers.home / "points.journal")
    for point in faults.RELAY_POINTS:
        last = ORDERS if point == "relay: mid bulk" else ORDERS // BATCH
        for hit in (1, (last + 1) // 2, last):
            for number in range(ORDERS):
                client.do(client.place, f"{point} {hit}, {number}")
            _expect_death(part.drain(BATCH, point, hit), point, hit)
            _take_up(servers, f"{point} {hit}")
    for point in faults.WEB_POINTS:
        for hit in (1, 3, 6):
            web.start(point, hit)
            _expect_death(web.wait(), point, hit)
            _take_up(servers, f"{point} {hit}")
    connection.close()
    return len(faults.RELAY_POINTS + faults.WEB_POINTS)


def _expect_death(code: int | None, point: str, hit: int) -> None:
    assert code == -signal.SIGKILL, f"{point!r} was not passed {hit} times: exit code {code}"


def _take_up(servers: Servers, story: str) -> None:
    """Deliver what the dead one left, and check everything so far."""
    deadline = time.monotonic() + 10
    # Its session may hold its claim until PostgreSQL has noticed its end.
    while Event.objects.pending().exists():
        assert time.monotonic() < deadline, f"{story}: not all could be delivered"
        relay.drain()
    problems = checker.check(journal.read(servers.home.glob("*.journal"))).problems
    assert not problems, f"{story}: {problems[:5]}"
