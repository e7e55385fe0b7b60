"""Importing an order book: all of it or nothing, or the good part and a file of the rest; what the command says."""

from __future__ import annotations

import csv
import os
from decimal import Decimal
from io import StringIO

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from catalog.models import Category, Product
from history.imports import staging
from history.imports.book import import_orders
from history.imports.sheets import CannotBegin
from history.models import Event
from orders.models import Order, OrderItem
from tests.history.order_book import OrderBook
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def book(tmp_path):
    return OrderBook(tmp_path / "book")


def nothing_is_there():
    return not any(model.objects.exists() for model in (User, Product, Category, Order, OrderItem, Event))


def test_a_failure_at_the_very_end_leaves_nothing(book):
    # Deferred: the database finds it at COMMIT, after everything was written.
    with connection.cursor() as cursor:
        cursor.execute("""
            CREATE FUNCTION refuse_order() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = 'integrity_constraint_violation'; END $$;
            CREATE CONSTRAINT TRIGGER refuse_order AFTER INSERT ON orders DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW EXECUTE FUNCTION refuse_order();
        """)
    try:
        with pytest.raises(CommandError, match="Nothing was imported, the database refused it"):
            call_command("import_orders", book.directory)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION refuse_order CASCADE")

    assert nothing_is_there()


def test_two_imports_do_not_run_at_once(book):
    with psycopg.connect(os.environ["DATABASE_URL"], dbname=connection.settings_dict["NAME"]) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [staging.ADVISORY_LOCK])

        with pytest.raises(CommandError, match="Another import is running"):
            call_command("import_orders", book.directory)

    assert nothing_is_there()


def test_skip_bad_imports_the_good_orders_and_keeps_the_rest(book, tmp_path):
    book.add("order_items", "R2,PEN,0,1.50", "R9,PEN,1,1.50", "R1")
    book.add(
        "orders", "R3,eve@mail.example,pending,2024-03-01T00:00:00Z", "R4,ada@mail.example,paid,2024-03-01T00:00:00Z"
    )
    book.add("order_events", "R4,paid,2024-03-01T00:00:00Z")
    book.add("order_items", "R4,PEN,1,1.50")
    rejects = tmp_path / "rejects.csv"

    summary = import_orders(book.directory, skip_bad=True, rejects_to=rejects)

    assert list(Order.objects.values_list("external_ref", flat=True)) == ["R4"]
    assert User.objects.count() == 2
    assert (summary.orders_rejected, summary.written.orders) == (3, 1)
    with rejects.open(encoding="utf-8-sig", newline="") as file:
        rows = [tuple(row) for row in csv.reader(file)]
    assert rows[0] == ("file", "line", "reason", "row")
    assert [row[:3] for row in rows[1:]] == [
        ("orders.csv", "2", "another row of order 'R1' was refused"),
        ("orders.csv", "3", "another row of order 'R2' was refused"),
        ("orders.csv", "4", "user_email 'eve@mail.example' is neither in users nor in the database"),
        ("order_items.csv", "2", "another row of order 'R1' was refused"),
        ("order_items.csv", "3", "another row of order 'R1' was refused"),
        ("order_items.csv", "4", "another row of order 'R2' was refused"),
        ("order_items.csv", "5", "quantity '0' is less than 1"),
        ("order_items.csv", "6", "order_ref 'R9' is neither in orders nor in the database"),
        ("order_items.csv", "7", "1 columns, the header has 4"),
        *(("order_events.csv", str(line), "another row of order 'R1' was refused") for line in range(2, 6)),
        ("order_events.csv", "6", "another row of order 'R2' was refused"),
    ]
    assert rows[1][3] == "R1,ada@mail.example,delivered,2024-02-01T10:00:00Z"
    assert rows[9][3] == "R1"
    assert summary.rows_rejected == len(rows) - 1


def test_skip_bad_keeps_the_first_of_two_products_and_rejects_orders_of_refused_ones(book, tmp_path):
    book.add("products", "LAMP,Another lamp,1.00,1,Home", "CUP,Cup,-1,1,Home")
    book.add("orders", "R3,ada@mail.example,pending,2024-03-01T00:00:00Z")
    book.add("order_items", "R3,CUP,1,1.00")

    import_orders(book.directory, skip_bad=True, rejects_to=tmp_path / "rejects.csv")

    assert Product.objects.get(sku="LAMP").name == "Lamp"
    assert list(Order.objects.order_by("pk").values_list("external_ref", flat=True)) == ["R1", "R2"]
    assert "sku 'CUP' was refused in products" in (tmp_path / "rejects.csv").read_text()


def test_what_was_rejected_comes_in_once_it_is_mended(book, tmp_path):
    book.replace("order_items", "R2,PEN,10,1.25", "R2,PEN,ten,1.25")
    import_orders(book.directory, skip_bad=True, rejects_to=tmp_path / "rejects.csv")
    book.replace("order_items", "R2,PEN,ten,1.25", "R2,PEN,10,1.25")

    summary = import_orders(book.directory)

    assert (summary.written.orders, summary.skipped["orders"]) == (1, 1)
    assert Order.objects.get(external_ref="R2").total_amount == Decimal("12.50")


def test_the_rejects_are_never_written_over_a_file_of_the_book(book):
    book.add("orders", "R3,,pending,2024-03-01T00:00:00Z")

    with pytest.raises(CannotBegin, match="is one of the files to import"):
        import_orders(book.directory, skip_bad=True, rejects_to=book.path("orders"))

    assert nothing_is_there()


def test_rejects_that_cannot_be_written_stop_the_import(book, tmp_path):
    book.add("orders", "R3,,pending,2024-03-01T00:00:00Z")

    with pytest.raises(CommandError, match=r"Nothing was imported: .* cannot be opened"):
        call_command("import_orders", book.directory, skip_bad=True, rejects=tmp_path / "missing" / "rejects.csv")

    assert nothing_is_there()


def test_the_command_sums_up_what_it_did(book):
    out = StringIO()

    call_command("import_orders", book.directory, stdout=out)
    call_command("import_orders", book.directory, stdout=out)

    first, again = out.getvalue().split("MB of memory.\n")[:2]
    assert "orders                2 imported" in first
    assert "orders/s" in first
    assert "orders                0 imported, 2 already there" in again


def test_the_command_shows_the_first_hundred_problems_and_how_many_there_are(book):
    book.add("orders", *(f"N{n},ada@mail.example,lost,2024-03-01T00:00:00Z" for n in range(120)))
    err = StringIO()

    with pytest.raises(CommandError, match=r"120 problems \(the first 100 are shown\); nothing was imported\."):
        call_command("import_orders", book.directory, stderr=err)

    summary, *first = err.getvalue().splitlines()
    assert summary.startswith("120 × orders.csv:4: status 'lost' is not one of")
    assert len(first) == 100
    assert nothing_is_there()
