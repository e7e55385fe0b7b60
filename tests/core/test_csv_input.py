"""CSV as Excel, LibreOffice and people save it, read as one thing."""

from __future__ import annotations

import pytest

from core import csv_input
from core.csv_input import CsvError, Header

ROWS = [["sku", "name"], ["00123", "Lamp, large"], ["B", "two\nlines"]]
TEXT = 'sku,name\r\n00123,"Lamp, large"\r\nB,"two\nlines"\r\n'


def read(data: bytes) -> list[list[str]]:
    return [line.cells for line in csv_input.lines(csv_input.decode(data))]


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        TEXT.encode("utf-16-le"),
        TEXT.encode("utf-16-be"),
        TEXT.replace("\r\n", "\n").encode(),
        TEXT.replace("\r\n", "\r").encode(),
        b"\r\n\r\n" + TEXT.encode(),
        TEXT.replace("\r\n", "\r\n,,\r\n  \r\n").encode(),
        b"sep=,\r\n" + TEXT.encode(),
        b'sku;name\n00123;"Lamp, large"\nB;"two\nlines"\n',
        b'\xef\xbb\xbfsep=;\r\nsku;name\r\n00123;Lamp, large\r\nB;"two\nlines"',
        b'"sep=\t"\nsku\tname\n00123\tLamp, large\nB\t"two\nlines"',
        b"SEP=|\nsku|name\n00123|Lamp, large\nB|\"two\nlines\"\n",
        'sku\tname\r\n00123\tLamp, large\r\nB\t"two\nlines"\r\n'.encode("utf-16"),
        b'"sku","name"\n"00123","Lamp, large"\n"B","two\nlines"\n',
    ],
)  # fmt: skip
def test_every_usual_way_to_save_a_file_is_read(data):
    assert read(data) == ROWS


def test_lines_have_the_numbers_that_an_editor_shows():
    text = 'sep=;\r\nsku;name\r\n\r\nA;"two\nlines"\r\nB;x\r\n'

    assert [(line.number, line.end) for line in csv_input.lines(text)] == [(2, 2), (4, 5), (6, 6)]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("sku,name\nA,Café".encode("cp1252"), "line 2 has “sku,name A,Café”, which is probably Windows-1252"),
        (b"PK\x03\x04rest", "a workbook or an archive, not CSV"),
        (b"\xd0\xcf\x11\xe0rest", "a workbook or an archive, not CSV"),
        (b"sku,name\r\n" * 100 + b"A,b\0\r\n", "NUL characters"),
        (b'sku,name\nA,x\nB,"y\nC,z\n', "The row from line 3 to 4 is no CSV: a quotation mark is opened and never"),
        (b'sku,name\nA,"19" monitor"\n', "Line 2 is no CSV: a quotation mark within a quoted cell has to be written"),
        (b"sku,name\nA," + b"x" * 1_000_001, "Line 2 is no CSV"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place_and_reason(data, said):
    with pytest.raises(CsvError) as caught:
        read(data)

    assert said in str(caught.value)


def test_headers_in_any_spelling_are_the_columns():
    known = {"sku": "sku", "is_active": "is_active", "preis": "price"}

    header = Header.read([" SKU", "Is-Active ", "PREIS\u200b", "Colour", "", ""], known)

    assert (header.names, header.unknown) == (["sku", "is_active", "price", "Colour"], ["Colour"])
    assert header.row(["A", "1", "2", "red", "", " "]) == (
        {"sku": "A", "is_active": "1", "price": "2", "Colour": "red"},
        "",
    )
    assert header.row(["A", "1", "2", "red", "x"]) == ({}, "has 5 cells, and the first line 4 columns.")
    assert header.row(["A", "1", "2"]) == ({}, "has 3 cells, and the first line 4 columns.")
    with pytest.raises(CsvError, match="it has more than one price, sku"):
        Header.read(["sku", "SKU ", "price", "Preis"], known | {"price": "price"})


def test_a_column_without_a_name_is_empty():
    header = Header.read(["sku", "", "name"], {"sku": "sku", "name": "name"})

    assert header.row(["A", " ", "Lamp"]) == ({"sku": "A", "name": "Lamp"}, "")
    assert header.row(["A", "x", "Lamp"])[1] == "“x” stands in a column without a name."
