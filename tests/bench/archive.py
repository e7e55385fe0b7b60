"""`python -m tests.bench.archive DIR`: archive the orders of DIR that are older than a day, while customers check out.

Prints the orders archived a second, the size of PostgreSQL's order tables before and after, and the p95 of checkouts
during it beside that of before and after. Uses databases of its own, or those of DATABASE_URL and MONGODB_URL, which
may hold the orders already. Exit code 1 where a limit is missed.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import quantiles

from django.core.management import call_command

from tests.bench.figures import Figure, show
from tests.bench.stores import databases

# Orders a second at least; p95 of checkouts at most so many times what it is otherwise.
LEAST_RATE, MOST_TIMES = 1000, 1.3
# As fast as it can, it takes a core from those who order; small transactions keep them waiting a shorter time.
PACE = ("--rate", "1100", "--batch", "25")
# Checkouts a second.
CHECKOUTS = 8.0
TABLES = ("orders", "order_items", "refunds", "history_events", "archived_orders")


class Checkouts:
    """Customers who order at a steady pace, each once."""

    def __init__(self, port: int, count: int) -> None:
        from catalog.models import Product
        from tests.web.customers import Customer, fill_carts

        [self._product] = Product.objects.for_sale().filter(stock__gt=count).order_by("-stock", "pk")[:1]
        self._customers = [Customer(port) for _ in range(count)]
        fill_carts(self._customers, [self._product])

    def p95(self, is_over: Callable[[], bool], *, left: int = 0) -> tuple[float, int]:
        """Order until it is over or so few are left; return milliseconds, and how many orders that were."""
        from tests.web.customers import CHECKOUT, checkout_form

        took = []
        while len(self._customers) > left and not is_over():
            began = time.perf_counter()
            answer = self._customers.pop().wire.post(CHECKOUT, checkout_form([self._product]))
            took.append((time.perf_counter() - began) * 1000)
            assert answer.status == 302, f"a checkout answered {answer.status}"
            time.sleep(max(0.0, began + 1 / CHECKOUTS - time.perf_counter()))
        return quantiles(took, n=20, method="inclusive")[18], len(took)

    def for_seconds(self, seconds: float) -> tuple[float, int]:
        end = time.monotonic() + seconds
        return self.p95(lambda: time.monotonic() >= end)


def orders(seconds: float, before: str = "", count: int = 800) -> list[Figure]:
    """Archive what was placed before a day (the middle one of all orders unless said), all of it in the mirror.

    seconds: of checkouts before and after; count: customers who are ready to order.
    """
    from django.conf import settings
    from django.db import connection

    from catalog.models import Product
    from tests.web.server import Server

    # Nobody signs in by password here, and the real hasher takes its time for each customer.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    call_command("relay", drain=True, verbosity=0)
    Product.objects.filter(pk=Product.objects.for_sale().earliest("pk").pk).update(stock=1_000_000)
    sizes = [_sizes()]
    logs = Path(tempfile.mkdtemp(prefix="user-order-system-bench-"))
    with Server(logs / "web.log") as shop:
        customers = Checkouts(shop.port, count)
        connection.close()
        customers.for_seconds(2)
        quiet = [customers.for_seconds(seconds)]
        during, told = _archive(customers, before or _middle(), left=int(seconds * CHECKOUTS))
        quiet.append(customers.for_seconds(seconds))
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"VACUUM FULL {table}")
    sizes.append(_sizes())
    return list(_figures(told, sizes, during, quiet))


def _middle() -> str:
    """The day before which half of the orders were placed."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT (percentile_disc(0.5) WITHIN GROUP (ORDER BY created_at))::date FROM orders")
        return str(cursor.fetchone()[0])


def _archive(customers: Checkouts, before: str, left: int) -> tuple[tuple[float, int], str]:
    command = [sys.executable, "manage.py", "archive_orders", "--before", before, *PACE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        during = customers.p95(lambda: process.poll() is not None, left=left)
        told = process.communicate()[0]
    assert process.returncode == 0, told
    return during, told


def _sizes() -> dict[str, int]:
    """Bytes of each table with its indexes."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, pg_total_relation_size(name::regclass) FROM unnest(%s::text[]) AS t (name)", [list(TABLES)]
        )
        return dict(cursor.fetchall())


def _figures(
    told: str, sizes: list[dict[str, int]], during: tuple[float, int], quiet: list[tuple[float, int]]
) -> Iterator[Figure]:
    found = re.search(r"([\d,]+) orders archived in ([\d.]+) s", told)
    assert found, told
    rate = int(found[1].replace(",", "")) / float(found[2])
    beside = f"{found[1]} orders in {found[2]} s, without marking their documents"
    limit = f"at least {LEAST_RATE:,}/s"
    what = f"orders archived, {' '.join(PACE)}"
    yield Figure(what, f"{rate:,.0f}/s", beside, rate / LEAST_RATE, limit, rate >= LEAST_RATE)
    usual = sum(p95 for p95, _ in quiet) / len(quiet)
    times = during[0] / usual
    beside = f"before and after {usual:,.0f} ms"
    limit = f"at most {MOST_TIMES} times"
    what = f"checkout while archiving, p95 of {during[1]}"
    yield Figure(what, f"{during[0]:,.0f} ms", beside, times, limit, times <= MOST_TIMES)
    before, after = (sum(size.values()) / 1e6 for size in sizes)
    tables = ", ".join(f"{table} {sizes[0][table] / 1e6:.1f} → {sizes[1][table] / 1e6:.1f}" for table in TABLES)
    what = "tables of orders after VACUUM FULL"
    yield Figure(what, f"{after:.1f} MB", f"before {before:.1f} MB: {tables}", after / before)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.archive")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--before", metavar="DATE", default="2018-01-01")
    parser.add_argument("--seconds", type=float, default=15, help="of checkouts before and after")
    parser.add_argument("--checkouts", type=int, default=800, help="customers who are ready to order")
    asked = parser.parse_args(arguments)
    with databases():
        from orders.models import Order

        call_command("migrate", verbosity=0)
        if not Order.objects.exists():
            call_command("import_orders", asked.directory, allow_odd=True)
        return 1 if show(orders(asked.seconds, asked.before, asked.checkouts)) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
