"""What is looked at while a load goes on: memory of every process, and how far the mirror is behind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from datetime import timedelta
from itertools import pairwise
from statistics import fmean
from typing import Any

from django.db import connection

from history.mirror import lag
from tests.load.judge import percentile
from tests.load.outside import Outside
from tests.load.parts import Memory, Shop

# From the second tenth of the time to the last, a process may grow by so much, and by so many megabytes on top. In the
# first it fills what every process keeps once it has worked; in a shorter time no more than that is seen.
GROWTH, ALLOWANCE = 1.05, 4.0
LONG_ENOUGH = 600.0
# A relay's keeper holds the orders of the day that it counts, and of a load all are of today: megabytes of each.
COUNTING, OF_AN_ORDER = "relay", 0.001


class Gauge:
    """Looks once in a while until a load is over. memory: samples of each process by its name; lags: in seconds."""

    def __init__(self, shop: Shop, outside: Outside, seconds: float) -> None:
        self._shop, self._outside, self._seconds = shop, outside, seconds
        self.memory: dict[str, list[Memory]] = defaultdict(list)
        self.lags: list[float] = []

    def watch(self, load: Future[Any]) -> None:
        """Look some hundred times until the load is over."""
        pause = min(max(self._seconds / 120, 0.5), 15.0)
        while not load.done():
            for name, memory in self._shop.memory().items():
                self.memory[name].append(memory)
            self.lags.append((lag.oldest_waiting() or timedelta(0)).total_seconds())
            self._outside.count()
            _wait(load, pause)
        connection.close()

    def lines(self) -> Iterator[str]:
        yield f"{'memory, MB':<16}{'RSS first':>10}{'last':>8}{'PSS first':>10}{'last':>8}  (tenths of the time)"
        for name, samples in self.memory.items():
            tenths = _by_tenths(samples)
            first, last = tenths[0], tenths[-1]
            yield f"{name:<16}{first.rss:>10.1f}{last.rss:>8.1f}{first.pss:>10.1f}{last.pss:>8.1f}"
            yield f"{'':<16}PSS of each tenth: {', '.join(f'{each.pss:.0f}' for each in tenths)}"
        told = ", ".join(f"p{share} {percentile(self.lags, share):.2f} s" for share in (50, 95, 99))
        yield f"oldest undelivered change: {told}, longest {max(self.lags):.2f} s"

    def problems(self, *, orders: float) -> Iterator[str]:
        """What grew. orders: how many the load placed."""
        if self._seconds < LONG_ENOUGH:
            return
        for name, samples in self.memory.items():
            _, settled, *_, last = _by_tenths(samples)
            counted = orders * OF_AN_ORDER if name == COUNTING else 0
            if last.pss > settled.pss * GROWTH + ALLOWANCE + counted:
                yield f"{name} grew from {settled.pss:.0f} to {last.pss:.0f} MB"


def _wait(load: Future[Any], seconds: float) -> None:
    """Until it is over, so long at most; what it raised is for whoever asks for its result."""
    try:
        load.exception(timeout=seconds)
    except TimeoutError:
        return


def _by_tenths(samples: Sequence[Memory]) -> list[Memory]:
    """The mean of each tenth of the time; of fewer samples than ten, each."""
    ends = [len(samples) * tenth // 10 for tenth in range(11)]
    parts = [samples[start:end] for start, end in pairwise(ends) if end > start]
    return [Memory(fmean(each.rss for each in part), fmean(each.pss for each in part)) for part in parts]
