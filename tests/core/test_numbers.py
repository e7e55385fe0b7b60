"""Numbers as people write them, in English and in German."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from core.number_fields import MoneyField, WholeNumberField
from core.numbers import NumberError, parse_number

READ = {
    "0": "0", "007": "7", "12": "12", " 12 ": "12", "\xa012\u202f": "12", "-3": "-3", "1000": "1000",
    "1.234.567": "1234567", "1,234,567": "1234567", "1 000": "1000", "1\xa0000": "1000", "1'000": "1000",
    "12.5": "12.5", "12,5": "12.5", "12.50": "12.50", "0,99": "0.99", ".5": "0.5", "-0,5": "-0.5",
    "1.234,50": "1234.50", "1,234.50": "1234.50", "1’234.50": "1234.50", "1 234,5": "1234.5", "1234,56": "1234.56",
}  # fmt: skip
AMBIGUOUS = ["1.000", "1,000", "12.345", "999,999", "-1.000"]
REFUSED = [
    "", " ", "-", "+5", "--5", "5-", "1e3", "1E3", "NaN", "nan", "sNaN", "Infinity", "-inf", "0x10", "1_000", "٣",
    "１２", "1\n000", "²", "½", "1.", ",", "1..5", "1.5.5", "1,5,5",
    "1.00.000", "1,23,456", "1.234.5", "1,234,56", "1.234.567.89",
    "1 000 00", "1.234 567", "€ 5", "5 EUR", "five", "1\x005", "12.500", "0.125", "1234.500", "12.345,678", "9" * 41,
]  # fmt: skip


def test_a_number_is_read_in_both_notations():
    assert {text: parse_number(text, decimals=2) for text in READ} == {
        text: Decimal(told) for text, told in READ.items()
    }


def test_money_beyond_all_sums_is_refused_by_its_field():
    with pytest.raises(ValidationError, match="no more than 10 digits"):
        MoneyField(max_digits=10, decimal_places=2).clean("9" * 30)


@pytest.mark.parametrize("text", [*AMBIGUOUS, *REFUSED])
def test_anything_else_is_refused(text):
    with pytest.raises(NumberError):
        parse_number(text, decimals=2)


@pytest.mark.parametrize("text", [*AMBIGUOUS, *REFUSED, "5.0", "5,5", ".5", "1,234.50"])
def test_a_whole_number_has_no_decimals(text):
    with pytest.raises(NumberError):
        parse_number(text, decimals=0)


def test_the_message_says_what_to_write():
    for text, message in {
        "1.000": "“1.000” is ambiguous. Write 1000 without a separator, or at most two decimals.",
        "ten": "“ten” is not a number. Write it like 1234.50.",
        "1.2345": "“1.2345” has more than 2 decimals.",
    }.items():
        with pytest.raises(NumberError, match=f"^{message}$"):
            parse_number(text, decimals=2)


def test_fields_read_what_the_parser_reads():
    assert MoneyField(max_digits=10, decimal_places=2).clean("1.234,50") == Decimal("1234.50")
    assert WholeNumberField().clean("1.234.567") == 1234567
    assert WholeNumberField(required=False).clean("  ") is None
    assert WholeNumberField(required=False).clean(12) == 12
    for field in (MoneyField(decimal_places=2), WholeNumberField()):
        for text in ("1.000", "1e3", "٣", "", " "):
            with pytest.raises(ValidationError):
                field.clean(text)
