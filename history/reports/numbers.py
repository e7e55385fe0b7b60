"""Arithmetic on columns of a million rows; whole numbers only, so that all of it is exact."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Numbers: TypeAlias = NDArray[np.int64]
Chosen: TypeAlias = NDArray[np.bool_]

MOST = 2**63 - 1


def numbers(column: array[int]) -> Numbers:
    """The column itself, not a copy."""
    return np.asarray(column)


def chosen(flags: bytes) -> Chosen:
    """flags: 1 where a row is chosen, else 0."""
    return np.frombuffer(flags, dtype=np.bool_)


def among(column: Numbers, values: Sequence[int]) -> Chosen:
    """Where the column has one of the values."""
    return np.isin(column, np.array(values, dtype=np.int64))


def ranked(column: Numbers, places: Sequence[int]) -> list[int]:
    """The values at these places, from 0, of the column in ascending order."""
    found: list[int] = np.partition(column, places)[[*places]].tolist()
    return found


class Groups:
    """The rows that have the same key, together; what is asked of them is told by key."""

    def __init__(self, keys: Numbers) -> None:
        unique, self._places = np.unique(keys, return_inverse=True)
        self._keys: list[int] = unique.tolist()

    def counts(self) -> Mapping[int, int]:
        return self._by_key(np.bincount(self._places, minlength=len(self._keys)))

    def sums(self, values: Numbers) -> Mapping[int, int]:
        """Also where a sum does not fit into 64 bits."""
        highest = int(np.abs(values).max(initial=0))
        values = values if highest * len(values) <= MOST else values.astype(object)
        found = np.zeros(len(self._keys), dtype=values.dtype)
        np.add.at(found, self._places, values)
        return self._by_key(found)

    def least(self, values: Numbers) -> Mapping[int, int]:
        found = np.full(len(self._keys), MOST, dtype=np.int64)
        np.minimum.at(found, self._places, values)
        return self._by_key(found)

    def most(self, values: Numbers) -> Mapping[int, int]:
        found = np.full(len(self._keys), -MOST, dtype=np.int64)
        np.maximum.at(found, self._places, values)
        return self._by_key(found)

    def differing(self, values: Numbers) -> Mapping[int, int]:
        """How many different values there are; values: equal ones of a key in one run, whatever keys lie between."""
        groups = max(len(self._keys), 1)
        # Sorted, not np.unique: where nearly all differ, that takes ten times as long.
        pairs = np.sort(np.cumsum(_begins(values), dtype=np.int64) * groups + self._places)
        return self._by_key(np.bincount(pairs[_begins(pairs)] % groups, minlength=len(self._keys)))

    def _by_key(self, found: NDArray[Any]) -> Mapping[int, int]:
        return dict(zip(self._keys, found.tolist(), strict=True))


def _begins(values: Numbers) -> Chosen:
    """Where a value is another than the one before."""
    begins = np.ones(len(values), dtype=np.bool_)
    np.not_equal(values[1:], values[:-1], out=begins[1:])
    return begins
