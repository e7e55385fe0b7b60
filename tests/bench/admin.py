"""`python -m tests.bench.admin DIR`: every list, search and page of the back office over the 99,441 real orders of DIR.

A page is timed as a browser gets it, template and all, on the embedded servers: p95 of RUNS, the best of them, what
this process and its statements took of that (which says more on a machine that is busy with something else), and how
many statements it needed. Uses databases of its own, thrown away afterwards, those of DATA_DIR where they run (--kept),
or those of DATABASE_URL and MONGODB_URL; they are filled where they are empty. Exit code 1 where a page is too slow.
"""

from __future__ import annotations

import argparse
import sys
import time
from operator import itemgetter
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.bench.figures import Figure, p95, show
from tests.bench.olist import timed
from tests.bench.stores import databases

RUNS = 20
LIMIT_MS = 300
MOST_STATEMENTS, MOST_OF_AN_ORDER = 12, 15
ACTIVITY = 2_000
MANAGER = "manager@bench.example"

ORDERS, PRODUCTS, PEOPLE = "/admin/orders/order/", "/admin/catalog/product/", "/admin/users/user/"
EVENTS = "/admin/history/event/"


def pages() -> list[str]:
    from catalog.models import Category, Product
    from orders.models import Order, OrderItem
    from users.models import User

    order = Order.objects.filter(items__isnull=False).earliest("pk")
    product = Product.objects.get(pk=OrderItem.objects.values_list("product_id").filter(order=order)[:1])
    category = Category.objects.earliest("pk")
    buyer = User.objects.get(pk=order.customer_id)
    manager = User.objects.get(email=MANAGER)
    mail = buyer.email.split("@")[0]
    return [
        "/admin/",
        *(ORDERS + query for query in (
            "", "?p=2", "?p=100", "?status__exact=pending", "?status__exact=delivered", "?status__exact=cancelled",
            "?created_at__year=2018", "?created_at__year=2017&created_at__month=11", "?o=1", "?o=-1", "?o=2", "?o=-3",
            "?o=4", "?o=5", "?o=-5", "?total=highest", "?total=low", "?q=perfumery",
            "?created_at__gte=2018-01-01+00:00:00%2B00:00", f"?q={order.pk}", f"?q=%23{order.pk}", f"?q={mail}",
            f"?q={buyer.email}", f"?q={product.sku}", "?q=shop", "?q=nobodylikethis",
        )),
        f"{ORDERS}{order.pk}/change/",
        *(PRODUCTS + query for query in (
            "", "?p=2", "?p=100", "?in_stock=low", "?in_stock=none", "?is_active__exact=0", "?o=2", "?o=-3", "?o=4",
            "?o=-5", "?o=6", "?o=7",
            f"?category__category_id__exact={category.pk}", f"?q={product.sku}", f"?q={product.name[:6]}", "?q=zzzzz",
        )),
        f"{PRODUCTS}{product.pk}/change/",
        "/admin/catalog/category/",
        "/admin/catalog/category/?q=a",
        f"/admin/catalog/category/{category.pk}/change/",
        *(PEOPLE + query for query in (
            "", "?p=2", "?p=200", "?is_staff__exact=1", "?is_active__exact=0", "?is_superuser__exact=1",
            f"?groups__id__exact={manager.groups.get().pk}", f"?q={mail}", f"?q={buyer.email}", f"?q=%23{order.pk}",
            f"?q={order.pk}", "?q=shop", "?q=nobodylikethis", "?o=1", "?o=2", "?o=-6", "?o=7", "?o=8",
        )),
        f"{PEOPLE}{buyer.pk}/change/",
        f"{PEOPLE}{manager.pk}/change/",
        *(EVENTS + query for query in (
            "", "?p=2", "?p=200", "?delivery=pending", "?delivery=parked", "?delivery=delivered",
            "?subject__exact=user", "?subject__exact=order", "?kind__exact=placed", "?kind__exact=deleted",
            "?kind__exact=signed_in", "?occurred_at__gte=2030-01-01+00:00:00%2B00:00", f"?q={order.pk}",
            "activity/", "activity/?who=manager", "activity/?kind=changed", "mirror/",
        )),
        "/admin/auth/group/",
        f"/admin/auth/group/{manager.groups.get().pk}/change/",
    ]  # fmt: skip


