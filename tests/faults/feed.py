"""python -m tests.faults.feed: a client of the feed and the process behind it are killed while the shop works.

In the end the client has every event, none twice, each order's in the order of its revisions; so has the receiver of a
webhook, which may have got some twice. Exit code 0 only then.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django

from tests.config.processes import ROOT, wait_until
from tests.faults import consumer
from tests.faults.servers import Servers

# Of so many kills one more hits the process behind the feed.
EACH = 5
SELLERS = 2


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.feed", description=__doc__)
    parser.add_argument("--kills", type=int, default=50, help="of the client")
    parser.add_argument("--seed", default=str(random.randrange(10**6)))
    parser.add_argument("--json", action="store_true", help="print the figures as one line of JSON at the end")
    options = parser.parse_args(arguments)
    print(f"seed {options.seed}", flush=True)
    with Servers() as servers:
        os.environ["WEBHOOK_NETWORKS"] = "127.0.0.0/8"
        django.setup()
        figures = run(servers, options.seed, options.kills)
        servers.is_kept = bool(figures["problems"])
    for name, figure in figures.items():
        print(f"{name}: {figure}")
    if options.json:
        print(json.dumps(figures))
    return 1 if figures["problems"] else 0


def run(servers: Servers, seed: str, kills: int) -> dict[str, Any]:
    # They import models, which need the settings made above.
    from django.core.management import call_command

    from history.webhooks import endpoints
    from history.webhooks.models import Endpoint
    from tests.faults.campaign import stock_up
    from tests.history.receiver import Receiver
    from tests.web.server import Server
    from users import api_keys

    call_command("migrate", verbosity=0)
    stock_up()
    _, key = api_keys.make(name="Warehouse", scopes=["orders:read"], customer=None, requests_per_minute=10**6)
    receiver = Receiver()
    endpoints.add(Endpoint(name="Warehouse", url=receiver.url))
    got = servers.home / "client.jsonl"
    with Server(servers.home / "web.log") as web:
        url = f"http://127.0.0.1:{web.port}/api/v1/events"
        client = Process("-m", "tests.faults.consumer", url, key, str(got), log=servers.home / "client.log")
        hooks = [Process("manage.py", "deliver_webhooks", "--lease=2", log=servers.home / f"{n}.log") for n in (1, 2)]
        for hook in hooks:
            hook.start()
        with _selling(servers.home, seed):
            figures = _kill(client, hooks, random.Random(seed), kills, got)
        figures["seconds until all had arrived"] = _until_all_arrived(got)
        for process in [client, *hooks]:
            process.kill()
    receiver.close()
    return figures | _judge(consumer.pages(got), [json.loads(request.body) for request in receiver.requests])


class Process:
    """A process that is killed and started again."""

    def __init__(self, *arguments: str, log: Path) -> None:
        self._command = [sys.executable, *arguments]
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, cwd=ROOT, stdout=log, stderr=log)

    def kill(self) -> None:
        assert self._process
        if self._process.poll() is not None:
            raise AssertionError(f"{self._command} ended by itself: {self._log.read_text()[-2000:]}")
        self._process.kill()
        self._process.wait()


@contextmanager
def _selling(home: Path, seed: str) -> Iterator[None]:
    """Meanwhile orders are placed, taken on, edited, deleted and rolled back by several at once."""
    from tests.faults.web import PAUSE, Web

    ended = threading.Event()

    def sell(name: str) -> None:
        web, chance, steps = Web(name, 1, seed, home / f"{name}.journal"), random.Random(f"{seed} {name}"), 0
        ways = [web.place, web.place, web.step, web.step, web.step, web.sql, web.items, web.delete, web.rolled_back]
        while not ended.is_set():
            steps += 1
            web.do(chance.choice(ways), f"{name}-{steps}")
            time.sleep(chance.uniform(0, 2 * PAUSE))

    with ThreadPoolExecutor(SELLERS) as threads:
        selling = [threads.submit(sell, f"seller-{number}") for number in range(SELLERS)]
        try:
            yield
        finally:
            ended.set()
    for each in selling:
        each.result()


def _kill(client: Process, hooks: list[Process], chance: random.Random, kills: int, got: Path) -> dict[str, Any]:
    """Kill at random, from the first event on, most often while something is on its way; in the end all run."""
    client.start()
    assert wait_until(lambda: bool(consumer.pages(got)), 60), "no event came"
    for number in range(1, kills + 1):
        time.sleep(chance.uniform(0.15, 0.6))
        client.kill()
        if number % EACH == 0:
            hook = chance.choice(hooks)
            hook.kill()
            hook.start()
        client.start()
    return {"kills of the client": kills, "kills of the deliverer": kills // EACH}


def _until_all_arrived(got: Path, seconds: float = 120.0) -> float:
    from history.feed import positions
    from history.models import Delivery, FeedEvent

    def has_arrived() -> bool:
        last = positions.ends().last
        kept = consumer.pages(got)
        is_numbered = not FeedEvent.objects.filter(position=None).exists()
        is_delivered = not Delivery.objects.waiting().exists() and Delivery.objects.count() == last
        return is_numbered and is_delivered and bool(kept) and kept[-1]["next"] == last

    began = time.monotonic()
    wait_until(has_arrived, seconds)
    return round(time.monotonic() - began, 1)


def _judge(pages: list[dict[str, Any]], sent: list[dict[str, Any]]) -> dict[str, Any]:
    from history.models import Event

    there = set(Event.objects.of_orders().values_list("event_id", flat=True))
    read = [event for page in pages for event in page["events"]]
    first = list({event["id"]: event for event in sent}.values())
    problems = []
    for name, events in (("feed", read), ("webhook", first)):
        ids = [event["id"] for event in events]
        problems += [f"{name}: event {lost} is missing" for lost in sorted(there - set(ids))]
        problems += [f"{name}: event {strange} is unknown" for strange in sorted(set(ids) - there)]
        problems += [f"{name}: {len(ids) - len(set(ids))} events came twice"] if len(ids) != len(set(ids)) else []
        problems += [f"{name}: order {order} came out of order" for order in _out_of_order(events)]
    if [event["position"] for event in read] != sorted(event["position"] for event in read):
        problems.append("feed: positions do not rise")
    return {"events": len(there), "webhooks sent again": len(sent) - len(first), "problems": problems[:20]}


def _out_of_order(events: Iterable[dict[str, Any]]) -> list[int]:
    latest: dict[int, int] = {}
    wrong = []
    for event in events:
        if event["rev"] <= latest.get(event["order_id"], 0):
            wrong.append(event["order_id"])
        latest[event["order_id"]] = event["rev"]
    return wrong


if __name__ == "__main__":
    sys.exit(main())
