"""Products and their stock, for other systems."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Annotated, Any, Literal

from django.conf import settings
from django.utils import timezone
from ninja import Path, Query, Router
from pydantic import ConfigDict, Field, ValidationInfo, field_validator

from catalog import stock_desk
from catalog.models import Product, Reason, StockMovement
from config.api import cursors
from config.api.description import may_refuse
from config.api.problems import Problem
from config.api.scopes import CATALOGUE_WRITE, ApiRequest, Scope
from config.api.types import (
    INTEGRAL,
    Answer,
    Body,
    Cursor,
    Flag,
    IdempotencyKey,
    Limit,
    Moment,
    Money,
    Parameters,
    SkuSent,
    Text,
)
from core.row_isolation import Isolation

router = Router(tags=["Products"])


class ProductAnswer(Answer):
    product_id: int
    sku: Annotated[str, Field(description="Empty where the product has none; orders need one.", examples=["MUG-BLUE"])]
    name: str
    description: str
    category: Annotated[str | None, Field(description="Its slug.", examples=["kitchen"])]
    attributes: dict[str, Any]
    price: Money
    currency: str
    stock: Annotated[int, Field(description="How many are left to sell.")]
    is_active: Annotated[bool, Field(description="Whether it is for sale; false: retired.")]
    created_at: Moment

    @classmethod
    def of(cls, product: Product) -> ProductAnswer:
        category = product.category
        return cls(
            **{name: getattr(product, name) for name in cls.model_fields if name not in ("category", "currency")},
            category=category.slug if category else None,
            currency=settings.CURRENCY,
        )


class ProductPage(Answer):
    products: list[ProductAnswer]
    left_out: Annotated[
        list[int], Field(description="Numbers of products of this page that hold values which cannot be shown.")
    ]
    next: Annotated[str | None, Field(description="The `cursor` of the next page; null: this is the last one.")]


class ProductParameters(Parameters):
    sku: Annotated[list[Annotated[SkuSent, Field(max_length=64)]], Field(max_length=50)] = []
    category: Annotated[Text | None, Field(description="A category's slug.", max_length=100)] = None
    in_stock: Flag | None = None
    is_active: Flag | None = None
    cursor: Cursor | None = None
    limit: Limit = 50


class MovementAsked(Body):
    """A movement, not a number: what was sold since somebody counted still counts."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"reason": {"const": "restock"}}},
            "then": {"properties": {"delta": {"minimum": 1}}},
        }
    )

    reason: Annotated[Literal["restock", "correction"], Field(description="restock: a delivery, only upwards.")]
    delta: Annotated[
        int,
        Field(ge=-stock_desk.LARGEST, le=stock_desk.LARGEST, examples=[24], json_schema_extra={"not": {"const": 0}}),
        INTEGRAL,
    ]
    note: Annotated[Text, Field(min_length=1, max_length=500, examples=["delivery note 4711"])]

    @field_validator("delta")
    @classmethod
    def moves(cls, delta: int, read: ValidationInfo) -> int:
        # The reason is read before it; without one that is known, that is what is refused.
        if delta == 0 or (delta < 0 and read.data.get("reason") == "restock"):
            raise ValueError("0 moves nothing, and a restock only adds")
        return delta


class MovementAnswer(Answer):
    movement_id: int
    product_id: int
    sku: str
    delta: int
    stock_after: Annotated[int, Field(description="What was left to sell after it.")]
    reason: str
    note: str
    moved_at: Moment


@router.get("", response=ProductPage, auth=Scope(), openapi_extra=may_refuse("not-found"), summary="List products")
def list_products(request: ApiRequest, asked: Query[ProductParameters]) -> ProductPage:
    """Products with their price and stock now, the oldest first. Any key may ask."""
    found = Product.objects.select_related("category").order_by("product_id")
    if asked.sku:
        found = found.filter(sku__in=asked.sku)
    if asked.category is not None:
        found = found.filter(category__slug=asked.category)
    if asked.in_stock is not None:
        found = found.filter(stock__gt=0) if asked.in_stock else found.filter(stock=0)
    if asked.is_active is not None:
        found = found.filter(is_active=asked.is_active)
    if asked.cursor is not None:
        found = found.filter(product_id__gt=cursors.keys(asked.cursor, int)[0])
    return _page(list(found[: asked.limit + 1]), asked.limit)


@router.post(
    "/{path:sku}/stock",
    response={201: MovementAnswer},
    auth=Scope(CATALOGUE_WRITE),
    openapi_extra=may_refuse("not-found", "stock-not-possible", "idempotency-key-reused"),
    summary="Move stock",
)
def move_stock(
    request: ApiRequest,
    sku: Annotated[SkuSent, Path(max_length=64)],
    movement: MovementAsked,
    idempotency_key: IdempotencyKey,
) -> MovementAnswer:
    """Add a delivery to a product's stock, or set right what was counted otherwise; the ledger keeps who and why."""
    product = Product.objects.filter(sku=sku).first() if sku else None
    if product is None:
        raise Problem("not-found", "There is no product of this SKU.")
    reason, by = Reason(movement.reason), str(request.auth)
    try:
        stock_desk.adjust(product, delta=movement.delta, reason=reason, by=by, at=timezone.now(), note=movement.note)
    except stock_desk.StockError as error:
        raise Problem("stock-not-possible", str(error)) from None
    # The product is still locked: nobody has moved it since.
    made = StockMovement.objects.of_product(product).newest_first().first()
    assert made is not None
    told = {name: getattr(made, name) for name in MovementAnswer.model_fields if name != "sku"}
    return MovementAnswer(sku=product.sku, **told)


def _page(found: Sequence[Product], limit: int) -> ProductPage:
    shown = found[:limit]
    following = cursors.cursor(shown[-1].product_id) if len(found) > limit else None
    products = list(PRODUCTS.each(shown, ProductAnswer.of, key=attrgetter("pk")))
    left_out = [product.pk for product in shown if product.pk not in {each.product_id for each in products}]
    return ProductPage(products=products, left_out=left_out, next=following)


def _recheck(product_id: int) -> None:
    for product in Product.objects.select_related("category").filter(pk=product_id):
        ProductAnswer.of(product)


PRODUCTS: Isolation[int] = Isolation("API", "products", _recheck)
