"""What goes in and out of the API: money as decimal strings, times as ISO 8601 with their zone, text without control
characters. Everything that is not named is refused.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from ninja import Header
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from core.text import normalize_sku

LARGEST = 2**63 - 1
# The type of the error that names parameters there are not.
UNKNOWN = "unknown_parameter"
MONEY = r"^[0-9]{1,10}\.[0-9]{2}$"
MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
WHOLE = re.compile(r"-?[0-9]{1,19}", re.ASCII)
# Halves of characters too, which UTF-8 does not have.
UNTELLABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
FLAGS = {"true": True, "false": False}


class Body(BaseModel):
    """What a client sends: nothing is guessed, and a field that is not known is refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Answer(BaseModel):
    """What the API sends. Fields may be added to it within a version."""


class Parameters(BaseModel):
    """What stands behind the “?”; a parameter that is not known is refused."""

    @model_validator(mode="before")
    @classmethod
    def refuse_unknown(cls, values: Any, info: ValidationInfo) -> Any:
        asked = info.context["request"].GET if info.context else {}
        known = {field.alias or name for name, field in cls.model_fields.items()}
        unknown = sorted(set(asked) - known)
        if unknown:
            names = [name[:40] for name in unknown[:5]]
            raise PydanticCustomError(UNKNOWN, "there is no such parameter", {"names": names})
        return values


def _moment(value: Any) -> datetime:
    # The "+" of an offset that was not quoted has become a space.
    text = "+".join(str(value).rsplit(" ", 1)).upper()
    if not MOMENT.fullmatch(text):
        raise ValueError("has to be a time with its zone, like 2026-11-20T18:00:00Z")
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except OverflowError:
        raise ValueError("is beyond the calendar") from None


def whole(value: Any) -> int:
    if not WHOLE.fullmatch(str(value)):
        raise ValueError("has to be a whole number")
    return int(value)


def _integral(value: Any) -> Any:
    """JSON has one kind of numbers: 2.0 is 2."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _flag(value: Any) -> bool:
    if value not in FLAGS:
        raise ValueError("has to be true or false")
    return FLAGS[value]


def _money(value: Any) -> Decimal:
    if not isinstance(value, str) or not re.fullmatch(MONEY, value, re.ASCII):
        raise ValueError('has to be an amount like "12.50"')
    return Decimal(value)


def _printable(text: str) -> str:
    if UNTELLABLE.search(text):
        raise ValueError("has a character that is no text")
    return text


def told(moment: datetime) -> str:
    """In UTC, to the microsecond."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


Money = Annotated[
    Decimal,
    PlainSerializer(lambda amount: f"{amount:.2f}", return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^-?[0-9]+\.[0-9]{2}$", "examples": ["12.50"]}),
]
MoneySent = Annotated[
    Decimal, BeforeValidator(_money), WithJsonSchema({"type": "string", "pattern": MONEY, "examples": ["12.50"]})
]
Moment = Annotated[
    datetime,
    PlainSerializer(told, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-11-20T18:00:00.000000Z"]}),
]
MomentAsked = Annotated[
    datetime,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-11-20T18:00:00Z"]}),
]
IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]{1,255}$",
        description="Made by the client for each new request, a UUID for example. Sent again with the same request"
        " within two days, it is answered as the first time, with the header `Idempotency-Replayed: true`.",
    ),
]
# Behind the bounds of an integer in a body, so that the description tells them.
INTEGRAL = BeforeValidator(_integral)
# Parameters come as text.
Number = Annotated[int, Field(ge=1, le=LARGEST), BeforeValidator(whole)]
Flag = Annotated[bool, BeforeValidator(_flag)]
Text = Annotated[str, AfterValidator(_printable), Field(json_schema_extra={"pattern": PRINTABLE})]
SkuSent = Annotated[Text, BeforeValidator(lambda value: normalize_sku(value) if isinstance(value, str) else value)]
Limit = Annotated[int, Field(ge=1, le=100, description="How many at most."), BeforeValidator(whole)]
Cursor = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,200}$", description="`next` of the page before.")]
