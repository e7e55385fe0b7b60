"""`python -m tests.bench.olist DIR`: import the 99,441 real orders of DIR, mirror them, and compare every known figure.

With `--injected 1000` it also puts so many differences of ten kinds into MongoDB, of which all must be named and
mended and no other.
Uses databases of its own, thrown away afterwards, or the empty ones of DATABASE_URL and MONGODB_URL. Exit code 1
where a figure differs in either store.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from django.core.management import call_command

from tests.bench.stores import databases

# What the files hold, counted by other means.
COUNTS = {"users": 96_096, "products": 32_951, "orders": 99_441, "items": 102_425}
TOTAL = Decimal("13591643.70")
BY_STATUS = {
    "delivered": (96_478, Decimal("13221498.11")),
    "shipped": (1_107, Decimal("150727.44")),
    "cancelled": (1_234, Decimal("97242.96")),
    "paid": (617, Decimal("122175.19")),
    "pending": (5, Decimal("0.00")),
}
REVENUE = Decimal("13494400.74")
TOP_PRODUCT = ("bb50f2e236e5eea0100680137654686c", 195, Decimal("63885.00"))
FIRST, LAST = date(2016, 1, 1), date(2018, 12, 31)

Figures = dict[str, Any]
Result = TypeVar("Result")


def expected() -> Figures:
    return {
        **COUNTS,
        "total": TOTAL,
        **{f"{status}: orders, total": figure for status, figure in BY_STATUS.items()},
        "revenue": REVENUE,
        "top product": TOP_PRODUCT,
    }


def of_postgres() -> Figures:
    from django.db.models import Count, F, Sum

    from catalog.models import Product
    from orders.models import Order, OrderItem
    from orders.status import WITHOUT_REVENUE
    from users.models import User

    grouped = Order.objects.values("status").annotate(count=Count("pk"), total=Sum("total_amount"))
    counted = OrderItem.objects.exclude(order__status__in=WITHOUT_REVENUE)
    sold = counted.values("sku").annotate(units=Sum("quantity"), revenue=Sum(F("quantity") * F("price")))
    top = sold.order_by("-revenue", "sku")[0]
    return {
        "users": User.objects.count(),
        "products": Product.objects.filter(stock=100).count(),  # all of them were given as 100
        "orders": Order.objects.count(),
        "items": OrderItem.objects.count(),
        "total": Order.objects.aggregate(total=Sum("total_amount"))["total"],
        **{f"{row['status']}: orders, total": (row["count"], row["total"]) for row in grouped},
        "revenue": Order.objects.exclude(status__in=WITHOUT_REVENUE).aggregate(total=Sum("total_amount"))["total"],
        "top product": (top["sku"], top["units"], top["revenue"]),
    }


def of_mongodb() -> Figures:
    """Source: MongoDB; revenue and the top product as the reports say them."""
    from django.http import QueryDict
    from django.utils import timezone

    from history import mongo
    from history.reports import question
    from history.reports.products import products
    from history.reports.sales import sales

    group = {
        "_id": "$status",
        "count": {"$sum": 1},
        "total": {"$sum": "$total_amount"},
        "items": {"$sum": {"$size": "$products"}},
    }
    rows = timed("  totals by status", lambda: list(mongo.for_reading().aggregate([{"$group": group}])))
    asked = question.read(QueryDict(f"from={FIRST}&to={LAST}&compare=none"), timezone.now())
    table = timed("  products report", lambda: products(asked).table)
    top = max(table.rows, key=lambda row: row["revenue"])
    table.add_names([top])
    return {
        "orders": sum(row["count"] for row in rows),
        "items": sum(row["items"] for row in rows),
        "total": sum(row["total"].to_decimal() for row in rows),
        **{f"{row['_id']}: orders, total": (row["count"], row["total"].to_decimal()) for row in rows},
        "revenue": timed("  sales report", lambda: sales(asked)).table.totals["revenue"],
        "top product": (top["sku"], top["units"], top["revenue"]),
    }


def compare() -> int:
    """Print every figure and return how many differ."""
    wanted = expected()
    postgres, mongodb = timed("PostgreSQL asked", of_postgres), timed("MongoDB asked", of_mongodb)
    wrong = 0
    for name, figure in wanted.items():
        differs = postgres.get(name) != figure or mongodb.get(name, figure) != figure
        wrong += differs
        print(f"{'WRONG' if differs else 'ok':<6}{name:<26}{told(figure)}")
        if differs:
            print(f"      PostgreSQL {told(postgres.get(name))}, MongoDB {told(mongodb.get(name))}")
    return wrong


def told(figure: Any) -> str:
    if isinstance(figure, tuple):
        return "  ".join(map(told, figure))
    return f"{figure:,}" if isinstance(figure, int | Decimal) else str(figure)


def measure(directory: Path, count: int) -> int:
    from history.imports.progress import peak_megabytes
    from history.mirror import reconcile

    call_command("migrate", verbosity=0)
    print("import:")
    call_command("import_orders", directory, allow_odd=True)
    print("mirror:")
    call_command("relay", drain=True)
    wrong = compare()
    found = timed("reconciled", reconcile.reconcile)
    print(f"{found.compared:,} orders compared, {len(found.differences):,} differ")
    wrong += len(found.differences)
    if count:
        wrong += injected(count)
    print(f"at most {peak_megabytes():,} MB of memory in all of it")
    return wrong


def injected(count: int) -> int:
    """Put in so many differences, name and mend them; return how many were missed, named falsely or left."""
    from django.utils import timezone

    from history import mongo
    from history.mirror import reconcile, relay, repair
    from orders.models import Order
    from tests.history.damage import BY_HAND, inject

    order_ids = list(Order.objects.order_by("pk").values_list("pk", flat=True))
    done = timed("differences put in", lambda: inject(mongo.for_writing(), order_ids, count, seed=1))
    found = timed("reconciled", reconcile.reconcile).differences
    named = {difference.order_id for difference in found}
    missed, falsely = len(done.keys() - named), len(named - done.keys())
    print(f"{count:,} put in: {count - missed:,} named, {missed:,} missed, {falsely:,} others named")
    timed("repaired", lambda: (repair.repair(found, at=timezone.now()), relay.drain()))
    mongo.prepare()  # the unique index, which the duplicates had kept from being made
    mongo.for_writing().drop_index(BY_HAND)
    left = timed("reconciled", reconcile.reconcile).differences
    print(f"{len(left):,} differ after the repair")
    return missed + falsely + len(left)


def timed(what: str, work: Callable[[], Result]) -> Result:
    began = time.monotonic()
    result = work()
    print(f"{what}: {time.monotonic() - began:.1f} s")
    return result


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.olist")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--injected", type=int, default=0, metavar="N", help="differences to put in, name and mend")
    asked = parser.parse_args(arguments)
    with databases(is_patient=True):
        return 1 if measure(asked.directory, asked.injected) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
