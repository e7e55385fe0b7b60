"""`python -m tests.bench.archived DIR`: archived orders read like live ones, on the real orders of DIR.

Fetches a thousand random orders as their customers and as staff, the back office's lists and its CSV of all orders and
every report's CSV; archives what is older than BEFORE; fetches all of it again. Whatever differs but by the archive's
mark is printed. Then the p95 of an archived order's page stands beside a live one's. Uses databases of its own, or
those of DATABASE_URL and MONGODB_URL, which may hold the orders already. Exit code 1 where anything differs.
"""

from __future__ import annotations

import argparse
import difflib
import http.client
import os
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from itertools import islice
from pathlib import Path
from statistics import quantiles
from typing import NamedTuple
from uuid import uuid4

from django.core.management import call_command

from tests.bench.olist import timed
from tests.bench.stores import databases

BEFORE = date(2018, 1, 1)
SEED = 7
MOST_TIMES_LIVE = 2.0
DIFFERENCES_SHOWN = 5
# A token is new with every answer; the mark is all that may be new about an archived order.
DIFFERS = re.compile(
    r'name="csrfmiddlewaretoken" value="\w+"'
    r'|\s*<p class="archived">.*?</p>|\s*<span class="badge-archived">Archived</span>',
    re.DOTALL,
)
TABLES = ("orders", "order_items", "history_events", "refunds", "archived_orders")
LISTS = (
    "", "?p=1", "?p=99", "?o=5", "?o=-5.1", "?status__exact=delivered", "?status__exact=cancelled&p=3",
    "?created_at__year=2017", "?created_at__year=2017&created_at__month=11&p=7", "?total=highest",
    "?created_at__gte=2017-12-31+00:00:00%2B00:00&created_at__lt=2018-01-02+00:00:00%2B00:00",
)  # fmt: skip
QUESTIONS = ("", "&by=day&compare=none", "&status=delivered", "&as_of=2017-06-30", "&as_of=2018-03-01T12:00")


class Ask(NamedTuple):
    """Who (a session's key) asks for what."""

    session: str
    path: str


# Returns status and body.
Get = Callable[[Ask], tuple[int, str]]


def of_orders(sessions: Mapping[int, str], orders: Iterable[tuple[int, int]], desk: str) -> Iterator[Ask]:
    """The pages of some orders (order, customer): their customers' by whose session they are, and the desk's."""
    for order, customer in orders:
        for path in (f"/orders/{order}/", f"/orders/{order}/receipt/", f"/checkout/done/{order}/", "/orders/"):
            yield Ask(sessions[customer], path)
        yield Ask(sessions[customer], f"/orders/?q=%23{order}")
        yield Ask(desk, f"/admin/orders/order/{order}/change/")


def of_lists(desk: str) -> Iterator[Ask]:
    for query in LISTS:
        yield Ask(desk, f"/admin/orders/order/{query}")
    yield Ask(desk, "/admin/orders/order/export/")


def of_reports(desk: str, questions: Iterable[str] = QUESTIONS) -> Iterator[Ask]:
    """Each table of each report as CSV. Trust is left out: it tells how the stores are doing, and is held to be equal
    by what it compares."""
    from history.reports.views import REPORTS

    for name in REPORTS.keys() - {"trust"}:
        for question in questions:
            yield Ask(desk, f"/reports/{name}/?period=all&format=csv{question}")


def look(get: Get, asks: Iterable[Ask]) -> dict[Ask, str]:
    """Ask for everything; an answer without what may differ."""
    found = {}
    for ask in asks:
        status, body = get(ask)
        found[ask] = "\n".join([str(status), *_lines(DIFFERS.sub("", body))])
    return found


def differing(before: Mapping[Ask, str], after: Mapping[Ask, str]) -> list[str]:
    """What differs of each answer, its first lines; an answer that failed differs as well."""
    found = []
    for ask, wanted in before.items():
        if wanted == after[ask] and wanted[0] in "23":
            continue
        lines = difflib.unified_diff(wanted.split("\n"), after[ask].split("\n"), lineterm="", n=0)
        found.append("\n    ".join([f"{ask.path}: {wanted[:3]}", *(line[:200] for line in islice(lines, 8))]))
    return found


def _lines(body: str) -> list[str]:
    """Without the empty ones that a template leaves where it shows nothing."""
    return [line.strip() for line in body.splitlines() if line.strip()]


