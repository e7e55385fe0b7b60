"""Orders as the API takes and gives them."""

from __future__ import annotations

import re
from typing import Annotated, Any

from django.conf import settings
from pydantic import BeforeValidator, Field, WithJsonSchema, field_validator, model_validator

from config.api.types import INTEGRAL, LARGEST, PRINTABLE, Answer, Body, Moment, Money, MoneySent, SkuSent, Text
from orders.cart import MAX_QUANTITY
from orders.models import Order, OrderItem
from orders.status import Status, allowed_after

MOST_ITEMS = 100
EXTERNAL_REF = r"^[!-~]([ -~]{0,62}[!-~])?$"
# A return says what came back and what is refunded for it: that is done in the back office.
STEPS = [Status.PAID, Status.SHIPPED, Status.DELIVERED, Status.CANCELLED]

Line = Annotated[Text, Field(min_length=1, max_length=200)]


def _given(value: Any) -> Any:
    if value is None:
        raise ValueError("has to be left out or have a value")
    return value


CustomerId = Annotated[
    int | None,
    Field(ge=1, le=LARGEST),
    INTEGRAL,
    BeforeValidator(_given),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": LARGEST, "examples": [7]}),
]
CustomerEmail = Annotated[
    Text | None,
    Field(max_length=254),
    BeforeValidator(_given),
    WithJsonSchema({"type": "string", "maxLength": 254, "pattern": PRINTABLE, "examples": ["ada@shop.example"]}),
]
ExpectedTotal = Annotated[
    MoneySent | None,
    BeforeValidator(_given),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]{1,10}\.[0-9]{2}$", "examples": ["86.20"]}),
]


ExternalRef = Annotated[
    Text | None,
    Field(min_length=1, max_length=64),
    BeforeValidator(_given),
    WithJsonSchema(
        {"type": "string", "minLength": 1, "maxLength": 64, "pattern": EXTERNAL_REF, "examples": ["web-2026-0815"]}
    ),
]


class ItemAsked(Body):
    sku: Annotated[SkuSent, Field(min_length=1, max_length=64, examples=["MUG-BLUE"])]
    quantity: Annotated[int, Field(ge=1, le=MAX_QUANTITY, examples=[2]), INTEGRAL]


class AddressAsked(Body):
    name: Annotated[Line, Field(examples=["Ada Lovelace"])]
    line1: Annotated[Line, Field(examples=["Mill Lane 1"])]
    line2: Annotated[Text, Field(max_length=200)] = ""
    city: Annotated[Line, Field(examples=["Ely"])]
    postcode: Annotated[Line, Field(examples=["CB7 4AU"])]
    country: Annotated[Line, Field(examples=["England"])]

    def lines(self) -> dict[str, str]:
        return {name: text for name, text in self.model_dump().items() if text}


class OrderAsked(Body):
    """By customer_id or by customer_email, one of the two."""

    model_config = Body.model_config | {
        "json_schema_extra": {"oneOf": [{"required": ["customer_id"]}, {"required": ["customer_email"]}]}
    }

    customer_id: CustomerId = None
    customer_email: CustomerEmail = None
    items: Annotated[
        list[ItemAsked],
        Field(min_length=1, max_length=MOST_ITEMS, description="The same SKU again: the quantities are added."),
    ]
    shipping_address: AddressAsked
    external_ref: Annotated[
        ExternalRef, Field(description="The order's own reference in another system; no two orders have the same.")
    ] = None
    expected_total: Annotated[
        ExpectedTotal, Field(description="If given, the order is refused where it would cost something else.")
    ] = None

    @field_validator("external_ref")
    @classmethod
    def without_blanks(cls, reference: str | None) -> str | None:
        if reference is not None and not re.fullmatch(EXTERNAL_REF, reference):
            raise ValueError("has to be printable ASCII without blanks around it")
        return reference

    @model_validator(mode="after")
    def of_one_customer(self) -> OrderAsked:
        if (self.customer_id is None) == (self.customer_email is None):
            raise ValueError("one of customer_id and customer_email has to be given")
        return self


class StepAsked(Body):
    status: Annotated[Status, Field(strict=False)]
    note: Annotated[
        Text, Field(max_length=500, description="Why, for the order's history; customers do not see it.")
    ] = ""


class ItemAnswer(Answer):
    """As sold: name, SKU and price are those of that day."""

    product_id: int
    sku: str
    name: str
    quantity: int
    price: Money

    @classmethod
    def of(cls, item: OrderItem) -> ItemAnswer:
        return cls(
            product_id=item.product_id, sku=item.sku, name=item.product_name, quantity=item.quantity, price=item.price
        )


class OrderAnswer(Answer):
    order_id: int
    customer_id: int
    external_ref: str | None
    status: Status
    allowed_next: Annotated[list[Status], Field(description="What POST …/status may make of it.")]
    total_amount: Money
    currency: str
    placed_at: Moment
    changed_at: Moment
    rev: Annotated[int, Field(description="1 at first, one more with every change.")]
    archived_at: Annotated[Moment | None, Field(description="Archived orders are read like others, but not changed.")]
    shipping_address: dict[str, Any]
    items: list[ItemAnswer]

    @classmethod
    def of(cls, order: Order) -> OrderAnswer:
        items = sorted(order.items.all(), key=lambda item: item.pk)
        return cls(
            order_id=order.order_id,
            customer_id=order.customer_id,
            external_ref=order.external_ref,
            status=Status(order.status),
            allowed_next=steps_after(order.status),
            total_amount=order.total_amount,
            currency=settings.CURRENCY,
            placed_at=order.created_at,
            changed_at=order.changed_at,
            rev=order.rev,
            archived_at=None,
            shipping_address=order.shipping_address,
            items=[ItemAnswer.of(item) for item in items],
        )


def steps_after(status: str) -> list[Status]:
    return [step for step in allowed_after(status) if step in STEPS]
