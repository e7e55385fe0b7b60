"""What PostgreSQL has of orders and a document does not hold is not lost: nothing is archived until it is held."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from history.archive import back, columns, daily, leave
from history.archive.back import NotRestorable
from history.archive.columns import NotArchivable
from history.mirror import documents, relay
from history.models import ArchivedOrder
from orders.models import Mail, Order
from orders.services import cancel_order

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def old(place, now, mirror):
    at = now - timedelta(days=400)
    order = place(at=at)
    cancel_order(order, by=order.customer, at=at)
    Mail.objects.update(due_at=None)
    relay.drain()
    return order


@pytest.fixture
def alter():
    """Change the tables for one test."""
    undo = []

    def change(statement, undone):
        undo.insert(0, undone)
        execute(statement)

    yield change
    for statement in undo:
        execute(statement)


def execute(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_the_archive_holds_all_columns_of_now():
    assert columns.unknown() == []


@pytest.mark.parametrize("table", columns.HELD)
def test_an_order_stays_while_a_column_would_be_lost(table, old, now, alter, capsys):
    alter(f"ALTER TABLE {table} ADD gift text DEFAULT 'yes'", f"ALTER TABLE {table} DROP gift")
    sentence = f"the archive does not hold the column {table}.gift"

    with pytest.raises(NotArchivable, match=sentence):
        leave.archive([old.pk], at=now)
    for arguments in ([], ["--dry-run"]):
        with pytest.raises(CommandError, match=sentence):
            call_command("archive_orders", "--before", "2100-01-01", *arguments)
    with pytest.raises(SystemExit):
        call_command("reconcile")

    assert sentence in capsys.readouterr().out
    assert Order.objects.filter(pk=old.pk).exists()
    assert not ArchivedOrder.objects.exists()


@pytest.mark.parametrize("table", columns.HELD)
def test_an_order_stays_while_a_table_of_it_would_be_lost(table, old, now, alter):
    alter(f"CREATE TABLE gifts (gift bigint REFERENCES {table})", "DROP TABLE gifts")

    with pytest.raises(NotArchivable, match=f"the archive does not hold the table gifts, which refers to {table}"):
        leave.archive([old.pk], at=now)


def test_a_generated_column_comes_back_by_itself(old, now, alter):
    alter(
        "ALTER TABLE orders ADD doubled numeric GENERATED ALWAYS AS (total_amount * 2) STORED",
        "ALTER TABLE orders DROP doubled",
    )

    assert leave.archive([old.pk], at=now).archived == 1


def test_the_relay_goes_on_and_says_it_once_a_day(old, alter, settings, caplog):
    settings.ARCHIVE_AFTER_DAYS = 30
    alter("ALTER TABLE orders ADD gift text", "ALTER TABLE orders DROP gift")
    archiver = daily.Daily()

    with caplog.at_level(logging.ERROR):
        archiver()
        archiver()

    assert [record.message for record in caplog.records] == [
        "Orders are not archived: the archive does not hold the column orders.gift"
    ]


def test_an_order_does_not_come_back_where_a_column_of_its_document_is_missing(old, now, mirror):
    leave.archive([old.pk], at=now)
    document = mirror.find_one({"order_id": old.pk}) | {"gift": "yes"}
    document["products"][0]["wrapped"] = True
    document["digest"] = documents.digest(document)
    mirror.replace_one({"order_id": old.pk}, document)
    ArchivedOrder.objects.update(sha256=document["digest"])

    with pytest.raises(NotRestorable, match=r"no column for: order_items\.wrapped, orders\.gift\."):
        back.restore(old.pk, by=None, at=now)

    assert not Order.objects.filter(pk=old.pk).exists()
