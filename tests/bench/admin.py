"""`python -m tests.bench.admin DIR`: every list, search and page of the back office over the 99,441 real orders of DIR.

A page is timed as a browser gets it, template and all, on the embedded servers; p95 of RUNS, with the statements it
needed. Uses databases of its own, thrown away afterwards, or those of DATABASE_URL and MONGODB_URL, which are filled
where they are empty. Exit code 1 where a page is over a limit.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from statistics import quantiles

import django
from django.core.management import call_command

from tests.bench.olist import databases, timed

RUNS = 20
LIMIT_MS = 300
MOST_STATEMENTS, MOST_OF_AN_ORDER = 12, 15
ACTIVITY = 2_000

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
    manager = User.objects.get(email="manager@bench.example")
    mail = buyer.email.split("@")[0]
    return [
        "/admin/",
        *(ORDERS + query for query in (
            "", "?p=2", "?p=200", "?status__exact=pending", "?status__exact=delivered", "?status__exact=cancelled",
            "?created_at__year=2018", "?created_at__year=2017&created_at__month=11", "?o=5", "?o=-5",
            "?created_at__gte=2018-01-01+00:00:00%2B00:00", f"?q={order.pk}", f"?q=%23{order.pk}", f"?q={mail}",
            f"?q={buyer.email}", f"?q={product.sku}", "?q=shop", "?q=nobodylikethis",
        )),
        f"{ORDERS}{order.pk}/change/",
        *(PRODUCTS + query for query in (
            "", "?p=2", "?p=100", "?in_stock=low", "?in_stock=none", "?is_active__exact=0", "?o=-4",
            f"?category__category_id__exact={category.pk}", f"?q={product.sku}", f"?q={product.name[:6]}", "?q=zzzzz",
        )),
        f"{PRODUCTS}{product.pk}/change/",
        "/admin/catalog/category/",
        "/admin/catalog/category/?q=a",
        f"/admin/catalog/category/{category.pk}/change/",
        *(PEOPLE + query for query in (
            "", "?p=2", "?p=200", "?is_staff__exact=1", "?is_active__exact=0", "?is_superuser__exact=1",
            f"?groups__id__exact={manager.groups.get().pk}", f"?q={mail}", f"?q={buyer.email}", f"?q=%23{order.pk}",
            f"?q={order.pk}", "?q=shop", "?q=nobodylikethis", "?o=1",
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
    from django.contrib.auth.models import Group
    from django.db import connection
    from django.db.models.functions import Now
    from django.utils import timezone

    from history import activity
    from history.models import Event, Kind, Subject
    from users.models import User

    timed("import", lambda: call_command("import_orders", directory, verbosity=0))
    # As after a relay, which would take a while.
    Event.objects.update(delivered_at=Now())
    manager = User.objects.create_user("manager@bench.example", "Manager", "only-for-measuring", is_staff=True)
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
    timed("mirror of the activity", lambda: call_command("relay", drain=True, verbosity=0))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def measure(directory: Path) -> int:
    """Print every page and return how many are over a limit."""
    from django.conf import settings
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from orders.models import Order
    from users.models import User

    call_command("migrate", verbosity=0)
    if not Order.objects.exists():
        fill(directory)
    settings.ALLOWED_HOSTS.append("testserver")
    settings.REQUIRE_STAFF_MFA = False
    client = Client()
    client.force_login(User.objects.get(email="manager@bench.example"))
    over = 0
    print(f"{'page':<72}{'p95':>9}{'limit':>9}{'statements':>12}")
    for path in pages():
        with CaptureQueriesContext(connection) as asked:
            answer = client.get(path)
            statements = len(asked)  # the next request empties the log
        assert answer.status_code == 200, (path, answer.status_code)
        took = p95(client, path)
        most = MOST_OF_AN_ORDER if "/order/" in path and "/change/" in path else MOST_STATEMENTS
        is_over = took > LIMIT_MS or statements > most
        over += is_over
        print(
            f"{path:<72}{took:>6.0f} ms{LIMIT_MS:>6} ms{len(asked):>6} of {most}{'  OVER' if is_over else ''}",
            flush=True,
        )
    return over


def p95(client: object, path: str) -> float:
    """In milliseconds, of RUNS."""
    took = []
    for _ in range(RUNS):
        began = time.perf_counter()
        client.get(path)
        took.append((time.perf_counter() - began) * 1000)
    return quantiles(took, n=20, method="inclusive")[-1]


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: python -m tests.bench.admin DIR", file=sys.stderr)
        return 2
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("SECRET_KEY", "only-for-measuring")
    os.environ.setdefault("LOCAL", "1")
    with databases():
        django.setup()
        return 1 if measure(Path(arguments[0])) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
