"""`python -m tests.bench.shop DIR`: the shop's pages over the real products and orders of DIR, beside a bare page.

gunicorn as in production but over plain http, asked by CLIENTS at once from another process. Each page's requests a
second stand beside those of a bare Django page (tests/bench/bare.py) of the same run; its p95 beside its limit. Uses
databases of its own, or those of DATABASE_URL and MONGODB_URL, which may hold the products and orders already. Exit
code 1 where a page misses a limit.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import mean, median

from django.core.management import call_command

from tests.bench.figures import Figure, p95, show
from tests.bench.stores import databases
from tests.web.wire import Wire

CLIENTS = 8
SEED = 1
# Pages of each kind, asked in turn: a shop's visitors do not all look at one.
PAGES = 200
SORTS = ("", "best", "price", "-price")


@dataclass
class Ask:
    """One request: by whom (a session's key, "" for a guest), what, and the form that is posted there, if any."""

    session: str
    path: str
    form: dict[str, str] | None = None


@dataclass
class Limit:
    """p95: milliseconds at most; share: of the bare page's requests a second, at least."""

    p95: int | None = None
    share: float | None = None


LIMITS = {
    "list": Limit(p95=120, share=0.25),
    "search": Limit(p95=150),
    "product": Limit(),
    "checkout": Limit(share=0.12),
}


def load(port: int, asks: Sequence[Ask], seconds: float) -> tuple[int, list[float], dict[int, int]]:
    """Ask in turn, CLIENTS at once, for so long; asks with a form only once. Return milliseconds, and by status."""

    def go(own: Sequence[Ask]) -> list[tuple[int, float]]:
        wires = {session: Wire(port, session) for session in {ask.session for ask in own}}
        answers = []
        for ask in _in_turn(own):
            at = time.perf_counter()
            if at >= end:
                break
            wire = wires[ask.session]
            answer = wire.get(ask.path) if ask.form is None else wire.post(ask.path, ask.form)
            answers.append((answer.status, (time.perf_counter() - at) * 1000))
        for wire in wires.values():
            wire.close()
        return answers

    began = time.perf_counter()
    end = began + seconds
    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = [each for own in pool.map(go, (asks[number::CLIENTS] for number in range(CLIENTS))) for each in own]
    took = time.perf_counter() - began
    statuses = {status: sum(1 for one, _ in answers if one == status) for status in {one for one, _ in answers}}
    return round(len(answers) / took), [milliseconds for _, milliseconds in answers], statuses


def _in_turn(asks: Sequence[Ask]) -> Iterator[Ask]:
    while True:
        yield from asks
        if asks[0].form is not None:
            return


def requests(checkouts: int) -> dict[str, list[Ask]]:
    """What is asked of each kind of page."""
    from catalog.models import Category, Product
    from tests.bench import buyers
    from tests.web.customers import CHECKOUT

    chance = random.Random(SEED)
    sellable = list(Product.objects.for_sale().filter(stock__gt=0).order_by("pk"))
    shown = chance.sample(sellable, min(PAGES, len(sellable)))
    paths = ["/", *(category.get_absolute_url() for category in Category.objects.all())]
    lists = [f"{chance.choice(paths)}?sort={chance.choice(SORTS)}&page={chance.randint(1, 20)}" for _ in range(PAGES)]
    words = sorted({word for product in sellable for word in product.name.lower().split() if word.isalpha()})
    texts = [chance.choice(words) for _ in range(PAGES)]
    # Every fifth is typed wrongly: two neighbours changed over.
    texts = [
        text[1] + text[0] + text[2:] if number % 5 == 0 and len(text) > 3 else text for number, text in enumerate(texts)
    ]
    return {
        "list": [Ask("", path) for path in lists],
        "search": [Ask("", f"/search/?q={text}") for text in texts],
        "product": [Ask("", product.get_absolute_url()) for product in shown],
        "checkout": [Ask(buyers.session(one), CHECKOUT, buyers.form(one)) for one in buyers.ready(checkouts)],
    }


def pages(seconds: float, checkouts: int) -> list[Figure]:
    """Measure the pages of the shop there is. seconds: of each; checkouts: customers who are ready to order."""
    from django.db import connection

    from tests.web.server import Server

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    logs = Path(tempfile.mkdtemp(prefix="user-order-system-bench-"))
    with Server(logs / "web.log") as shop, Server(logs / "bare.log", application="tests.bench.bare") as bare:
        asked = requests(checkouts)
        connection.close()
        with ProcessPoolExecutor(1, get_context("spawn")) as clients:

            def ask(port: int, asks: Sequence[Ask]) -> tuple[int, list[float], dict[int, int]]:
                return clients.submit(load, port, asks, seconds).result()

            def ask_bare() -> int:
                return ask(bare.port, [Ask("", "/")] * CLIENTS)[0]

            for warm in ("list", "search", "product"):
                ask(shop.port, asked[warm])
            ask_bare()
            rates, found = [ask_bare()], {}
            for name, asks in asked.items():
                found[name] = ask(shop.port, asks)
                rates.append(ask_bare())
    return [figure for name, answers in found.items() for figure in _figures(name, *answers, mean(rates))]


def _figures(name: str, rate: int, took: list[float], statuses: dict[int, int], bare: float) -> Iterator[Figure]:
    limit = LIMITS[name]
    share = rate / bare
    failed = {status: count for status, count in statuses.items() if status >= 400}
    yield Figure(
        f"{name}, {CLIENTS} clients",
        f"{rate:,}/s",
        f"a bare Django page {bare:,.0f}/s",
        share,
        f"at least {limit.share}" if limit.share else "",
        not limit.share or share >= limit.share,
    )
    yield Figure(
        f"{name}, p95",
        f"{p95(took):,.0f} ms",
        f"p50 {median(took):,.0f} ms{f', answered {failed}' if failed else ''}",
        p95(took) / limit.p95 if limit.p95 else None,
        f"at most {limit.p95} ms" if limit.p95 else "",
        not failed and (not limit.p95 or p95(took) <= limit.p95),
    )


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.shop", description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--seconds", type=float, default=10, help="of each page")
    parser.add_argument("--checkouts", type=int, default=1500, help="customers who are ready to order")
    asked = parser.parse_args(arguments)
    with databases():
        from catalog.models import Product

        call_command("migrate", verbosity=0)
        if not Product.objects.exists():
            call_command("import_orders", asked.directory, allow_odd=True, verbosity=0)
        return 1 if show(pages(asked.seconds, asked.checkouts)) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
