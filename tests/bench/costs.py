"""Where a checkout's time goes: by what kind of code runs, and by statement beside pgbench saying the same.

The web's own application is called in this process, one order after the other. The profiler makes Python slower, calls
most of all: its figures say what is large, not how large; the time of a checkout is taken without it.
"""

from __future__ import annotations

import cProfile
import pstats
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from statistics import mean, median
from urllib.parse import urlencode

from tests.bench.figures import Figure
from tests.config.processes import ROOT

WARM = 20
STATEMENTS_SHOWN = 8
LEAST_SHARE = 0.01

# The first that a function's file has in it tells what kind of code it is.
KINDS = (
    ("/psycopg_pool/", "pool of connections"),
    ("/psycopg", "psycopg"),
    ("/django/db/models/", "Django's ORM"),
    ("/django/db/", "Django's cursor and transactions"),
    ("/django/contrib/sessions/", "session"),
    ("/django/contrib/auth/", "who is asking"),
    ("/django/core/signing", "session"),
    ("/django/forms/", "forms"),
    ("/django/template/", "templates"),
    ("/django/utils/translation", "language"),
    ("/django/", "Django's request, middleware, response"),
    ("/prometheus_client/", "metrics"),
    ("/site-packages/", "other packages"),
    *((f"{ROOT}/{app}/", f"ours: {app}") for app in ("config", "history", "orders", "catalog", "users")),
)
OTHERS = "Python's library"
WAITING = "waiting for PostgreSQL"

Function = tuple[str, int, str]


def measured(checkouts: int) -> Iterator[Figure]:
    from tests.bench import buyers, statements

    order = caller()
    for number in buyers.ready(WARM):
        order(number)
    took = [milliseconds(order, number) for number in buyers.ready(checkouts)]
    by_kind = _by_kind(order, buyers.ready(checkouts))
    said = statements.timed_checkouts(buyers.ready(checkouts))
    numbers = buyers.ready(checkouts)
    messages = [sql for sql, _ in said[-1]]
    played = statements.play(statements.script(messages), numbers, clients=1)
    each = [mean(times) for times in zip(*([ms for _, ms in one] for one in said), strict=True)]
    yield Figure(
        "one checkout at a time",
        f"{median(took):.2f} ms",
        f"pgbench, the same {len(messages)} statements {median(played.took):.2f} ms",
        median(took) / median(played.took),
    )
    yield from _kinds(by_kind)
    yield from _statements(messages, each, played.latencies)


def caller() -> Callable[[int], None]:
    """What has a buyer order as gunicorn does, to the end of the request."""
    from django.test import RequestFactory

    from config.wsgi import application
    from tests.bench import buyers

    requests = RequestFactory(headers={"host": "localhost"})
    told: list[str] = []

    def order(number: int) -> None:
        requests.cookies.load({"sessionid": buyers.session(number), "csrftoken": "a" * 32})
        body = urlencode(buyers.form(number) | {"csrfmiddlewaretoken": "a" * 32})
        request = requests.post("/checkout/", body, content_type="application/x-www-form-urlencoded")
        answer = application(request.environ, lambda status, headers: told.append(status))
        answer.close()
        assert told.pop().startswith("302")

    return order


def milliseconds(order: Callable[[int], None], number: int) -> float:
    began = time.perf_counter()
    order(number)
    return (time.perf_counter() - began) * 1000


def _by_kind(order: Callable[[int], None], numbers: Sequence[int]) -> Counter[str]:
    """Milliseconds of a checkout by kind of code, its own time; what is built in counts for who called it."""
    profile = cProfile.Profile()
    profile.enable()
    for number in numbers:
        order(number)
    profile.disable()
    seconds: dict[str, float] = defaultdict(float)
    for function, (_, _, own, _, callers) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        if function[0] != "~":
            seconds[_kind(function)] += own
        else:
            for caller, (_, _, part, _) in callers.items():
                seconds[_kind(caller)] += part
    return Counter({kind: took / len(numbers) * 1000 for kind, took in seconds.items()})


def _kind(function: Function) -> str:
    file, _, name = function
    if name == "wait" and "/psycopg/" in file:
        return WAITING
    return next((kind for part, kind in KINDS if part in file), OTHERS)


def _kinds(by_kind: Counter[str]) -> Iterator[Figure]:
    whole = by_kind.total()
    for kind, took in by_kind.most_common():
        if took / whole >= LEAST_SHARE:
            yield Figure(f"profiled: {kind}", f"{took:.2f} ms", f"of {whole:.2f} ms", took / whole)


def _statements(said: Sequence[str], ours: Sequence[float], bare: Sequence[float]) -> Iterator[Figure]:
    """The dearest statements; ours: milliseconds through Django, bare: in pgbench, which says each in turn."""
    yield Figure("all statements", f"{sum(ours):.2f} ms", f"pgbench {sum(bare):.2f} ms", sum(ours) / sum(bare))
    for at in sorted(range(len(said)), key=lambda at: -ours[at])[:STATEMENTS_SHOWN]:
        yield Figure(_short(said[at]), f"{ours[at]:.2f} ms", f"pgbench {bare[at]:.2f} ms", ours[at] / bare[at])


def _short(sql: str) -> str:
    """What a statement does to which table."""
    words = " ".join(sql.replace('"', "").split())
    table = re.search(r"\b(?:FROM|INTO|UPDATE) (?!unnest)(\w+)", words)
    lock = " … FOR UPDATE" if "FOR NO KEY UPDATE" in words or "FOR UPDATE" in words else ""
    return f"`{words.split()[0]} {table[1]}{lock}`" if table else f"`{words[:40]}`"
