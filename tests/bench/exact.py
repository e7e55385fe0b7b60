"""`python -m tests.bench.exact DIR`: every cell of every report beside the same question in SQL, over the real orders
of DIR; without DIR over the demo shop.

In each zone RANGES random periods, the days on which clocks change among them, cut, compared and narrowed in turn, and
everything. Of the real orders November 2017 is held against figures known from elsewhere; every number of the demo
shop's pages is opened, and must be what it opens. Uses databases of its own, thrown away afterwards, or the empty ones
of DATABASE_URL and MONGODB_URL. Only the rollups are made, which is all that reports read; they are made once for each
zone. Exit code 1 where a cell differs.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from django.core.management import call_command

from tests.bench.olist import timed
from tests.bench.stores import databases

ZONES = ("Europe/Paris", "America/Sao_Paulo", "Asia/Kolkata")
LENGTHS = (1, 1, 2, 7, 7, 30, 31, 90, 180, 365)
# Units that are no more than some hundred rows, by the length of the period.
UNITS = ("day", "week", "month")
COMPARISONS = ("previous", "year", "none")
NARROWINGS = ({}, {}, {}, {"status": "counted"}, {"status": "open"}, {"status": "cancelled"}, {"category": "some"},
              {"category": "0"}, {"product": "0"}, {"first-from": "some"})  # fmt: skip

REPORTS = ("sales", "products", "customers", "status", "retention", "orders", "trust")
WALKED = ("period=90d&by=week&compare=previous", "period=year&by=month&compare=year", "period=all&status=counted")

# The day after the last of the real orders.
REAL_NOW = datetime(2018, 10, 18, 12, tzinfo=UTC)
NOVEMBER = {"from": "2017-11-01", "to": "2017-11-30", "compare": "none"}
KNOWN = {"Orders": 7_544, "Counted orders": 7_423, "Revenue": Decimal("1003862.14")}


def clock_changes(zone: str, first: date, last: date) -> list[date]:
    """The days of a zone that are longer or shorter than others."""
    kept = ZoneInfo(zone)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    offsets = [datetime(day.year, day.month, day.day, 23, 59, tzinfo=kept).utcoffset() for day in days]
    return [day for day, before, after in zip(days[1:], offsets, offsets[1:], strict=False) if before != after]


def ranges(chance: random.Random, zone: str, first: date, last: date, count: int) -> list[tuple[date, date]]:
    found = [(day, day + timedelta(days=longer)) for day in clock_changes(zone, first, last) for longer in (0, 1)]
    while len(found) < count:
        length = chance.choice(LENGTHS)
        day = first + timedelta(days=chance.randrange((last - first).days + 1))
        found.append((day, day + timedelta(days=length - 1)))
    return found[:count]


def queries(chance: random.Random, zone: str, first: date, last: date, count: int) -> Iterator[dict[str, str]]:
    """What the addresses say: `count` periods, and everything twice."""
    from catalog.models import Category

    categories = [str(number) for number in Category.objects.order_by("pk").values_list("pk", flat=True)]
    for number, (since, until) in enumerate(ranges(chance, zone, first, last, count)):
        narrowing = dict(chance.choice(NARROWINGS))
        if narrowing.get("category") == "some":
            narrowing["category"] = chance.choice(categories)
        if "first-from" in narrowing:
            narrowing = {"first-from": str(since - timedelta(days=40)), "first-to": str(since)}
        by = chance.choice(UNITS)
        yield {"from": str(since), "to": str(until), "compare": COMPARISONS[number % 3], "by": by} | narrowing
    yield {"period": "all"}
    yield {"period": "all", "by": "week", "status": "counted"}


def compare(zone: str, now: datetime, seed: str, count: int) -> tuple[int, list[str]]:
    """Ask everything in one zone; return how many cells there were, and those that differ."""
    from history.rollups import keeper
    from tests.history import report_truth

    timed(f"{zone}: rollups", keeper.drain)
    report_truth.take_every_order(zone)
    [span] = report_truth.ask("SELECT min(day) AS first, max(day) AS last FROM truth_orders")
    chance = random.Random(f"{seed} {zone}")
    cells, wrong, began = 0, [], time.monotonic()
    for query in queries(chance, zone, span["first"], span["last"], count):
        found, differing = _ask(query, now)
        cells += found
        wrong += [f"{zone} {query}: {line}" for line in differing]
        told = " ".join(f"{name}={value}" for name, value in query.items())
        print(f"  {found:>9,} cells, {len(differing)} differ: {told}", flush=True)
    print(f"{zone}: {cells:,} cells compared, {len(wrong)} differ, {time.monotonic() - began:.0f} s", flush=True)
    return cells, wrong


def _ask(query: dict[str, str], now: datetime) -> tuple[int, list[str]]:
    from django.http import QueryDict

    from history.reports import question
    from tests.history import report_cells, report_truth

    asked = question.read(QueryDict("&".join(f"{name}={value}" for name, value in query.items())), now)
    assert not asked.notes, asked.notes
    report_truth.choose(asked)
    results = [report_cells.differences(name, asked) for name in report_cells.TRUTHS]
    return sum(cells for cells, _ in results), [line for _, differing in results for line in differing]


def known_figures() -> list[str]:
    """Those of November 2017 in UTC that differ."""
    from django.http import QueryDict

    from history.reports import question
    from history.reports.orders import orders
    from history.rollups import keeper

    timed("UTC: rollups", keeper.drain)
    asked = question.read(QueryDict("&".join(f"{name}={value}" for name, value in NOVEMBER.items())), REAL_NOW)
    said = {tile.label: tile.value for tile in orders(asked).tiles}
    for label, value in KNOWN.items():
        print(f"November 2017 in UTC, {label}: {said[label]:,}, known as {value:,}")
    return [f"November 2017: {label} {said[label]}" for label, value in KNOWN.items() if said[label] != value]


def open_everything(zone: str) -> list[str]:
    """The numbers of the demo shop's pages that are not the count or sum of what they open."""
    from django.conf import settings
    from django.test import Client

    from history.demo import people
    from tests.history.report_walk import Walk, numbers
    from users.models import User

    settings.ALLOWED_HOSTS.append("testserver")
    client = Client()
    client.force_login(User.objects.get(email=people.ANALYST))
    walk, walked, off = Walk(client), 0, []
    for name in REPORTS:
        for query in WALKED:
            found = numbers(client, name, query)
            walked += len(found)
            off += [f"{zone} {name}?{query}: {number}" for number in walk.off(found)]
        print(f"  {name}: {walked:,} numbers opened so far, {len(off)} off", flush=True)
    return off


