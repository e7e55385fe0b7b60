"""Differences of ten kinds, many at once: all are named, nothing else is, and a repair ends equal."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.core.management import call_command

from history.mirror import reconcile, relay
from history.models import ReconcileRun
from orders.models import Order
from tests.history.damage import BY_HAND, KINDS, inject
from tests.history.random_orders import place_random_orders

pytestmark = pytest.mark.django_db(transaction=True)

SAID = {
    "one_cent": "total_amount: ",
    "lost": "missing in the mirror",
    "extra": "PostgreSQL knows no such order",
    "stale_status": "status: ",
    "event_removed": "events[",
    "event_edited": "events[0].actor: ",
    "duplicate": "2 documents",
    "wrong_user": "user_id: ",
    "quantity": ".quantity: ",
    "rev_ahead": "rev: ",
}


@pytest.fixture
def orders(mirror):
    """Three hundred orders of every status, half of them changed since."""
    placed = place_random_orders(300, around=[datetime(2024, 3, 31, tzinfo=UTC)], seed=11)
    changed = [order.pk for order in placed[::2]]
    Order.objects.filter(pk__in=changed).update(external_ref=None, shipping_address={"city": "Oslo"})
    relay.drain()
    return placed


def test_a_hundred_differences_are_named_and_no_other_and_mended(orders, mirror, capsys):
    injected = inject(mirror, [order.pk for order in orders], 100, seed=5)

    found = reconcile.reconcile()

    named = {each.order_id: str(each) for each in found.differences}
    assert len(found.differences) == 100
    assert named.keys() == injected.keys()
    assert set(injected.values()) == set(KINDS) == set(SAID)
    assert [named[number] for number, kind in injected.items() if SAID[kind] not in named[number]] == []

    mirror.drop_index(BY_HAND)
    call_command("reconcile", repair=True)

    *_, last = capsys.readouterr().out.strip().splitlines()
    assert last == "100 orders were repaired between the two."
    assert reconcile.reconcile().differences == []
    assert mirror.index_information()["order_id"]["unique"]
    run = ReconcileRun.objects.get()
    assert (run.compared, run.differing, run.repaired, run.exit_code) == (300, 100, 100, 0)


def test_the_report_names_all_and_ends_with_a_summary(orders, mirror, capsys):
    injected = inject(mirror, [order.pk for order in orders], 120, seed=6)

    with pytest.raises(SystemExit) as exit_info:
        call_command("reconcile")

    lines = capsys.readouterr().out.strip().splitlines()
    assert exit_info.value.code == 1
    assert {int(line.split()[1].rstrip(":")) for line in lines if line.startswith("order ")} == injected.keys()
    assert lines[-1] == "300 orders compared, 120 differ."
    counted = {line.split(maxsplit=1)[1]: int(line.split()[0]) for line in lines if line.startswith("  ")}
    assert counted["missing in the mirror"] == counted["PostgreSQL knows no such order"] == counted["rev"] == 12
    assert (counted["events"], counted["user_id"], counted["products"]) == (24, 12, 12)


def test_the_days_and_statuses_that_differ_are_counted_in_both_stores(orders, mirror):
    inject(mirror, [order.pk for order in orders], 100, seed=7)

    totals = reconcile.reconcile().totals

    whole = list(totals.by.values())
    assert sum(total.orders for total in whole) == Order.objects.count() == 300
    assert sum(total.amount for total in whole) == sum(order.total_amount for order in orders)
    assert sum(total.mirrored_orders for total in whole) == mirror.count_documents({}) == 310
    assert totals.differing()


def test_nothing_is_named_where_nothing_was_done(orders):
    found = reconcile.reconcile()

    assert (found.compared, found.differences, found.totals.differing()) == (300, [], [])
