"""`python -m tests.bench.reports DIR`: the report pages over the 99,441 real orders of DIR, each beside its limit and
the same question asked of PostgreSQL.

A page is timed as a browser gets it, template and all, on the embedded servers; p95 of RUNS. Uses databases of its own,
thrown away afterwards, or the empty ones of DATABASE_URL and MONGODB_URL. Only the rollups are made, which is all the
pages read. Exit code 1 where a page is over its limit.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import quantiles

import django
from django.core.management import call_command

from tests.bench.olist import databases, timed

RUNS = 10
# The last day that has many orders.
LATEST = "2018-08-29"
MONTH = f"from=2018-07-31&to={LATEST}"
EVERYTHING = "period=all"

COUNTED = "status NOT IN ('cancelled', 'returned')"
IN_MONTH = f"created_at >= '2018-07-31' AND created_at < date '{LATEST}' + 1"
PRODUCTS = f"""SELECT product_id, sum(quantity), count(DISTINCT order_id), sum(price * quantity) FROM order_items
    JOIN orders USING (order_id) WHERE {COUNTED} AND %s GROUP BY 1"""
CUSTOMERS = (
    "SELECT user_id, count(*), sum(total_amount), min(created_at), max(created_at) FROM orders WHERE %s GROUP BY 1"
)
PER_DAY = "SELECT created_at::date, status, count(*), sum(total_amount) FROM orders GROUP BY 1, 2"
COHORTS = f"""SELECT date_trunc('month', first), date_trunc('month', created_at), count(DISTINCT user_id) FROM (
    SELECT user_id, created_at, min(created_at) OVER (PARTITION BY user_id) AS first FROM orders WHERE {COUNTED}
    ) counted GROUP BY 1, 2"""

# Page, query, milliseconds it may take at p95, the question in SQL.
PAGES = [
    ("sales", EVERYTHING, 250, PER_DAY),
    ("status", EVERYTHING, 250, "SELECT status, count(*), sum(total_amount), min(created_at) FROM orders GROUP BY 1"),
    ("trust", EVERYTHING, 250, PER_DAY),
    ("products", MONTH, 300, PRODUCTS % IN_MONTH),
    ("products", EVERYTHING, 1200, PRODUCTS % "true"),
    ("customers", MONTH, 300, CUSTOMERS % IN_MONTH),
    ("customers", EVERYTHING, 1200, CUSTOMERS % "true"),
    ("retention", EVERYTHING, 1000, COHORTS),
    ("orders", MONTH, 300, f"SELECT * FROM orders WHERE {IN_MONTH} ORDER BY created_at DESC LIMIT 100"),
    ("orders", EVERYTHING, 1200, "SELECT * FROM orders ORDER BY created_at DESC LIMIT 100"),
]


def p95(work: Callable[[], object]) -> float:
    """In milliseconds, of RUNS after a first one."""
    work()
    took = []
    for _ in range(RUNS):
        began = time.perf_counter()
        work()
        took.append((time.perf_counter() - began) * 1000)
    return quantiles(took, n=20, method="inclusive")[-1]


def measure(directory: Path) -> int:
    from django.conf import settings
    from django.contrib.auth.models import Permission
    from django.db import connection
    from django.db.models.functions import Now
    from django.test import Client

    from history.models import Event
    from history.rollups import keeper
    from users.models import User

    call_command("migrate", verbosity=0)
    timed("import", lambda: call_command("import_orders", directory, verbosity=0))
    timed("rollups", keeper.drain)
    # As after a relay; asking how far it is behind would count them all.
    Event.objects.update(delivered_at=Now())
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    settings.ALLOWED_HOSTS.append("testserver")
    analyst = User.objects.create_user("analyst@bench.example", "Analyst", "only-for-measuring")
    analyst.user_permissions.add(Permission.objects.get(codename="view_reports"))
    client = Client()
    client.force_login(analyst)
    slow = 0
    print(f"{'page':<34}{'p95':>9}{'limit':>9}{'SQL p95':>10}")
    for name, query, limit, sql in PAGES:
        path = f"/reports/{name}/?{query}&compare=none"
        assert client.get(path).status_code == 200, path
        with connection.cursor() as cursor:
            of_sql = p95(lambda sql=sql, cursor=cursor: _ask(cursor, sql))
        took = p95(lambda path=path: client.get(path))
        slow += took > limit
        print(
            f"{name + ', ' + query:<34}{took:>6.0f} ms{limit:>6} ms{of_sql:>7.0f} ms{'  SLOW' if took > limit else ''}"
        )
    return slow


def _ask(cursor, sql: str) -> list[tuple[object, ...]]:
    cursor.execute(sql)
    return cursor.fetchall()


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: python -m tests.bench.reports DIR", file=sys.stderr)
        return 2
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("SECRET_KEY", "only-for-measuring")
    os.environ.setdefault("LOCAL", "1")
    with databases():
        django.setup()
        return 1 if measure(Path(arguments[0])) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
