"""Generated orders are such as the shop could have had, and reach documents and rollups."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F, Sum
from django.utils import timezone

from history.demo import load
from history.mirror import reconcile, relay
from history.models import Event
from orders.models import Order, OrderItem
from orders.status import Status
from tests.history.rollup_truth import assert_rollups_are_true

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.timeout(240)
def test_two_thousand_orders_are_whole_and_the_same_in_both_stores(mirror, capsys, monkeypatch):
    monkeypatch.setattr(load, "DAYS", 60)
    call_command("seed_load", orders=2000)

    assert "2,000 orders of 400 customers and 60 products" in capsys.readouterr().out
    assert Order.objects.count() == 2000
    sums = OrderItem.objects.values("order").annotate(sum=Sum(F("price") * F("quantity")))
    assert {each["order"]: each["sum"] for each in sums} == dict(Order.objects.values_list("pk", "total_amount"))
    assert set(Order.objects.values_list("status", flat=True)) == set(Status.values)
    assert not Order.objects.filter(created_at__gt=timezone.now()).exists()
    assert not Event.objects.filter(occurred_at__gt=timezone.now()).exists()
    last = Event.objects.order_by("order_id", "-rev").distinct("order_id").values_list("order_id", "rev", "status")
    assert {each[0]: each[1:] for each in last} == {
        order.pk: (order.rev, order.status) for order in Order.objects.all()
    }
    assert_rollups_are_true()
    assert not Event.objects.pending().exists()
    findings = reconcile.reconcile()
    assert (findings.compared, findings.differences, findings.rollups) == (2000, [], [])


def test_documents_can_be_left_to_the_relays(mirror, capsys, monkeypatch):
    monkeypatch.setattr(load, "DAYS", 5)

    call_command("seed_load", orders=20, no_documents=True)

    assert "the documents are left to the relays" in capsys.readouterr().out
    assert_rollups_are_true()
    assert (mirror.count_documents({}), Event.objects.pending().exists()) == (0, True)
    relay.drain()
    assert reconcile.reconcile().differences == []


def test_a_shop_with_orders_is_left_alone_unless_told(mirror, place):
    place()
    with pytest.raises(CommandError, match="has orders already"):
        call_command("seed_load", orders=10)
    assert Order.objects.count() == 1

    for _ in range(2):
        call_command("seed_load", orders=10, yes=True)

    assert Order.objects.count() == 21
    assert_rollups_are_true()
