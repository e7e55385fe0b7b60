"""Parse numbers as people write them, in English or German. What can be read in two ways is refused."""

from __future__ import annotations

import re
from decimal import Decimal

from django.conf import settings

MAX_LENGTH = 40

# Digits, which one separator may group by three, and a fraction after a point or a comma. [0-9]: no other digits.
NUMBER = re.compile(
    r"(?P<sign>-?)"
    r"(?P<whole>[1-9][0-9]{0,2}(?:(?P<group>[.,'’ \u00a0\u2009\u202f])[0-9]{3}(?:(?P=group)[0-9]{3})*)|[0-9]*)"
    r"(?:(?P<point>[.,])(?P<fraction>[0-9]+))?"
)
SEPARATORS = re.compile(r"[^-0-9]")
# 1.000 is a thousand in German and one in English.
AMBIGUOUS = re.compile(r"-?[1-9][0-9]{0,2}[.,][0-9]{3}")


class NumberError(ValueError):
    """A text that is no number or may mean two; its message is for people."""


def checked_money(amount: Decimal) -> Decimal:
    """Return an amount that the shop's currency has. Raises NumberError."""
    if not settings.CURRENCY_DECIMALS and amount != amount.to_integral_value():
        raise NumberError(f"{settings.CURRENCY} has no decimals. Write a whole number.")
    return amount


def parse_number(text: str, *, decimals: int) -> Decimal:
    """Return the number that a person wrote, with at most so many decimals; 1,234.50 and 1.234,50 are the same.

    Raises NumberError for NaN, exponents, a plus sign, digits of other scripts, wrong groups and too many decimals,
    also if they are zeros.
    """
    text = text.strip()
    if len(text) <= MAX_LENGTH and AMBIGUOUS.fullmatch(text):
        rest = ", or at most two decimals" if decimals else ""
        raise NumberError(f"“{text}” is ambiguous. Write {SEPARATORS.sub('', text)} without a separator{rest}.")
    found = NUMBER.fullmatch(text) if len(text) <= MAX_LENGTH else None
    if found is None or not (found["whole"] or found["fraction"]) or found["group"] == (found["point"] or ""):
        raise NumberError(f"“{text[:MAX_LENGTH]}” is not a number. Write it like {'1234.50' if decimals else '1234'}.")
    fraction = found["fraction"] or ""
    if len(fraction) > decimals:
        allowed = f"more than {decimals} decimals" if decimals else "decimals. Write a whole number"
        raise NumberError(f"“{text}” has {allowed}.")
    whole = SEPARATORS.sub("", found["whole"]) or "0"
    return Decimal(f"{found['sign']}{whole}.{fraction}")
