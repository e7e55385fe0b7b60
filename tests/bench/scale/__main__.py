"""`python -m tests.bench.scale`: what docs/scaling.md says, each claim measured by a run of its own.

    relays     a backlog with one, two and four relays
    webs       checkouts with one, two and four web processes
    replica    a PostgreSQL that follows the first one
    shards     how evenly keys spread documents
    live       --orders 1000000 live ones: pages, checkout, reports, bytes of each table (--data-dir keeps them)
    stubs      --stubs 10000000 archived ones: my orders, the back office's lists, reports

All of them, each on databases of its own, if none is named. --write puts the figures on docs/scaling.md.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from django.core.management import call_command

from tests.bench import figures
from tests.bench.figures import Figure
from tests.bench.stores import databases

PAGE = figures.PAGE.with_name("scaling.md")
RUNS = ("shards", "relays", "webs", "replica", "live", "stubs")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.scale", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", nargs="?", choices=RUNS)
    parser.add_argument("--events", type=int, default=10_000, help="of each backlog of the relays")
    parser.add_argument("--checkouts", type=int, default=800, help="of each way of webs and replica")
    parser.add_argument("--orders", type=int, default=1_000_000, help="of live and shards")
    parser.add_argument("--stubs", type=int, default=10_000_000)
    parser.add_argument("--data-dir", type=Path, help="of live: databases that are kept")
    parser.add_argument("--write", action="store_true", help="put the figures on docs/scaling.md")
    asked = parser.parse_args(arguments)
    if not asked.run:
        return max(subprocess.call([sys.executable, "-m", __spec__.parent, name, *arguments]) for name in RUNS)
    # A report that takes longer than a page waits is a figure here.
    with databases(asked.data_dir if asked.run == "live" else None, is_patient=True):
        call_command("migrate", verbosity=0)
        return measure(asked)


def measure(asked: argparse.Namespace) -> int:
    """Return 1 where something is not as it must be."""
    began = time.monotonic()
    print(f"\n{asked.run}", flush=True)
    found = [*figures.printed(_runs(asked)[asked.run]())]
    print(f"{asked.run}: {time.monotonic() - began:.0f} s", flush=True)
    if asked.write:
        figures.put("machine", f"{figures.machine()}\n{figures.versions(figures.stores())}", page=PAGE)
        figures.put(asked.run, figures.table(found, _command(asked)), page=PAGE)
    return int(any(not figure.is_met for figure in found))


def _runs(asked: argparse.Namespace) -> dict[str, Callable[[], Iterable[Figure]]]:
    # They import models, which need the settings.
    from tests.bench.scale import live, relays, replica, shards, stubs, webs

    return {
        "relays": lambda: relays.measured(asked.events),
        "webs": lambda: webs.measured(asked.checkouts),
        "replica": lambda: replica.measured(asked.checkouts),
        "shards": lambda: shards.measured(asked.orders),
        "live": lambda: live.measured(asked.orders),
        "stubs": lambda: stubs.measured(asked.stubs),
    }


def _command(asked: argparse.Namespace) -> str:
    sizes = {"relays": "events", "webs": "checkouts", "replica": "checkouts", "stubs": "stubs"}
    size = sizes.get(asked.run, "orders")
    return f"python -m tests.bench.scale {asked.run} --{size} {vars(asked)[size]}"


if __name__ == "__main__":
    os.environ["REQUIRE_STAFF_MFA"] = "0"
    sys.exit(main(sys.argv[1:]))
