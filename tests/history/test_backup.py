"""What a backup keeps comes back, and after either store came back from an older copy both end equal."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from bson import Decimal128, Int64, ObjectId
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from history import activity, mongo
from history.backup import files
from history.mirror import numbers, reconcile, relay
from history.models import ArchivedOrder, Event, Kind, Subject
from orders.models import Order, OrderItem
from orders.services import cancel_order, change_status
from tests.factories import ProductFactory, StaffFactory
from tests.history import restored
from tests.history.test_rollups_archived import archive as move

pytestmark = pytest.mark.django_db(transaction=True)


def archive(*orders: Order) -> None:
    move([order.pk for order in orders])
    for stub in ArchivedOrder.objects.filter(sha256=""):
        document = mongo.for_writing().find_one({"order_id": stub.pk})
        ArchivedOrder.objects.filter(pk=stub.pk).update(sha256=document["digest"], archived_at=document["archived_at"])


@pytest.fixture
def staff():
    return StaffFactory(name="Sam")


@pytest.fixture
def orders(place, mirror, staff, now):
    """Eight mirrored orders, paid; the first two archived."""
    placed = [place(ProductFactory(), at=now - timedelta(days=9)) for _ in range(8)]
    for order in placed:
        change_status(order, to="paid", by=staff, at=now - timedelta(days=8))
    relay.drain()
    archive(*placed[:2])
    return placed


def sign_in(who, at):
    with transaction.atomic():
        activity.record(
            Kind.SIGNED_IN,
            subject=Subject.SESSION,
            subject_id=who.pk,
            subject_name=who.name,
            actor=activity.actor_of(who),
            at=at,
        )


def found() -> tuple[dict[int, str], list[str]]:
    findings = reconcile.reconcile()
    return {each.order_id: str(each) for each in findings.differences}, [str(each) for each in findings.activity]


@pytest.mark.parametrize("name", ["archive.jsonl", "archive.jsonl.gz"])
def test_every_type_survives_a_file_that_is_taken_up_where_it_was_torn(tmp_path, name):
    path = tmp_path / name
    document = {
        "_id": ObjectId(),
        "order_id": Int64(7),
        "digest": "d",
        "total": Decimal128("10.00"),
        "at": datetime(2024, 3, 31, 1, 30, 0, 5000, tzinfo=UTC),
        "address": {"line\n": None, "€": [1, 2**40, True, Decimal128("1E+3")]},
    }
    odd = document | {"address": {"$oid": "no id", "$date": 5}}
    files.append(path, [document, odd])
    files.append(path, [document])
    whole = path.read_bytes()

    path.write_bytes(whole[:-5])
    assert list(files.orders(path)) == [document, odd]
    files.cut_torn_end(path)
    files.append(path, [odd])

    assert list(files.orders(path)) == [document, odd, odd]
    assert {type(each["order_id"]) for each in files.orders(path)} <= {Int64, int}
    path.write_bytes(whole[:20] + b"\0\0\0" + whole[23:])
    with pytest.raises(files.DamagedFile, match=r"before|behind"):
        list(files.orders(path))


def test_the_archive_is_dumped_added_to_and_loaded_by_its_stubs(orders, mirror, tmp_path, capsys):
    path = tmp_path / "archive.jsonl.gz"
    call_command("dump_archive", path)
    archive(orders[2])
    call_command("dump_archive", path)
    assert "1 archived orders added to 2, 0 bad." in capsys.readouterr().out
    lines = gzip.decompress(path.read_bytes()).splitlines()
    assert len(lines) == 3
    assert b'"$numberDecimal": "10.00"' in lines[0]

    mirror.delete_one({"order_id": orders[0].pk})
    mirror.update_one({"order_id": orders[1].pk}, {"$set": {"status": "pending"}})
    archive(orders[3])
    call_command("dump_archive", path)
    files.append(path, [mirror.find_one({"order_id": orders[4].pk})])
    call_command("load_archive", path)

    told = capsys.readouterr().out
    assert "2 documents written, 2 were there, 1 lines are of orders that are not archived" in told
    assert found() == ({}, [])
    relay.drain()
    assert reconcile.reconcile().rollups == []
    archive(orders[5])
    mirror.delete_one({"order_id": orders[5].pk})
    with pytest.raises(SystemExit):
        call_command("dump_archive", path)
    assert f"archived order {orders[5].pk}: its document is missing" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        call_command("load_archive", path)
    assert "1 archived orders are not in" in capsys.readouterr().out


def test_a_backup_that_cannot_be_made_or_loaded_says_why(orders, tmp_path, settings):
    (tmp_path / "bad.jsonl").write_text('{"order_id": 1}\n')
    for name in ("load_archive", "dump_archive"):
        with pytest.raises(CommandError, match="no order's document"):
            call_command(name, tmp_path / "bad.jsonl")
    with pytest.raises(CommandError, match="No such file"):
        call_command("load_archive", tmp_path / "none.jsonl")
    with pytest.raises(CommandError, match="pg_dump: "):
        call_command("dump_archive", tmp_path / "a.jsonl", pg_dump=tmp_path / "no" / "folder")
    settings.MONGODB_URL = "mongodb://127.0.0.1:9/shop?serverSelectionTimeoutMS=50"
    with pytest.raises(CommandError, match="not complete"):
        call_command("dump_archive", tmp_path / "a.jsonl")


def test_postgresql_older_than_the_mirror(orders, mirror, staff, place, now, tmp_path, capsys):
    """Since the dump orders were changed, cancelled, deleted, archived and placed, and people signed in."""
    changed, cancelled, deleted, archived, late, same = orders[2:]
    sign_in(staff, now - timedelta(hours=2))
    relay.drain()
    change_status(late, to="shipped", by=staff, at=now)  # still to be delivered when the dump is taken
    call_command("dump_archive", tmp_path / "archive.jsonl", pg_dump=tmp_path / "shop.dump")
    change_status(changed, to="shipped", by=staff, at=now)
    cancel_order(cancelled, by=staff, at=now)
    Order.objects.filter(pk=deleted.pk).delete()
    change_status(late, to="delivered", by=staff, at=now + timedelta(seconds=1))
    placed = [place(ProductFactory(), customer=same.customer) for _ in range(3)]
    sign_in(staff, now - timedelta(hours=1))
    relay.drain()
    archive(archived)
    last_event = Event.objects.latest("event_id").pk

    with restored.postgres(tmp_path / "shop.dump"):
        differences, people = found()
        lost = {order.pk for order in placed}
        assert {changed.pk, cancelled.pk, deleted.pk, late.pk} | lost <= differences.keys()
        assert not differences.keys() & {order.pk for order in [same, *orders[:2]]}
        assert all("PostgreSQL knows no such order" in differences[number] for number in lost)
        assert people == [f"activity {last_event}: PostgreSQL knows no such event"]

        call_command("reconcile", repair=True, older_postgres=True, keep=tmp_path / "lost.jsonl")

        assert found() == ({}, [])
        assert "0 differ." in capsys.readouterr().out
        assert lost <= {document["order_id"] for document in files.orders(tmp_path / "lost.jsonl")}
        assert Event.objects.filter(kind=Kind.SIGNED_IN).count() == 2
        anew = place(ProductFactory(), customer=same.customer)
        assert anew.pk > max(lost) + numbers.GAP - 1
        sign_in(staff, now)
        relay.drain()
        assert found() == ({}, [])
        assert mirror.find_one({"order_id": anew.pk})["rev"] == 1
        call_command("load_archive", tmp_path / "archive.jsonl")
    assert Order.objects.filter(pk__in=lost).count() == 3


def test_mongodb_older_than_postgresql(orders, mirror, staff, place, now, tmp_path, capsys):
    """Since the copy orders were changed, deleted, archived and placed, and people signed in."""
    changed, deleted, archived, *_ = orders[2:]
    sign_in(staff, now - timedelta(hours=2))
    relay.drain()
    copy = restored.copy_of_mongodb()
    change_status(changed, to="shipped", by=staff, at=now)
    change_status(archived, to="shipped", by=staff, at=now)
    Order.objects.filter(pk=deleted.pk).delete()
    placed = place(ProductFactory())
    sign_in(staff, now - timedelta(hours=1))
    relay.drain()
    archive(archived)
    call_command("dump_archive", tmp_path / "archive.jsonl")
    last_event = Event.objects.latest("event_id").pk

    copy[mongo.ORDER_HISTORY] = [each for each in copy[mongo.ORDER_HISTORY] if each["order_id"] != orders[0].pk]
    restored.bring_back(copy)
    differences, people = found()

    assert differences.keys() == {changed.pk, deleted.pk, placed.pk, archived.pk, orders[0].pk}
    assert differences[orders[0].pk] == f"archived order {orders[0].pk}: missing in the mirror"
    assert "archived order" in differences[archived.pk]
    assert people == [f"activity {last_event}: missing in the mirror"]
    with pytest.raises(SystemExit):
        call_command("reconcile", repair=True)
    assert found()[0].keys() == {archived.pk, orders[0].pk}
    call_command("load_archive", tmp_path / "archive.jsonl")
    relay.drain()
    assert found() == ({}, [])
    call_command("reconcile")
    assert "0 differ." in capsys.readouterr().out


def test_a_number_that_was_given_twice_tells_of_both(mirror, staff, now):
    """The shop went on before anybody reconciled: MongoDB has an event under a number that PostgreSQL gave again."""
    sign_in(staff, now)
    relay.drain()
    log = mongo.for_writing(mongo.ACTIVITY_LOG)
    event = Event.objects.get(kind=Kind.SIGNED_IN)
    lost = {**log.find_one({"event_id": event.pk}), "actor": "Lost", "recorded_at": now - timedelta(days=1)}
    log.replace_one({"event_id": event.pk}, lost)
    assert [each.what for each in reconcile.reconcile().activity] == ["another event in PostgreSQL"]

    call_command("reconcile", repair=True, older_postgres=True)

    names = {document["actor"] for document in log.find({"kind": "signed_in"})}
    assert names == {"Lost", "Sam"}
    assert set(Event.objects.filter(kind=Kind.SIGNED_IN).values_list("actor_name", flat=True)) == names
    log.update_one({"event_id": event.pk}, {"$set": {"actor": "Mallory"}})
    assert [each.what for each in reconcile.reconcile().activity] == ["not as PostgreSQL says"]
    log.insert_one({**lost, "_id": ObjectId()})
    log.insert_one({**lost, "_id": numbers_id(10**9), "event_id": 10**9})
    call_command("reconcile", repair=True)
    assert found() == ({}, [])
    assert log.count_documents({"kind": "signed_in"}) == 2


def numbers_id(number: int) -> ObjectId:
    return ObjectId(number.to_bytes(12, "big"))


def test_a_change_joins_no_event_of_another_cluster(place, now):
    order = place(at=now)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL history.capture = 'off'")
        cursor.execute("UPDATE history_events SET transaction_id = pg_current_xact_id()::text::bigint")
        cursor.execute("SET LOCAL history.capture = 'on'")
        OrderItem.objects.filter(order=order).update(quantity=5, price=Decimal("2.00"))

    assert [event.kind for event in Event.objects.of_order(order.pk)] == ["placed", "items"]
