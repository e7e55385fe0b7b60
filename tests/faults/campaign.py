"""One run of the fault suite: an open shop, trouble at random, then quiet, delivery and judgement."""

from __future__ import annotations

import sys
import time
from decimal import Decimal
from typing import Any

from django.core.management import call_command
from django.db import OperationalError, connection
from tqdm import tqdm

from history.imports.progress import peak_megabytes
from tests.config.processes import wait_until
from tests.factories import ProductFactory, StaffFactory, UserFactory
from tests.faults import checker, journal, points
from tests.faults.servers import Servers
from tests.faults.world import World

# Of a hundred kills.
SHARES = {"relay": 50, "web": 20, "mongodb": 20, "postgres": 10}
# Of the writes to MongoDB that the proxy spoils.
SPOILED = 0.03


def run(servers: Servers, *, seed: str, kills: int, seconds: float) -> dict[str, Any]:
    """Return the figures by name; "problems" is empty where everything held."""
    call_command("migrate", verbosity=0)
    stock_up()
    struck = points.strike_every_point(servers, seed)
    print(f"each of {struck} fault points struck at its first, a middle and its last row", flush=True)
    with World(servers, seed) as world:
        fire(world, kills, seconds)
        return _judge(world, kills)


def stock_up() -> None:
    """Customers, staff and products to work with."""
    UserFactory.create_batch(4)
    StaffFactory()
    for number in range(6):
        ProductFactory(price=Decimal("9.90") + number, stock=1_000_000)
    connection.close()


def fire(world: World, kills: int, seconds: float) -> None:
    """Kill and stall at random until that many kills were done, by their shares, or the time is over."""
    world.proxy.share = SPOILED
    left = {target: kills * share // 100 for target, share in SHARES.items()}
    done = dict.fromkeys(left, 0)
    deadline = time.monotonic() + seconds
    with tqdm(total=sum(left.values()), unit=" kills", disable=None) as bar:
        while any(done[target] < left[target] for target in left) and time.monotonic() < deadline:
            time.sleep(world.chance.uniform(0.02, 0.25))
            world.revive()
            if world.chance.random() < 0.15:
                world.stall()
            open_targets = [target for target in left for _ in range(left[target] - done[target])]
            if open_targets:
                getattr(world, f"kill_{world.chance.choice(open_targets)}")()
            done = {target: _killed(world, target) for target in left}
            bar.update(sum(world.kills.values()) - bar.n)


def _killed(world: World, target: str) -> int:
    names = ("postgres backend", "postmaster") if target == "postgres" else (target,)
    return sum(world.kills[name] for name in names)


def _postgresql_answers() -> bool:
    try:
        connection.ensure_connection()
    except OperationalError:
        return False
    return True


def _judge(world: World, wanted: int) -> dict[str, Any]:
    """Deliver what is left, check, print and return the figures."""
    world.quiet()
    drained = world.wait_until_delivered()
    world.sampler.end()
    ended = [part.end() for part in world.parts if not part.is_web]
    # The last kill may have been a moment ago, on a machine that is busy.
    assert wait_until(_postgresql_answers, seconds=60), "PostgreSQL does not answer"
    verdict = checker.check(journal.read(world.home.glob("*.journal")))
    problems = verdict.problems + world.sampler.decreased
    problems += [] if all(ended) else ["a relay did not end within 15 s when asked to"]
    kills = sum(world.kills.values())
    if kills < wanted:
        problems.append(f"the time was over after {kills} of {wanted} kills")
    for target, number in sorted(world.kills.items()):
        print(f"{target}: {number} kills, {world.in_flight[target]} of them hit work in flight")
    print(f"at fault points: {_listed(world.points)}")
    print(f"stopped for a moment: {_listed(world.stalls)}; writes spoiled on the way: {_listed(world.proxy.done)}")
    print(
        f"acknowledged {verdict.acknowledged}, refused {verdict.refused}, unknown {verdict.unknown}; "
        f"{verdict.in_doubt} were in doubt, of these recovered {verdict.recovered}; "
        f"{verdict.orders} orders, {verdict.events} events, {world.sampler.samples} looks at the mirror, "
        f"drained in {drained:.1f} s"
    )
    print(
        f"lost {len(verdict.lost)}, unexpected {len(verdict.unexpected)}, duplicated {len(verdict.duplicated)}, "
        f"revs decreased {len(world.sampler.decreased)}; reconciled {verdict.compared} orders: "
        f"{f'{len(verdict.different)} differ' if verdict.different else 'equal'}"
    )
    logs = sum(log.stat().st_size for log in world.home.rglob("*.log"))
    print(f"{logs / 1e6:.1f} MB of logs, at most {peak_megabytes()} MB of memory in this process")
    for problem in problems[:20]:
        print(f"  {problem}", file=sys.stderr)
    hits = sum(world.in_flight.values())
    if not hits:
        print("NOT EXERCISED: no kill hit work in flight, so this run says nothing")
    return {
        "kills": kills,
        "in flight": hits,
        "acknowledged": verdict.acknowledged,
        "unknown": verdict.unknown,
        "recovered": verdict.recovered,
        "problems": problems,
    }


def _listed(counted: dict[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in sorted(counted.items())) or "none"
