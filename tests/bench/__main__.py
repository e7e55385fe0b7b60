"""make bench: what the product costs beside the least it could cost, each pair measured in one run.

Every figure is a ratio or stands beside its limit, because machines differ. Data is made for the run and gone after it.
The full measures: `make bench ARGS="lag backlog --seconds 300 --events 100000"`,
`make bench ARGS="reports --olist DIR"`, `make bench ARGS="reports --orders 1000000"`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import django
from django.core.management import call_command

from config.embedded.mongodb import MongoServer
from config.embedded.postgres import PostgresServer

MEASURES = ("capture", "placing", "lag", "backlog", "rollups", "freshness", "reports")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("measures", nargs="*", choices=[*MEASURES, []], help="all of them if none is named")
    parser.add_argument("--seconds", type=int, default=15, help="of the lag")
    parser.add_argument("--rate", type=int, default=200, help="changes a second of the lag")
    parser.add_argument("--events", type=int, default=10_000, help="of the backlog")
    parser.add_argument("--orders", type=int, default=50_000, help="generated ones of the reports")
    parser.add_argument("--olist", type=Path, help="the reports' orders instead: a directory of Olist's files")
    options = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="user-order-system-bench-"))
    directory.chmod(0o755)  # where root runs it, PostgreSQL runs as another user
    servers = [PostgresServer(directory), MongoServer(directory)]
    try:
        for server in servers:
            server.start()
        os.environ |= {
            "DATABASE_URL": servers[0].url,
            "MONGODB_URL": servers[1].url,
            "SECRET_KEY": "only-for-the-bench",
            "LOCAL": "1",
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
        django.setup()
        call_command("migrate", verbosity=0)
        _run(options)
    finally:
        for server in servers:
            server.stop()
        shutil.rmtree(directory, ignore_errors=True)


def _run(options: argparse.Namespace) -> None:
    # They import models, which need the settings made above.
    from tests.bench import mirror, reports, rollups, writes

    measures: dict[str, Callable[[], str]] = {
        "capture": writes.capture,
        "placing": writes.placing,
        "lag": lambda: mirror.lag(options.seconds, options.rate),
        "backlog": lambda: mirror.backlog(options.events),
        "rollups": lambda: f"{rollups.rebuild()}\n{rollups.reading()}",
        "freshness": rollups.freshness,
        "reports": lambda: reports.measured(options.olist, options.orders),
    }
    for name in options.measures or MEASURES:
        print(measures[name](), flush=True)


if __name__ == "__main__":
    main()
