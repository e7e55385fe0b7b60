"""The problems of an import, for people: the first of them on the screen, all rows in a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from django.db.backends.utils import CursorWrapper

from core import csv_output, private_files
from history.imports.files import Source

COLUMNS = ("file", "line", "reason", "row")

# Rows at a time, so that any number of them takes the same memory.
BATCH_SIZE = 10_000

REASONS = """
SELECT line, string_agg(reason, '; ' ORDER BY reason) FROM import_problems WHERE sheet = %s AND line > %s
GROUP BY line ORDER BY line LIMIT %s
"""

# What is quoted of a row, and every number, is left out of the reason to find how many rows have the same one.
BY_REASON = """
WITH found AS (
    SELECT sheet, line, reason, row_number() OVER alike AS number, count(*) OVER (alike RANGE BETWEEN
        UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS total
    FROM (SELECT sheet, line, unnest(string_to_array(reason, '; ')) AS reason FROM {table}) single
    WINDOW alike AS (PARTITION BY sheet, regexp_replace(reason, $$'[^']*'|[0-9.]+$$, '', 'g') ORDER BY line)
)
SELECT sheet, line, reason, total FROM found WHERE number = 1 ORDER BY total DESC, sheet, line LIMIT %s
"""


@dataclass(frozen=True)
class Problems:
    """The problems of a book for people. first: as `file:line: reason`; by_reason: a count and an example of each."""

    count: int
    first: list[str]
    by_reason: list[str]


NO_PROBLEMS = Problems(0, [], [])


def told(
    cursor: CursorWrapper, sources: Sequence[Source], *, table: str = "import_problems", limit: int = 100
) -> Problems:
    """Return the first problems, file by file, and where those are not all of them, how many have which reason."""
    cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608 (our own names)
    (count,) = cursor.fetchone()
    first: list[str] = []
    for source in sources:
        cursor.execute(
            f"SELECT line, reason FROM {table} WHERE sheet = %s ORDER BY line, reason LIMIT %s",  # noqa: S608
            [source.sheet.name, limit - len(first)],
        )
        first += [f"{source.path.name}:{line}: {reason}" for line, reason in cursor.fetchall()]
    by_reason: list[str] = []
    if count > len(first):
        names = {source.sheet.name: source.path.name for source in sources}
        cursor.execute(BY_REASON.format(table=table), [limit])
        by_reason = [f"{total:,} × {names[sheet]}:{line}: {reason}" for sheet, line, reason, total in cursor.fetchall()]
    return Problems(count, first, by_reason)


def write(cursor: CursorWrapper, sources: Sequence[Source], path: Path) -> int:
    """Write every row that has a problem, as it stands in its file, with the reason; return how many.

    The file is UTF-8; a byte of a row that is not appears as \\udcXX. Raises OSError.
    """
    rows = ([source.path.name, *rejected] for source in sources for rejected in _rejected(cursor, source))
    count = 0
    with (
        private_files.replacing(path) as draft,
        draft.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file,
    ):
        for line in csv_output.lines(chain([COLUMNS], rows)):
            file.write(line)
            count += 1
    return count - 1  # without the header


def _rejected(cursor: CursorWrapper, source: Source) -> Iterator[tuple[int, str, str]]:
    lines = source.lines()
    last = 0
    while reasons := _reasons(cursor, source, after=last):
        last = max(reasons)
        for line, text in lines:
            if line in reasons:
                yield line, reasons[line], text
            if line == last:
                break


def _reasons(cursor: CursorWrapper, source: Source, *, after: int) -> dict[int, str]:
    cursor.execute(REASONS, [source.sheet.name, after, BATCH_SIZE])
    return dict(cursor.fetchall())
