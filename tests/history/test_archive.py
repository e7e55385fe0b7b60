"""Finished orders leave PostgreSQL and lose nothing, whoever else is at work; what differs stays."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from bson import Decimal128
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.urls import reverse

from catalog.models import Product
from history.archive import back, daily, leave, marks, run
from history.mirror import rebuild, reconcile, relay
from history.mirror.documents import milliseconds
from history.models import ArchivedOrder, Event, Kind
from orders.models import Mail, Order
from orders.notes import add_note
from orders.returns import Returned, return_items
from orders.services import cancel_order, change_status
from tests.factories import ProductFactory, StaffFactory
from tests.history.archived import delete_by_hand
from tests.history.archived_rows import rows_of
from tests.parallel import in_parallel
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

NAUGHT = {"orders": [], "order_items": [], "refunds": [], "history_events": []}
ADDRESS = {"name": "Ada", "exact": 10**25, "deep": [{"half": None}]}


@pytest.fixture
def staff():
    return StaffFactory()


@pytest.fixture
def finish(place, now, mirror, staff):
    """Place an order and take it through its life: cancelled at once, or delivered and partly taken back."""

    def finish_one(status="delivered", at=now - timedelta(days=400)):
        order = place(ProductFactory(price=Decimal("12.30")), ProductFactory(), quantity=2, at=at)
        if status == "cancelled":
            cancel_order(order, by=order.customer, at=at + timedelta(minutes=5))
        else:
            for hours, step in enumerate(("paid", "shipped", "delivered"), start=1):
                change_status(order, to=step, by=staff, at=at + timedelta(hours=hours), note=f"ü {step}")
            order.refresh_from_db()
            item, at = order.items.order_by("pk")[0], at + timedelta(days=9)
            return_items(order, {item.pk: Returned(1, True)}, seen_rev=order.rev, reason="bent", by=staff, at=at)
        Mail.objects.update(due_at=None)
        return order

    return finish_one


@pytest.fixture
def archived(finish, now):
    """An order that has left."""
    order = finish()
    relay.drain()
    assert leave.archive([order.pk], at=now).archived == 1
    marks.drain()
    return order


def differences():
    found = reconcile.reconcile()
    return [str(difference) for difference in found.differences] + found.rollups


def test_an_order_leaves_and_comes_back_column_by_column(finish, staff, mirror, now):
    told, cancelled, stays = finish(), finish("cancelled"), finish()
    told.refresh_from_db()
    add_note(told, text="It is on us.", to_customer=True, seen_rev=told.rev, by=staff, at=now - timedelta(days=300))
    Order.objects.filter(pk=told.pk).update(external_ref="A-1", shipping_address=ADDRESS)
    Mail.objects.update(due_at=None)
    relay.drain()
    ids = [told.pk, cancelled.pk]
    before, kept = rows_of(ids), rows_of([stays.pk])
    assert all(before.values())

    outcome = leave.archive(ids, at=now)
    marks.drain()

    assert (outcome.archived, outcome.waiting, outcome.differing) == (2, {}, {})
    assert (rows_of(ids), rows_of([stays.pk])) == (NAUGHT, kept)
    stub, document = ArchivedOrder.objects.get(pk=told.pk), mirror.find_one({"order_id": told.pk})
    assert (stub.sha256, stub.external_ref, stub.is_marked) == (document["digest"], "A-1", True)
    assert milliseconds(stub.latest_at) == max(event["timestamp"] for event in document["events"])
    assert document["archived_at"] == milliseconds(now)
    assert differences() == []

    for order_id in ids:
        back.restore(order_id, by=staff, at=now)

    assert rows_of(ids) == before
    assert not ArchivedOrder.objects.exists()
    assert mirror.find_one({"order_id": told.pk})["archived_at"] is None
    assert [(event.subject_name, event.actor_name) for event in Event.objects.filter(kind=Kind.RESTORED)] == [
        (f"#{order_id}", str(staff)) for order_id in ids
    ]
    change_status(Order.objects.get(pk=told.pk), to="returned", by=staff, at=now)
    relay.drain()
    assert mirror.find_one({"order_id": told.pk})["status"] == "returned"
    assert differences() == []


def test_what_is_not_ready_or_differs_stays_and_is_named(finish, place, mirror, now, capsys):
    ready, pending, mailed, damaged, lost = finish(), finish(), finish(), finish(), finish()
    live = place(at=now - timedelta(days=400))
    young = finish(at=now - timedelta(days=10))
    relay.drain()
    Mail.objects.filter(order_id=mailed.pk).update(due_at=now)
    Event.objects.of_order(pending.pk).filter(rev=2).update(delivered_at=None)
    mirror.update_one({"order_id": damaged.pk}, {"$set": {"events.1.actor": "Mallory"}})
    mirror.delete_one({"order_id": lost.pk})
    day = f"{now - timedelta(days=100):%Y-%m-%d}"

    with pytest.raises(CommandError, match="“2027-13-01” is no day; write it like 2024-01-31"):
        call_command("archive_orders", "--before", "2027-13-01")
    with pytest.raises(SystemExit) as dry:
        call_command("archive_orders", "--before", day, "--dry-run")
    assert not ArchivedOrder.objects.exists()
    with pytest.raises(SystemExit) as done:
        call_command("archive_orders", "--before", day, "--batch", "2", "--rate", "1000")

    told = capsys.readouterr().out
    assert (dry.value.code, done.value.code) == (1, 1)
    assert list(ArchivedOrder.objects.values_list("pk", flat=True)) == [ready.pk]
    stayed = {pending.pk, mailed.pk, damaged.pk, lost.pk, live.pk, young.pk}
    assert set(Order.objects.values_list("pk", flat=True)) == stayed
    for line in (
        f"order {pending.pk} stays: an event is still to be delivered",
        f"order {mailed.pk} stays: a mail about it is still to be sent",
        f"order {lost.pk} stays: missing in the mirror",
        "1 orders would be archived; 2 stay for now, 2 stay because their document differs.",
        " s; 2 stay for now, 2 stay because their document differs.",
    ):
        assert line in told
    assert f"order {damaged.pk} stays: events[1].actor: " in told


def test_an_order_that_somebody_works_on_is_not_waited_for(finish, staff, now):
    order, other = finish(), finish()
    relay.drain()

    with transaction.atomic():
        change_status(Order.objects.get(pk=order.pk), to="returned", by=staff, at=now)
        [outcome] = in_parallel([lambda: leave.archive([order.pk, other.pk], at=now)])

    assert outcome.archived == 1
    assert outcome.waiting == {order.pk: "is in use, or not finished any more"}
    relay.drain()
    assert differences() == []


def test_what_is_damaged_after_it_left_does_not_come_back(archived, mirror, now, capsys):
    mirror.update_one({"order_id": archived.pk}, {"$set": {"total_amount": Decimal128("0.05"), "digest": "0" * 64}})

    with pytest.raises(SystemExit):
        call_command("restore_order", str(archived.pk), "987654321")

    told = capsys.readouterr()
    assert f"Order {archived.pk} stays archived: total_amount" in told.err
    assert "Order 987654321 is not archived." in told.err
    assert "0 orders restored." in told.out
    assert ArchivedOrder.objects.get().pk == archived.pk
    assert rows_of([archived.pk]) == NAUGHT


def test_an_order_whose_product_is_gone_stays_archived(archived, mirror, now):
    [gone, *_] = mirror.find_one({"order_id": archived.pk})["products"]
    delete_by_hand(Product.objects.get(pk=gone["product_id"]))

    with pytest.raises(back.NotRestorable, match=r"stays archived: .*product_id.*is not present in table"):
        back.restore(archived.pk, by=None, at=now)

    assert ArchivedOrder.objects.get().pk == archived.pk


def test_what_an_archived_order_holds_is_not_deleted(archived, mirror, staff, client):
    [held, *_] = mirror.find_one({"order_id": archived.pk})["products"]
    product, customer = Product.objects.get(pk=held["product_id"]), archived.customer
    User.objects.filter(pk=staff.pk).update(is_superuser=True)
    client.force_login(User.objects.get(pk=staff.pk))

    for kept in (product, customer):
        with pytest.raises(ProtectedError, match="archived orders"):
            kept.delete()
    client.post(reverse("admin:catalog_product_delete", args=[product.pk]), {"post": "yes"})

    assert Product.objects.filter(pk=product.pk).exists()
    assert client.post(reverse("admin:users_user_delete", args=[customer.pk]), {"post": "yes"}).status_code == 403
    assert User.objects.filter(pk=customer.pk).exists()


def test_the_number_of_an_archived_order_is_not_given_again(archived, staff):
    with pytest.raises(IntegrityError, match="is archived, its number is taken"):
        Order.objects.create(order_id=archived.pk, customer=staff, total_amount=1)


def test_a_wrong_mark_is_named_and_set_right_and_nothing_else(archived, finish, mirror, now):
    live = finish()
    relay.drain()
    before = mirror.find_one({"order_id": archived.pk})
    mirror.update_one({"order_id": archived.pk}, {"$set": {"archived_at": None}})
    mirror.update_one({"order_id": live.pk}, {"$set": {"archived_at": now}})
    events = Event.objects.count()

    assert [told.split(": ")[1] for told in differences()] == ["archived_at", "archived_at"]
    call_command("reconcile", "--repair")

    assert mirror.find_one({"order_id": archived.pk}) == before
    assert mirror.find_one({"order_id": live.pk})["archived_at"] is None
    assert Event.objects.count() == events
    assert differences() == []


def test_a_mark_still_to_be_set_is_no_difference_and_the_next_sets_it(finish, mirror, now, settings):
    order = finish()
    relay.drain()
    leave.archive([order.pk], at=now)
    assert mirror.find_one({"order_id": order.pk})["archived_at"] == milliseconds(now)
    mirror.update_one({"order_id": order.pk}, {"$set": {"archived_at": None}})
    marks.mark_again([order.pk])

    assert differences() == []
    daily.Daily()()

    assert mirror.find_one({"order_id": order.pk})["archived_at"] == milliseconds(now)
    assert marks.count() == 0


def test_neither_rebuilding_nor_a_late_relay_touches_an_archived_document(archived, mirror):
    before = mirror.find_one({"order_id": archived.pk})

    rebuild.rebuild()
    call_command("reconcile", "--repair")
    relay.drain()

    assert mirror.find_one({"order_id": archived.pk}) == before
    assert rows_of([archived.pk]) == NAUGHT


def test_relays_archive_by_themselves_once_a_day(finish, mirror, settings):
    order = finish()
    relay.drain()
    archive = daily.Daily()

    archive()
    assert not ArchivedOrder.objects.exists()
    settings.ARCHIVE_AFTER_DAYS = 365
    for _ in range(4):
        archive()

    assert ArchivedOrder.objects.get().pk == order.pk
    assert mirror.find_one({"order_id": order.pk})["archived_at"] is not None


def test_the_day_begins_at_midnight_of_the_shop(finish, settings, now):
    settings.TIME_ZONE = "Pacific/Auckland"
    start = run.start_of((now - timedelta(days=300)).date())
    before, after = finish(at=start - timedelta(microseconds=1)), finish(at=start)
    relay.drain()

    assert run.archive_before(start).archived == 1
    assert list(ArchivedOrder.objects.values_list("pk", flat=True)) == [before.pk]
    assert Order.objects.get().pk == after.pk


@pytest.mark.parametrize("options", [[], ["--before", "yesterday"], ["--before", "2024-01-01", "--batch", "0"]])
def test_what_makes_no_sense_is_told_in_one_sentence(db, options):
    with pytest.raises(CommandError) as told:
        call_command("archive_orders", *options)

    assert "\n" not in str(told.value)


def test_with_mongodb_away_nothing_leaves(finish, settings, now):
    order = finish()
    relay.drain()
    before = rows_of([order.pk])
    settings.MONGODB_URL = "mongodb://127.0.0.1:1/nothing"

    with pytest.raises(CommandError, match="Stopped, nothing is lost"):
        call_command("archive_orders", "--before", f"{now:%Y-%m-%d}")

    assert rows_of([order.pk]) == before
