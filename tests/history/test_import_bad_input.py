"""Whatever is wrong with an order book is said by file and line, and then nothing of it is imported."""

from __future__ import annotations

import gzip

import pytest

from catalog.models import Category, Product
from history.imports import files
from history.imports.book import import_orders
from history.imports.sheets import CannotBegin, ImportRefused
from history.models import Event
from orders.models import Order
from tests.history.order_book import OrderBook
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def book(tmp_path):
    return OrderBook(tmp_path / "book")


def refused(book):
    """Import, and return what was said against it; nothing may be there afterwards."""
    with pytest.raises(ImportRefused) as caught:
        import_orders(book.directory)
    assert not any(model.objects.exists() for model in (User, Product, Category, Order, Event))
    return caught.value.problems


AT = "2024-03-01T00:00:00Z"
LONG = "x" * 65

BAD_ROWS = [
    # users.csv, line 4
    ("users", f",Eve,{AT}", "email is empty"),
    ("users", f"eve,Eve,{AT}", "email 'eve' is not an e-mail address"),
    ("users", f"{'e' * 250}@mail.example,Eve,{AT}", "email is longer than 254 characters"),
    ("users", f"eve@mail.example,,{AT}", "name is empty"),
    ("users", f"eve@mail.example,{'E' * 201},{AT}", "name is longer than 200 characters"),
    ("users", "eve@mail.example,Eve,", "created_at '' is not an ISO 8601 time such as 2024-05-31T18:40:12Z"),
    ("users", f"ADA@mail.example,Ada,{AT}", "email 'ada@mail.example' is already on line 2"),
    # products.csv, line 4
    ("products", "PEN,Other pen,1,1,Office", "sku 'PEN' is already on line 3"),
    ("products", ",Cup,1,1,Home", "sku is empty"),
    ("products", f"{LONG},Cup,1,1,Home", "sku is longer than 64 characters"),
    ("products", "CUP,,1,1,Home", "name is empty"),
    ("products", "CUP,Cup,,1,Home", "price '' is no price such as 1234.50"),
    ("products", "CUP,Cup,NaN,1,Home", "price 'NaN' is no price such as 1234.50"),
    ("products", "CUP,Cup,Infinity,1,Home", "price 'Infinity' is no price such as 1234.50"),
    ("products", "CUP,Cup,1e5,1,Home", "price '1e5' is no price such as 1234.50"),
    ("products", 'CUP,Cup,"1,500",1,Home', "price '1,500' is no price such as 1234.50"),
    ("products", "CUP,Cup,١.٥,1,Home", "price '١.٥' is no price such as 1234.50"),
    ("products", "CUP,Cup,-0.01,1,Home", "price '-0.01' is negative"),
    ("products", "CUP,Cup,1.005,1,Home", "price '1.005' is no price such as 1234.50"),
    ("products", "CUP,Cup,100000000,1,Home", "price '100000000' is more than 99999999.99"),
    ("products", "CUP,Cup,1,-1,Home", "stock '-1' is less than 0"),
    ("products", "CUP,Cup,1,1.0,Home", "stock '1.0' is not a whole number"),
    ("products", "CUP,Cup,1,2147483648,Home", "stock '2147483648' is out of range"),
    ("products", f"CUP,Cup,1,{'9' * 5000},Home", f"stock '{'9' * 40}…' is out of range"),
    ("products", f"CUP,Cup,1,1,{'H' * 101}", "category is longer than 100 characters"),
    # orders.csv, line 4
    ("orders", f"R1,bob@mail.example,paid,{AT}", "order_ref 'R1' is already on line 2"),
    ("orders", f",ada@mail.example,paid,{AT}", "order_ref is empty"),
    ("orders", f"{LONG},ada@mail.example,paid,{AT}", "order_ref is longer than 64 characters"),
    ("orders", f"R3,,paid,{AT}", "user_email is empty"),
    ("orders", f"R3,eve@mail.example,paid,{AT}",
     "user_email 'eve@mail.example' is neither in users nor in the database"),
    ("orders", f"R3,ada@mail.example,lost,{AT}",
     "status 'lost' is not one of pending, paid, shipped, delivered, returned, cancelled"),
    ("orders", f"R3,ada@mail.example,Paid,{AT}",
     "status 'Paid' is not one of pending, paid, shipped, delivered, returned, cancelled"),
    ("orders", "R3,ada@mail.example,paid,2024-03-01T00:00:00",
     "created_at '2024-03-01T00:00:00' has no offset; write 2024-05-31T18:40:12Z or ...+02:00"),
    ("orders", "R3,ada@mail.example,paid,2024-03-01",
     "created_at '2024-03-01' has no offset; write 2024-05-31T18:40:12Z or ...+02:00"),
    ("orders", "R3,ada@mail.example,paid,2024-02-30T00:00:00Z",
     "created_at '2024-02-30T00:00:00Z' is not an ISO 8601 time such as 2024-05-31T18:40:12Z"),
    ("orders", "R3,ada@mail.example,paid,0001-01-01T00:00:00+14:00",
     "created_at '0001-01-01T00:00:00+14:00' is not between the years 1970 and 2100"),
    ("orders", "R3,ada@mail.example,paid", "3 columns, the header has 4"),
    ("orders", f"R3,ada@mail.example,paid,{AT},new", "5 columns, the header has 4"),
    ("orders", f'R3,"ada@mail.example,paid,{AT}',
     "has a quote that is not closed or not doubled, or a line break inside quotes"),
    ("orders", f"R\x003,ada@mail.example,paid,{AT}", "has a NUL or another control character"),
    ("orders", "R3,ada@mail.example,lost,never", "status 'lost' is not one of pending, paid, shipped, delivered,"
     " returned, cancelled; created_at 'never' is not an ISO 8601 time such as 2024-05-31T18:40:12Z"),
    ("orders", "R3,ada@mail.example,paid,2031-01-01T00:00:00Z", "created_at '2031-01-01T00:00:00Z' is in the future"),
    ("orders", f"R3,ada@mail.example,paid,{AT}", "the order has no items"),
    # order_items.csv, line 5
    ("order_items", "R9,PEN,1,1.00", "order_ref 'R9' is neither in orders nor in the database"),
    ("order_items", "R1,CUP,1,1.00", "sku 'CUP' is neither in products nor in the database"),
    ("order_items", "R1,PEN,0,1.00", "quantity '0' is less than 1"),
    ("order_items", "R1,PEN,-3,1.00", "quantity '-3' is less than 1"),
    ("order_items", "R1,PEN,1.5,1.00", "quantity '1.5' is not a whole number"),
    ("order_items", "R1,PEN,99999999999,1.00", "quantity '99999999999' is out of range"),
    ("order_items", "R1,PEN,1,-1.00", "price '-1.00' is negative"),
    # order_events.csv, line 7
    ("order_events", f"R9,paid,{AT}", "order_ref 'R9' is neither in orders nor in the database"),
    ("order_events", f"R1,gone,{AT}",
     "status 'gone' is not one of pending, paid, shipped, delivered, returned, cancelled"),
    ("order_events", "R1,paid,yesterday",
     "occurred_at 'yesterday' is not an ISO 8601 time such as 2024-05-31T18:40:12Z"),
    ("order_events", "R2,paid,2031-01-01T00:00:00Z", "occurred_at '2031-01-01T00:00:00Z' is in the future"),
    ("order_events", "R2,pending,2024-02-01T00:00:00Z", "occurred_at is before the order, placed on line 3"),
    ("order_events", "R1,paid,2024-02-01T12:00:00Z", "status 'paid' at this time is already on line 3"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "row", "reason"), BAD_ROWS, ids=[reason[:50] for _, _, reason in BAD_ROWS])
