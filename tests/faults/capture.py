"""Writing in every way, taking back a third, and counting the events.

The model is what was committed, kept in Python. Exactly its revisions must have exactly one event each, by the right
actor, and after draining the mirror must be equal.
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
from django.db import DataError, connection

from history.mirror import reconcile, relay
from history.models import Event
from orders.models import Order
from tests.factories import ProductFactory, StaffFactory, UserFactory
from tests.faults.django_ways import DjangoWays
from tests.faults.ways import Made, People, PlainWays, Revision, Ways

# A round is six writes, two of which are taken back: one with its whole transaction, one with a savepoint.
ROUND = 6
FIRST_ORDERS = 20


class _TakenBack(Exception):
    """Raised on purpose, to take a transaction or a savepoint back."""


class Writer:
    """Writes through the given ways. expected: the committed revisions of each order; taken_back counts the others."""

    def __init__(self, sides: Sequence[Ways], chance: random.Random) -> None:
        self.expected: dict[int, list[Revision]] = defaultdict(list)
        self.committed: Counter[str] = Counter()
        self.taken_back: Counter[str] = Counter()
        self.revisions_taken_back = 0
        self.ways = {f"{side.name}: {way.__name__}": way for side in sides for way in side.all()}
        self._sides, self._chance = sides, chance

    def round(self) -> None:
        kinds = [self._alone, self._in_a_transaction, self._taken_back, self._around_a_savepoint]
        for kind in self._chance.sample(kinds, len(kinds)):
            kind(self._chance.choice(self._sides))

    def _alone(self, side: Ways) -> None:
        self.keep(self._write(side, self.committed))

    def _in_a_transaction(self, side: Ways) -> None:
        with side.atomic():
            made = self._write(side, self.committed)
        self.keep(made)

    def _taken_back(self, side: Ways) -> None:
        with suppress(_TakenBack, DataError, psycopg.DataError), side.atomic():
            self.revisions_taken_back += len(self._write(side, self.taken_back))
            if self._chance.random() < 0.5:
                side.execute("SELECT 1 / 0")  # the database itself takes it back
            raise _TakenBack

    def _around_a_savepoint(self, side: Ways) -> None:
        with side.atomic():
            made = self._write(side, self.committed)
            # It may write the same orders again, because nothing of it stays.
            self._taken_back(side)
            side.untouchable = {order for order, _ in made}
            made += self._write(side, self.committed)
        side.untouchable = set()
        self.keep(made)

    def _write(self, side: Ways, counts: Counter[str]) -> Made:
        # Each way as often as any other.
        own = [name for name in self.ways if name.startswith(f"{side.name}: ")]
        name = min(own, key=lambda name: (counts[name], self._chance.random()))
        counts[name] += 1
        return self.ways[name]()

    def keep(self, made: Made) -> None:
        for order, revision in made:
            self.expected[order].append(revision)


def run(home: Path, *, writes: int, seed: str) -> dict[str, Any]:
    """Write, drain, compare, print; return the figures by name. "problems" is empty where everything held."""
    print(f"seed {seed}", flush=True)
    chance = random.Random(seed)
    people = People(UserFactory.create_batch(5), StaffFactory(), ProductFactory.create_batch(6, stock=10**6))
    plain, through_django = PlainWays(people, chance), DjangoWays(people, chance, home)
    writer = Writer([plain, through_django, through_django], chance)  # Django has more ways
    for _ in range(FIRST_ORDERS):
        writer.keep(through_django.service_places())
    for _ in range(-(-writes // ROUND)):
        writer.round()
    plain.connection.close()
    problems = _compare(writer.expected)
    started = time.monotonic()
    delivered = relay.drain()
    seconds = time.monotonic() - started
    findings = reconcile.reconcile()
    connection.close()
    problems += [str(difference) for difference in findings.differences]
    figures = _figures(writer) | {"delivered": delivered, "compared": findings.compared, "problems": problems}
    _tell(writer, figures, seconds)
    return figures


def _compare(expected: dict[int, list[Revision]]) -> list[str]:
    """Return every order whose events are not exactly the revisions expected, each in words."""
    found = defaultdict(list)
    columns = ("order_id", "rev", "kind", "status", "actor_id", "actor_name")
    for order, rev, *revision in Event.objects.of_orders().order_by("order_id", "rev").values_list(*columns):
        found[order].append((rev, *revision))
    numbered = {order: [(n, *each) for n, each in enumerate(revisions, 1)] for order, revisions in expected.items()}
    problems = [
        f"order {order}: its events are {found.get(order)}, committed was {numbered.get(order)}"
        for order in sorted(found.keys() | numbered.keys())
        if found.get(order) != numbered.get(order)
    ]
    revs = dict(Order.objects.values_list("order_id", "rev"))
    ahead = {order: rev for order, rev in revs.items() if rev != len(expected.get(order, []))}
    return problems + [
        f"order {order} is at rev {rev}, committed were {len(expected[order])}" for order, rev in ahead.items()
    ]


def _figures(writer: Writer) -> dict[str, Any]:
    events = Event.objects.of_orders()
    return {
        "committed": writer.committed.total(),
        "taken back": writer.taken_back.total(),
        "ways": len(writer.committed.keys() & writer.taken_back.keys()),
        "all ways": len(writer.ways),
        "revisions": sum(map(len, writer.expected.values())),
        "revisions taken back": writer.revisions_taken_back,
        "events": events.count(),
        "by somebody": events.filter(actor_id__isnull=False).exclude(actor_name__in=("", "database")).count(),
        "by database": events.filter(actor_id__isnull=True, actor_name="database").count(),
    }


def _tell(writer: Writer, figures: dict[str, Any], seconds: float) -> None:
    for way in sorted(writer.ways):
        print(f"  {way:<40} {writer.committed[way]:>5} committed {writer.taken_back[way]:>5} rolled back")
    print(
        f"{figures['committed'] + figures['taken back']:,} writes, {figures['committed']:,} committed, "
        f"{figures['taken back']:,} rolled back (half of them whole transactions, half savepoints); "
        f"{figures['ways']} ways both committed and rolled back"
    )
    print(
        f"{figures['revisions']:,} revisions of {len(writer.expected):,} orders committed, "
        f"{figures['events']:,} events: "
        f'{figures["by somebody"]:,} by somebody, {figures["by database"]:,} by "database"; '
        f"{figures['revisions taken back']:,} revisions rolled back"
    )
    print(
        f"{figures['delivered']:,} events delivered in {seconds:.1f} s, {figures['compared']:,} orders compared with "
        f"their documents; problems: {len(figures['problems'])}",
        flush=True,
    )
    for problem in figures["problems"][:20]:
        print(f"  {problem}", file=sys.stderr)
