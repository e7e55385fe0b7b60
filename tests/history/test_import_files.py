"""The files of an order book are read as spreadsheets save them."""

from __future__ import annotations

import gzip
from decimal import Decimal

import pytest

from catalog.models import Product
from history.imports.book import import_orders
from history.imports.sheets import SHEETS, ImportRefused
from orders.models import Order, OrderItem
from tests.history.order_book import OrderBook
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def book(tmp_path):
    return OrderBook(tmp_path / "book")


def semicolons(text):
    return text.replace(",", ";")


def tabs(text):
    return text.replace(",", "\t")


def with_separator_line(text):
    return "sep=;\n" + semicolons(text)


def with_empty_cells(text):
    lines = [f"{line},," for line in text.splitlines()]
    return "\n".join([*lines, ",,,,,,,", "", ",,,"]) + "\n"


def with_longer_rows(text):
    header, *lines = text.splitlines()
    return "\n".join([header, *(f"{line},,," for line in lines)]) + "\n"


def in_capitals(text):
    header, newline, rest = text.partition("\n")
    return header.upper().replace("_", " ") + newline + rest


def with_other_columns(text):
    header, *lines = text.splitlines()
    return "\n".join([f"Colour,,{header}", *(f"red,,{line}" for line in lines)]) + "\n"


def after_empty_lines(text):
    return f"\n\n{text}"


def with_carriage_returns(text):
    return text.replace("\n", "\r")


SHAPES = [
    semicolons, tabs, with_separator_line, with_empty_cells, with_longer_rows, in_capitals, with_other_columns,
    after_empty_lines, with_carriage_returns,
]  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_book_is_read_as_spreadsheets_save_it(book, shape, encoding):
    book.replace("users", "Ada", "Ada Üñï")
    for sheet in SHEETS:
        path = book.path(sheet.name)
        path.write_bytes(shape(path.read_text(encoding="utf-8")).replace("\n", "\r\n").encode(encoding))
        if sheet.name == "orders":
            book.pack(sheet.name)

    import_orders(book.directory)

    assert Order.objects.count() == 2
    assert OrderItem.objects.count() == 3
    assert User.objects.get(email="ada@mail.example").name == "Ada Üñï"


def test_lines_are_numbered_as_an_editor_numbers_them(book):
    path = book.path("orders")
    path.write_text("sep=;\n\n" + semicolons(path.read_text()) + "R3;;paid;2024-03-01T00:00:00Z\n")

    with pytest.raises(ImportRefused) as caught:
        import_orders(book.directory)

    assert caught.value.problems == ["orders.csv:6: user_email is empty"]


def test_a_workbook_is_refused_with_what_to_do(book):
    book.path("orders").write_bytes(b"PK\x03\x04" + bytes(500))

    with pytest.raises(
        ImportRefused, match=r"orders\.csv:1: The file is a workbook or an archive, not CSV\. Save it as"
    ):
        import_orders(book.directory)


def test_prices_are_read_as_spreadsheets_of_any_language_write_them(book):
    book.add("products", 'DEAR,Dear,"1.234,50",1,', "ROUND,Round,5,1,")

    import_orders(book.directory)

    prices = dict(Product.objects.values_list("sku", "price"))
    assert (prices["DEAR"], prices["ROUND"]) == (Decimal("1234.50"), Decimal("5.00"))


def test_a_sku_has_one_spelling(book):
    book.add("products", "A  1,Cup,1,1,", "\u00a0B\u200b1 ,Mug,1,1,")
    book.add("order_items", "R2,A 1,1,1.00", "R2,B1,1,1.00")

    import_orders(book.directory)

    assert set(Product.objects.values_list("sku", flat=True)) == {"LAMP", "PEN", "A 1", "B1"}


def test_one_sku_in_two_spellings_is_refused(book):
    book.add("products", "\u00a0PEN\u200b,Pen,1,1,")

    with pytest.raises(ImportRefused, match="sku 'PEN' is already on line 3"):
        import_orders(book.directory)


def test_a_packed_file_of_utf_16_is_read(book):
    path = book.path("users")
    (book.directory / "users.csv.gz").write_bytes(gzip.compress(tabs(path.read_text()).encode("utf-16")))
    path.unlink()

    assert import_orders(book.directory).written.users == 2
