"""Files of products in the hands of workers: killed, cut off, stopped, cancelled, two at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event

import pytest
from django.db import connection, transaction
from django.utils import timezone

from catalog import product_sheets, product_work, stock
from catalog.models import Product, ProductSheet, SheetState, StockMovement
from catalog.product_import import take
from catalog.product_sheets import BATCH, SheetError
from history.models import Event as HistoryEvent
from history.models import Subject
from tests.config.processes import ROOT, database_url, wait_until
from tests.factories import ProductFactory, StaffFactory
from tests.parallel import blocked, in_parallel

pytestmark = pytest.mark.django_db
NAME = "worker of a test"


@pytest.fixture
def workers():
    """Start workers of their own, on the test's database, with MongoDB away, which they have no use for."""
    started = []

    def start():
        env = os.environ | {"DATABASE_URL": database_url(), "MONGODB_URL": "mongodb://127.0.0.1:1/shop"}
        started.append(
            subprocess.Popen(
                [sys.executable, "manage.py", "import_products"],
                cwd=ROOT,
                env=env | {"PGAPPNAME": NAME},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        return started[-1]

    yield start
    for worker in started:
        worker.kill()
        worker.communicate()


def sheet_of(skus, *, by=None, stock=3, name="spring.csv"):
    text = "sku,name,price,stock\n" + "".join(f"{sku},Lamp {sku},9.50,{stock}\n" for sku in skus)
    return product_sheets.upload(text, name=name, by=by or StaffFactory(name="Sam"), at=timezone.now())


def confirmed(sheet):
    """Looked at and confirmed."""
    assert product_work.work(at=timezone.now(), sheet_id=sheet.pk)
    product_sheets.confirm(sheet, at=timezone.now())
    return sheet


def work(sheet):
    product_work.work(at=timezone.now(), sheet_id=sheet.pk)
    sheet.refresh_from_db()
    return sheet


def let_go():
    """What its worker has lost may be taken at once: nobody here waits for that."""
    ProductSheet.objects.filter(due_at__isnull=False).update(due_at=timezone.now())


def cut_off():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = %s",
            [NAME],
        )


@pytest.mark.django_db(transaction=True)
def test_a_worker_cut_off_and_killed_in_the_middle_leaves_nothing_half_done_and_another_goes_on(workers):
    held = ProductFactory(sku="HELD", stock=10)
    skus = [f"N{number}" for number in range(2 * BATCH)]
    sheet = sheet_of([*skus, "HELD"])
    first = workers()
    assert wait_until(lambda: ProductSheet.objects.filter(state=SheetState.READY).exists(), 60)
    with transaction.atomic():
        # The last batch waits for a sale that takes its time.
        Product.objects.select_for_update().get(pk=held.pk)
        # Not of this transaction: the worker is to see it.
        in_parallel([lambda: product_sheets.confirm(sheet, at=timezone.now())])
        assert wait_until(lambda: blocked() == 1)
        cut_off()
        assert wait_until(lambda: "terminating connection" in first.stdout.readline())
        in_parallel([let_go])
        assert wait_until(lambda: blocked() == 1)
        first.kill()
        assert Product.objects.count() == 1 + 2 * BATCH
        assert ProductSheet.objects.values_list("done", "attempts").get() == (1 + 2 * BATCH, 2)
        cut_off()

    let_go()
    second = workers()
    assert wait_until(lambda: ProductSheet.objects.get().ended_at, 60)
    second.send_signal(signal.SIGTERM)
    said, _ = second.communicate(timeout=60)
    assert (second.returncode, "import: stopped" in said) == (0, True)

    sheet.refresh_from_db()
    assert (sheet.state, sheet.text, sheet.seen, sheet.percent) == ("imported", "", {}, 100)
    assert sheet.result == {"added": 2 * BATCH, "changed": 1, "refused": 0, "lines": []}
    assert Product.objects.get(sku="HELD").stock == 3
    moved = StockMovement.objects.filter(reason="import", note="spring.csv", actor_name="Sam")
    assert (moved.count(), moved.values("product").distinct().count()) == (1 + 2 * BATCH, 1 + 2 * BATCH)
    assert HistoryEvent.objects.filter(subject=Subject.PRODUCT, actor_name="Sam").count() == 1 + 2 * BATCH
    assert stock.differences() == []


@pytest.mark.django_db(transaction=True)
def test_two_files_at_once_with_the_same_products_are_both_ended_and_nothing_counts_twice():
    rows = [ProductFactory(sku=f"P{number}", name=f"Lamp P{number}", stock=10) for number in range(20)]
    skus = [*(row.sku for row in rows), *(f"N{number}" for number in range(20))]
    sam = StaffFactory(name="Sam")
    sheets = [sheet_of(some, by=sam, name=name) for some, name in ((skus, "a.csv"), (skus[::-1], "b.csv"))]
    for sheet in sheets:
        confirmed(sheet)

    # Four workers, of which each file goes to one.
    at = timezone.now() + timedelta(seconds=1)
    did = in_parallel([lambda: product_work.work(at=at)] * 4)

    assert sorted(did) == [False, False, True, True]
    results = [ProductSheet.objects.get(pk=sheet.pk).result for sheet in sheets]
    assert sum(each["added"] for each in results) == 20
    assert sum(each["changed"] for each in results) == 20
    assert sum(each["refused"] for each in results) == 40
    assert set(Product.objects.values_list("stock", flat=True)) == {3}
    assert stock.differences() == []


@pytest.mark.django_db(transaction=True)
def test_a_product_that_a_colleague_adds_in_that_very_moment_is_left_out_and_the_rest_is_imported():
    sheet = confirmed(sheet_of(["A", "B", "C"]))
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        ProductFactory(sku="B", name="Colleague's", stock=1)
        done = pool.submit(in_parallel, [lambda: work(sheet).result])
        assert wait_until(lambda: blocked() == 1)
    [result] = done.result(timeout=20)

    assert (result["added"], result["refused"]) == (2, 1)
    assert result["lines"] == [{"line": 3, "told": "the product was added by a colleague meanwhile."}]
    assert Product.objects.get(sku="B").name == "Colleague's"
    assert stock.differences() == []


@pytest.mark.django_db(transaction=True)
def test_a_cancel_ends_it_behind_the_batch_at_hand_and_keeps_what_is_imported():
    held = ProductFactory(sku="HELD", stock=10)
    skus = [f"N{number}" for number in range(2 * BATCH)]
    sheet = confirmed(sheet_of([*skus[:BATCH], "HELD", *skus[BATCH:]]))
    with ThreadPoolExecutor(2) as pool:
        with transaction.atomic():
            Product.objects.select_for_update().get(pk=held.pk)
            working = pool.submit(in_parallel, [lambda: product_work.work(at=timezone.now())])
            assert wait_until(lambda: blocked() == 1)
            cancelling = pool.submit(in_parallel, [lambda: product_sheets.cancel(sheet, at=timezone.now())])
            assert wait_until(lambda: blocked() == 2)
        assert (working.result(timeout=20), cancelling.result(timeout=20)) == ([True], [None])

    sheet.refresh_from_db()
    assert (sheet.state, sheet.done, sheet.text, sheet.due_at) == ("cancelled", 1 + 2 * BATCH, "", None)
    assert (sheet.result["added"], sheet.result["changed"]) == (2 * BATCH - 1, 1)
    assert Product.objects.count() == 2 * BATCH
    assert not product_work.work(at=timezone.now())
    for decide in (product_sheets.cancel, product_sheets.confirm):
        with pytest.raises(SheetError):
            decide(sheet, at=timezone.now())
    looked_at = sheet_of(["X"])
    product_sheets.cancel(looked_at, at=timezone.now())
    assert not product_work.work(at=timezone.now())
    assert stock.differences() == []


def test_a_worker_that_was_taken_for_dead_writes_nothing_more():
    sheet = confirmed(sheet_of(["A"]))
    slow = product_work._claim(timezone.now(), sheet.pk, Event())
    assert not product_work.work(at=timezone.now(), sheet_id=sheet.pk)  # it is somebody's
    quick = product_work._claim(timezone.now() + product_sheets.LEASE, sheet.pk, Event())

    with pytest.raises(product_sheets.Superseded):
        take(slow)
    assert not Product.objects.exists()
    take(quick)
    assert StockMovement.objects.get().reason == "import"


def test_a_worker_that_is_stopped_gives_the_file_back_at_once():
    sheet = confirmed(sheet_of(["A"]))
    stopping = Event()
    stopping.set()

    product_work.work(at=timezone.now(), sheet_id=sheet.pk, stopping=stopping)

    sheet.refresh_from_db()
    assert (sheet.state, sheet.done, sheet.due_at <= timezone.now()) == ("importing", 0, True)
    assert work(sheet).state == "imported"


def test_who_may_not_import_any_more_by_the_time_it_is_done_does_not():
    sam = StaffFactory(name="Sam")
    sheet = confirmed(sheet_of(["A"], by=sam))
    sam.is_active = False
    sam.save()

    assert (work(sheet).state, sheet.error) == ("failed", "Sam may not import products any more.")
    assert not Product.objects.exists()


def test_a_file_that_ends_every_worker_is_given_up():
    sheet = sheet_of(["A"])
    ProductSheet.objects.update(attempts=product_work.MOST_ATTEMPTS)

    assert work(sheet).state == "failed"
    assert sheet.error == "It was begun 10 times and never came to an end."


def test_old_files_are_forgotten_with_the_next(now):
    waiting, ended, fresh = (sheet_of(["A"]) for _ in range(3))
    ProductSheet.objects.filter(pk=waiting.pk).update(state="ready", uploaded_at=now - product_sheets.KEPT * 2)
    product_sheets.cancel(ended, at=now)
    ProductSheet.objects.filter(pk=ended.pk).update(uploaded_at=now - product_sheets.REMEMBERED * 2)

    newest = sheet_of(["A"])

    assert set(ProductSheet.objects.values_list("pk", flat=True)) == {fresh.pk, newest.pk}
