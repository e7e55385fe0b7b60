"""The report pages over many orders, each beside its limit and the same question asked of PostgreSQL in the same run.

    python -m tests.bench.reports DIR                 the 99,441 real orders of DIR
    python -m tests.bench.reports --orders 1000000    generated ones; a page may take twice as long
    python -m tests.bench.reports --data-dir DATA     what is in that data directory already, and nothing is loaded

With --data-dir and something to load, the directory must be new and is kept. Otherwise databases of its own are used,
thrown away afterwards, or the empty ones of DATABASE_URL and MONGODB_URL. A page is timed as a browser gets it,
template and all; p95 of RUNS. Only the rollups are made, which is all the pages read. Exit code 1 where a page is over
its limit.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

from django.core.management import call_command

from tests.bench import figures
from tests.bench.figures import Figure, show
from tests.bench.olist import timed
from tests.bench.stores import databases

RUNS = 10
# Beyond as many orders as Olist has, twice the limit is allowed.
MANY = 100_000
# A day that has many orders is an ordinary one; the last of them ends the month that is asked for.
ORDINARY = """
SELECT max(day) FROM (
    SELECT created_at::date AS day, count(*) >= 0.5 * sum(count(*)) OVER () / count(*) OVER () AS is_ordinary
    FROM orders GROUP BY 1
) days WHERE is_ordinary
"""

COUNTED = "status NOT IN ('cancelled', 'returned')"
PRODUCTS = f"""SELECT product_id, sum(quantity), count(DISTINCT order_id), sum(price * quantity) FROM order_items
    JOIN orders USING (order_id) WHERE {COUNTED} AND %s GROUP BY 1"""
CUSTOMERS = (
    "SELECT user_id, count(*), sum(total_amount), min(created_at), max(created_at) FROM orders WHERE %s GROUP BY 1"
)
ORDERS = "SELECT * FROM orders WHERE %s ORDER BY created_at DESC LIMIT 100"
PER_DAY = "SELECT created_at::date, status, count(*), sum(total_amount) FROM orders GROUP BY 1, 2"
STATUS = "SELECT status, count(*), sum(total_amount), min(created_at) FROM orders GROUP BY 1"
COHORTS = f"""SELECT date_trunc('month', first), date_trunc('month', created_at), count(DISTINCT user_id) FROM (
    SELECT user_id, created_at, min(created_at) OVER (PARTITION BY user_id) AS first FROM orders WHERE {COUNTED}
    ) counted GROUP BY 1, 2"""

# Page, whether of a month, milliseconds it may take at p95 with as many orders as Olist has, the question in SQL.
PAGES = [
    ("sales", False, 250, PER_DAY),
    ("status", False, 250, STATUS),
    ("trust", False, 250, PER_DAY),
    ("products", True, 300, PRODUCTS),
    ("products", False, 1200, PRODUCTS),
    ("customers", True, 300, CUSTOMERS),
    ("customers", False, 1200, CUSTOMERS),
    ("retention", False, 1000, COHORTS),
    ("orders", True, 300, ORDERS),
    ("orders", False, 1200, ORDERS),
]


def p95(work: Callable[[], object], runs: int) -> float:
    """In milliseconds, of so many runs after a first one."""
    work()
    took = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        took.append((time.perf_counter() - began) * 1000)
    return figures.p95(took)


def load(directory: Path | None, orders: int) -> None:
    """Import the orders of a directory, or generate so many; count the rollups."""
    from django.db import connection
    from django.utils import timezone

    from history.demo.load import Load, fill
    from history.rollups import keeper

    if directory:
        timed("import", lambda: call_command("import_orders", directory, allow_odd=True, verbosity=0))
    else:
        timed(f"{orders:,} orders", lambda: fill(Load(orders, timezone.now())))
    timed("rollups", keeper.drain)
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        # As after a relay; asking how far it is behind would count them all.
        cursor.execute("UPDATE history_events SET delivered_at = now() WHERE delivered_at IS NULL")
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("RESET statement_timeout")


def pages(runs: int = RUNS) -> Iterator[Figure]:
    """Each page beside its limit and the same question in SQL."""
    from django.conf import settings
    from django.db import connection
    from django.test import Client

    from orders.models import Order

    settings.ALLOWED_HOSTS.append("testserver")
    client = Client()
    client.force_login(_analyst())
    orders = Order.objects.count()
    factor = 2 if orders > MANY else 1
    with connection.cursor() as cursor:
        last = _ask(cursor, ORDINARY)[0][0]
        for name, is_month, limit, sql in PAGES:
            query, condition = month(last) if is_month else ("period=all", "true")
            path, question = f"/reports/{name}/?{query}&compare=none", sql % condition if "%s" in sql else sql
            assert client.get(path).status_code == 200, path
            of_sql = p95(lambda question=question: _ask(cursor, question), runs)
            took, most = p95(lambda path=path: client.get(path), runs), limit * factor
            beside = f"the same question in SQL {of_sql:,.0f} ms"
            what = f"{name}, {'thirty days' if is_month else 'everything'} of {orders:,} orders, p95"
            yield Figure(what, f"{took:,.0f} ms", beside, took / of_sql, f"at most {most:,} ms", took <= most)


def _analyst():
    from django.contrib.auth.models import Permission

    from users.models import User

    analyst, _ = User.objects.get_or_create(email="analyst@bench.example", defaults={"name": "Analyst"})
    analyst.user_permissions.add(Permission.objects.get(codename="view_reports"))
    return analyst


def month(last: date) -> tuple[str, str]:
    """Thirty days until this one, as an address and as SQL."""
    first = last - timedelta(days=29)
    return f"from={first}&to={last}", f"created_at >= '{first}' AND created_at < date '{last}' + 1"


def _ask(cursor, sql: str) -> list[tuple[object, ...]]:
    cursor.execute(sql)
    return cursor.fetchall()


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.reports")
    parser.add_argument("directory", type=Path, nargs="?", help="of Olist's files")
    parser.add_argument("--orders", type=int, default=0, metavar="N", help="generated ones instead")
    parser.add_argument("--data-dir", type=Path, help="databases that are kept")
    asked = parser.parse_args(arguments)
    if bool(asked.directory) + bool(asked.orders) + bool(asked.data_dir) == 0:
        parser.error("give DIR, --orders or --data-dir")
    with databases(asked.data_dir):
        call_command("migrate", verbosity=0)
        if asked.directory or asked.orders:
            load(asked.directory, asked.orders)
        return 1 if show(pages()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
