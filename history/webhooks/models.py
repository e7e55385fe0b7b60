"""Webhooks: who is told of orders' events, and what became of each telling."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now


class Told(models.TextChoices):
    """The kinds of events that others can be told of."""

    PLACED = "placed", "Placed"
    STATUS = "status", "Status changed"
    ITEMS = "items", "Items changed"
    EDITED = "edited", "Edited"
    NOTE = "note", "Note written"
    DELETED = "deleted", "Deleted"


class EndpointQuerySet(models.QuerySet["Endpoint"]):
    def active(self) -> EndpointQuerySet:
        return self.filter(is_active=True).order_by("endpoint_id")


class Endpoint(models.Model):
    """An address that is told of events, in the order of each order's revisions.

    kinds: which; none means all. salt: what its secret is made from (history.webhooks.signing); previous_salt: what
    the one before it was, valid beside it for a day after rotated_at. position: up to where in the feed its
    deliveries are written. failures: tries in a row that failed; failing_since: the first of them; retry_at: no try
    of anything before then.
    """

    endpoint_id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=80)
    url = models.CharField("address", max_length=500)
    kinds = ArrayField(models.CharField(max_length=20, choices=Told), default=list, blank=True)
    is_active = models.BooleanField("active", default=True)
    salt = models.CharField(max_length=64, editable=False)
    previous_salt = models.CharField(max_length=64, editable=False, db_default="")
    rotated_at = models.DateTimeField(null=True, editable=False)
    has_standard_signature = models.BooleanField(editable=False, db_default=False)
    position = models.BigIntegerField(editable=False)
    failures = models.IntegerField(editable=False, db_default=0)
    failing_since = models.DateTimeField(null=True, editable=False)
    retry_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = EndpointQuerySet.as_manager()

    class Meta:
        db_table = "webhook_endpoints"
        verbose_name = "webhook"

    def __str__(self) -> str:
        return self.name

    @property
    def rotated(self) -> str:
        return self.rotated_at.isoformat() if self.rotated_at else ""


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def waiting(self) -> DeliveryQuerySet:
        return self.filter(due_at__isnull=False)


class Delivery(models.Model):
    """One event for one endpoint: to be delivered, or what became of it.

    body: what is sent, byte for byte. due_at: when it is tried (again), None once it is delivered or given up.
    status_code, answer (cut), error: of the last try.
    """

    delivery_id = models.BigAutoField(primary_key=True)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="deliveries")
    event_id = models.BigIntegerField()
    order_id = models.BigIntegerField()
    rev = models.IntegerField()
    kind = models.CharField(max_length=20, choices=Told)
    body = models.TextField()
    created_at = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField(null=True)
    attempts = models.IntegerField(db_default=0)
    first_tried_at = models.DateTimeField(null=True)
    tried_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    status_code = models.SmallIntegerField(null=True)
    answer = models.TextField(db_default="", blank=True)
    error = models.TextField(db_default="", blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        db_table = "webhook_deliveries"
        verbose_name = "webhook delivery"
        verbose_name_plural = "webhook deliveries"
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                fields=["endpoint", "event_id"],
                name="webhook_deliveries_once_an_event",
                violation_error_message="This webhook gets this event already.",
            ),
        ]
        indexes = [
            # What is due for an endpoint; small, because what is settled leaves it.
            models.Index(
                fields=["endpoint", "due_at"], condition=models.Q(due_at__isnull=False), name="webhook_deliveries_due"
            ),
            # Whether something earlier of the same order still waits.
            models.Index(
                fields=["endpoint", "order_id", "event_id"],
                condition=models.Q(due_at__isnull=False),
                name="webhook_deliveries_of_order",
            ),
            # Forgetting what is old.
            models.Index(fields=["created_at"], name="webhook_deliveries_created"),
        ]

    def __str__(self) -> str:
        return f"#{self.order_id} rev {self.rev} to {self.endpoint}"

    @property
    def tried(self) -> str:
        """When it was tried and is due, for pages to carry."""
        return f"{self.tried_at} {self.due_at}"
