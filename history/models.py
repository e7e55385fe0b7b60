"""The log of every change of an order and of what people did: outbox of the mirror and history in one table.

The rows of orders are written by the triggers of migration 0002, never by Python; those of people, products and
sign-ins by history/activity.py. Only delivery state is updated.

Beside it the stubs of archived orders, the queue of the rollups, and how the mirror has been doing.
"""

from __future__ import annotations

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex, GinIndex
from django.db import models
from django.db.models.functions import Now, NullIf

# A model too: Django looks for them here.
from history.every_order import EveryOrder as EveryOrder
from history.exact_json import ExactJSONField
from history.feed.models import FeedEnds as FeedEnds
from history.feed.models import FeedEvent as FeedEvent
from history.parked_rows import ParkedRow as ParkedRow
from history.past import moments
from history.webhooks.models import Delivery as Delivery
from history.webhooks.models import Endpoint as Endpoint

# What config/database tells of each transaction of a request; commands and plain SQL have none.
REQUEST_AT_HAND = NullIf(
    models.Func(
        models.Value("shop.request_id"),
        models.Value(True),
        function="current_setting",
        output_field=models.TextField(),
    ),
    models.Value(""),
)


# The number of the transaction at hand; they rise as transactions begin to write.
CURRENT_TRANSACTION = models.Func(template="pg_current_xact_id()::text::bigint", output_field=models.BigIntegerField())


class Kind(models.TextChoices):
    PLACED = "placed", "Placed"
    STATUS = "status", "Status changed"
    ITEMS = "items", "Items changed"
    EDITED = "edited", "Edited"
    NOTE = "note", "Note"
    DELETED = "deleted", "Deleted"
    REPAIRED = "repaired", "Mirror repaired"
    ERASED = "erased", "Personal data erased"  # of an order and of a person
    # The kinds of activity; deleted is common to both.
    CREATED = "created", "Created"
    CHANGED = "changed", "Changed"
    ROLES_CHANGED = "roles_changed", "Roles changed"
    REGISTERED = "registered", "Registered"
    SIGNED_IN = "signed_in", "Signed in"
    SIGNED_OUT = "signed_out", "Signed out"
    SIGN_IN_FAILED = "sign_in_failed", "Sign-in failed"
    PASSWORD_CHANGED = "password_changed", "Password changed"
    PASSWORD_RESET = "password_reset", "Password reset"
    RESTORED = "restored", "Restored"


class Subject(models.TextChoices):
    """What an event is about."""

    ORDER = "order", "Order"
    USER = "user", "User"
    PRODUCT = "product", "Product"
    CATEGORY = "category", "Category"
    ROLE = "role", "Role"
    WEBHOOK = "webhook", "Webhook"
    SESSION = "session", "Sign-in"
    API_KEY = "api_key", "API key"
    ARCHIVE = "archive", "Archived order"


class EventQuerySet(models.QuerySet["Event"]):
    def of_orders(self) -> EventQuerySet:
        return self.filter(subject=Subject.ORDER)

    def pending(self) -> EventQuerySet:
        return self.filter(delivered_at__isnull=True)

    def parked(self) -> EventQuerySet:
        return self.pending().filter(parked_at__isnull=False)

    def of_order(self, order_id: int) -> EventQuerySet:
        return self.filter(order_id=order_id).order_by("rev")


