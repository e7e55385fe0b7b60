"""A shop of which every part is restarted under load: two web servers behind a proxy that does what nginx does.

In each round one web server after the other is stopped and started, then reloaded (SIGHUP), and relay, sender of mails
and deliverer of webhooks are restarted.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tests.load import stock
from tests.load.balancer import Balancer
from tests.load.crowd import Crowd, Pace
from tests.load.judge import Verdict, judge, last_order, table, wrong
from tests.load.outside import Outside
from tests.load.parts import Shop

# A crowd that nobody ended.
LONGEST = 3600.0


@dataclass(frozen=True)
class Plan:
    """visitors: at once, each one visit after the other, so that no server has more in hand than it can answer before
    it has to end; calm: seconds before the first round and after the last."""

    rounds: int
    visitors: int
    calm: float = 3.0


def run(home: Path, environment: Mapping[str, str], plan: Plan) -> Verdict:
    """Restart everything, on the stores that this process's Django is on, and say what came of it.

    home: for logs and files; environment: of production, with the stores' addresses.
    """
    with Outside(home) as outside:
        told = dict(environment) | outside.environment
        site = stock.filled()
        stock.watch(outside.hook_url)
        since = last_order()
        with (
            Shop(home, told, webs=2) as shop,
            Balancer([web.port for web in shop.webs]) as balancer,
            Crowd(replace(site, port=balancer.port)) as crowd,
        ):
            load = crowd.go(Pace(0, LONGEST, plan.visitors, seed="rolling"))
            time.sleep(plan.calm)
            restarts = sum(_round(shop) for _ in range(plan.rounds))
            time.sleep(plan.calm)
            crowd.end()
            seen = load.result()
            verdict = judge(seen, since=since, outside=outside)
            verdict.problems += [f"{name} ended by itself" for name in shop.dead()]
    print(f"{restarts} restarts and reloads, {seen.visits:,} visits\n{table(seen.sights)}", flush=True)
    print(f"the proxy: {dict(balancer.happened)}")
    verdict.figures |= {"restarts": restarts, "requests": len(seen.sights)}
    verdict.problems += wrong(seen.sights)
    return verdict


def _round(shop: Shop) -> int:
    """Restart every part once, and the web servers a second time by reloading them; return how many that were."""
    for web in shop.webs:
        web.restart()
        web.wait()
    for web in shop.webs:
        web.reload()
    for worker in shop.workers:
        worker.restart()
    return 2 * len(shop.webs) + len(shop.workers)
