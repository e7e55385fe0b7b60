"""A whole run of reconcile: compare, mend where asked, compare again, and keep a record of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.utils import timezone

from core.dates import retained_since
from core.db.batches import delete_in_batches
from history import mongo
from history.archive import marks
from history.mirror import activity_compare, numbers, relay, repair
from history.mirror.reconcile import Findings
from history.models import ReconcileRun
from history.rollups import queue
from orders import consistency


@dataclass
class Run:
    """first: what differed; last: what did after mending, the same where nothing was mended; repaired: orders.

    moved: where the numbers of tables go on now that were to be given again.
    """

    first: Findings
    last: Findings
    repaired: int = 0
    moved: dict[str, int] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        return 0 if self.last.are_equal else 1


def run(
    *,
    since: datetime | None,
    mend: bool,
    compare: Callable[[], Findings],
    is_postgres_older: bool = False,
    keep: Callable[[Findings], object] = lambda _: None,
) -> Run:
    """Compare by calling compare, mend what differs if asked to, and record the finished run.

    since: what compare was told, for the record. is_postgres_older: PostgreSQL came back from an older copy, so what
    people did since is taken back out of MongoDB and numbers given since are not given again. keep: called before
    anything is mended. Raises PyMongoError where the mirror cannot be read.
    """
    started_at, began = timezone.now(), time.monotonic()
    first = compare()
    done = Run(first, first)
    if mend and is_postgres_older:
        done.moved = numbers.move_on(first.numbers)
    if mend and not first.are_equal:
        keep(first)
        done.repaired = repair.repair(first.differences, at=timezone.now(), is_postgres_older=is_postgres_older)
        activity_compare.mend(first.activity, take_back=is_postgres_older)
        queue.add_days([each.day for each in first.rollups])
        relay.drain()
        marks.drain()
        mongo.prepare()  # the unique index, where a duplicate that is gone now had kept it from being made
        done.last = compare()
    _record(done, started_at, time.monotonic() - began, since)
    return done


def _record(done: Run, started_at: datetime, seconds: float, since: datetime | None) -> None:
    ReconcileRun.objects.create(
        started_at=started_at,
        seconds=round(Decimal(seconds), 1),
        since=since,
        compared=done.first.compared,
        differing=len(done.first.differences),
        repaired=done.repaired,
        exit_code=done.exit_code,
        **asdict(consistency.count(done.last.inconsistent)),
    )
    oldest_kept = retained_since(settings.MIRROR_STATE_DAYS, at=started_at)
    delete_in_batches(ReconcileRun.objects.filter(started_at__lt=oldest_kept))