class Event(models.Model):
    """One revision of one order, or one thing done to something else: what changed (old → new), who, when and why.

    order_id has no foreign key and the actor is kept by number and name: the log outlives what it tells of.
    changes: {column: [old, new]}, items: [[old, new], …]; of a deletion also order: [row, null].
    A null delivered_at means the mirror does not have it yet.
    Activity, everything but orders, has subject, subject_id and subject_name instead of order_id, rev and status.
    """

    event_id = models.BigAutoField(primary_key=True)
    order_id = models.BigIntegerField(null=True)
    rev = models.IntegerField(null=True)
    subject = models.CharField(max_length=20, choices=Subject, db_default="order")
    subject_id = models.BigIntegerField(null=True)
    subject_name = models.TextField(db_default="", blank=True)
    kind = models.CharField(max_length=20, choices=Kind)
    status = models.CharField(max_length=20)
    occurred_at = models.DateTimeField()
    # False where an import brought a status without its time.
    is_time_known = models.BooleanField(db_default=True)
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=200)
    note = models.TextField(db_default="", blank=True)
    changes = ExactJSONField(default=dict, db_default={})
    recorded_at = models.DateTimeField(db_default=Now())
    transaction_id = models.BigIntegerField()
    # By which the logs of web and relay tell of it; nothing of the order, and not kept when it is archived.
    request_id = models.TextField(null=True, editable=False, db_default=REQUEST_AT_HAND)
    delivered_at = models.DateTimeField(null=True)
    # A poison event waits here, with its error, until retry_at.
    parked_at = models.DateTimeField(null=True)
    retry_at = models.DateTimeField(null=True)
    attempts = models.IntegerField(db_default=0)
    error = models.TextField(db_default="", blank=True)

    objects = EventQuerySet.as_manager()

    class Meta:
        db_table = "history_events"
        constraints = [
            models.UniqueConstraint(
                fields=["order_id", "rev"],
                name="history_events_order_rev_unique",
                violation_error_message="This revision of the order is recorded already.",
            ),
            models.CheckConstraint(
                condition=models.Q(subject="order", order_id__isnull=False, rev__isnull=False)
                | ~models.Q(subject="order") & models.Q(order_id__isnull=True, rev__isnull=True),
                name="history_events_order_or_activity",
                violation_error_message="An event is about one revision of an order, or about something else.",
            ),
        ]
        indexes = [
            # The relay's claim; small, because delivered rows leave it.
            models.Index(
                fields=["event_id"], condition=models.Q(delivered_at__isnull=True), name="history_events_pending"
            ),
            # What is parked, in the back office; hardly any, though much be pending.
            models.Index(
                fields=["event_id"],
                condition=models.Q(delivered_at__isnull=True, parked_at__isnull=False),
                name="history_events_parked",
            ),
            # The back office's log by subject and by kind; what orders do most needs none.
            models.Index(
                fields=["subject", "event_id"], condition=~models.Q(subject="order"), name="history_events_by_subject"
            ),
            models.Index(
                fields=["kind", "event_id"],
                condition=~models.Q(kind__in=["placed", "status"]),
                name="history_events_by_kind",
            ),
            # The API's changed_since: what was written since, whatever time it bears.
            BrinIndex(
                fields=["transaction_id", "recorded_at"],
                pages_per_range=32,
                autosummarize=True,
                name="history_events_by_writing",
            ),
            # The back office's log of a time, which is short of events and far from the first ones.
            BrinIndex(fields=["occurred_at"], pages_per_range=32, autosummarize=True, name="history_events_by_time"),
            # Reconciling walks the deleted orders, whose tombstones the mirror keeps.
            models.Index(fields=["order_id"], condition=models.Q(kind="deleted"), name="history_events_deleted"),
            # A report as of a past moment undoes what changed since; it reads no row for that.
            models.Index(
                fields=["occurred_at"],
                include=["order_id", "rev"],
                condition=models.Q(order_id__isnull=False),
                name="history_events_of_orders_by_at",
            ),
        ]
        permissions = [("view_reports", "Can see the reports")]

    def __str__(self) -> str:
        if self.order_id is None:
            return f"{self.get_subject_display()} {self.subject_name or 'unknown'}: {self.kind}"
        return f"#{self.order_id} rev {self.rev}: {self.kind}"

    @property
    def then(self) -> str:
        """What the address of its order asks for to show it as it was after this event."""
        return moments.query(self.occurred_at, self.rev or 0)


class ArchivedOrder(models.Model):
    """The permanent stub of an order that left PostgreSQL; its document in MongoDB is the only copy of the rest.

    order_id has no foreign key, user_id neither: nothing that happens to live rows reaches a stub.
    sha256: digest of the canonical document (history/mirror/documents.py) when it left.
    external_ref, product_ids: what it is searched by, filled in by a trigger (migration 0015) from the rows that leave.
    archived_at: to the millisecond the mark of its document, once that is_marked (history/archive/marks.py).
    latest_at: the latest time that one of its events bears.
    """

    order_id = models.BigIntegerField(primary_key=True)
    user_id = models.BigIntegerField()
    created_at = models.DateTimeField()
    total_amount = models.DecimalField(max_digits=12, decimal_places=2)
    status = models.CharField(max_length=20)
    rev = models.IntegerField()
    sha256 = models.CharField(max_length=64)
    external_ref = models.CharField(max_length=64, null=True, editable=False)
    product_ids = ArrayField(models.BigIntegerField(), db_default=[], editable=False)
    archived_at = models.DateTimeField(db_default=Now())
    is_marked = models.BooleanField(db_default=True)
    latest_at = models.DateTimeField(db_default=Now())
    # Of the transaction in which it left; null: before this column was there.
    transaction_id = models.BigIntegerField(null=True, editable=False, db_default=CURRENT_TRANSACTION)

    class Meta:
        db_table = "archived_orders"
        indexes = [
            # The back office's list of all orders, newest first; a day's rollup counts its archived orders too.
            models.Index(fields=["-created_at", "-order_id"], name="archived_orders_newest"),
            # The same list, by total.
            models.Index(fields=["total_amount", "order_id"], name="archived_orders_by_total"),
            # My orders, newest first; whether an order is its customer's first.
            models.Index(fields=["user_id", "-created_at", "-order_id"], name="archived_orders_of_customer"),
            # The back office's filter by status; what Trust asks of a day and status, from the index alone.
            models.Index(
                fields=["status", "-created_at", "-order_id"],
                include=["total_amount"],
                name="archived_orders_by_status",
            ),
            # The back office's search by reference, and an import's look whether it is there already.
            models.Index(fields=["external_ref"], name="archived_orders_by_ref"),
            # The back office's search by product.
            GinIndex(fields=["product_ids"], name="archived_orders_by_product"),
            # Whose document is still to be marked; small, because marked ones leave it.
            models.Index(fields=["order_id"], condition=models.Q(is_marked=False), name="archived_orders_unmarked"),
            # A report as of a past moment looks at what changed since.
            models.Index(fields=["latest_at"], name="archived_orders_latest"),
            # The API's changed_since: what was archived since.
            models.Index(fields=["transaction_id"], name="archived_orders_by_writing"),
            models.Index(fields=["archived_at"], name="archived_orders_by_archiving"),
        ]
        permissions = [("archive_order", "Can archive orders and restore them")]

    def __str__(self) -> str:
        return f"#{self.order_id}"


