"""Keepers that die, meet, stand still or come back to another database: the rollups are true in the end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import date, timedelta

import pytest
from django.core.management import call_command
from django.db import Error, connection
from django.utils import timezone
from pymongo.errors import PyMongoError

from history import faults, mongo
from history.mirror import rebuild, reconcile, relay
from history.models import DirtyDay
from history.rollups import build, keeper, queue, read, shape, source, writes
from orders.models import Order
from orders.services import change_status
from tests.config.processes import ROOT, database_url
from tests.factories import StaffFactory
from tests.history.random_orders import place_random_orders
from tests.history.rollup_truth import FIRST, LAST, assert_rollups_are_true, day_of

pytestmark = pytest.mark.django_db(transaction=True)

DRAIN = """
import django; django.setup()
from history.mirror import relay
relay.drain()
"""


@pytest.fixture
def shop(mirror, now):
    """Forty orders on several days, delivered and counted."""
    place_random_orders(40, around=[now - timedelta(days=40), now - timedelta(days=3)], seed=7)
    relay.drain()


def _drain_and_die(point: str, hit: int) -> subprocess.CompletedProcess[bytes]:
    environment = os.environ | {
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "FAULT_POINT": point,
        "FAULT_HIT": str(hit),
    }
    return subprocess.run([sys.executable, "-c", DRAIN], cwd=ROOT, env=environment, check=False, capture_output=True)


def change_everything():
    Order.objects.update(total_amount=1)
    Order.objects.filter(status="pending").update(status="paid")


def deliver():
    """Without counting."""
    mongo.prepare()
    list(relay.batches())


@pytest.mark.parametrize("hit", [1, 2])
@pytest.mark.parametrize("point", faults.KEEPER_POINTS)
def test_what_a_killed_keeper_left_the_next_one_counts(shop, point, hit):
    change_everything()
    if hit == 2 and point != "keeper: mid write":
        queue.add_days([date(2001, 1, 1) + timedelta(days=number) for number in range(keeper.DAYS)])

    killed = _drain_and_die(point, hit)

    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert f"fault point: {point}" in killed.stderr.decode()
    assert DirtyDay.objects.exists()
    relay.drain()
    assert_rollups_are_true()


def test_two_keepers_and_a_shop_at_once(shop):
    stopping = threading.Event()
    refusals = []

    def keep():
        while not stopping.is_set():
            refusals.append(keeper.refresh(2) is None)
        connection.close()

    keepers = [threading.Thread(target=keep) for _ in range(2)]
    for each in keepers:
        each.start()
    for number in range(15):
        place_random_orders(2, around=[timezone.now() - timedelta(days=number)], seed=number)
        Order.objects.order_by("?").first().delete()
        list(relay.batches())
    stopping.set()
    for each in keepers:
        each.join()

    assert True in refusals  # they did meet
    relay.drain()
    assert_rollups_are_true()


def test_a_keeper_that_stood_still_changes_nothing_when_it_goes_on(shop, monkeypatch):
    change_everything()
    deliver()
    asleep, awake = threading.Event(), threading.Event()
    woken = []
    build_parts = build.parts

    def fall_asleep(placed):
        if threading.current_thread().name == "sleeper" and not asleep.is_set():
            asleep.set()
            awake.wait(20)
        return build_parts(placed)

    def sleep():
        try:
            keeper.refresh(100)
        except (Error, PyMongoError) as error:
            woken.append(error)
        connection.close()

    with monkeypatch.context() as patch:
        patch.setattr(build, "parts", fall_asleep)
        sleeper = threading.Thread(target=sleep, name="sleeper")
        sleeper.start()
        assert asleep.wait(20)
        assert keeper.refresh() is None  # it holds the lock
        _end_other_sessions()
        Order.objects.update(total_amount=2)
        Order.objects.filter(status="paid").update(status="shipped")
        relay.drain()
        awake.set()
        sleeper.join()

    assert woken, "PostgreSQL had ended its transaction, so it must not believe that it was done"
    assert_rollups_are_true()


def _end_other_sessions():
    """What PostgreSQL does to a transaction that is idle for too long."""
    with connection.cursor() as cursor:
        cursor.execute("""SELECT pg_terminate_backend(pid, 5000) FROM pg_locks
            WHERE locktype = 'advisory' AND pid <> pg_backend_pid()""")


def test_a_late_write_of_an_old_version_is_refused(shop):
    days = sorted(queue.days_with_orders())
    old = {day: build.parts(placed) for day, placed in source.read(days)}
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('rollup_version')")
        [version] = cursor.fetchone()
    change_everything()
    relay.drain()

    for operation in writes.operations(old, version).values():
        with pytest.raises(PyMongoError, match="E11000"):
            mongo.for_writing(mongo.ROLLUPS).bulk_write([operation])

    assert_rollups_are_true()


def test_versions_catch_up_after_postgresql_came_back_from_a_backup(shop):
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval('rollup_version', 1)")
    change_everything()

    relay.drain()

    assert_rollups_are_true()
    assert not DirtyDay.objects.exists()


def test_rollups_that_somebody_dropped_come_back(shop):
    mongo.for_writing(mongo.ROLLUPS).drop()

    relay.drain()

    assert_rollups_are_true()


def test_another_time_zone_counts_all_days_anew(shop, settings):
    settings.TIME_ZONE = "Pacific/Kiritimati"
    timezone.get_default_timezone.cache_clear()

    relay.drain()

    assert_rollups_are_true()
    timezone.get_default_timezone.cache_clear()


def test_rebuild_counts_days_that_differ_and_those_without_orders(shop):
    days = sorted(queue.days_with_orders())
    Order.objects.filter(created_at__lt=timezone.now() - timedelta(days=20)).delete()
    deliver()
    DirtyDay.objects.all().delete()  # as if somebody had emptied it
    mongo.for_writing(mongo.ROLLUPS).update_many({"kind": "orders"}, {"$set": {"cents": b""}})

    done = rebuild.rebuild()

    assert done.days == len(days)
    assert_rollups_are_true()


def test_reconcile_names_the_days_that_differ_and_repair_mends_them(shop, capsys):
    rollups, day = mongo.for_writing(mongo.ROLLUPS), read.sums(FIRST, LAST)[-1].day
    rollups.delete_one({"kind": "lines", "span": day.isoformat()})
    rollups.update_one({"_id": f"sums:{day:%Y-%m}"}, {"$set": {f"days.{day:%d}.statuses": b""}})

    assert [(each.day, each.kinds) for each in reconcile.reconcile().rollups] == [(day, ["sums", "lines"])]
    with pytest.raises(SystemExit):
        call_command("reconcile")
    assert f"rollup of {day}: sums, lines not as PostgreSQL says" in capsys.readouterr().out

    call_command("reconcile", repair=True)

    assert_rollups_are_true()
    assert reconcile.reconcile().rollups == []


def test_reconcile_leaves_out_days_that_wait_to_be_counted(shop):
    change_everything()
    assert reconcile.reconcile().rollups == []  # not delivered

    deliver()

    assert reconcile.reconcile().rollups == []  # not counted
    DirtyDay.objects.all().delete()
    assert {each.day for each in reconcile.reconcile().rollups} == queue.days_with_orders()


def test_a_big_day_is_kept_in_pieces_and_shrinks_again(shop, monkeypatch):
    monkeypatch.setattr(shape, "ROWS", 2)
    keeper.queue_all()
    keeper.drain()
    assert mongo.for_writing(mongo.ROLLUPS).count_documents({"piece": {"$gt": 2}})
    assert_rollups_are_true()

    Order.objects.filter(pk__in=list(Order.objects.values_list("pk", flat=True)[10:])).delete()
    relay.drain()

    assert_rollups_are_true()
    assert reconcile.reconcile().rollups == []


def test_days_are_found_by_an_index_and_exactly(shop):
    days = sorted({day_of(order.created_at) for order in Order.objects.all()})
    first, last = days[1], days[-2]

    assert [day.day for day in read.sums(first, last)] == days[1:-1]
    assert [day.day for day in read.orders(first, last)] == days[1:-1]
    assert [day.day for day in read.orders(days[0], days[0])] == days[:1]
    for kind in shape.MONTHLY + shape.DAILY:
        plan = mongo.for_reading(mongo.ROLLUPS).find(shape.between(kind, first, last)).explain()
        assert "'IXSCAN'" in str(plan)
        assert "'COLLSCAN'" not in str(plan)


def test_behind_tells_of_deliveries_and_of_days(shop):
    began = timezone.now()
    change_everything()
    undelivered = read.behind()
    assert undelivered.orders == Order.objects.count()
    assert undelivered.days == 0
    assert undelivered.since >= began

    deliver()

    assert read.behind() == read.Behind(0, len(queue.days_with_orders()), undelivered.since)


def test_a_running_relay_keeps_the_rollups_fresh(shop, place):
    running = relay.Relay()
    thread = threading.Thread(target=lambda: (running.run(), connection.close()))
    thread.start()
    order, staff = place(), StaffFactory()
    change_status(order, to="paid", by=staff, at=timezone.now())
    deadline = time.monotonic() + 10
    while read.behind() != read.Behind(0, 0, None) and time.monotonic() < deadline:
        time.sleep(0.02)
    running.stop()
    thread.join()

    assert_rollups_are_true()


@pytest.mark.parametrize("worked", [0.0, 0.05, 0.2, 0.4, 0.48])
def test_a_keeper_rests_but_no_change_waits_long_for_it(worked):
    rested = keeper.pause_after(worked)

    # What just missed a counting waits for its end, the rest and the next one.
    assert worked + rested + worked <= keeper.AGE + 0.001
    assert rested >= keeper.LEAST_REST * worked


def test_a_keeper_with_much_to_do_leaves_time_for_deliveries():
    assert keeper.pause_after(6.0) == 3.0
