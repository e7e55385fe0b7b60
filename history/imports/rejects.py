"""The problems of an import, for people: the first of them on the screen, all rows in a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from django.db.backends.utils import CursorWrapper

from core import csv_output, private_files
from history.imports.files import Source

COLUMNS = ("file", "line", "reason", "row")

REASONS = """
SELECT line, string_agg(reason, '; ' ORDER BY reason) FROM import_problems WHERE sheet = %s
GROUP BY line ORDER BY line
"""


def first(cursor: CursorWrapper, sources: Sequence[Source], limit: int = 100) -> list[str]:
    """Return the first problems as `file:line: reason`, file by file."""
    told: list[str] = []
    for source in sources:
        cursor.execute(
            "SELECT line, reason FROM import_problems WHERE sheet = %s ORDER BY line, reason LIMIT %s",
            [source.sheet.name, limit - len(told)],
        )
        told += [f"{source.path.name}:{line}: {reason}" for line, reason in cursor.fetchall()]
    return told


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
    cursor.execute(REASONS, [source.sheet.name])
    reasons: dict[int, str] = dict(cursor.fetchall())
    if reasons:
        for line, text in source.lines():
            if line in reasons:
                yield line, reasons[line], text
