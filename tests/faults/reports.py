"""`python -m tests.faults.reports --seconds 300`: eight writers place, pay, edit, cancel and return orders while the
relay is killed every two seconds; then every document, every rollup and every cell of every report must be what SQL
says.

Exit code 0 only where they are.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import django

from tests.faults.servers import Servers

WRITERS = 8
KILL_EVERY = 2.0  # seconds
DELIVERED_IN = 120.0
PERIODS = ("period=today&compare=none", "period=7d&compare=previous&by=day", "period=all&status=counted")


def run(servers: Servers, seed: str, seconds: float) -> dict[str, Any]:
    """Return the figures by name; "problems" is empty where everything agrees."""
    from django.core.management import call_command

    from tests.faults import campaign
    from tests.faults.parts import Part

    call_command("migrate", verbosity=0)
    campaign.stock_up()
    relay = Part("relay-0", servers.home, {}, seed)
    writers = [Part(f"web-{number}", servers.home, {}, seed) for number in range(WRITERS)]
    for part in (relay, *writers):
        part.start()
    try:
        kills = _kill(relay, seconds)
        ended = [part.end() for part in writers]
        _wait_until_delivered()
    finally:
        for part in (relay, *writers):
            part.kill()
    problems = [] if all(ended) else ["a writer did not end when asked to"]
    return _judge(problems) | {"kills": kills}


def _kill(relay: Any, seconds: float) -> int:
    """Kill the relay every two seconds, and start it again at once; return how often."""
    kills = round(seconds / KILL_EVERY)
    for _ in range(kills):
        time.sleep(KILL_EVERY)
        relay.kill()
        relay.start()
    return kills


def _wait_until_delivered() -> None:
    from history.models import Event

    deadline = time.monotonic() + DELIVERED_IN
    while Event.objects.pending().exists():
        assert time.monotonic() < deadline, "not everything was delivered in time"
        time.sleep(0.1)


def _judge(problems: list[str]) -> dict[str, Any]:
    from django.db.models import Count

    from history.mirror import reconcile
    from history.models import Event
    from history.rollups import compare, keeper

    keeper.drain()
    found = reconcile.reconcile()
    problems += [str(each) for each in (*found.differences, *compare.differing())]
    cells, differing = _cells()
    changes = Event.objects.of_orders().values("status").annotate(count=Count("pk"))
    return {
        "changes": {each["status"]: each["count"] for each in changes},
        "orders": found.compared,
        "cells": cells,
        "problems": problems + differing,
    }


def _cells() -> tuple[int, list[str]]:
    """How many cells all reports have, and those that SQL tells otherwise."""
    from django.conf import settings
    from django.http import QueryDict
    from django.utils import timezone

    from history.reports import question
    from tests.history import report_cells, report_truth

    report_truth.take_every_order(settings.TIME_ZONE)
    # As of a moment after everything, whatever the last second was.
    now, cells, differing = timezone.now() + timedelta(seconds=1), 0, []
    for query in PERIODS:
        asked = question.read(QueryDict(query), now)
        report_truth.choose(asked)
        for name in report_cells.TRUTHS:
            number, wrong = report_cells.differences(name, asked)
            cells += number
            differing += wrong
    return cells, differing


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.reports", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seed", default=str(random.randrange(10**6)))
    parser.add_argument("--json", action="store_true", help="print the figures as one line of JSON at the end")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    print(f"seed {options.seed}", flush=True)
    with Servers() as servers:
        django.setup()
        figures = run(servers, options.seed, options.seconds)
        servers.is_kept = bool(figures["problems"])
    changes = ", ".join(f"{status} {count:,}" for status, count in sorted(figures["changes"].items()))
    print(f"{figures['kills']} kills of the relay; revisions by status: {changes}")
    print(f"{figures['orders']:,} documents and {figures['cells']:,} cells compared, {len(figures['problems'])} differ")
    for problem in figures["problems"][:20]:
        print(f"  {problem}", file=sys.stderr)
    if options.json:
        print(json.dumps(figures))
    return 1 if figures["problems"] else 0


if __name__ == "__main__":
    sys.exit(main())