def over_http(port: int) -> Get:
    connection = http.client.HTTPConnection("localhost", port, timeout=600)

    def get(ask: Ask) -> tuple[int, str]:
        for _ in range(2):
            try:
                connection.request("GET", ask.path, headers={"Cookie": f"sessionid={ask.session}"})
                answer = connection.getresponse()
                return answer.status, answer.read().decode()
            except (http.client.RemoteDisconnected, ConnectionResetError):  # a kept connection that was idle
                connection.close()
        raise AssertionError(f"no answer to {ask.path}")

    return get


def signed_in(user: object) -> str:
    """The key of a new session."""
    from django.test import Client

    client = Client()
    client.force_login(user)
    return client.cookies["sessionid"].value


def desk_user() -> object:
    """Staff who may look at everything and change nothing, so that an archived order has no button less for them."""
    from django.contrib.auth.models import Permission

    from users.models import User

    name = f"desk-{uuid4()}@bench.example"
    user = User.objects.create_user(name, "Desk", "only-for-measuring", is_staff=True)
    may = ("view_order", "export_order", "view_user", "view_reports")
    user.user_permissions.set(Permission.objects.filter(codename__in=may))
    return user


def chosen(count: int) -> list[tuple[int, int]]:
    """So many orders at random, each with its customer."""
    from orders.models import Order

    every = list(Order.objects.order_by("pk").values_list("pk", "customer_id"))
    return random.Random(SEED).sample(every, min(count, len(every)))


def p95(get: Get, asks: Iterable[Ask]) -> float:
    """In milliseconds."""
    took = []
    for ask in asks:
        began = time.perf_counter()
        get(ask)
        took.append((time.perf_counter() - began) * 1000)
    return quantiles(took, n=20, method="inclusive")[-1]


def sizes() -> str:
    """Of the tables of orders, with their indexes, as they are after a VACUUM FULL."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM FULL ANALYZE {', '.join(TABLES)}")
        told = []
        for table in TABLES:
            cursor.execute(f"SELECT count(*), pg_size_pretty(pg_total_relation_size('{table}')) FROM {table}")
            told.append("{} {:,} rows {}".format(table, *cursor.fetchone()))
    return ", ".join(told)


def measure(count: int, port: int, *, with_reports: bool) -> int:
    """Return how many answers differ, and one more where an archived order's page is slow."""
    from orders.models import Order
    from users.models import User

    orders = chosen(count)
    users = User.objects.in_bulk({customer for _, customer in orders})
    sessions = timed("signed in", lambda: {pk: signed_in(user) for pk, user in users.items()})
    desk = signed_in(desk_user())
    get = over_http(port)
    asks = [*of_orders(sessions, orders, desk), *of_lists(desk), *(of_reports(desk) if with_reports else ())]
    print(sizes())
    before = timed(f"{len(asks):,} pages before", lambda: look(get, asks))
    timed("archived", lambda: call_command("archive_orders", before=BEFORE))
    print(sizes())
    after = timed("the same pages after", lambda: look(get, asks))
    different = differing(before, after)
    for told in different[:DIFFERENCES_SHOWN]:
        print(told)
    live = set(Order.objects.filter(pk__in=[order for order, _ in orders]).values_list("pk", flat=True))
    print(f"{len(asks):,} pages of {len(orders):,} orders, {len(orders) - len(live):,} of them archived: "
          f"{len(different):,} differ")  # fmt: skip
    return len(different) + _is_slow(get, sessions, orders, live)


def _is_slow(get: Get, sessions: Mapping[int, str], orders: list[tuple[int, int]], live: set[int]) -> bool:
    pages = [(order in live, Ask(sessions[customer], f"/orders/{order}/")) for order, customer in orders]
    of_live, of_archived = (p95(get, [ask for is_live, ask in pages if is_live is kind]) for kind in (True, False))
    print(f"p95 of an order's page: live {of_live:.0f} ms, archived {of_archived:.0f} ms, "
          f"at most {MOST_TIMES_LIVE} times as much")  # fmt: skip
    return of_archived > MOST_TIMES_LIVE * of_live


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.archived", description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--orders", type=int, default=1000, help="fetched before and after")
    parser.add_argument("--no-reports", action="store_true", help="leave out the reports, which take longest")
    asked = parser.parse_args(arguments)
    os.environ["REQUIRE_STAFF_MFA"] = "0"
    with databases(is_patient=True):
        from orders.models import Order
        from tests.web.server import Server

        call_command("migrate", verbosity=0)
        if not Order.objects.exists():
            timed("import", lambda: call_command("import_orders", asked.directory, allow_odd=True, verbosity=0))
            timed("mirror", lambda: call_command("relay", drain=True, verbosity=0))
        with tempfile.TemporaryDirectory() as logs, Server(Path(logs) / "web.log") as server:
            return 1 if measure(asked.orders, server.port, with_reports=not asked.no_reports) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