def test_a_bad_row_is_refused_by_file_and_line(book, name, row, reason):
    line = len(book.path(name).read_text().splitlines()) + 1
    book.add(name, row)

    assert refused(book) == [f"{name}.csv:{line}: {reason}"]


def test_bytes_that_are_not_utf8_are_refused(book, tmp_path):
    with book.path("products").open("ab") as file:
        file.write(b"CUP,Caf\xe9,1,1,Home\n")

    assert refused(book) == ["products.csv:4: is not UTF-8, save the file as CSV UTF-8"]

    import_orders(book.directory, skip_bad=True, rejects_to=tmp_path / "rejects.csv")
    assert "Caf\\udce9" in (tmp_path / "rejects.csv").read_text(encoding="utf-8")


def test_a_forgotten_quote_costs_its_own_line_only(book):
    book.write("order_items", ["order_ref,sku,quantity,price", 'R1,"LAMP,2,18.00', "R2,PEN,0,1.25"])

    problems = refused(book)

    assert [problem.split(": ")[0] for problem in problems] == ["order_items.csv:2", "order_items.csv:3"]


def test_an_order_whose_bad_row_cannot_be_read_does_not_come_in_by_half(book, tmp_path):
    book.replace("order_items", "R1,LAMP,2,18.00", 'R1,"LAMP,2,18.00')

    import_orders(book.directory, skip_bad=True, rejects_to=tmp_path / "rejects.csv")

    assert list(Order.objects.values_list("external_ref", flat=True)) == ["R2"]


