"""A shop whose stores are in trouble, one way after the other, while visitors keep coming."""

from __future__ import annotations

import math
import time
from collections import ChainMap, Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from urllib.parse import urlsplit

from django.db import connection

from tests.faults.servers import Servers
from tests.load import stock
from tests.load.crowd import Crowd, Pace
from tests.load.disk import SmallDisk
from tests.load.judge import Verdict, judge, last_order, wrong
from tests.load.line import Address, Line
from tests.load.outside import Outside
from tests.load.parts import Shop
from tests.load.trials import TRIALS, Scene, Trial
from tests.load.visitors import Seen, Sight, Site

# Seconds: an answer at most, and until all is well again by itself.
CLEAR_WITHIN, WELL_WITHIN = 5.0, 15.0
# What the pages and the API say of it.
CLEAR = ("Back in a moment", "History store is not reachable", "took too long", "shop:busy", "history-unreachable")
# A crowd that nobody ended.
LONGEST = 3600.0
MIX = {"list": 10, "search": 4, "product": 10, "cart": 5, "checkout": 12, "my_orders": 6, "report": 6, "api_order": 3}


@dataclass(frozen=True)
class Plan:
    """lasts: seconds of each trouble; after: until the next one; rate: visits a second; is_one_shop: that has the
    environments of all trials."""

    trials: Sequence[str]
    lasts: float
    after: float
    rate: float = 5.0
    threads: int = 48
    is_one_shop: bool = False


@dataclass(frozen=True)
class Span:
    """When there was trouble (time.monotonic())."""

    trial: Trial
    begin: float
    end: float


def run(
    home: Path,
    environment: Mapping[str, str],
    plan: Plan,
    *,
    servers: Servers | None = None,
    disk: SmallDisk | None = None,
) -> Verdict:
    """Make the trouble, on the stores that this process's Django is on, and say what came of it.

    home: for logs and files; environment: of production, with the stores' addresses. servers, disk: where a trial stops
    or fills them.
    """
    seen, spans, problems = Seen(), [], []
    with Outside(home) as outside, ExitStack() as stack:
        lines = [stack.enter_context(Line(address)) for address in addresses(environment["MONGODB_URL"])]
        told = dict(environment) | outside.environment
        site = stock.filled()
        stock.watch(outside.hook_url)
        since = last_order()
        told |= _by_line(environment, DATABASE_URL=lines[0], MONGODB_URL=lines[1])
        scene = Scene(*lines, environment["DATABASE_URL"], servers, disk)
        for more, trials in _by_environment(plan):
            with Shop(home, told | dict(more)) as shop:
                found, found_spans = _try(replace(site, port=shop.webs[0].port), scene, trials, plan)
                seen, spans = seen + found, spans + found_spans
                verdict = judge(seen, since=since, outside=outside)
                problems += [*verdict.problems, *(f"{name} ended by itself" for name in shop.dead())]
    verdict.problems = problems
    for span, following in zip(spans, [*spans[1:], None], strict=True):
        until = following.begin if following else math.inf
        verdict.problems += _told(span, [*_during(span, until, seen.sights)], verdict)
    verdict.problems += wrong(_elsewhere(seen.sights, spans))
    return verdict


def _by_environment(plan: Plan) -> list[tuple[Mapping[str, str], list[Trial]]]:
    """What is tried on one shop, with its environment."""
    trials = [TRIALS[name] for name in plan.trials]
    if plan.is_one_shop:
        return [(ChainMap(*(trial.environment for trial in trials)), trials)]
    return [(more, list(some)) for more, some in groupby(trials, key=lambda trial: trial.environment)]


def _try(site: Site, scene: Scene, trials: Sequence[Trial], plan: Plan) -> tuple[Seen, list[Span]]:
    spans = []
    connection.close()
    with Crowd(site) as crowd:
        load = crowd.go(Pace(plan.rate, LONGEST, plan.threads, mix=MIX, seed="exhaust"))
        for trial in trials:
            time.sleep(plan.after / 2)
            begin = time.monotonic()
            with trial.begin(scene):
                time.sleep(plan.lasts)
            spans.append(Span(trial, begin, time.monotonic()))
            time.sleep(plan.after)
        crowd.end()
        return load.result(), spans


def _told(span: Span, during: Sequence[Sight], verdict: Verdict) -> Iterator[str]:
    """Print how a trial went, and say what was not as it should be."""
    refused = [sight for sight in during if sight.wrong]
    longest = max((sight.seconds for sight in during), default=0.0)
    well = max((sight.due + sight.seconds - span.end for sight in refused), default=0.0)
    name = span.trial.name
    print(
        f"{name:<20}{len(during):>6} requests, answered 503: {len(refused):>5}, longest {longest:.1f} s, "
        f"last of them {max(well, 0.0):.1f} s after the end; {dict(Counter(sight.what for sight in refused))}",
        flush=True,
    )
    verdict.figures[f"{name}, longest s"] = longest
    late = [sight for sight in during if sight.seconds > CLEAR_WITHIN]
    if late:
        yield f"{name}: {len(late)} answers after more than {CLEAR_WITHIN:g} s, such as {max(late, key=_seconds)}"
    unclear = [sight for sight in refused if sight.status != 503 or not any(text in sight.wrong for text in CLEAR)]
    if unclear:
        yield f"{name}: {len(unclear)} answers were not clear, such as {unclear[0]}"
    if span.trial.touches is not None and (others := {sight.what for sight in refused} - span.trial.touches):
        yield f"{name}: {', '.join(sorted(others))} were refused too"
    if well > WELL_WITHIN:
        yield f"{name}: not well again within {WELL_WITHIN:g} s"


def _seconds(sight: Sight) -> float:
    return sight.seconds


def _during(span: Span, until: float, sights: Iterable[Sight]) -> Iterator[Sight]:
    """What this trial had a part in: of two that follow each other, the one that was there when an answer came."""
    for sight in sights:
        if span.begin <= sight.due + sight.seconds < until and sight.due <= span.end + WELL_WITHIN:
            yield sight


def _elsewhere(sights: Sequence[Sight], spans: Sequence[Span]) -> list[Sight]:
    """What happened while no store was in trouble, or had just been; what was under way when it began belongs to it."""
    return [
        sight
        for sight in sights
        if not any(sight.due + sight.seconds >= span.begin and sight.due <= span.end + WELL_WITHIN for span in spans)
    ]


def addresses(mongodb_url: str) -> tuple[Address, Address]:
    """Where PostgreSQL, which this process's Django is on, and MongoDB listen."""
    postgresql = connection.get_connection_params()
    host, port = str(postgresql["host"]), int(postgresql.get("port") or 5432)
    mongodb = urlsplit(mongodb_url)
    return (
        f"{host}/.s.PGSQL.{port}" if host.startswith("/") else (host, port),
        (mongodb.hostname or "127.0.0.1", mongodb.port or 27017),
    )


def _by_line(environment: Mapping[str, str], **lines: Line) -> dict[str, str]:
    """The stores' addresses, over the lines to them."""
    told = {}
    for name, line in lines.items():
        parts = urlsplit(environment[name])
        who, at, _ = parts.netloc.rpartition("@")
        query = "" if name == "DATABASE_URL" else parts.query  # there it is the folder of its socket
        told[name] = parts._replace(netloc=f"{who}{at}127.0.0.1:{line.port}", query=query).geturl()
    return told
