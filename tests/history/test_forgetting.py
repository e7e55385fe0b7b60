"""Activity is kept for as long in PostgreSQL as in MongoDB; orders' events stay."""

from __future__ import annotations

from datetime import timedelta

import pytest

from history import activity, forgetting
from history.mirror import rebuild, reconcile, relay
from history.models import Event, Kind, Subject

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_both_stores_forget_is_the_same(activity_log, mirror, place, now, settings, monkeypatch):
    settings.ACTIVITY_LOG_DAYS = 30
    monkeypatch.setattr(forgetting, "BATCH", 2)
    order = place(at=now - timedelta(days=90))
    of = {"subject": Subject.PRODUCT, "subject_id": 7, "subject_name": "Lamp", "actor": activity.SYSTEM}
    ages = [90, 60, 40, 31, 29, 0]
    made = [activity.record(Kind.CHANGED, at=now - timedelta(days=days), **of).pk for days in ages]
    assert forgetting.forget_activity(at=now) == 0  # nothing is delivered yet
    relay.drain()
    settings.ACTIVITY_LOG_DAYS = 0
    assert forgetting.forget_activity(at=now) == 0  # for ever
    settings.ACTIVITY_LOG_DAYS = 30
    waiting = activity.record(Kind.CHANGED, at=now - timedelta(days=99), **of).pk

    assert forgetting.forget_activity(at=now) == 4

    left = list(Event.objects.exclude(subject="order").order_by("pk").values_list("pk", flat=True))
    assert left == [*made[4:], waiting]
    # What MongoDB has, or has to the end of its time, is what a rebuild would write.
    assert sorted(activity_log.distinct("event_id")) == made[4:]
    rebuild.rebuild()
    assert sorted(activity_log.distinct("event_id")) == made[4:]
    assert Event.objects.of_order(order.pk).count() == 1
    assert reconcile.reconcile().differences == []