def test_a_total_too_large_for_the_database_is_refused(book):
    book.add("order_items", "R1,PEN,2147483647,99999999.99")

    assert refused(book) == ["orders.csv:2: the total of its items is more than 9999999999.99"]


def test_a_line_longer_than_any_row_is_refused_and_the_next_one_is_still_its_own(book, monkeypatch):
    monkeypatch.setattr(files, "LONGEST_LINE", 1000)
    book.add("products", "x" * 5000, "CUP,Cup,abc,1,Home")

    assert refused(book) == [
        "products.csv:4: 1 columns, the header has 5",
        "products.csv:5: price 'abc' is no price such as 1234.50",
    ]


def test_a_status_that_the_events_have_passed_is_refused(book):
    book.replace("orders", "R1,ada@mail.example,delivered", "R1,ada@mail.example,paid")

    assert refused(book) == ["orders.csv:2: status 'paid' is not that of its last event, 'delivered'"]


def test_two_spellings_of_one_address_are_one_customer(book):
    book.add("users", f"ＡＤＡ@mail.example.,Ada,{AT}")

    assert refused(book) == ["users.csv:4: email 'ada@mail.example' is already on line 2"]


def test_a_refused_order_takes_no_blame_for_its_items(book):
    book.replace("orders", "R1,ada@mail.example,delivered", "R1,ada@mail.example,lost")

    assert len(refused(book)) == 1


@pytest.mark.parametrize("name", ["users", "products", "orders", "order_items", "order_events"])
def test_a_missing_file_is_named(book, name):
    book.path(name).unlink()

    assert refused(book) == [f"{name}.csv: neither it nor {name}.csv.gz is in {book.directory}"]


def test_every_missing_column_is_named_before_anything_is_read(book):
    book.replace("orders", "user_email", "customer")
    book.replace("order_items", "quantity,price", "amount,cost")
    book.write("order_events", [])

    assert refused(book) == [
        "orders.csv:1: the header has no column user_email",
        "order_items.csv:1: the header has no column quantity, price",
        "order_events.csv:1: the header has no column order_ref, status, occurred_at",
    ]


def test_a_column_that_is_there_twice_is_refused(book):
    book.replace("order_items", "order_ref,sku,quantity,price", "order_ref,sku,quantity,price,price")

    assert refused(book) == ["order_items.csv:1: the header has a column twice"]


def test_a_file_both_plain_and_packed_is_refused(book):
    text = book.path("users").read_bytes()
    book.pack("users")
    book.path("users").write_bytes(text)

    assert refused(book) == ["users.csv: users.csv.gz is there too; remove one of the two"]


def test_a_packed_file_that_breaks_off_is_refused(book):
    book.add("order_events", *(f"R1,paid,2024-02-01T10:{n // 60:02}:{n % 60:02}Z" for n in range(3000)))
    book.pack("order_events")
    packed = book.directory / "order_events.csv.gz"
    packed.write_bytes(packed.read_bytes()[:-200])

    [problem] = refused(book)

    assert problem.startswith("order_events.csv.gz:")
    assert "cannot be read on from here" in problem


def test_a_file_that_is_not_gzip_is_refused(book):
    book.pack("users")
    (book.directory / "users.csv.gz").write_bytes(b"email,name,created_at\n")

    assert refused(book)[0].startswith("users.csv.gz: cannot be read: ")


def test_a_damaged_packed_file_is_refused_with_skip_bad_too(book, tmp_path):
    book.pack("orders")
    packed = book.directory / "orders.csv.gz"
    packed.write_bytes(packed.read_bytes()[:-4] + b"\0\0\0\0")

    with pytest.raises(ImportRefused, match=r"orders\.csv\.gz"):
        import_orders(book.directory, skip_bad=True, rejects_to=tmp_path / "rejects.csv")

    assert not Order.objects.exists()


def test_a_directory_that_is_not_there_is_said_in_one_sentence(tmp_path):
    with pytest.raises(CannotBegin, match="is not a directory"):
        import_orders(tmp_path / "missing")


def test_problems_come_file_by_file_in_the_order_of_the_lines(book):
    book.add("order_events", f"R1,lost,{AT}", f"R1,lost,{AT}")
    book.add("users", f"bad,Bad,{AT}")

    assert [problem.split(": ")[0] for problem in refused(book)] == [
        "users.csv:4",
        "order_events.csv:7",
        "order_events.csv:8",
    ]


def test_gzip_of_several_members_is_read_to_its_end(book):
    text = book.path("users").read_bytes()
    book.path("users").unlink()
    (book.directory / "users.csv.gz").write_bytes(gzip.compress(text[:30]) + gzip.compress(text[30:]))

    assert import_orders(book.directory).written.users == 2
