"""CSV that a spreadsheet shows and does not calculate, whatever it takes for the separator."""

from __future__ import annotations

import ast
import csv
import io
import random
from decimal import Decimal

import pytest

from core import csv_output
from tests.config.processes import ROOT

FORMULAS = "=+-@＝＋－＠"
HOSTILE = [
    "=1+1",
    "x;=cmd|' /C calc'!A0",
    "x; =1",
    'x;"=1',
    "x\t=1",
    "two\nlines\n-1",
    "\ttab",
    '\r\n"=1"',
    " =1",
    "'=1",
    "''",
    "it's; 'quoted'",
    "＝1",
    "a;;=1",
    "Ünï × 漢",
]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("text", HOSTILE)
def test_no_cell_is_a_formula_under_any_separator(separator, text):
    body = "".join(csv_output.lines([["first", text, "last"], [text, text, text]])).removeprefix(csv_output.BOM)

    # As lenient readers do: with the quotes they know, and with none.
    for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
        for row in csv.reader(io.StringIO(body, newline=""), delimiter=separator, quoting=quoting):
            for cell in row:
                assert not cell.strip(' "\u00a0').startswith(tuple(FORMULAS)), row


def test_what_was_escaped_comes_back():
    chance = random.Random(7)
    texts = HOSTILE + ["".join(chance.choices("ab;,\t\r\n'\" =-+@", k=8)) for _ in range(20_000)]

    assert [csv_output.unescape(csv_output.escape(text)) for text in texts] == texts


@pytest.mark.parametrize("typed", ["'00123", '="00123"'])
def test_text_that_people_keep_spreadsheets_from_reading_as_a_number_is_its_text(typed):
    assert csv_output.unescape(typed) == "00123"


def test_a_file_begins_with_one_mark_and_quotes_every_cell():
    rows = [["name", "stock"], ["Lamp, large", -3], [None, Decimal("-1.50")], [csv_output.Plain("-2"), "x"]]

    assert "".join(csv_output.lines(rows)) == (
        '\ufeff"name","stock"\r\n"Lamp, large","-3"\r\n"","-1.50"\r\n"-2","x"\r\n'
    )
    assert list(csv_output.lines([])) == []


def test_nothing_else_writes_csv():
    writers = {
        str(path.relative_to(ROOT))
        for folder in ("config", "users", "catalog", "orders", "history", "core")
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("csv.writer", "csv.DictWriter")
    }

    assert writers == {"core/csv_output.py"}
