"""make bench: what the product costs beside the least it could cost, each pair measured in one run.

Every figure is a ratio or stands beside its limit, because machines differ. The quick form takes minutes, over a shop
that is generated: `make bench`. The full form is over the real orders of DIR, with the limits' own loads:
`make bench ARGS="--olist DIR --write"`. One measure: `make bench ARGS="http"`. --write puts the figures on
docs/benchmarks.md. Where a checkout's time goes: `make bench ARGS=costs`. The databases are the run's own and gone
after it, or the empty ones of DATABASE_URL and MONGODB_URL. Exit code 1 where a limit is missed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from django.core.management import call_command

from tests.bench import figures
from tests.bench.figures import Figure
from tests.bench.stores import databases


@dataclass(frozen=True)
class Size:
    """How much is measured. directory: of the real orders, else so many are generated."""

    directory: Path | None
    orders: int = 20_000
    lag_seconds: int = 15
    backlog: int = 10_000
    checkouts: int = 800  # at a time
    rounds: int = 2
    page_seconds: float = 5
    admin_runs: int = 8

    @classmethod
    def full(cls, directory: Path) -> Size:
        return cls(directory, 99_441, 60, 100_000, 1600, 3, 10, 20)


Measure = Callable[[Size], Iterable[Figure]]


def measures() -> dict[str, Measure]:
    """By name, in turn: the first look at the shop as it was filled, the next add to it, the last takes away."""
    # They import models, which need the settings.
    from tests.bench import admin, api, archive, costs, http, mirror, reports, requests, rollups, shop, writes

    return {
        "reports": lambda _: reports.pages(),
        "admin": lambda size: admin.lists(size.admin_runs),
        # While today has few orders: each change has its day counted anew.
        "freshness": lambda _: rollups.freshness(),
        "lag": lambda size: mirror.lag(size.lag_seconds),
        "shop": lambda size: shop.pages(size.page_seconds, size.checkouts),
        "http": lambda size: http.orders(size.checkouts, size.rounds),
        "costs": lambda size: costs.measured(size.checkouts // 2),
        "api": lambda size: api.orders(size.checkouts // 2, size.rounds),
        "requests": lambda _: requests.measured(),
        "capture": lambda _: writes.capture(),
        "placing": lambda _: writes.placing(),
        "rollups": lambda _: rollups.rebuild(),
        "backlog": lambda size: mirror.backlog(size.backlog),
        "archive": lambda size: archive.orders(size.page_seconds * 2, count=size.checkouts // 2),
    }


# Over what a shop has that has been open for a while.
NEED_ORDERS = frozenset({"reports", "admin", "shop", "rollups", "archive"})


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("measures", nargs="*", metavar="MEASURE", help="all of them if none is named")
    parser.add_argument("--olist", type=Path, metavar="DIR", help="the full form, over the real orders of DIR")
    parser.add_argument("--write", action="store_true", help="put the figures on docs/benchmarks.md")
    asked = parser.parse_args(arguments)
    size = Size.full(asked.olist) if asked.olist else Size(None)
    # What takes longer than a page or a relay waits is a figure, not an error.
    with databases(is_patient=True):
        call_command("migrate", verbosity=0)
        known = measures()
        if unknown := set(asked.measures) - known.keys():
            parser.error(f"{', '.join(sorted(unknown))}: no such measure; there are {', '.join(known)}")
        return run(known, asked.measures or [*known], size, is_written=asked.write)


def run(known: dict[str, Measure], names: Iterable[str], size: Size, *, is_written: bool) -> int:
    """Return 1 where a limit was missed."""
    missed, began = 0, time.monotonic()
    over = " --olist DIR" if size.directory else ""
    alone = {name: f'make bench ARGS="{name}{over}"' for name in known}
    if NEED_ORDERS & {*names}:
        fill(size)
    for name in sorted(names, key=[*known].index):
        print(f"\n{name}, after {time.monotonic() - began:.0f} s", flush=True)
        found = [*figures.printed(known[name](size))]
        missed += sum(not figure.is_met for figure in found)
        if is_written:
            figures.write({name: found}, alone, figures.stores())
    print(f"\n{time.monotonic() - began:.0f} s, {missed} limits missed")
    return int(missed > 0)


def fill(size: Size) -> None:
    """Make a shop with orders, all of them in both stores, counted and analysed."""
    from django.db import connection
    from django.utils import timezone

    from history.demo.load import Load
    from history.demo.load import fill as generate
    from tests.bench import admin
    from tests.bench.olist import timed

    if size.directory:
        timed("import", lambda: call_command("import_orders", size.directory, allow_odd=True, verbosity=0))
    else:
        timed("demo shop", lambda: call_command("seed_demo", verbosity=0))
        timed(f"{size.orders:,} orders", lambda: generate(Load(size.orders, timezone.now())))
    timed("mirror", lambda: call_command("relay", drain=True, verbosity=0))
    admin.prepare()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
