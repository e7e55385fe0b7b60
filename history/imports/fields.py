"""The values of an order book: text of a CSV field in, a value the database takes out, or a reason why not."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.utils import timezone

from core.numbers import NumberError, parse_number
from core.text import is_reserved_email, normalize_email, normalize_sku
from orders.status import Status

Value = str | int | Decimal | datetime | None
# Raises FieldError, worded to follow the column's name.
Parser = Callable[[str], Value]

LARGEST_PRICE = Decimal("99999999.99")
LARGEST_INTEGER = 2**31 - 1
EARLIEST_YEAR, LATEST_YEAR = 1970, 2100

_WHOLE = re.compile(r"-?[0-9]+")
_email = EmailValidator()


class FieldError(ValueError):
    """The field cannot be taken."""


def required(limit: int) -> Parser:
    """Return a parser of text of 1 to `limit` characters."""

    def parse(text: str) -> str:
        if not text:
            raise FieldError("is empty")
        if len(text) > limit:
            raise FieldError(f"is longer than {limit} characters")
        return text

    return parse


def optional(limit: int) -> Parser:
    given = required(limit)
    return lambda text: given(text) if text else ""


def email(text: str) -> str:
    """As sign-up stores addresses and sign-in looks for them."""
    address = known_email(text)
    try:
        _email(address)
    except ValidationError as error:
        raise FieldError(f"{_shown(text)} is not an e-mail address") from error
    if is_reserved_email(address):
        raise FieldError(f"{_shown(text)} is an address that only closed accounts have")
    return address


def known_email(text: str) -> str:
    """The spelling in which an address is looked up."""
    return normalize_email(str(required(254)(text)))


def sku(text: str) -> str:
    """In the spelling in which products are stored."""
    return str(required(64)(normalize_sku(text)))


def price(text: str) -> Decimal:
    try:
        amount = parse_number(text, decimals=2)
    except NumberError:
        raise FieldError(f"{_shown(text)} is no price such as 1234.50") from None
    if amount < 0:
        raise FieldError(f"{_shown(text)} is negative")
    if amount > LARGEST_PRICE:
        raise FieldError(f"{_shown(text)} is more than {LARGEST_PRICE}")
    return amount


def whole(least: int) -> Parser:
    """Return a parser of whole numbers from `least` to what the database can hold."""

    def parse(text: str) -> int:
        if not _WHOLE.fullmatch(text):
            raise FieldError(f"{_shown(text)} is not a whole number")
        # Length first: turning a very long text into a number takes very long.
        if len(text) > 11 or int(text) > LARGEST_INTEGER:
            raise FieldError(f"{_shown(text)} is out of range")
        if int(text) < least:
            raise FieldError(f"{_shown(text)} is less than {least}")
        return int(text)

    return parse


def moment(text: str) -> datetime:
    """ISO 8601 with an offset or Z: a time of day without one could mean a different hour everywhere."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise FieldError(f"{_shown(text)} is not an ISO 8601 time such as 2024-05-31T18:40:12Z") from error
    if parsed.tzinfo is None:
        raise FieldError(f"{_shown(text)} has no offset; write 2024-05-31T18:40:12Z or ...+02:00")
    if not EARLIEST_YEAR <= parsed.year <= LATEST_YEAR:
        raise FieldError(f"{_shown(text)} is not between the years {EARLIEST_YEAR} and {LATEST_YEAR}")
    if parsed > timezone.now():
        raise FieldError(f"{_shown(text)} is in the future")
    return parsed


def status(text: str) -> str:
    if text not in _STATUSES:
        raise FieldError(f"{_shown(text)} is not one of {', '.join(Status.values)}")
    return text


_STATUSES = frozenset(Status.values)


def _shown(text: str) -> str:
    return f"'{text}'" if len(text) <= 40 else f"'{text[:40]}…'"
