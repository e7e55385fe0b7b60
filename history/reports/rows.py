"""Rows that are made when they are looked at: of a hundred thousand a page shows a hundred."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, overload

Row = dict[str, Any]


class Rows(Sequence[Row]):
    """Behaves as a list of rows; what is done to a row stays done.

    stubs: a number for each row; make: the row of a stub; values: by column, the stub's value to sort by without making
    the row, "key" among them. A column that has none is sorted by the rows.
    """

    def __init__(
        self, stubs: Sequence[int], make: Callable[[int], Row], values: Mapping[str, Callable[[int], Any]]
    ) -> None:
        self._stubs = [*stubs]
        self._make = make
        self._values = values
        self._made: dict[int, Row] = {}

    def sort(self, column: str, key: Callable[[Any], Any], *, falling: bool) -> None:
        """Put them in the order of a column, ties by key; `key` is applied to a row's value."""
        self._stubs.sort(key=self._values["key"])
        value = self._values.get(column) or (lambda stub: key(self._row(stub)[column]))
        self._stubs.sort(key=value, reverse=falling)

    def __len__(self) -> int:
        return len(self._stubs)

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> list[Row]: ...
    def __getitem__(self, place: int | slice) -> Row | list[Row]:
        if isinstance(place, slice):
            return [self._row(stub) for stub in self._stubs[place]]
        return self._row(self._stubs[place])

    def _row(self, stub: int) -> Row:
        row = self._made.get(stub)
        if row is None:
            row = self._made[stub] = self._make(stub)
        return row
