"""The list of rows that are left out, with the reason: shown to staff, counted in /metrics, tried again by a relay."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from django.db import models, transaction
from django.utils import timezone

from core import row_isolation
from core.row_isolation import REGISTRY, Isolation, attempt, describe

# Rows tried again at a time, those first that were not tried for longest.
RECHECKED = 200


class ParkedRow(models.Model):
    """One row that one kind of work leaves out, until it can be worked on or is gone.

    purpose and table_name name the core.row_isolation.Isolation; row_key is the row's primary key.
    """

    parked_row_id = models.BigAutoField(primary_key=True)
    purpose = models.CharField(max_length=40)
    table_name = models.CharField(max_length=63)
    row_key = models.BigIntegerField()
    reason = models.TextField()
    failed_at = models.DateTimeField()
    checked_at = models.DateTimeField()

    class Meta:
        db_table = "parked_rows"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["purpose", "table_name", "row_key"],
                name="parked_rows_once",
                violation_error_message="This row is parked already.",
            ),
        ]
        indexes = [
            # The next ones to be tried again.
            models.Index(fields=["checked_at"], name="parked_rows_checked"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose}: {self.table_name} {self.row_key}"


def connect() -> None:
    row_isolation.row_failed.connect(park, dispatch_uid="parked_rows.park")


def park(isolation: Isolation[int], key: int, reason: str, **_: Any) -> None:
    """Receive row_failed: list the row once the transaction at hand, which may be a read-only one, is over."""
    now = timezone.now()
    row = ParkedRow(
        purpose=isolation.purpose,
        table_name=isolation.table,
        row_key=key,
        reason=reason,
        failed_at=now,
        checked_at=now,
    )
    transaction.on_commit(partial(ParkedRow.objects.bulk_create, [row], ignore_conflicts=True), robust=True)


def recheck(*, at: datetime) -> int:
    """Try the rows again that were not tried for longest; return how many are fine, or gone, and off the list now."""
    unparked = 0
    for row in ParkedRow.objects.order_by("checked_at", "pk")[:RECHECKED]:
        isolation = REGISTRY.get(f"{row.purpose}: {row.table_name}")
        error = attempt(isolation.recheck, row.row_key, savepoint=True)[1] if isolation else None
        if error is None:
            unparked += ParkedRow.objects.filter(pk=row.pk).delete()[0]
        else:
            ParkedRow.objects.filter(pk=row.pk).update(checked_at=at, reason=describe(error))
    return unparked
