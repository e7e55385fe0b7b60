"""A shop under load that loses MongoDB for a while: first it hangs, then it is gone, then it comes back."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing import active_children
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connection

from history.mirror import lag, reconcile
from history.models import Event
from tests.config.processes import ROOT, guarded, wait_until
from tests.factories import PASSWORD, ProductFactory, StaffFactory, UserFactory
from tests.faults.browser import FAILED, Person, Visit
from tests.faults.servers import Servers

REPORTS = ("/reports/", "/reports/sales/", "/reports/status/")
# Seconds between two of the analyst's pages.
LOOK = 2.0
WARM_UP = 3.0
# Of the outage, the part in which MongoDB hangs before it is gone; at most so many seconds.
HANGS, HANGS_AT_MOST = 0.25, 120.0
DRAINS_WITHIN = 60.0


@dataclass
class Plan:
    """Seconds of each phase; orders a second by all clients together; p95 of the outage ÷ baseline at most."""

    baseline: float
    outage: float
    after: float
    clients: int
    rate: float
    limit: float


@dataclass
class Phase:
    """What the clients saw meanwhile."""

    seconds: float
    visits: list[Visit] = field(default_factory=list)

    @property
    def checkouts(self) -> list[float]:
        return sorted(visit.seconds for visit in self.visits if visit.what == "checkout")

    def percentile(self, share: float) -> float:
        """Of the checkouts' seconds."""
        times = self.checkouts
        return times[min(int(len(times) * share), len(times) - 1)] if times else float("inf")

    def __str__(self) -> str:
        return (
            f"{len(self.checkouts):,} checkouts in {self.seconds:.0f} s ({len(self.checkouts) / self.seconds:.1f}/s), "
            f"p50 {self.percentile(0.5) * 1000:.0f} ms, p95 {self.percentile(0.95) * 1000:.0f} ms, "
            f"longest {self.percentile(1) * 1000:.0f} ms"
        )


class Shop:
    """gunicorn and a relay as processes, customers and an analyst at their browsers."""

    def __init__(self, home: Path, plan: Plan) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self._home = home
        customers = [UserFactory() for _ in range(plan.clients)]
        analyst = StaffFactory()
        ProductFactory.create_batch(12, stock=10**6)
        connection.close()
        web = self._start("web", ["-m", "gunicorn", "-c", "gunicorn.conf.py"], {"PORT": str(self.port)})
        self._parts = [web, self._start("relay", ["manage.py", "relay"], {})]
        assert wait_until(self._answers), f"the web does not start: {(home / 'web.log').read_text()[-2000:]}"
        self._customers = [Person(self.port, each.email, PASSWORD, plan.clients / plan.rate) for each in customers]
        self.analyst = Person(self.port, analyst.email, PASSWORD, LOOK, REPORTS)

    def close(self) -> None:
        for child in active_children():  # in the middle of a phase, where something went wrong
            child.terminate()
        for person in (*self._customers, self.analyst):
            person.leave()
        for part in self._parts:
            part.terminate()
        for part in self._parts:
            part.wait(20)

    @contextmanager
    def open(self, seconds: float) -> Iterator[Phase]:
        """Let the customers shop for so long, with whatever is done meanwhile; ends when the last one is done."""
        phase = Phase(seconds)
        working = [customer.go(seconds) for customer in self._customers]
        yield phase
        for each in working:
            phase.visits += each.result()

    def _start(self, name: str, command: Sequence[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
        with (self._home / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, *command], cwd=ROOT, env=os.environ | environment, stdout=log, stderr=log
            )

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=5).close()
        except OSError:
            return False
        return True


