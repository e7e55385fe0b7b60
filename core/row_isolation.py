"""One bad row does not stop the others: it is left out and reported, and the work goes on with the rest.

This is the only module that may catch Exception. What a store itself says (the connection is lost, it is not there, a
transaction has to be repeated) is never a row's fault and rises.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any, Generic, TypeVar

from django.db import DataError, Error, connection, transaction
from django.dispatch import Signal
from pydantic import ValidationError

logger = logging.getLogger(__name__)

Key = TypeVar("Key", bound=Hashable)
Row = TypeVar("Row")
Result = TypeVar("Result")

# Sent with isolation, key and reason (a line of text) where a row failed.
row_failed = Signal()

# What rises although it is no error of PostgreSQL; apps add their stores' errors.
STORE_ERRORS: list[type[Exception]] = []

# Classes of SQLSTATE: a value that is none, a constraint, a conversion that is not possible, a limit of size or depth.
ROW_SQLSTATES = ("22", "23", "0A", "54")

MAX_REASON = 300
# Every isolation by its purpose; whoever keeps the list of failed rows tries them again by it.
REGISTRY: dict[str, Isolation[Any]] = {}


class Isolation(Generic[Key]):
    """A kind of work on the rows of one table.

    purpose: what fails, in words for staff, such as "Reports". recheck: does the work, or the part of it that can fail,
    for one row; a row that is gone is fine.
    """

    def __init__(self, purpose: str, table: str, recheck: Callable[[Key], object]) -> None:
        self.purpose, self.table, self.recheck = purpose, table, recheck
        REGISTRY[f"{purpose}: {table}"] = self

    def run(self, keys: Sequence[Key], work: Callable[[Sequence[Key]], Result]) -> Result:
        """Return work(keys), without the rows on which it fails; these are found by halving.

        work: takes any of the keys, and may be called several times. Raises what it raises where no single row is the
        reason.
        """
        result, error = attempt(work, keys, savepoint=True)
        if error is None:
            return result  # type: ignore[return-value]
        bad = dict(_failing(keys, work, error))
        for key, reason in bad.items():
            self.report(key, reason)
        if not bad:
            raise error
        return self.run([key for key in keys if key not in bad], work)

    def each(
        self, rows: Iterable[Row], work: Callable[[Row], Result], *, key: Callable[[Row], Key]
    ) -> Iterator[Result]:
        """Yield work(row) of each row on which it does not fail; work: does not ask the database."""
        for row in rows:
            result, error = attempt(work, row)
            if error is None:
                yield result  # type: ignore[misc]
            else:
                self.report(key(row), error)

    def report(self, key: Key, error: Exception) -> None:
        """Log that a row failed and tell whoever keeps the list of such rows."""
        reason = describe(error)
        logger.error("%s: %s %s is left out: %s", self.purpose, self.table, key, reason)
        row_failed.send(sender=Isolation, isolation=self, key=key, reason=reason)


def attempt(
    work: Callable[[Row], Result], row: Row, *, savepoint: bool = False
) -> tuple[Result | None, Exception | None]:
    """Return what work(row) returns, or the error for which the row is to blame.

    savepoint: the work asks the database; within a transaction, this one outlives its failure. Raises the errors of
    the stores.
    """
    try:
        with transaction.atomic() if savepoint and connection.in_atomic_block else nullcontext():
            return work(row), None
    except Exception as error:
        if isinstance(error, (MemoryError, *STORE_ERRORS)) or (isinstance(error, Error) and not _is_about_a_row(error)):
            raise
        return None, error


def _is_about_a_row(error: Error) -> bool:
    """Whether PostgreSQL, or psycopg, could not work with a value."""
    sqlstate = getattr(error.__cause__, "sqlstate", None) or ""
    return isinstance(error, DataError) or sqlstate.startswith(ROW_SQLSTATES)


def describe(error: Exception | None) -> str:
    """Return one line that says what is wrong, without what PostgreSQL or pydantic quote of the row."""
    if isinstance(error, ValidationError):
        details = error.errors(include_url=False, include_context=False, include_input=False)
        text = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in details)
    else:
        text = (str(error).splitlines() or [""])[0]
    return f"{type(error).__name__}: {text}"[:MAX_REASON]


def _failing(
    keys: Sequence[Key], work: Callable[[Sequence[Key]], Any], error: Exception
) -> Iterator[tuple[Key, Exception]]:
    """Yield each key whose row fails by itself; error: that of all these keys together."""
    if len(keys) < 2:
        yield from ((key, error) for key in keys)
        return
    middle = len(keys) // 2
    for half in (keys[:middle], keys[middle:]):
        _, found = attempt(work, half, savepoint=True)
        if found is not None:
            yield from _failing(half, work, found)
