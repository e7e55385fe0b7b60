"""Importing an order book: five files in, everything in one transaction or nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from django.db import connection
from django.db.backends.utils import CursorWrapper

from history import wakeup
from history.imports import checks, files, known, rejects, sheets, staging, writer
from history.imports.files import Source
from history.imports.rejects import NO_PROBLEMS, Problems
from history.imports.sheets import Bad, CannotBegin, Good, ImportRefused
from history.imports.writer import Bar, Written, silent
from history.triggers import capture_off

ROWS_AT_ONCE = 20_000


@dataclass
class Summary:
    """What an import did. rows: good rows by file; skipped: of them, those that were there already.

    updated: orders that were there already and got what the book has more; different: what differs of the others.
    """

    written: Written
    rows: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    problems: Problems = NO_PROBLEMS
    different: Problems = NO_PROBLEMS
    updated: int = 0
    orders_rejected: int = 0
    rows_rejected: int = 0


def import_orders(
    directory: Path,
    *,
    skip_bad: bool = False,
    update: bool = False,
    allow_odd: bool = False,
    rejects_to: Path | None = None,
    bar: Bar = silent,
) -> Summary:
    """Import users, products and orders with their items and events; what is there already is left as it is.

    update: bring the orders that are there already up to date; then what contradicts them is bad.
    allow_odd: take orders without items, and events dated before their order.
    skip_bad: leave out what is bad instead of refusing all of it. rejects_to: the file for the rows that were bad.
    Raises ImportRefused with the problems, or OSError where rejects_to cannot be opened; then nothing was imported.
    """
    sources = files.find(directory)
    _keep_off(sources, rejects_to)
    with capture_off(), connection.cursor() as cursor:
        try:
            staging.begin(cursor)
        except staging.ImportRunning:
            raise CannotBegin("Another import is running in this database; wait until it is through.") from None
        summary = Summary(Written(), _read(cursor, sources, bar))
        checks.run(cursor, allow_odd=allow_odd)
        known.compare(cursor)
        if update:
            known.refuse_contradictions(cursor)
        summary.problems = rejects.told(cursor, sources)
        if summary.problems.count and skip_bad:
            summary.orders_rejected = checks.drop_bad(cursor)
        if summary.problems.count and rejects_to:
            summary.rows_rejected = rejects.write(cursor, sources, rejects_to)
        if summary.problems.count and not skip_bad:
            raise ImportRefused(summary.problems.first, summary.problems.count, summary.problems.by_reason)
        summary.rows = _count(cursor)
        summary.written = writer.write(cursor, bar=bar)
        if update:
            _update(cursor, summary)
        summary.different = rejects.told(cursor, sources, table="import_differences")
        summary.skipped = _skipped(summary)
    finish()
    return summary


def _update(cursor: CursorWrapper, summary: Summary) -> None:
    try:
        for plan, items in known.update(cursor):
            summary.updated += 1
            summary.written.items += items
            summary.written.events += sum(step.at is not None for step in plan.steps)
    except known.Changed as error:
        raise CannotBegin(f"Nothing was imported: {error}. Try again.") from None


def finish() -> None:
    """After the commit: tell the planner about the new rows and the relay about the new events."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE users, categories, products, orders, order_items, history_events")
    wakeup.notify()


def _keep_off(sources: list[Source], rejects_to: Path | None) -> None:
    """Refuse to write the rejects over what is being read."""
    for source in sources:
        if rejects_to and rejects_to.exists() and rejects_to.samefile(source.path):
            raise CannotBegin(f"{rejects_to} is one of the files to import; write the rejects somewhere else.")


def _read(cursor: CursorWrapper, sources: list[Source], bar: Bar) -> Counter[str]:
    size = sum(source.path.stat().st_size for source in sources)
    with bar("reading", size, "B") as advance:
        rows = Counter({source.sheet.name: _stage(cursor, source, advance) for source in sources})
    staging.analyze(cursor)
    return rows


def _stage(cursor: CursorWrapper, source: Source, advance: Callable[[int], object]) -> int:
    """Copy a file's rows into its table, the bad ones into the table of problems; return how many were good."""
    sheet = source.sheet
    columns = ["line", *sheet.columns]
    rows = sheets.rows(source.layout, source.lines(advance))
    count = 0
    while batch := list(islice(rows, ROWS_AT_ONCE)):
        good = [(row.line, *row.values) for row in batch if isinstance(row, Good)]
        bad = [(sheet.name, row.line, row.key, row.reason) for row in batch if isinstance(row, Bad)]
        staging.copy(cursor, sheet.name, columns, good)
        if bad:
            staging.copy(cursor, "problems", ["sheet", "line", "key", "reason"], bad)
        count += len(good)
    return count


def _count(cursor: CursorWrapper) -> Counter[str]:
    """Return the rows that are left to be written, by file."""
    counts: Counter[str] = Counter()
    for sheet in sheets.SHEETS:
        cursor.execute(f"SELECT count(*) FROM import_{sheet.name}")  # noqa: S608 (our own names)
        (counts[sheet.name],) = cursor.fetchone()
    return counts


def _skipped(summary: Summary) -> Counter[str]:
    new = {
        "users": summary.written.users,
        "products": summary.written.products,
        "orders": summary.written.orders,
        "order_items": summary.written.items,
        "order_events": summary.written.events - summary.written.events_added,
    }
    return Counter({name: summary.rows[name] - count for name, count in new.items()})
