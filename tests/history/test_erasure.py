"""Erasing people: nothing of them is left in either store, everything of everybody else is, and no figure changes."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
from datetime import timedelta

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from history import faults, mongo, upkeep
from history.archive import back, leave, marks
from history.erasure import certificate, erase
from history.mirror import reconcile, relay
from history.models import ArchivedOrder, Event
from orders import erasing
from orders.models import Order
from orders.notes import add_note
from tests.config.processes import ROOT, database_url
from tests.factories import ProductFactory, StaffFactory
from tests.history.traces import Shop, in_mongodb, in_postgresql, mark, marks_in
from users.models import Erasure, User

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = 50
REPORTS = ("sales", "products", "customers", "status", "retention", "orders", "trust")


def archive(order):
    outcome = leave.archive([order.pk], at=timezone.now())
    assert outcome.archived == 1, outcome
    marks.drain()


@pytest.fixture
def shop(mirror, now):
    return Shop(ProductFactory(stock=10_000), StaffFactory(name="Sam Staff"), now - timedelta(days=40))


def figures(client):
    """What every report says, but for the names of customers."""
    found = {}
    for name in REPORTS:
        answer = client.get(f"{reverse(f'reports:{name}')}?period=all&format=csv")
        rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert rows, name
        found[name] = [{column: cell for column, cell in row.items() if column != "customer"} for row in rows]
    return found


def erase_all(*people, **options):
    call_command("erase_user", *(str(user.pk) for user in people), **options)


def is_equal():
    found = reconcile.reconcile()
    return (found.differences, found.rollups) == ([], [])


@pytest.mark.timeout(300)
def test_nothing_is_left_of_25_and_all_of_the_other_25(shop, client, capsys):
    client.force_login(shop.staff)
    people = [shop.person(number) for number in range(PEOPLE)]
    lives = [shop.life(user) for user in people]
    for number, user in enumerate(people):
        shop.tell_of(user, lives[number - 1][0])
    relay.drain()
    for number in range(0, PEOPLE, 4):
        for order in lives[number] + lives[number + 1]:
            archive(order)
    everybody, gone = {*range(PEOPLE)}, {*range(0, PEOPLE, 2)}
    assert marks_in(in_postgresql(), PEOPLE) == marks_in(in_mongodb(), PEOPLE) == everybody
    before = figures(client)

    erase_all(*(people[number] for number in sorted(gone)))

    assert marks_in(in_postgresql(), PEOPLE) == marks_in(in_mongodb(), PEOPLE) == everybody - gone
    assert figures(client) == before
    assert is_equal()
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {each["user_id"] for each in told} == {people[number].pk for number in gone}
    assert [each["sha256"] for each in told] == [certificate.sha256(each) for each in Erasure.objects.finished()]
    assert {"orders", "history_events", "refunds", "order_history", "activity_log"} <= {
        name for each in told for name in each["counts"]
    }
    erased = User.objects.get(pk=people[0].pk)
    assert (erased.name, erased.is_active) == (f"Erased customer {erased.pk}", False)
    assert not erased.has_usable_password()


class Died(BaseException):
    """The end at a fault point; what was open in PostgreSQL is rolled back, as it is when a process is killed."""


def die():
    raise Died


def killed(user, point):
    """The exit code of `manage.py erase_user`, a process of its own that kills itself there."""
    process = subprocess.run(
        [sys.executable, "manage.py", "erase_user", str(user.pk)],
        check=False,
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": database_url(), "MONGODB_URL": settings.MONGODB_URL, "FAULT_POINT": point},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
    )
    return process.returncode


def test_whoever_dies_at_any_point_it_comes_to_the_same_end(shop, monkeypatch):
    """They are named in each other's archived orders: one is half done while another is begun."""
    points = faults.ERASE_POINTS
    people = [shop.person(number) for number in range(len(points) + 2)]
    lives = [shop.life(user) for user in people]
    for number, user in enumerate(people):
        shop.tell_of(user, lives[number - 1][0])
    relay.drain()
    for life in lives:
        archive(life[0])
    *struck, other = people

    monkeypatch.setattr(faults, "_pass", die)
    for user, point in zip(struck, points, strict=False):
        monkeypatch.setattr(faults, "_armed", point)
        with pytest.raises(Died):
            erase_all(user)
    monkeypatch.undo()
    assert killed(struck[-1], "erase: after stubs") == -signal.SIGKILL
    assert Erasure.objects.under_way().count() == len(struck)
    assert ArchivedOrder.objects.count() == len(people)

    erase_all(*struck)

    assert marks_in(in_postgresql(), len(people)) == marks_in(in_mongodb(), len(people)) == {len(struck)}
    assert is_equal()
    assert Erasure.objects.finished().filter(found={}).count() == len(struck)
    assert Event.objects.filter(kind="erased", subject="user").count() == len(struck)
    assert User.objects.get(pk=other.pk).is_active


def test_a_relay_carries_out_what_was_confirmed_a_minute_ago(shop, now):
    user, boss = shop.person(0), StaffFactory()
    shop.life(user)
    relay.drain()
    erasing.confirm(erasing.ask(user.pk, by=shop.staff, at=now), by=boss, at=now)

    assert upkeep.carry_on(at=now + timedelta(seconds=30)) == 0
    assert marks_in(in_mongodb(), 1) == {0}
    finished = []
    for _ in range(4):
        finished.append(upkeep.carry_on(at=now + timedelta(minutes=2)))
        relay.drain()

    assert sum(finished) == 1
    assert marks_in(in_postgresql(), 1) == marks_in(in_mongodb(), 1) == set()
    told = Erasure.objects.get()
    assert (told.asked_by, told.confirmed_by, told.confirmed_by_name) == (shop.staff.pk, boss.pk, str(boss))


