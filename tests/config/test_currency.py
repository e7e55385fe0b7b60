"""Amounts have the decimals of the shop's currency."""

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation

from config import environment
from config.templatetags.money import money
from core.number_fields import MoneyField
from core.numbers import NumberError, checked_money


@pytest.fixture
def yen(settings):
    settings.CURRENCY, settings.CURRENCY_DECIMALS = "JPY", 0


def test_a_currency_without_decimals_is_shown_without(yen):
    assert money(Decimal("1200.00")) == "¥1,200"
    assert money(Decimal("-5.00")) == "−¥5"
    # Nothing that is stored is hidden.
    assert money(Decimal("1200.50")) == "¥1,200.50"
    with translation.override("de"):
        assert money(Decimal("1200.00")) == "1.200\N{NO-BREAK SPACE}¥"


def test_a_currency_without_decimals_is_typed_without(yen):
    assert MoneyField().clean("1200") == MoneyField().clean("1200.00") == Decimal(1200)
    with pytest.raises(ValidationError, match="JPY has no decimals"):
        MoneyField().clean("1200.50")
    with pytest.raises(NumberError):
        checked_money(Decimal("0.5"))


def test_two_decimals_stay(settings):
    settings.CURRENCY, settings.CURRENCY_DECIMALS = "EUR", 2

    assert money(Decimal("1200.00")) == "€1,200.00"
    assert MoneyField().clean("0.55") == Decimal("0.55")


def test_currencies_of_three_decimals_are_refused():
    assert not {"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"} & environment.CURRENCIES
    assert environment.NO_DECIMALS <= environment.CURRENCIES
