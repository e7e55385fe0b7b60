"""An archived order's document is the only copy: nothing overwrites or deletes it, even where its stub is lost."""

from __future__ import annotations

from datetime import timedelta

import bson
import pytest
from django.core.management import call_command
from django.db import connection
from django.forms.models import model_to_dict

from history import triggers
from history.archive import back, leave, marks
from history.mirror import rebuild, reconcile, relay
from history.models import ArchivedOrder, Event
from history.rollups import compare as rollups
from orders.models import Mail, Order
from orders.services import cancel_order, change_status
from tests.factories import ProductFactory, StaffFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def archived(place, now, mirror):
    """Five orders that have left, by number."""

    def one(days):
        at = now - timedelta(days=days)
        order = place(ProductFactory(), ProductFactory(), at=at)
        Order.objects.filter(pk=order.pk).update(external_ref=f"R-{days}")
        cancel_order(order, by=order.customer, at=at + timedelta(minutes=5))
        return order.pk

    numbers = [one(days) for days in range(400, 405)]
    Mail.objects.update(due_at=None)
    relay.drain()
    assert leave.archive(numbers, at=now).archived == 5
    relay.drain()
    return numbers


def lose(statement="TRUNCATE archived_orders"):
    """What a superuser can do, or a restored dump that lacks the table."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE archived_orders DISABLE TRIGGER USER; {statement};")
        cursor.execute("ALTER TABLE archived_orders ENABLE TRIGGER USER")


def raw(mirror):
    return {document["order_id"]: bson.encode(document) for document in mirror.find().sort("order_id")}


def stubs():
    return {stub.pk: model_to_dict(stub) | {"ref": stub.external_ref} for stub in ArchivedOrder.objects.all()}


def in_milliseconds(described):
    """The mark has the time of archiving to the millisecond, so that is what comes back."""
    cut = {number: dict(stub) for number, stub in described.items()}
    for stub in cut.values():
        stub["archived_at"] = stub["archived_at"].replace(microsecond=stub["archived_at"].microsecond // 1000 * 1000)
    return cut


def run(capsys, *arguments):
    """The exit code of reconcile and what it said."""
    try:
        call_command("reconcile", *arguments)
    except SystemExit as ended:
        return ended.code, capsys.readouterr().out
    return 0, capsys.readouterr().out


def named(order_id):
    return f"archived order {order_id}: PostgreSQL has no stub of it, only its document says that it is archived"


@pytest.mark.parametrize(
    "statement", ["TRUNCATE archived_orders", "DELETE FROM archived_orders WHERE order_id % 2 = 0"], ids=["all", "half"]
)
def test_lost_stubs_are_named_and_rebuilt_and_no_document_changes(statement, archived, mirror, capsys):
    before, described = raw(mirror), stubs()
    lose(statement)
    lost = described.keys() - stubs().keys()
    assert lost

    code, told = run(capsys)
    assert code == 1
    assert [line for line in told.splitlines() if line.startswith("archived")] == [named(each) for each in sorted(lost)]
    code, told = run(capsys, "--repair")

    assert code == 0
    assert all(named(number) in told for number in lost)
    assert f"{len(lost)} orders were repaired" in told
    assert raw(mirror) == before
    assert in_milliseconds(stubs()) == in_milliseconds(described)
    assert rollups.differing() == []


def test_an_order_whose_stub_was_rebuilt_comes_back(archived, mirror, now, capsys):
    lose()
    run(capsys, "--repair")

    back.restore(archived[0], by=None, at=now)

    assert Order.objects.get(pk=archived[0]).items.count() == 2


def test_nobody_else_writes_or_deletes_them_meanwhile(archived, mirror):
    before = raw(mirror)
    lose()

    rebuild.rebuild()
    relay.drain()

    assert raw(mirror) == before


@pytest.mark.parametrize(
    "damage",
    [
        {"$set": {"status": "delivered"}},
        {"$set": {"archived_at": "yesterday"}},
        {"$unset": {"events": ""}},
        {"$set": {"digest": "0" * 64}},
    ],
)
def test_a_document_that_cannot_be_believed_gives_no_stub_and_stays(damage, archived, mirror, capsys):
    with_any = mirror.database.command
    with_any("collMod", mirror.name, validator={})
    mirror.update_one({"order_id": archived[0]}, damage)
    before = raw(mirror)
    lose()

    code, told = run(capsys, "--repair")

    assert code == 1
    assert "4 orders were repaired" in told
    assert told.count(named(archived[0])) == 2
    assert raw(mirror) == before
    assert not ArchivedOrder.objects.filter(pk=archived[0]).exists()


def test_a_stub_of_another_document_is_named_and_both_stay(archived, mirror, capsys):
    before = raw(mirror)
    ArchivedOrder.objects.filter(pk=archived[0]).update(sha256="0" * 64)

    code, told = run(capsys, "--repair")

    assert code == 1
    assert f"archived order {archived[0]}: digest:" in told
    assert raw(mirror) == before
    assert ArchivedOrder.objects.get(pk=archived[0]).sha256 == "0" * 64


def test_a_stub_without_a_document_is_named_and_nothing_is_invented(archived, mirror, capsys):
    mirror.delete_one({"order_id": archived[0]})
    before = raw(mirror)

    code, told = run(capsys, "--repair")

    assert code == 1
    assert f"archived order {archived[0]}: missing in the mirror" in told
    assert raw(mirror) == before


@pytest.fixture
def reused(archived, place):
    """A live order under the number of an archived one, of which the database knew nothing any more."""
    customer = place().customer
    lose(f"DELETE FROM archived_orders WHERE order_id = {archived[0]}")
    Mail.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO orders (order_id, user_id, total_amount) VALUES (%s, %s, 1)", [archived[0], customer.pk]
        )
    return Order.objects.get(pk=archived[0])


def test_a_live_order_under_the_number_of_an_archived_one_does_not_overwrite_it(reused, mirror, now, capsys):
    before = raw(mirror)[reused.pk]
    for step in ("paid", "shipped", "delivered"):
        change_status(reused, to=step, by=StaffFactory(), at=now)

    relay.drain()
    rebuild.rebuild()
    code, told = run(capsys, "--repair")

    assert code == 1
    assert f"order {reused.pk}: " in told
    assert raw(mirror)[reused.pk] == before
    assert "has an archived order under this number" in Event.objects.parked().first().error


def test_rows_beside_a_stub_do_not_overwrite_the_document(reused, mirror, now, capsys):
    document = mirror.find_one({"order_id": reused.pk})
    before = bson.encode(document)
    ArchivedOrder.objects.create(
        **{name: document[name] for name in ("order_id", "user_id", "created_at", "status", "rev")},
        total_amount=document["total_amount"].to_decimal(),
        sha256=document["digest"],
        archived_at=document["archived_at"],
    )
    for step in ("paid", "shipped", "delivered"):
        change_status(reused, to=step, by=StaffFactory(), at=now)

    relay.drain()
    code, told = run(capsys, "--repair")

    assert code == 1
    assert f"archived order {reused.pk}: still in PostgreSQL as well" in told
    assert raw(mirror)[reused.pk] == before


def test_a_restored_order_goes_on_though_its_mark_was_not_taken_away(archived, mirror, now):
    back.restore(archived[0], by=None, at=now)
    mirror.update_one({"order_id": archived[0]}, {"$set": {"archived_at": now}})
    Order.objects.filter(pk=archived[0]).update(shipping_address={"name": "Eva"})

    relay.drain()

    document = mirror.find_one({"order_id": archived[0]})
    assert (document["shipping_address"], document["archived_at"]) == ({"name": "Eva"}, None)
    assert reconcile.reconcile().are_equal


def test_an_archived_document_under_a_foreign_id_stays(archived, mirror, now, capsys):
    document = mirror.find_one({"order_id": archived[0]})
    mirror.delete_one({"_id": document["_id"]})
    mirror.insert_one(document | {"_id": bson.ObjectId()})
    before = raw(mirror)
    lose()

    relay.drain()
    rebuild.rebuild()
    code, told = run(capsys, "--repair")

    assert code == 1
    assert named(archived[0]) in told
    assert raw(mirror) == before


def test_an_archive_that_died_leaves_live_orders_as_they_were(place, mirror, now):
    at = now - timedelta(days=400)
    order = place(at=at)
    cancel_order(order, by=order.customer, at=at)
    Mail.objects.update(due_at=None)
    relay.drain()
    marks.mark([order.pk], now)  # it died before it committed

    assert leave.archive([order.pk], at=now + timedelta(seconds=1)).archived == 1

    assert reconcile.reconcile().are_equal


def test_an_order_that_was_archived_since_an_older_copy_is_archived_again(archived, mirror, now, capsys):
    before, described = raw(mirror), stubs()
    number = archived[0]
    back.restore(number, by=None, at=now)
    copy = mirror.find_one({"order_id": number})
    mirror.update_one({"_id": copy["_id"]}, {"$set": {"archived_at": described[number]["archived_at"]}})
    with triggers.capture_off():  # the copy was made before its last change
        Event.objects.filter(order_id=number, rev__gt=1).delete()
        Order.objects.filter(pk=number).update(rev=1, status="pending")

    code, told = run(capsys, "--repair")
    assert code == 1
    assert "archived_at: None, mirror has" in told
    assert raw(mirror) == before
    code, _ = run(capsys, "--repair", "--older-postgres")

    assert code == 0
    assert raw(mirror) == before
    assert in_milliseconds(stubs()) == in_milliseconds(described)
    assert not Order.objects.filter(pk=number).exists()
