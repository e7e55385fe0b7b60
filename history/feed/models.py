"""The feed: the events of orders for other systems, numbered in the order in which they were committed."""

from __future__ import annotations

from typing import Any

from django.db import models

from config.api.types import told


class FeedEventQuerySet(models.QuerySet["FeedEvent"]):
    def after(self, position: int) -> FeedEventQuerySet:
        """Events after a position, in the feed's order, up to the last one that was given."""
        last = FeedEnds.objects.filter(pk=1).values("last")[:1]
        return self.filter(position__gt=position, position__lte=models.Subquery(last)).order_by("position")

    def unnumbered(self) -> FeedEventQuerySet:
        return self.filter(position__isnull=True)


class FeedEvent(models.Model):
    """One event of an order as other systems are told of it: that it happened and to which revision, nothing personal.

    Written by a trigger beside the event, so in its transaction; not while whole histories move (import, archive,
    restore), so nothing is told twice. It outlives its event, which leaves with an archived order.
    position: its number in the feed, None until history.feed.positions gives it one after the commit.
    """

    event_id = models.BigIntegerField(primary_key=True)
    position = models.BigIntegerField(null=True)
    order_id = models.BigIntegerField()
    rev = models.IntegerField()
    kind = models.CharField(max_length=20)
    status = models.CharField(max_length=20)
    occurred_at = models.DateTimeField()
    numbered_at = models.DateTimeField(null=True)

    objects = FeedEventQuerySet.as_manager()

    class Meta:
        db_table = "feed_events"
        default_permissions = ()
        constraints = [
            # Its index is what the feed is read by; partial, so that an order's own transaction does not pay for it.
            models.UniqueConstraint(
                fields=["position"],
                condition=models.Q(position__isnull=False),
                name="feed_events_position_unique",
                violation_error_message="Another event has this place in the feed.",
            ),
        ]
        indexes = [
            # What is to be numbered; small, because numbered rows leave it.
            models.Index(fields=["event_id"], condition=models.Q(position__isnull=True), name="feed_events_new"),
        ]

    def __str__(self) -> str:
        return f"{self.position or 'new'}: #{self.order_id} rev {self.rev} {self.kind}"

    def told(self) -> dict[str, Any]:
        """What others get, as JSON values; times in UTC."""
        return {
            "id": self.event_id,
            "position": self.position,
            "type": f"order.{self.kind}",
            "order_id": self.order_id,
            "rev": self.rev,
            "status": self.status,
            "occurred_at": told(self.occurred_at),
        }


class FeedEnds(models.Model):
    """Both ends of the feed, one row: the last position given, and the last one that was forgotten for its age.

    Whoever numbers holds its lock, so positions become visible in their order.
    """

    last = models.BigIntegerField(default=0)
    forgotten = models.BigIntegerField(default=0)

    class Meta:
        db_table = "feed_ends"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.forgotten + 1} to {self.last}"
