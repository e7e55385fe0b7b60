"""CSV that no spreadsheet takes for a program."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from typing import Any

# Spreadsheets take text that begins like this for a formula; some of them the wide letters of East Asia too.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class _Line:
    """Gives csv.writer's lines back instead of keeping them."""

    def write(self, line: str) -> str:
        return line


def defused(text: str) -> str:
    """Return text that would be a formula made harmless, any other as it is."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def lines(rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Yield each row as a line of CSV."""
    writer: Any = csv.writer(_Line())
    for row in rows:
        yield writer.writerow(row)
