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
from collections.abc import Callable
from pathlib import Path
from statistics import quantiles

from django.core.management import call_command

from tests.bench.stores import databases

# Orders a second at least; p95 of checkouts at most so many times what it is otherwise.
LEAST_RATE, MOST_TIMES = 1000, 1.3
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


def measure(directory: Path, before: str, seconds: float, count: int) -> int:
    from django.conf import settings
    from django.db import connection

    from catalog.models import Product
    from orders.models import Order
    from tests.web.server import Server

    # Nobody signs in by password here, and the real hasher takes its time for each customer.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    call_command("migrate", verbosity=0)
    if not Order.objects.exists():
        call_command("import_orders", directory)
    call_command("relay", drain=True)
    Product.objects.filter(pk=Product.objects.for_sale().earliest("pk").pk).update(stock=1_000_000)
    sizes = [_sizes()]
    logs = Path(tempfile.mkdtemp(prefix="user-order-system-bench-"))
    with Server(logs / "web.log") as shop:
        customers = Checkouts(shop.port, count)
        connection.close()
        customers.for_seconds(2)
        quiet = [customers.for_seconds(seconds)]
        during, told = _archive(customers, before, left=int(seconds * CHECKOUTS))
        quiet.append(customers.for_seconds(seconds))
    sizes.append(_sizes())
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"VACUUM FULL {table}")
    sizes.append(_sizes())
    return _print(told, sizes, during, quiet)


def _archive(customers: Checkouts, before: str, left: int) -> tuple[tuple[float, int], str]:
    command = [sys.executable, "manage.py", "archive_orders", "--before", before]
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


def _print(told: str, sizes: list[dict[str, int]], during: tuple[float, int], quiet: list[tuple[float, int]]) -> int:
    print(told, end="")
    found = re.search(r"([\d,]+) orders archived in ([\d.]+) s", told)
    assert found, told
    rate = int(found[1].replace(",", "")) / float(found[2])
    times = during[0] * len(quiet) / sum(p95 for p95, _ in quiet)
    print(f"archived: {rate:,.0f} orders/s (at least {LEAST_RATE:,}), without marking their documents")
    print(
        f"p95 of checkouts: {during[0]:.0f} ms during it ({during[1]}), {times:.2f} times (at most {MOST_TIMES}) "
        f"that of before and after: {', '.join(f'{p95:.0f} ms ({count})' for p95, count in quiet)}"
    )
    for table in TABLES:
        figures = " → ".join(f"{size[table] / 1e6:.1f}" for size in sizes)
        print(f"{table:<16} {figures} MB: before, after, after VACUUM FULL")
    totals = [sum(size.values()) / 1e6 for size in sizes]
    print(f"{'all':<16} {' → '.join(f'{total:.1f}' for total in totals)} MB")
    return (rate < LEAST_RATE) + (times > MOST_TIMES)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.archive")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--before", metavar="DATE", default="2018-01-01")
    parser.add_argument("--seconds", type=float, default=15, help="of checkouts before and after")
    parser.add_argument("--checkouts", type=int, default=800, help="customers who are ready to order")
    asked = parser.parse_args(arguments)
    with databases():
        return 1 if measure(asked.directory, asked.before, asked.seconds, asked.checkouts) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
