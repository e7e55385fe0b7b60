"""How the mirror is doing: now, minute by minute, and run by run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from pymongo.errors import PyMongoError

from history import mongo
from history.mirror import lag, relay, requeue
from history.models import Event, MirrorSample, ReconcileRun

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def nothing_recorded(db):
    assert not Event.objects.exists()


def deliver(event, *, recorded, after):
    """Put down an event as recorded then and delivered so long after."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE history_events DISABLE TRIGGER history_events_append_only")
        cursor.execute(
            "UPDATE history_events SET recorded_at = %s, delivered_at = %s WHERE event_id = %s",
            [recorded, recorded + after if after is not None else None, event.pk],
        )
        cursor.execute("ALTER TABLE history_events ENABLE TRIGGER history_events_append_only")


def events(place, count):
    return [Event.objects.of_order(place().pk).get() for _ in range(count)]


def minute(at):
    return at.replace(second=0, microsecond=0)


def test_a_quiet_mirror_has_nothing_to_tell(nothing_recorded):
    state = lag.state()

    assert (state.pending, state.orders_behind, state.parked) == (0, 0, 0)
    assert state.oldest_pending is state.last_delivery is state.lag_p50 is state.lag_p99 is None
    assert set(state.told().values()) == {"0", "–"}


def test_the_state_counts_what_waits_and_how_long_the_rest_took(place):
    now = timezone.now()
    waiting, parked, *delivered = events(place, 7)
    deliver(waiting, recorded=now - timedelta(hours=3), after=None)
    Event.objects.filter(pk=parked.pk).update(parked_at=now)
    for seconds, event in enumerate(delivered, start=1):
        deliver(event, recorded=now - timedelta(minutes=5), after=timedelta(seconds=seconds))
    Event.objects.filter(pk=waiting.pk).update(parked_at=None)

    state = lag.state()

    assert (state.pending, state.orders_behind, state.parked) == (2, 2, 1)
    assert state.lag_p50 == timedelta(seconds=3)
    assert state.lag_p99 == timedelta(seconds=5)
    assert state.last_delivery == now - timedelta(minutes=5) + timedelta(seconds=5)
    assert state.told()["oldest pending"] == "3 h 0 min"


def test_the_lag_is_of_the_last_hour_the_last_delivery_of_any(place):
    now = timezone.now()
    [event] = events(place, 1)
    deliver(event, recorded=now - timedelta(hours=3), after=timedelta(seconds=1))

    state = lag.state()

    assert state.lag_p50 is None
    assert state.last_delivery == now - timedelta(hours=3) + timedelta(seconds=1)


def test_lag_is_told_while_a_long_backlog_waits(place, monkeypatch):
    now = timezone.now()
    delivered, *_ = events(place, 12)
    deliver(delivered, recorded=now, after=timedelta(seconds=2))
    monkeypatch.setattr(lag, "STATE", lag.STATE.replace(str(lag.WINDOW), "2").replace(str(lag.BEYOND), "2"))

    assert lag.state().lag_p50 == timedelta(seconds=2)


def test_a_sample_is_of_the_full_minute_and_kept_once(place):
    now = timezone.now()
    before = minute(now) - timedelta(seconds=30)
    pending, parked, one, two, earlier = events(place, 5)
    deliver(pending, recorded=now - timedelta(seconds=100), after=None)
    Event.objects.filter(pk=parked.pk).update(parked_at=now)
    deliver(one, recorded=before, after=timedelta(milliseconds=40))
    deliver(two, recorded=before, after=timedelta(milliseconds=90))
    deliver(earlier, recorded=before - timedelta(minutes=2), after=timedelta(milliseconds=1))

    lag.sample()
    deliver(pending, recorded=now, after=timedelta(0))
    lag.sample()

    samples = MirrorSample.objects.all()
    if samples.count() > 1:  # the minute turned in between
        samples = samples.order_by("taken_at")[:1]
    [sample] = samples
    assert sample.taken_at in (minute(now), minute(now) + timedelta(minutes=1))
    assert (sample.pending, sample.parked) == (2, 1)
    assert sample.oldest_pending_seconds in range(100, 110)
    if sample.taken_at == minute(now):
        assert (sample.delivered, sample.lag_p50_ms, sample.lag_p99_ms) == (2, 40, 90)


def test_a_sample_of_nothing_has_no_lag(nothing_recorded):
    lag.sample()

    sample = MirrorSample.objects.get()
    assert (sample.pending, sample.oldest_pending_seconds, sample.parked, sample.delivered) == (0, 0, 0, 0)
    assert sample.lag_p50_ms is sample.lag_p99_ms is None