class MirrorSampleQuerySet(models.QuerySet["MirrorSample"]):
    def between(self, start: datetime, end: datetime) -> MirrorSampleQuerySet:
        """Samples of start <= taken_at < end, oldest first."""
        return self.filter(taken_at__gte=start, taken_at__lt=end).order_by("taken_at")


class MirrorSample(models.Model):
    """How far the mirror was behind at one moment, one row a minute, written by a relay; without one, by nobody.

    taken_at: the full minute. delivered: events delivered in the minute before, with the lag they had (None: none).
    """

    taken_at = models.DateTimeField(primary_key=True)
    pending = models.IntegerField()
    oldest_pending_seconds = models.IntegerField()
    parked = models.IntegerField()
    delivered = models.IntegerField()
    lag_p50_ms = models.IntegerField(null=True)
    lag_p99_ms = models.IntegerField(null=True)

    objects = MirrorSampleQuerySet.as_manager()

    class Meta:
        db_table = "mirror_samples"
        default_permissions = ()
        permissions = [
            ("view_mirror", "Can see the state of the mirror"),
            ("requeue_events", "Can have parked events tried again"),
        ]

    def __str__(self) -> str:
        return f"{self.taken_at:%F %R}: {self.pending} pending"


class ReconcileRunQuerySet(models.QuerySet["ReconcileRun"]):
    def newest_first(self) -> ReconcileRunQuerySet:
        return self.order_by("-started_at", "-run_id")

    def of_all_orders(self) -> ReconcileRunQuerySet:
        return self.filter(since__isnull=True)


class ReconcileRun(models.Model):
    """One finished run of `manage.py reconcile`.

    differing: orders that differed at first; repaired: those mended since; exit_code: 0 where all are equal in the end.
    since: only orders changed since then were compared; None: all.
    wrong_totals, without_items, holding_stock: orders that are inconsistent in PostgreSQL (orders/consistency.py).
    """

    run_id = models.BigAutoField(primary_key=True)
    started_at = models.DateTimeField()
    seconds = models.DecimalField(max_digits=9, decimal_places=1)
    since = models.DateTimeField(null=True)
    compared = models.IntegerField()
    differing = models.IntegerField()
    repaired = models.IntegerField()
    exit_code = models.SmallIntegerField()
    wrong_totals = models.IntegerField(db_default=0)
    without_items = models.IntegerField(db_default=0)
    holding_stock = models.IntegerField(db_default=0)

    objects = ReconcileRunQuerySet.as_manager()

    class Meta:
        db_table = "reconcile_runs"
        default_permissions = ()
        indexes = [
            # The latest runs; forgetting the oldest.
            models.Index(fields=["-started_at", "-run_id"], name="reconcile_runs_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.started_at:%F %R}: {self.compared} compared, {self.differing} differing"


class DirtyDay(models.Model):
    """A day whose rollup is behind: changes of its orders are in the mirror and have to be counted anew.

    Only ever inserted, once per batch of deliveries, and deleted by the keeper that counted the day.
    since: when the oldest of these changes was recorded.
    """

    id = models.BigAutoField(primary_key=True)
    day = models.DateField()
    queued_at = models.DateTimeField(db_default=Now())
    since = models.DateTimeField()

    class Meta:
        db_table = "rollup_queue"
        default_permissions = ()
        indexes = [
            # The keeper takes the newest days first.
            models.Index(fields=["-day"], name="rollup_queue_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.day} since {self.since:%F %T}"