def measure(directory: Path | None, seed: str, count: int) -> int:
    from django.db import connection
    from django.test import override_settings
    from django.utils import timezone

    call_command("migrate", verbosity=0)
    if directory:
        timed("import", lambda: call_command("import_orders", directory, allow_odd=True, verbosity=0))
    else:
        timed("demo shop", lambda: call_command("seed_demo", verbosity=0))
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0; ANALYZE")
    wrong, cells = [], 0
    if directory:
        with override_settings(TIME_ZONE="UTC"):
            wrong += known_figures()
    for zone in ZONES:
        with override_settings(TIME_ZONE=zone):
            compared, differing = compare(zone, REAL_NOW if directory else timezone.now(), seed, count)
            if not directory and zone == ZONES[0]:
                wrong += open_everything(zone)
        cells += compared
        wrong += differing
    print(f"in all {cells:,} cells compared, {len(wrong)} differ")
    for line in wrong[:20]:
        print(f"  {line}", file=sys.stderr)
    return len(wrong)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.exact", description=__doc__)
    parser.add_argument("directory", type=Path, nargs="?", help="the real orders; without it the demo shop")
    parser.add_argument("--ranges", type=int, default=50, help="random periods in each zone")
    parser.add_argument("--seed", default=str(random.randrange(10**6)))
    options = parser.parse_args(arguments)
    print(f"seed {options.seed}", flush=True)
    with databases(is_patient=True):
        return 1 if measure(options.directory, options.seed, options.ranges) else 0


if __name__ == "__main__":
    sys.exit(main())