def test_a_lag_of_months_can_be_kept(place):
    now = timezone.now()
    [event] = events(place, 1)
    taken = minute(now) - timedelta(seconds=30)
    deliver(event, recorded=taken - timedelta(days=90), after=timedelta(days=90))

    lag.sample()

    assert MirrorSample.objects.get().lag_p99_ms in (24 * 86_400_000, None)


def test_samples_are_kept_for_so_many_days(settings):
    settings.MIRROR_STATE_DAYS = 10
    now = timezone.now()
    rest = dict.fromkeys(("pending", "oldest_pending_seconds", "parked", "delivered"), 0)
    for days in (9, 11):
        MirrorSample.objects.create(taken_at=now - timedelta(days=days), **rest)

    lag.sample()

    ages = [(now - sample.taken_at).days for sample in MirrorSample.objects.order_by("taken_at")]
    assert ages in ([9, 0], [9, -1])


def test_whoever_asks_often_samples_once_a_minute(time_machine):
    each_minute = lag.EachMinute()
    taken = []
    time_machine.move_to(datetime(2024, 5, 10, 12, 0, 58, tzinfo=UTC), tick=False)
    for _ in range(5):
        each_minute()
        taken.append(MirrorSample.objects.count())
        MirrorSample.objects.all().delete()
        time_machine.shift(1)

    assert taken == [1, 0, 1, 0, 0]


def test_samples_are_read_by_time():
    start = datetime(2024, 5, 10, tzinfo=UTC)
    rest = dict.fromkeys(("pending", "oldest_pending_seconds", "parked", "delivered"), 0)
    for hours in (3, 0, 1):
        MirrorSample.objects.create(taken_at=start + timedelta(hours=hours), **rest)

    found = MirrorSample.objects.between(start, start + timedelta(hours=3))

    assert [sample.taken_at.hour for sample in found] == [0, 1]


def test_a_run_of_reconcile_is_recorded_and_forgotten(place, mirror, settings, capsys):
    settings.MIRROR_STATE_DAYS = 10
    rest = {"seconds": 1, "compared": 1, "differing": 0, "repaired": 0, "exit_code": 0}
    for days in (9, 11):
        ReconcileRun.objects.create(started_at=timezone.now() - timedelta(days=days), **rest)
    order = place()
    relay.drain()
    mirror.delete_one({"order_id": order.pk})

    with pytest.raises(SystemExit):
        call_command("reconcile", since="2020-01-01T00:00:00Z")
    call_command("reconcile", repair=True)

    told = [(run.compared, run.differing, run.repaired, run.exit_code) for run in ReconcileRun.objects.newest_first()]
    assert told == [(1, 1, 1, 0), (1, 1, 0, 1), (1, 0, 0, 0)]
    latest, first, _ = ReconcileRun.objects.newest_first()
    assert (latest.since, first.since) == (None, datetime(2020, 1, 1, tzinfo=UTC))


def park(mirror):
    mirror.database.command("collMod", mirror.name, validator={"order_id": -1})
    relay.deliver_batch()
    mirror.database.command("collMod", mirror.name, validator=mongo.VALIDATOR)


def test_parked_events_are_shown_and_queued_again(place, mirror, capsys):
    for _ in range(22):
        place()
    park(mirror)

    call_command("relay_status")
    shown = capsys.readouterr().out
    assert shown.count("parked: #") == 20
    assert "and 2 more" in shown
    assert "parked events           22" in shown

    call_command("relay_status", requeue=True)
    assert "22 parked events are queued again." in capsys.readouterr().out
    assert relay.drain() == 22


def test_one_event_is_queued_again_with_the_others_of_its_order(place, mirror, now):
    one, other = place(), place()
    one.status = "paid"
    one.save()
    park(mirror)
    first = Event.objects.of_order(one.pk).first()

    assert requeue.requeue_event(first.pk) == 2
    assert requeue.requeue_event(first.pk) == 0
    assert relay.drain() == 2
    assert [event.order_id for event in Event.objects.parked()] == [other.pk]


def test_a_relay_keeps_samples_while_mongodb_is_away(place, settings):
    settings.MONGODB_URL = "mongodb://127.0.0.1:9/shop"
    place()

    with pytest.raises(PyMongoError):
        relay.Relay()._deliver()

    assert MirrorSample.objects.first().pending == 1
