"""Erasing people: what the database refuses meanwhile, who is not erased, and that every column is thought of."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection
from pymongo.errors import PyMongoError

from history import triggers
from history.erasure import erase
from history.erasure.person import Person, Whose, telling
from history.erasure.tables import TABLES
from history.mirror import relay
from history.models import Event
from tests.factories import ProductFactory, StaffFactory, UserFactory
from tests.history.traces import Shop, in_mongodb, in_postgresql, marks_in
from users.models import Erasure

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop(mirror, now):
    return Shop(ProductFactory(stock=10_000), StaffFactory(name="Sam Staff"), now - timedelta(days=40))


def erase_all(*people, **options):
    call_command("erase_user", *(str(user.pk) for user in people), **options)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE orders SET total_amount = 1",
        "UPDATE orders SET status = 'paid'",
        "DELETE FROM orders",
        "UPDATE order_items SET quantity = 9",
        "DELETE FROM order_items",
        "UPDATE history_events SET occurred_at = now()",
        "UPDATE history_events SET actor_id = 1",
        "UPDATE history_events SET status = 'paid', note = 'x'",
        "DELETE FROM history_events",
        "UPDATE stock_movements SET delta = 1, note = 'x'",
        "DELETE FROM stock_movements",
    ],
)
def test_erasing_can_change_no_figure(statement, place):
    place()

    refused = pytest.raises(IntegrityError, match=r"only change the words|append-only")
    with refused, triggers.erasing(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_words_of_the_log_and_the_ledger_change_only_while_erasing(place):
    order = place()
    for table in ("history_events", "stock_movements"):
        with pytest.raises(IntegrityError, match="append-only"), connection.cursor() as cursor:
            cursor.execute(f"UPDATE {table} SET actor_name = 'x'")
    with triggers.erasing(), connection.cursor() as cursor:
        cursor.execute("UPDATE history_events SET actor_name = 'x'; UPDATE stock_movements SET actor_name = 'x'")

    assert set(Event.objects.of_order(order.pk).values_list("actor_name", flat=True)) == {"x"}


def test_only_what_points_at_one_person_is_looked_for_elsewhere():
    person = Person(7)
    texts = ["Rose", "Rose Ann", "rose@shop.example", "5 a", "Mill Lane 5", "Erased customer 7", "(erased)",
             "closed-7@account.invalid", "Closed account"]  # fmt: skip

    words = telling(texts, person)

    assert words == ["Mill Lane 5", "Rose Ann", "rose@shop.example"]
    told = Person(7, words).cleaned({"note": "A rose for ROSE ANN, Rose Annabel (Rose@Shop.example)"}, Whose.OTHERS)
    assert told == {"note": "A rose for (erased), Rose Annabel ((erased))"}


# Columns of text or JSON in which nothing personal ever is, or that go with their row.
NOTHING_PERSONAL = {
    "auth_group", "auth_permission", "categories", "django_content_type", "django_migrations",
    "products",
    "product_sheets", "archived_orders", "every_order", "order_items", "erasures", "api_keys",
    "feed_events", "webhook_endpoints", "rate_counts", "old_category_slugs",
}  # fmt: skip
WHOLE_ROWS = {
    "account_emailaddress", "account_emailconfirmation", "addresses", "django_session", "mfa_authenticator",
    "usersessions_usersession", "users", "api_answers", "account_emails",
}  # fmt: skip
NOT_WORDS = {
    ("orders", "status"), ("cart_items", "guest_key"),
    ("history_events", "kind"), ("history_events", "status"), ("history_events", "request_id"), ("refunds", "items"),
    ("stock_movements", "reason"), ("order_mails", "status"), ("order_mails", "language"),
    ("django_admin_log", "object_id"), ("webhook_deliveries", "kind"), ("webhook_deliveries", "body"),
    ("parked_rows", "purpose"), ("parked_rows", "table_name"),
}  # fmt: skip


def test_every_column_that_can_tell_of_people_is_thought_of():
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT table_name, column_name FROM information_schema.columns
            WHERE table_schema = 'public' AND data_type IN ('text', 'character varying', 'jsonb', 'json', 'inet')"""
        )
        there = {(table, column) for table, column in cursor.fetchall() if table not in NOTHING_PERSONAL | WHOLE_ROWS}

    thought_of = {(table.name, column) for table in TABLES for column in (*table.columns, *table.json)}
    assert there - thought_of == NOT_WORDS


def test_who_cannot_be_erased_is_told_why(shop, place, capsys):
    buyer, clerk = place().customer, UserFactory(is_staff=True)

    with pytest.raises(SystemExit):
        erase_all(buyer, clerk)
    erase_all(buyer, dry_run=True)
    with pytest.raises(CommandError, match="Nobody has an account with the address x@y"):
        call_command("erase_user", "x@y")
    with pytest.raises(CommandError, match="Say whom"):
        call_command("erase_user")
    with pytest.raises(CommandError, match="is not a file of certificates"):
        call_command("erase_user", again="/nowhere")

    out, err = capsys.readouterr()
    assert f"account {buyer.pk} would be refused: Some of their orders are still open." in out
    told = err.splitlines()
    assert "orders are still open" in told[0]
    assert "staff are not erased" in told[1]
    assert not Erasure.objects.exists()


def test_a_dry_run_counts_and_changes_nothing(shop, capsys):
    user = shop.person(0)
    shop.life(user)
    relay.drain()
    before = in_postgresql()

    erase_all(user, dry_run=True)

    assert capsys.readouterr().out.startswith(f"account {user.pk}: activity_log ")
    assert in_postgresql() == before


def test_a_deleted_account_is_erased_by_its_number(shop):
    user = shop.person(0)
    number = user.pk
    user.delete()
    relay.drain()
    assert marks_in(in_postgresql(), 1) == marks_in(in_mongodb(), 1) == {0}

    call_command("erase_user", str(number))

    assert marks_in(in_postgresql(), 1) == marks_in(in_mongodb(), 1) == set()


def test_reading_mongodb_fails_as_it_should(shop, settings):
    settings.MONGODB_URL = "mongodb://127.0.0.1:9/shop"
    with pytest.raises(PyMongoError):
        erase.words_of(1)
