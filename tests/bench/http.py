"""Orders a second over HTTP beside the same statements without any web, by pgbench, in turn on the same tables."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from tests.bench.figures import Figure, p95
from tests.web.wire import Wire, form

CLIENTS = 16
WARM = 4  # orders of each client

# Whose session, and what is posted, as it is sent.
Form = tuple[str, str]


def post(port: int, forms: Sequence[Form], clients: int = CLIENTS) -> tuple[float, list[float]]:
    """Order, so many at once, each on one connection; return orders a second and the milliseconds of each.

    Raises where one is no order. Run in another process than the web; needs no Django.
    """

    def go(own: Sequence[Form]) -> list[float]:
        took, wire = [], Wire(port)
        for session, posted in own:
            wire.become(session)
            began = time.perf_counter()
            answer = wire.post_form("/checkout/", posted)
            took.append((time.perf_counter() - began) * 1000)
            assert answer.status == 302, answer.body[:500]
            assert answer.location.startswith("/checkout/done/"), answer.location
        wire.close()
        return took

    began = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        took = [ms for own in pool.map(go, (forms[number::clients] for number in range(clients))) for ms in own]
    return len(forms) / (time.perf_counter() - began), took


def forms(how_many: int) -> list[Form]:
    """Of new buyers who are ready to order; made before anybody looks at the clock."""
    from tests.bench import buyers

    return [(buyers.session(number), form(buyers.form(number))) for number in buyers.ready(how_many)]


def orders(checkouts: int, rounds: int) -> list[Figure]:
    """checkouts: of each round and way."""
    from django.db import connection

    from tests.bench import buyers, statements
    from tests.web.server import Server

    said = statements.record()
    written = statements.script(said)
    web, bare = [], []
    with ExitStack() as stack:
        logs = stack.enter_context(TemporaryDirectory())
        shop = stack.enter_context(Server(Path(logs) / "web.log"))
        clients = stack.enter_context(ProcessPoolExecutor(1, get_context("spawn")))
        clients.submit(post, shop.port, forms(CLIENTS * WARM)).result()
        for _ in range(rounds):
            posted, numbers = forms(checkouts), buyers.ready(checkouts)
            connection.close()
            web.append(clients.submit(post, shop.port, posted).result())
            bare.append(statements.play(written, numbers, CLIENTS))
    rate, least = median(rate for rate, _ in web), median(played.rate for played in bare)
    took = p95([ms for _, every in web for ms in every])
    quickest = p95([ms for played in bare for ms in played.took])
    beside = f"pgbench, the same {len(said)} statements {least:,.0f}/s"
    return [
        Figure(f"orders over HTTP, {CLIENTS} clients", f"{rate:,.0f}/s", beside, rate / least),
        Figure(f"checkout, {CLIENTS} clients, p95", f"{took:,.0f} ms", f"pgbench {quickest:,.0f} ms", took / quickest),
    ]
