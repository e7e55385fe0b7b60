"""A load that stays: first what the shop can take at most, then a share of it for as long as wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tests.load import stock
from tests.load.crowd import Crowd, Pace
from tests.load.gauge import Gauge
from tests.load.judge import Verdict, judge, last_order, table, wrong
from tests.load.outside import Outside
from tests.load.parts import Shop
from tests.load.visitors import Seen


@dataclass(frozen=True)
class Plan:
    """seconds of each phase; share: of the most visits a second that there can be; clients: at once while those are
    measured; threads: visitors at once while the share is held; orders: generated ones that were there before."""

    warm_up: float
    measure: float
    hold: float
    share: float
    orders: int = 0
    clients: int = 16
    threads: int = 32


def run(home: Path, environment: Mapping[str, str], plan: Plan) -> Verdict:
    """Put a shop under load, on the stores that this process's Django is on, and say what came of it.

    home: for logs and files; environment: of production, with the stores' addresses.
    """
    with Outside(home) as outside:
        told = dict(environment) | outside.environment
        site = stock.filled(orders=plan.orders)
        stock.watch(outside.hook_url)
        since = last_order()
        with Shop(home, told) as shop, Crowd(replace(site, port=shop.webs[0].port)) as crowd:
            before, rate = _measured(crowd, plan)
            holding = crowd.go(Pace(rate, plan.hold, plan.threads, seed="hold"))
            gauge = Gauge(shop, outside, plan.hold)
            gauge.watch(holding)
            held = holding.result()
            verdict = judge(before + held, since=since, outside=outside)
            verdict.problems += [f"{name} ended by itself" for name in shop.dead()]
    print(f"held for {plan.hold:.0f} s: {len(held.sights) / plan.hold:.1f} requests/s\n{table(held.sights)}")
    print("\n".join(gauge.lines()), flush=True)
    verdict.figures |= {"visits a second": rate, "requests": len(held.sights)}
    verdict.problems += [*wrong((before + held).sights), *gauge.problems(orders=verdict.figures["orders"])]
    return verdict


def _measured(crowd: Crowd, plan: Plan) -> tuple[Seen, float]:
    """Return what was seen meanwhile, and the rate of visits to hold."""
    warm = crowd.go(Pace(0, plan.warm_up, plan.clients, seed="warm")).result()
    most = crowd.go(Pace(0, plan.measure, plan.clients, seed="most")).result()
    rate = most.visits / plan.measure
    print(
        f"at most, {plan.clients} clients: {rate:.1f} visits/s, {len(most.sights) / plan.measure:.1f} requests/s; "
        f"{plan.share:.0%} of it is held: {rate * plan.share:.1f} visits/s",
        flush=True,
    )
    return warm + most, rate * plan.share
