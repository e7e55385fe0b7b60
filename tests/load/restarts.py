"""A shop of which every part is restarted under load: two web servers behind nginx, by the documented procedure.

In each round one web server after the other is taken out, stopped, started and put back; then relay, sender of mails
and deliverer of webhooks are restarted.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tests.load import stock
from tests.load.crowd import Crowd, Pace
from tests.load.judge import Verdict, judge, last_order, table, wrong
from tests.load.outside import Outside
from tests.load.parts import Shop
from tests.nginx import Nginx

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
            Nginx(home, [web.port for web in shop.webs]) as nginx,
            Crowd(replace(site, port=nginx.port)) as crowd,
        ):
            load = crowd.go(Pace(0, LONGEST, plan.visitors, seed="rolling"))
            time.sleep(plan.calm)
            restarts = sum(_round(shop, nginx) for _ in range(plan.rounds))
            time.sleep(plan.calm)
            crowd.end()
            seen = load.result()
            verdict = judge(seen, since=since, outside=outside)
            verdict.problems += [f"{name} ended by itself" for name in shop.dead()]
    print(f"{restarts} restarts, {seen.visits:,} visits\n{table(seen.sights)}", flush=True)
    verdict.figures |= {"restarts": restarts, "requests": len(seen.sights)}
    verdict.problems += wrong(seen.sights)
    return verdict


def _round(shop: Shop, nginx: Nginx) -> int:
    """Restart every part once; return how many that were."""
    for web in shop.webs:
        nginx.take_out(web.port)
        web.restart()
        web.wait()
        nginx.put_back(web.port)
    for worker in shop.workers:
        worker.restart()
    return len(shop.webs) + len(shop.workers)