def run(servers: Servers, plan: Plan) -> dict[str, Any]:
    """Return the figures by name; "problems" is empty where everything held."""
    call_command("migrate", verbosity=0)
    with ExitStack() as stack:
        shop = Shop(servers.home, plan)
        stack.callback(shop.close)
        looking = shop.analyst.go(plan.baseline + plan.outage + plan.after)
        for seconds in (WARM_UP, plan.baseline):
            with shop.open(seconds) as baseline:
                pass
        print(f"with MongoDB: {baseline}", flush=True)
        hanging, gone, backlog = _without(servers, shop, plan)
        with shop.open(plan.after) as after:
            drained = _come_back(servers)
        reports = looking.result()
        assert wait_until(lambda: not Event.objects.pending().exists(), DRAINS_WITHIN), "not everything is delivered"
        connection.close()
    print(f"after its return: {after}\nbacklog delivered {drained:.1f} s after the return", flush=True)
    slowest = max(reports, key=lambda visit: visit.seconds)
    print(f"slowest report: {slowest.what} {slowest.status} after {slowest.seconds:.1f} s")
    outage = Phase(plan.outage, hanging.visits + gone.visits)
    visits = [visit for phase in (baseline, outage, after) for visit in phase.visits] + reports
    figures: dict[str, Any] = {"ratio": outage.percentile(0.95) / baseline.percentile(0.95), "drained": drained}
    figures |= {"checkouts before": len(baseline.checkouts), "checkouts after": len(after.checkouts)} | backlog
    return figures | {"problems": _problems(visits, figures, plan)}


def _without(servers: Servers, shop: Shop, plan: Plan) -> tuple[Phase, Phase, dict[str, int]]:
    """Both parts of the outage, and its backlog: what the status shows of it beside what was really done."""
    assert wait_until(lambda: not Event.objects.pending().exists()), "the relay does not keep up"
    last = _last_event()
    pid = guarded(servers.home, "secantus")
    hang = min(plan.outage * HANGS, HANGS_AT_MOST)
    os.kill(pid, signal.SIGSTOP)
    with shop.open(hang) as hanging:
        pass
    print(f"MongoDB hangs: {hanging}", flush=True)
    os.kill(pid, signal.SIGKILL)
    with shop.open(plan.outage - hang) as gone:
        pass
    print(f"MongoDB is gone: {gone}", flush=True)
    shown = lag.state()
    backlog = {
        "events shown": shown.pending,
        "events made": Event.objects.filter(event_id__gt=last).count(),
        "orders shown": shown.orders_behind,
        "checkouts": len(hanging.checkouts) + len(gone.checkouts),
    }
    print(f"backlog: {', '.join(f'{name} {number:,}' for name, number in backlog.items())}", flush=True)
    connection.close()
    return hanging, gone, backlog


def _last_event() -> int:
    return Event.objects.order_by("-event_id").values_list("event_id", flat=True).first() or 0


def _come_back(servers: Servers) -> float:
    """Start MongoDB and return the seconds from then until everything that waited for it is delivered."""
    last = _last_event()
    servers.mongodb.start()
    began = time.monotonic()
    waiting = Event.objects.pending().filter(event_id__lte=last)
    assert wait_until(lambda: not waiting.exists(), 5 * DRAINS_WITHIN), "the backlog is not delivered"
    return time.monotonic() - began


def _problems(visits: list[Visit], figures: dict[str, Any], plan: Plan) -> list[str]:
    """Say what became of the visits and of the mirror, and return what is wrong, each in words."""
    statuses = Counter((visit.what, visit.status) for visit in visits)
    print("pages: " + ", ".join(f"{what} {status} × {number:,}" for (what, status), number in sorted(statuses.items())))
    failed = sum(number for (what, _), number in statuses.items() if what == FAILED)
    # A report without its store says so with 503; nothing else may.
    bad = [(what, status) for what, status in statuses if status in (0, 500) or (status > 500 and what not in REPORTS)]
    findings = reconcile.reconcile()
    print(
        f"failed checkouts {failed}, p95 of the outage ÷ baseline {figures['ratio']:.2f} (at most {plan.limit}), "
        f"{findings.compared:,} orders reconciled, {len(findings.differences)} differ",
        flush=True,
    )
    wrong = {
        f"{failed} checkouts failed": failed,
        f"pages failed: {bad}": bad,
        "checkouts became slower": figures["ratio"] > plan.limit,
        "the backlog shown is not what was made": figures["events shown"] != figures["events made"],
        "the orders shown behind are not the checkouts": figures["orders shown"] != figures["checkouts"],
        "the backlog took too long": figures["drained"] > DRAINS_WITHIN,
        "the mirror differs": findings.differences,
    }
    return [problem for problem, is_so in wrong.items() if is_so]
