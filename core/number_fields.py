"""Form fields for numbers that people type: money and whole numbers, read by core.numbers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms

from core.numbers import NumberError, checked_money, parse_number


class NumberTextInput(forms.TextInput):
    """Sends what was typed: a browser's number box may turn 1.000 into 1 before anybody can refuse it."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"inputmode": "decimal", "class": "vIntegerField", **(attrs or {})})


class WholeNumberField(forms.IntegerField):
    widget = NumberTextInput

    def __init__(self, *, max_value: int = 2**63 - 1, **kwargs: Any) -> None:
        super().__init__(max_value=max_value, **kwargs)  # what the database holds

    def to_python(self, value: Any) -> int | None:
        number = _parse(self, value, decimals=0)
        return super().to_python(number if number is None else int(number))


class MoneyField(forms.DecimalField):
    """An amount with at most decimal_places decimals as typed; two unless said."""

    widget = NumberTextInput

    def to_python(self, value: Any) -> Decimal | None:  # type: ignore[override]  # as Django's own does
        amount = super().to_python(
            _parse(self, value, decimals=2 if self.decimal_places is None else self.decimal_places)
        )
        try:
            return amount if amount is None else checked_money(amount)
        except NumberError as error:
            raise forms.ValidationError(str(error), code="invalid") from error


def _parse(field: forms.Field, value: Any, *, decimals: int) -> Any:
    """Return the number of a typed text; None for nothing typed, and what is a number already as it is."""
    if not isinstance(value, str):
        return None if value in field.empty_values else value
    if not value.strip():
        return None
    try:
        return parse_number(value, decimals=decimals)
    except NumberError as error:
        own = field.error_messages["invalid"]  # unless it is Django's, it says more of this field
        message = str(error) if own == type(field).default_error_messages["invalid"] else own
        raise forms.ValidationError(message, code="invalid") from error
