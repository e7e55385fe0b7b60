"""A crowd of visitors in a process of its own, so that what they cost the machine is not the shop's threads'."""

from __future__ import annotations

import queue
import random
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Any

from tests.load.visitors import MIX, Seen, Site, Visitor


@dataclass(frozen=True)
class Pace:
    """rate: visits a second, each at its time whether the others are answered or not; 0: one after the other, as many
    as can be. seconds: at most; a crowd is also ended by end()."""

    rate: float
    seconds: float
    threads: int = 16
    mix: Mapping[str, int] = field(default_factory=lambda: MIX)
    seed: str = "1"


class Crowd:
    """`with Crowd(site) as crowd`: goes to the shop at a pace, in the background."""

    def __init__(self, site: Site) -> None:
        spawned = get_context("spawn")
        self._site = site
        self._ended = spawned.Event()
        self._pool = ProcessPoolExecutor(1, spawned, _join, (self._ended,))

    def __enter__(self) -> Crowd:
        self._pool.submit(int).result()  # the process is there before anything is measured
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._pool.shutdown()

    def go(self, pace: Pace) -> Future[Seen]:
        self._ended.clear()
        return self._pool.submit(_go, self._site, pace)

    def end(self) -> None:
        """Let those who are there finish their visit and come no more."""
        self._ended.set()


_ended: Any  # an event, of this process


def _join(ended: Any) -> None:
    global _ended  # noqa: PLW0603
    _ended = ended


def _go(site: Site, pace: Pace) -> Seen:
    visitors = [Visitor(site, number, pace.threads, pace.seed) for number in range(pace.threads)]
    visits: queue.SimpleQueue[tuple[str, float] | None] = queue.SimpleQueue()
    until = time.monotonic() + pace.seconds
    with ThreadPoolExecutor(pace.threads) as threads:
        if pace.rate:
            working = [threads.submit(_take, visitor, visits) for visitor in visitors]
            _send(visits, pace, until)
        else:
            working = [threads.submit(_hurry, visitor, pace, number, until) for number, visitor in enumerate(visitors)]
        for each in working:
            each.result()
        # All at once: what one of them waits for holds up no other.
        list(threads.map(Visitor.leave, visitors))
    seen = sum((visitor.seen for visitor in visitors), Seen())
    seen.sights.sort()
    return seen


def _send(visits: queue.SimpleQueue[tuple[str, float] | None], pace: Pace, until: float) -> None:
    """Have each visit taken up when it is due; nobody agrees with anybody on when that is."""
    chance = random.Random(pace.seed)
    kinds = _kinds(pace, chance)
    due = time.monotonic()
    while (due := due + chance.expovariate(pace.rate)) < until:
        if _ended.wait(max(0.0, due - time.monotonic())):
            break
        visits.put((next(kinds), due))
    for _ in range(pace.threads):
        visits.put(None)


def _take(visitor: Visitor, visits: queue.SimpleQueue[tuple[str, float] | None]) -> None:
    while visit := visits.get():
        visitor.visit(*visit)


def _hurry(visitor: Visitor, pace: Pace, number: int, until: float) -> None:
    for kind in _kinds(pace, random.Random(f"{pace.seed} {number}")):
        now = time.monotonic()
        if now >= until or _ended.is_set():
            return
        visitor.visit(kind, now)


def _kinds(pace: Pace, chance: random.Random) -> Iterator[str]:
    names, weights = list(pace.mix), list(pace.mix.values())
    while True:
        yield chance.choices(names, weights)[0]
