"""The five files of an order book: their columns, and their lines as good rows or bad ones with the reason."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from core.csv_input import column_name
from history.imports import fields
from history.imports.fields import FieldError, Parser, Value

# A control character, NUL among them, or a byte that is not UTF-8 (which is read as a lone surrogate).
_ODD = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


class ImportRefused(Exception):
    """Nothing was imported. problems: the first of them as `file:line: reason`; count: how many there are.

    by_reason: where there are more, how many have which reason.
    """

    def __init__(self, problems: Sequence[str], count: int | None = None, by_reason: Sequence[str] = ()) -> None:
        self.problems = list(problems)
        self.count = len(self.problems) if count is None else count
        self.by_reason = list(by_reason)
        super().__init__("\n".join(self.problems))


class CannotBegin(ImportRefused):
    """Nothing was read yet; the message is one sentence with the cause and the next step."""

    def __init__(self, reason: str) -> None:
        super().__init__([reason])


@dataclass(frozen=True)
class Sheet:
    """One kind of file. key: the column that says which user, product or order a row is about."""

    name: str
    key: str
    columns: Mapping[str, Parser]


@dataclass(frozen=True)
class Good:
    line: int
    values: Sequence[Value]


@dataclass(frozen=True)
class Bad:
    """key: as far as it can be told."""

    line: int
    key: str
    reason: str


SHEETS = (
    Sheet("users", "email", {"email": fields.email, "name": fields.required(200), "created_at": fields.moment}),
    Sheet(
        "products",
        "sku",
        {
            "sku": fields.sku,
            "name": fields.required(200),
            "price": fields.price,
            "stock": fields.whole(0),
            "category": fields.optional(100),
        },
    ),
    Sheet(
        "orders",
        "order_ref",
        {
            "order_ref": fields.required(64),
            "user_email": fields.known_email,
            "status": fields.status,
            "created_at": fields.moment,
        },
    ),
    Sheet(
        "order_items",
        "order_ref",
        {
            "order_ref": fields.required(64),
            "sku": fields.sku,
            "quantity": fields.whole(1),
            "price": fields.price,
        },
    ),
    Sheet(
        "order_events",
        "order_ref",
        {"order_ref": fields.required(64), "status": fields.status, "occurred_at": fields.moment},
    ),
)


class Layout:
    """Where a file has its columns: any order and spelling will do, and columns we do not know are passed over."""

    def __init__(self, sheet: Sheet, header: str, separator: str) -> None:
        """Raises FieldError where a column is missing or there twice."""
        self.separator = separator
        names = [column_name(name) for name in _split(header, separator)]
        while names and not names[-1]:
            names.pop()
        missing = [name for name in sheet.columns if name not in names]
        if missing:
            raise FieldError(f"the header has no column {', '.join(missing)}")
        named = [name for name in names if name]
        if len(set(named)) < len(named):
            raise FieldError("the header has a column twice")
        self.width = len(names)
        self.key_at = names.index(sheet.key)
        self.parsers = [(names.index(name), name, parse) for name, parse in sheet.columns.items()]

    def row(self, line: int, text: str) -> Good | Bad | None:
        """Return None of a row that has nothing in it."""
        try:
            cells = [cell.strip() for cell in _split(text, self.separator)]
        except FieldError as error:
            return Bad(line, self._guessed_key(text), str(error))
        if not any(cells):
            return None
        # Spreadsheets write empty cells beside the table.
        if len(cells) < self.width or any(cells[self.width :]):
            return Bad(line, self._guessed_key(text), f"{len(cells)} columns, the header has {self.width}")
        values: list[Value] = []
        reasons: list[str] = []
        for place, name, parse in self.parsers:
            try:
                values.append(parse(cells[place]))
            except FieldError as error:
                reasons.append(f"{name} {error}")
        return Bad(line, cells[self.key_at], "; ".join(reasons)) if reasons else Good(line, values)

    def _guessed_key(self, text: str) -> str:
        cells = text.split(self.separator)
        key = cells[self.key_at].strip(' "') if self.key_at < len(cells) else ""
        return _ODD.sub("", key)


def rows(layout: Layout, lines: Iterator[tuple[int, str]]) -> Iterator[Good | Bad]:
    """Return each line's row; empty ones are passed over."""
    for number, text in lines:
        if text and (row := layout.row(number, text)):
            yield row


def _split(text: str, separator: str) -> list[str]:
    """Return the cells of one line.

    Every line is a row of its own, and a line break inside quotes is refused: otherwise one forgotten quote
    would swallow the rows of other orders unseen.
    """
    odd = _ODD.search(text.replace(separator, " "))
    if odd and odd.group() >= "\ud800":
        raise FieldError("is not UTF-8, save the file as CSV UTF-8")
    if odd:
        raise FieldError("has a NUL or another control character")
    if '"' not in text:
        return text.split(separator)
    try:
        return next(csv.reader([text], delimiter=separator, strict=True))
    except csv.Error as error:
        raise FieldError("has a quote that is not closed or not doubled, or a line break inside quotes") from error
