"""Working on files of products, one after the other; any number of workers may run.

A worker claims a file by putting off the moment at which others may take it; with each batch it puts that off further.
"""

from __future__ import annotations

import logging
from datetime import datetime
from threading import Event

from django.db import connection
from django.utils import timezone

from catalog.models import SheetState
from catalog.product_import import take
from catalog.product_look import look
from catalog.product_sheets import LEASE, Claim, SheetError, Stopped, Superseded, end
from config.working import Trouble, Worker
from core.csv_input import CsvError
from core.row_isolation import attempt, describe
from core.text import storable_text

logger = logging.getLogger(__name__)

# So often a file is taken up again that nobody brought to an end.
MOST_ATTEMPTS = 10

CLAIM = """
UPDATE product_sheets SET attempts = attempts + 1, due_at = %(until)s
WHERE sheet_id = (
    SELECT sheet_id FROM product_sheets WHERE due_at <= %(at)s AND sheet_id = coalesce(%(sheet_id)s, sheet_id)
    ORDER BY due_at, sheet_id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING sheet_id, state, attempts
"""


class Importer(Worker):
    """Works on what is due until it is stopped, by the batch."""

    pause = 0.5

    def __init__(self) -> None:
        super().__init__(Trouble(logger, "Imports wait, none is lost"))

    def step(self) -> bool:
        return work(at=timezone.now(), stopping=self._stopping)


def work(*, at: datetime, sheet_id: int | None = None, stopping: Event | None = None) -> bool:
    """Do what is due of a file, or of the one that has waited longest; return whether anything was.

    at: aware datetime. Raises django.db.Error where PostgreSQL is away; then it is done again later.
    """
    claim = _claim(at, sheet_id, stopping or Event())
    if claim is None:
        return False
    _, error = attempt(_work_on, claim)
    match error:
        case None:
            pass
        case Superseded():
            logger.info("File %s of products was cancelled, or somebody else has it.", claim.sheet_id)
        case Stopped():
            claim.rows.update(due_at=timezone.now())
        case CsvError() | SheetError():
            end(claim.rows, SheetState.FAILED, at=timezone.now(), error=str(error))
        case _:
            reason = describe(error)
            logger.error("File %s of products could not be worked on: %s", claim.sheet_id, reason)
            message = f"The shop could not work on this file ({reason}). Show it to those who look after the shop."
            end(claim.rows, SheetState.FAILED, at=timezone.now(), error=storable_text(message))
    return True


def _work_on(claim: Claim) -> None:
    if claim.attempts > MOST_ATTEMPTS:
        raise SheetError(f"It was begun {MOST_ATTEMPTS} times and never came to an end.")
    (look if claim.state == SheetState.READING else take)(claim)


def _claim(at: datetime, sheet_id: int | None, stopping: Event) -> Claim | None:
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, {"at": at, "until": at + LEASE, "sheet_id": sheet_id})
        row = cursor.fetchone()
    return Claim(row[0], row[1], row[2], stopping) if row else None
