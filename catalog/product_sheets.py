"""A file of products on its way through the shop: what people do with it, and a worker's hold of it.

catalog.product_look and catalog.product_import do the work, catalog.product_work sees to it that it is done.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import QuerySet
from django.utils import timezone

from catalog import product_file
from catalog.models import ProductSheet, SheetState
from config import heartbeat

BATCH = 500  # lines
OTHER_STOCK = "other"  # as ProductSheet.found["stock"]
TOLD = 200  # lines of each kind that are kept to be shown
# How long a batch may take before others take the file for abandoned.
LEASE = timedelta(seconds=30)
KEPT = timedelta(days=1)  # waiting to be confirmed
REMEMBERED = timedelta(days=90)  # what became of it


class SheetError(Exception):
    """Nothing was done with the file, or no more; the text says why."""


class Superseded(Exception):
    """It was cancelled, or another worker has it: nothing of the batch at hand is kept."""


class Stopped(Exception):
    """The worker was asked to end; the batches that are done are kept."""


def upload(text: str, *, name: str, by: AbstractBaseUser, at: datetime) -> ProductSheet:
    """Keep a file to be looked at; at: aware datetime. Raises core.csv_input.CsvError."""
    product_file.look_at_header(text)
    ProductSheet.objects.filter(state=SheetState.READY, uploaded_at__lt=at - KEPT).delete()
    ProductSheet.objects.filter(ended_at__isnull=False, uploaded_at__lt=at - REMEMBERED).delete()
    return ProductSheet.objects.create(
        name=name[:200],
        text=text,
        lines=sum(1 for _ in io.StringIO(text, newline="")),
        uploaded_by=by.pk,
        uploader_name=str(by)[:200],
        uploaded_at=at,
        state=SheetState.READING,
        due_at=at,
    )


def confirm(sheet: ProductSheet, *, at: datetime, stock: str = "") -> None:
    """Have a file imported that its uploader has looked at. Raises SheetError where it does not wait for that.

    stock: OTHER_STOCK to change it by Change.other_delta.
    """
    waiting = ProductSheet.objects.filter(pk=sheet.pk, state=SheetState.READY)
    found = sheet.found | ({"stock": OTHER_STOCK} if stock == OTHER_STOCK else {})
    if not waiting.update(state=SheetState.IMPORTING, found=found, done=0, attempts=0, due_at=at):
        raise SheetError("This file was confirmed or cancelled already. Nothing was done again.")


def cancel(sheet: ProductSheet, *, at: datetime) -> None:
    """Stop whatever is to be done with a file; what is imported already stays. Raises SheetError where it has ended."""
    if not end(ProductSheet.objects.filter(pk=sheet.pk, ended_at=None), SheetState.CANCELLED, at=at):
        raise SheetError("The import has ended already. Nothing was cancelled.")


def end(sheets: QuerySet[ProductSheet], state: SheetState, *, at: datetime, error: str = "") -> int:
    """End the files' way and forget what was in them; return how many."""
    return sheets.update(state=state, ended_at=at, error=error, due_at=None, text="", seen={})


@dataclass(frozen=True)
class Claim:
    """A worker's hold of the work that a file's state asks for."""

    sheet_id: int
    state: str
    attempts: int
    stopping: Event = field(default_factory=Event)

    @property
    def rows(self) -> QuerySet[ProductSheet]:
        """The file, for as long as this worker has it."""
        return ProductSheet.objects.filter(pk=self.sheet_id, state=self.state, attempts=self.attempts)

    def hold(self) -> ProductSheet:
        """Return the file without what is long, locked for this transaction. Raises Superseded, Stopped."""
        if self.stopping.is_set():
            raise Stopped
        sheet = self.rows.defer("text", "seen").select_for_update().first()
        if sheet is None:
            raise Superseded
        return sheet

    def go_on(self, **written: Any) -> None:
        """Write how far it has come, in the transaction that holds it."""
        heartbeat.beat()
        self.rows.update(due_at=timezone.now() + LEASE, **written)
