"""Write CSV for spreadsheets: UTF-8 with a byte order mark, every cell quoted, no cell a formula.

Spreadsheets guess the separator. Where they take `;` or a tab for it, quotes do not hold a cell together, so what
follows these characters or a line break inside a cell is escaped as the beginning of a cell is.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from typing import Any

BOM = "\ufeff"
# Text after these is a formula, in some spreadsheets after the wide forms of East Asia too. The apostrophe that escapes
# them is escaped itself, so that `unescape` is exact.
_FORMULA = "=+\\-@＝＋－＠'"
_ESCAPE = re.compile(rf"^(?=[\t\r\n])|(?:^|[;\t\r\n])[ \u00a0\"]*(?=[{_FORMULA}])")
# People write '00123 or ="00123" by hand, to keep the zeros; `escape` never does.
_NO_NUMBER = re.compile(r'="((?:[^"]|"")*)"')
_UNESCAPE = re.compile(rf"^'(?=[\t\r\n0-9])|((?:^|[;\t\r\n])[ \u00a0\"]*)'(?=[{_FORMULA}])")


class Plain(str):
    """A number or a date as text, to be written as it is: -5 is no formula."""

    __slots__ = ()


class _Line:
    """Return the lines of csv.writer instead of storing them."""

    def write(self, line: str) -> str:
        return line


def escape(text: str) -> str:
    """Return text that no spreadsheet takes for a formula, most text as it is."""
    return _ESCAPE.sub(lambda found: f"{found[0]}'", text)


def unescape(text: str) -> str:
    """Return what `escape` was given, or the text of what people write for spreadsheets."""
    if found := _NO_NUMBER.fullmatch(text):
        return found[1].replace('""', '"')
    return _UNESCAPE.sub(lambda found: found[1] or "", text)


def lines(rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Yield each row as a line of CSV, the first one behind a byte order mark. Cells of text are escaped."""
    writer: Any = csv.writer(_Line(), quoting=csv.QUOTE_ALL)
    mark = BOM
    for row in rows:
        yield mark + writer.writerow([_cell(value) for value in row])
        mark = ""


def _cell(value: object) -> str:
    if isinstance(value, str) and not isinstance(value, Plain):
        return escape(value)
    return "" if value is None else str(value)
