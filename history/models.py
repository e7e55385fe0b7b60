"""The log of every change of an order: outbox of the mirror and history in one table.

Rows are written by the triggers of migration 0002, never by Python; only delivery state is updated.
"""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class Kind(models.TextChoices):
    PLACED = "placed", "Placed"
    STATUS = "status", "Status changed"
    ITEMS = "items", "Items changed"
    EDITED = "edited", "Edited"
    NOTE = "note", "Note"
    DELETED = "deleted", "Deleted"
    REPAIRED = "repaired", "Mirror repaired"


class EventQuerySet(models.QuerySet["Event"]):
    def pending(self) -> EventQuerySet:
        return self.filter(delivered_at__isnull=True)

    def parked(self) -> EventQuerySet:
        return self.pending().filter(parked_at__isnull=False)

    def of_order(self, order_id: int) -> EventQuerySet:
        return self.filter(order_id=order_id).order_by("rev")


class Event(models.Model):
    """One revision of one order: what changed (old → new), who, when and why.

    order_id has no foreign key and the actor is kept by number and name: the log outlives what it tells of.
    changes: {column: [old, new]}, items: [[old, new], …]. A null delivered_at means the mirror does not have it yet.
    """

    event_id = models.BigAutoField(primary_key=True)
    order_id = models.BigIntegerField()
    rev = models.IntegerField()
    kind = models.CharField(max_length=20, choices=Kind)
    status = models.CharField(max_length=20)
    occurred_at = models.DateTimeField()
    # False where an import brought a status without its time.
    is_time_known = models.BooleanField(db_default=True)
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=200)
    note = models.TextField(db_default="", blank=True)
    changes = models.JSONField(default=dict, db_default={})
    recorded_at = models.DateTimeField(db_default=Now())
    transaction_id = models.BigIntegerField()
    delivered_at = models.DateTimeField(null=True)
    # A poison event waits here, with its error, until retry_at.
    parked_at = models.DateTimeField(null=True)
    retry_at = models.DateTimeField(null=True)
    attempts = models.IntegerField(db_default=0)
    error = models.TextField(db_default="", blank=True)

    objects = EventQuerySet.as_manager()

    class Meta:
        db_table = "history_events"
        constraints = [models.UniqueConstraint(fields=["order_id", "rev"], name="history_events_order_rev_unique")]
        indexes = [
            # The relay's claim; small, because delivered rows leave it.
            models.Index(
                fields=["event_id"], condition=models.Q(delivered_at__isnull=True), name="history_events_pending"
            ),
            # Reconciling walks the deleted orders, whose tombstones the mirror keeps.
            models.Index(fields=["order_id"], condition=models.Q(kind="deleted"), name="history_events_deleted"),
        ]
        permissions = [("view_reports", "Can see the reports")]

    def __str__(self) -> str:
        return f"#{self.order_id} rev {self.rev}: {self.kind}"
