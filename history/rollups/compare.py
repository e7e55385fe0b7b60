"""Comparing every day's rollup with the function of PostgreSQL's rows, in both directions.

Source: PostgreSQL as in source.py; MongoDB rollups.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from history import mongo
from history.mirror.source import snapshot
from history.models import DirtyDay, Event
from history.mongo import Document
from history.rollups import build, keeper, queue, shape
from history.rollups.build import Parts
from history.rollups.shape import SORT

# Times a day that differs is looked at again: it may have been counted anew between the looks at the two stores.
LOOKS = 3


@dataclass(frozen=True)
class DayDifference:
    """One day whose rollup is not what PostgreSQL's rows say, and which kinds of it."""

    day: date
    kinds: list[str]

    def __str__(self) -> str:
        return f"rollup of {self.day}: {', '.join(self.kinds)} not as PostgreSQL says"


def differing() -> list[DayDifference]:
    """Return the days that differ; not those that wait to be counted. Raises pymongo's errors."""
    days = sorted(queue.days_with_orders() | keeper.held_days())
    found: list[DayDifference] = []
    for start in range(0, len(days), keeper.DAYS):
        wrong = _differing(days[start : start + keeper.DAYS])
        for _ in range(LOOKS):
            # The order of the looks decides: what does not wait where its rows are read was counted before.
            wrong = _differing([each.day for each in wrong], but_waiting=True)
        found += wrong
    return found


def _differing(days: Sequence[date], *, but_waiting: bool = False) -> list[DayDifference]:
    if not days:
        return []
    with snapshot():
        expected = build.days(days)
        waiting = _waiting() if but_waiting else set()
    held = _held(days)
    wrong = []
    for day in days:
        kinds = [kind for kind, content in expected[day].items() if content != held[day].get(kind)]
        if kinds and day not in waiting:
            wrong.append(DayDifference(day, kinds))
    return wrong


def _waiting() -> set[date]:
    """Days that will be counted anew: queued, or touched by events still to be delivered."""
    queued = DirtyDay.objects.filter(day__range=(queue.FIRST_DAY, queue.LAST_DAY))
    pending = Event.objects.of_orders().pending().values_list("event_id", flat=True)
    return set(queued.values_list("day", flat=True)) | queue.touched_by(list(pending)).keys()


def _held(days: Sequence[date]) -> dict[date, Parts]:
    """What MongoDB has of these days, as build.parts makes it."""
    held: dict[date, Parts] = {day: {} for day in days}
    for kind in shape.MONTHLY + shape.DAILY:
        for document in mongo.for_writing(mongo.ROLLUPS).find(shape.between(kind, min(days), max(days)), sort=SORT):
            for day, content in _contents(document):
                if day in held:
                    held[day].setdefault(kind, []).append(content)
    for parts in held.values():
        for kind in shape.DAILY:
            if kind in parts:
                del parts[kind][parts[kind][0]["more"] + 1 :]  # left over from when the day had more orders
    return held


def _contents(document: Document) -> Iterator[tuple[date, Document]]:
    """What a document has of each day, without what it is found and guarded by."""
    if "days" in document:
        for key, content in document["days"].items():
            yield shape.day_of(document, key), {name: content[name] for name in content if name != "version"}
    else:
        yield shape.day_of(document), {name: document[name] for name in document if name not in shape.IDENTITY}