def fill(directory: Path) -> None:
    from django.db.models.functions import Now

    from history.models import Event

    timed("import", lambda: call_command("import_orders", directory, allow_odd=True, verbosity=0))
    # As after a relay, which would take a while.
    Event.objects.update(delivered_at=Now())
    prepare()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def prepare() -> None:
    """Make a manager, and have much been done beside orders."""
    from django.contrib.auth.models import Group
    from django.utils import timezone

    from history import activity
    from history.mirror import relay
    from history.models import Kind, Subject
    from users.models import User

    manager = User.objects.create_user(MANAGER, "Manager", "only-for-measuring", is_staff=True)
    manager.groups.add(Group.objects.get(name="Manager"))
    for number in range(ACTIVITY):
        activity.record(
            Kind.CHANGED,
            subject=Subject.PRODUCT,
            subject_id=number,
            subject_name=f"Product {number}",
            actor=activity.actor_of(manager),
            changes={"price": ["1.00", "2.00"]},
            at=timezone.now(),
        )
    timed("mirror of the activity", relay.drain)


def lists(runs: int = RUNS) -> list[Figure]:
    """Print every page; return the slowest, and the one with the most statements."""
    from users.models import User

    settings.ALLOWED_HOSTS.append("testserver")
    settings.REQUIRE_STAFF_MFA = False
    client = Client()
    client.force_login(User.objects.get(email=MANAGER))
    slowest, dearest, count = ("", 0.0), ("", 0.0, 0, 1), 0
    print(f"{'page':<72}{'p95':>9}{'best':>9}{'Python':>9}{'SQL':>9}{'statements':>12}")
    for path in pages():
        took, python, sql, statements = time_of(client, path, runs)
        most = MOST_OF_AN_ORDER if "/order/" in path and "/change/" in path else MOST_STATEMENTS
        is_over = p95(took) > LIMIT_MS or statements > most
        print(
            f"{path:<72}{p95(took):>6.0f} ms{min(took):>6.0f} ms{min(python):>6.0f} ms{min(sql):>6.0f} ms"
            f"{statements:>6} of {most}{'  OVER' if is_over else ''}",
            flush=True,
        )
        count += 1
        slowest = max(slowest, (path, p95(took)), key=itemgetter(1))
        dearest = max(dearest, (path, statements / most, statements, most), key=itemgetter(1))
    path, ms = slowest
    limit = f"at most {LIMIT_MS} ms"
    slow = Figure(f"slowest of {count} pages, p95", f"{ms:,.0f} ms", _code(path), ms / LIMIT_MS, limit, ms <= LIMIT_MS)
    path, share, statements, most = dearest
    what = f"most statements of {count} pages"
    return [slow, Figure(what, f"{statements}", _code(path), share, f"at most {most}", statements <= most)]


def _code(path: str) -> str:
    return f"`{path}`"


def time_of(client: Client, path: str, runs: int) -> tuple[list[float], list[float], list[float], int]:
    """In milliseconds each whole request, its Python and its statements, and how many these were at most."""
    took, python, sql, statements = [], [], [], 0
    for _ in range(runs + 1):
        connection.queries_log.clear()  # it has an end, and would be full after some hundred pages
        with CaptureQueriesContext(connection) as asked:
            began, worked = time.perf_counter(), time.process_time()
            answer = client.get(path)
            took.append((time.perf_counter() - began) * 1000)
            python.append((time.process_time() - worked) * 1000)
            sql.append(sum(float(each["time"]) * 1000 for each in asked))
            statements = max(statements, len(asked))
        # A shop with fewer rows has no such page of a list, and leads back to the list.
        assert answer.status_code == 200 or "?p=" in path, (path, answer.status_code)
    # The first request of a page reads its templates.
    return took[1:], python[1:], sql[1:], statements


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.admin", description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--kept", action="store_true", help="the running databases of DATA_DIR")
    asked = parser.parse_args(arguments)
    with databases(are_running=asked.kept):
        from orders.models import Order

        call_command("migrate", verbosity=0)
        if not Order.objects.exists():
            fill(asked.directory)
        return 1 if show(lists()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
