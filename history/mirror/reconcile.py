"""Comparing every order of PostgreSQL with its document, in both directions, and every stub with its document.

A document that is byte for byte what the rows say is done with undecoded, and nearly all are. The others are
suspects: both stores are asked again before one of them counts as a difference.

Source: PostgreSQL orders, order_items, history_events, archived_orders; MongoDB order_history.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

import bson
from django.db import connection

from history.archive import columns
from history.mirror import activity_compare, compare, documents, held, numbers, source
from history.mirror.activity_compare import ActivityDifference
from history.mirror.compare import Difference
from history.mirror.documents import Document
from history.mirror.totals import Totals
from history.models import ArchivedOrder, Event
from history.rollups import compare as rollups
from history.rollups.compare import DayDifference
from orders.consistency import Inconsistency, inconsistencies

BATCH = 1000
# Room for numbers before the first order and after the last: MongoDB's smallest and largest.
LOWEST, HIGHEST = -(2**63), 2**63 - 1

# Times an order whose mirror is ahead is read again before it counts as a difference.
LOOKS = 3
# Seconds until a restore under way has taken the mark from its document.
UNDER_WAY = 0.3


@dataclass
class Findings:
    """compared: orders looked at; on_their_way: orders whose events are pending and not parked, which count as equal;
    rollups: days whose rollup differs, and activity: events of people that do, looked for among all only;
    numbers: the highest ones of each table that differing documents name;
    unknown: in words, columns and tables of orders that documents do not hold;
    inconsistent: orders that PostgreSQL itself contradicts, which is no difference between the stores."""

    compared: int = 0
    on_their_way: int = 0
    differences: list[Difference] = field(default_factory=list)
    totals: Totals = field(default_factory=Totals)
    rollups: list[DayDifference] = field(default_factory=list)
    activity: list[ActivityDifference] = field(default_factory=list)
    numbers: Counter[str] = field(default_factory=Counter)
    unknown: list[str] = field(default_factory=list)
    inconsistent: list[Inconsistency] = field(default_factory=list)

    @property
    def are_equal(self) -> bool:
        return not (self.differences or self.rollups or self.activity or self.unknown)


@dataclass
class Look:
    """What PostgreSQL says of some orders at one moment; expected: their documents, as its rows make them."""

    expected: dict[int, Document]
    unbuildable: dict[int, str]
    stubs: dict[int, ArchivedOrder]

    def differing(self, order_id: int, found: list[Document]) -> Difference | None:
        if stub := self.stubs.get(order_id):
            return compare.compare_archived(stub, found, is_live=order_id in self.expected)
        return compare.compare(order_id, self.expected.get(order_id), found)

    def rev(self, order_id: int) -> int:
        """The revision that PostgreSQL has; of an order it does not know none is ahead."""
        if order_id in self.expected:
            return int(self.expected[order_id]["rev"])
        return self.stubs[order_id].rev if order_id in self.stubs else HIGHEST


def reconcile(*, since: datetime | None = None, progress: Callable[[int], object] = lambda _: None) -> Findings:
    """Compare the orders changed since then (all of them without it) with their documents.

    since: aware datetime; documents without an order are only looked for without it.
    progress: called with the number of orders done. Raises PyMongoError where the mirror cannot be read.
    """
    findings = Findings(unknown=columns.unknown())
    for ids, raw_documents in _read_ahead(_batches(since)):
        suspects = _compare_batch(ids, raw_documents, findings)
        if suspects:
            _look_again(suspects, findings)
        progress(len(ids))
    if since is None:
        findings.rollups = rollups.differing()
        findings.activity = activity_compare.differing()
        numbers.see_activity(findings.numbers, findings.activity)
    return findings


def reconcile_orders(order_ids: Sequence[int]) -> Findings:
    """Compare some orders, live, archived or gone, with their documents; raises PyMongoError as reconcile does."""
    findings = Findings()
    ids = sorted(order_ids)
    suspects = _compare_batch(ids, held.raw({"$in": ids}), findings)
    if suspects:
        _look_again(suspects, findings)
    return findings


def _read_ahead(batches: Iterable[tuple[list[int], Document]]) -> Iterator[tuple[list[int], list[bytes]]]:
    """Each batch with its documents; MongoDB is read one batch ahead, while this thread compares."""
    with ThreadPoolExecutor(max_workers=1) as reader:
        ahead: tuple[list[int], Future[list[bytes]]] | None = None
        for ids, wanted in batches:
            reading = reader.submit(held.raw, wanted)
            if ahead:
                yield ahead[0], ahead[1].result()
            ahead = ids, reading
        if ahead:
            yield ahead[0], ahead[1].result()


def _batches(since: datetime | None) -> Iterator[tuple[list[int], Document]]:
    """Batches of order numbers, each with the condition for the documents that belong to it."""
    if since is None:
        yield from ((ids, {"$gte": lowest, "$lte": highest}) for ids, lowest, highest in ranges())
        return
    changed = Event.objects.of_orders().filter(recorded_at__gte=since).values_list("order_id", flat=True)
    archived = ArchivedOrder.objects.filter(archived_at__gte=since).values_list("order_id", flat=True)
    ids = sorted({order_id for order_id in [*changed, *archived] if order_id is not None})
    for start in range(0, len(ids), BATCH):
        batch = ids[start : start + BATCH]
        yield batch, {"$in": batch}


def ranges() -> Iterator[tuple[list[int], int, int]]:
    """All numbers of orders in batches, with the range of numbers each stands for, gaps included."""
    lowest = LOWEST
    while True:
        ids = _known_from(lowest)
        highest = ids[-1] if len(ids) == BATCH else HIGHEST
        yield ids, lowest, highest
        if highest == HIGHEST:
            return
        lowest = highest + 1


def _known_from(lowest: int) -> list[int]:
    """The next numbers of orders there are or were: the mirror keeps deleted and archived ones too."""
    with connection.cursor() as cursor:
        cursor.execute(
            """(SELECT order_id FROM orders WHERE order_id >= %(lowest)s ORDER BY order_id LIMIT %(batch)s)
            UNION (SELECT order_id FROM archived_orders WHERE order_id >= %(lowest)s ORDER BY order_id LIMIT %(batch)s)
            UNION (SELECT DISTINCT order_id FROM history_events WHERE kind = 'deleted' AND order_id >= %(lowest)s
                   ORDER BY order_id LIMIT %(batch)s)
            ORDER BY order_id LIMIT %(batch)s""",
            {"lowest": lowest, "batch": BATCH},
        )
        return [order_id for (order_id,) in cursor.fetchall()]


def _look(order_ids: Iterable[int]) -> Look:
    wanted = list(order_ids)
    expected, unbuildable = documents.build_each(source.read(wanted))
    return Look(expected, unbuildable, ArchivedOrder.objects.in_bulk(wanted))


def _compare_batch(ids: list[int], raw_documents: list[bytes], findings: Findings) -> set[int]:
    """Settle what is equal at first sight, and return the numbers of the others."""
    look = _look(ids)
    by_content = {bson.encode(document): number for number, document in look.expected.items()}
    equal, others = set(), defaultdict(list)
    for raw in raw_documents:
        number = by_content.get(raw)
        if number is not None:
            equal.add(number)
        else:
            document = held.decoded(raw)
            others[document["order_id"]].append(document)
    for number in look.stubs.keys() & others.keys() - look.expected.keys():
        if look.differing(number, others[number]) is None:
            equal.add(number)
            del others[number]
    every = look.expected.keys() | look.stubs.keys() | others.keys()
    doubtful = others.keys() | look.stubs.keys() & look.expected.keys()
    suspects = (every - equal | doubtful) - look.unbuildable.keys()
    findings.inconsistent += inconsistencies(ids)
    findings.compared += len(look.expected.keys() | look.stubs.keys())
    findings.differences += [Difference(number, [reason]) for number, reason in look.unbuildable.items()]
    for number in equal - suspects:
        findings.totals.add_both(look.stubs.get(number) or look.expected[number])
    return suspects


def _look_again(suspects: set[int], findings: Findings) -> None:
    """Settle what is a difference: the stores are read one after the other while shop and relays go on.

    The order of the looks decides. What is not pending where its rows are read had been delivered before the mirror
    is read; and a mirror that is ahead only because of a newer change is level at the next look, as is a mark that is
    just being set or taken away.
    """
    for looks_left in reversed(range(LOOKS)):
        with source.snapshot():
            look = _look(sorted(suspects))
            waiting = Event.objects.pending().filter(order_id__in=suspects, parked_at__isnull=True)
            pending = set(waiting.values_list("order_id", flat=True))
        found = held.by_order({"$in": sorted(suspects)})
        ahead, marked = set(), set()
        for number in sorted(suspects):
            difference = look.differing(number, found.get(number, []))
            if difference and difference.mirror_rev > look.rev(number) and looks_left:
                ahead.add(number)
            elif difference and difference.is_mark_only and looks_left:
                marked.add(number)
            else:
                _settle(number, difference, look, found.get(number, []), number in pending, findings)
        suspects = ahead | marked
        if not suspects:
            return
        if marked:
            time.sleep(UNDER_WAY)


def _settle(
    number: int, difference: Difference | None, look: Look, found: list[Document], is_pending: bool, findings: Findings
) -> None:
    truth = look.stubs.get(number) or look.expected.get(number)
    # What is pending cannot bring down a mirror that is ahead, as after PostgreSQL came back from an older copy.
    if difference and (not is_pending or difference.mirror_rev > look.rev(number)):
        findings.differences.append(difference)
        numbers.see_orders(findings.numbers, found)
        findings.totals.add(truth, found)
        return
    findings.on_their_way += difference is not None
    if truth is not None:
        findings.totals.add_both(truth)
