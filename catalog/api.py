"""Products and their stock, for other systems."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from django.conf import settings
from ninja import Query, Router
from pydantic import Field

from catalog.models import Product
from config.api import cursors
from config.api.description import may_refuse
from config.api.scopes import ApiRequest, Scope
from config.api.types import Answer, Cursor, Flag, Limit, Moment, Money, Parameters, Text

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
    next: Annotated[str | None, Field(description="The `cursor` of the next page; null: this is the last one.")]


class ProductParameters(Parameters):
    sku: Annotated[list[Annotated[Text, Field(max_length=64)]], Field(max_length=100)] = []
    category: Annotated[Text | None, Field(description="A category's slug.", max_length=100)] = None
    in_stock: Flag | None = None
    is_active: Flag | None = None
    cursor: Cursor | None = None
    limit: Limit = 50


@router.get("", response=ProductPage, auth=Scope(), openapi_extra=may_refuse(), summary="List products")
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


def _page(found: Sequence[Product], limit: int) -> ProductPage:
    shown = found[:limit]
    following = cursors.cursor(shown[-1].product_id) if len(found) > limit else None
    return ProductPage(products=[ProductAnswer.of(product) for product in shown], next=following)