def test_what_comes_in_meanwhile_goes_too(shop, now):
    """A request that began before the account was shut, an order that plain SQL brings back, and a late note."""
    user = shop.person(0)
    order = shop.life(user)[0]
    relay.drain()
    erasure = erasing.confirm(erasing.ask(user.pk, by=None, by_name="x", at=now), by=None, by_name="x", at=now)

    first = erase.advance(erasure, at=now)
    relay.drain()
    archive(order)
    back.restore(order.pk, by=shop.staff, at=now)
    order.refresh_from_db()
    add_note(order, text=mark(0), to_customer=False, seen_rev=order.rev, by=shop.staff, at=timezone.now())
    relay.drain()
    second = erase.advance(erasure, at=now)
    waiting = erase.advance(erasure, at=now)
    relay.drain()

    assert (first.is_finished, second.is_finished, waiting.is_finished) == (False, False, False)
    assert (second.changed["history_events"], waiting.behind) == (1, [order.pk])
    assert erase.advance(erasure, at=now).is_finished
    assert marks_in(in_postgresql(), 1) == marks_in(in_mongodb(), 1) == set()


def test_with_mongodb_away_it_goes_on_later(shop, settings, now):
    user = shop.person(0)
    shop.life(user)
    relay.drain()
    url, settings.MONGODB_URL = settings.MONGODB_URL, "mongodb://127.0.0.1:9/shop"
    settings.MONGODB_CONNECT_TIMEOUT_MS = 100
    with pytest.raises(CommandError, match="MongoDB does not answer"):
        erase_all(user)

    settings.MONGODB_URL = url
    erase_all(user)

    assert marks_in(in_postgresql(), 1) == marks_in(in_mongodb(), 1) == set()


def test_after_an_old_backup_the_certificates_say_whom_to_erase_again(shop, tmp_path, capsys):
    users = [shop.person(number) for number in range(2)]
    orders = [shop.life(user)[0] for user in users]
    relay.drain()
    archive(orders[0])
    old = list(mongo.for_writing().find({"order_id": orders[0].pk}))
    stub = ArchivedOrder.objects.get()
    erase_all(users[0])
    file = tmp_path / "certificates"
    file.write_text(capsys.readouterr().out)

    # As it was before, in both stores, and the certificate is gone with the rest; then in MongoDB alone.
    for brings_stub in (True, False):
        mongo.for_writing().replace_one({"order_id": orders[0].pk}, old[0])
        if brings_stub:
            stub.save()
            Erasure.objects.all().delete()
        call_command("erase_user", again=str(file))

        assert marks_in(in_mongodb(), 2) == marks_in(in_postgresql(), 2) == {1}
        assert is_equal()
    call_command("erase_user", again="")
    assert capsys.readouterr().out.splitlines()[-1] == f"account {users[0].pk}: nothing to erase"


def test_a_damaged_document_stays_known_as_damaged(shop):
    user = shop.person(0)
    order = shop.life(user)[0]
    relay.drain()
    archive(order)
    mongo.for_writing().update_one({"order_id": order.pk}, {"$set": {"status": "paid"}})

    erase_all(user)

    assert marks_in(in_mongodb(), 1) == set()
    assert [each.order_id for each in reconcile.reconcile().differences] == [order.pk]


def test_orders_that_changed_hands_lose_only_what_names_the_person(shop):
    user, heir = shop.person(0), shop.person(1)
    _, again = shop.life(user)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE orders SET user_id = %s WHERE order_id = %s", [heir.pk, again.pk])
        # A number that was free again is another order's now.
        gone = Event.objects.get(kind="deleted", changes__order__0__user_id=user.pk).order_id
        cursor.execute(
            "INSERT INTO orders (order_id, user_id, total_amount, status, shipping_address, change_note) "
            """VALUES (%s, %s, 1, 'delivered', '{"name": "tok01x"}', 'tok01x')""",
            [gone, heir.pk],
        )
    relay.drain()

    erase_all(user)

    assert Order.objects.get(pk=gone).shipping_address == {"name": "tok01x"}
    assert Order.objects.get(pk=gone).change_note == "tok01x"
    assert Order.objects.get(pk=again.pk).shipping_address == {
        "name": "(erased)", "line1": "(erased)", "city": "Springfield", "country": "Utopia"
    }  # fmt: skip
    assert is_equal()


def test_money_in_the_log_stays_as_exact_as_it_is(shop):
    user = shop.person(0)
    order = shop.life(user)[0]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE orders SET total_amount = 12.50 WHERE order_id = %s", [order.pk])
        cursor.execute(
            """UPDATE orders SET total_amount = 0.10, shipping_address = '{"name": "tok00x Person", "n": 1.10}'
            WHERE order_id = %s""", [order.pk],
        )  # fmt: skip
    erase_all(user)

    with connection.cursor() as cursor:
        cursor.execute("SELECT changes::text FROM history_events WHERE order_id = %s ORDER BY rev", [order.pk])
        *_, last, erased = [changes for (changes,) in cursor.fetchall()]
    assert last == '{"total_amount": [12.50, 0.10], "shipping_address": [{}, {}]}'
    assert erased == "{}"
