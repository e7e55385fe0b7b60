"""The product's page in the back office, with what orders hold of it and what it has cost."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from pymongo.errors import PyMongoError

from catalog.admin import ProductAdmin
from catalog.models import Product
from history import price_history
from history.price_history import PriceChange
from orders.reservations import held
from orders.status import Status

logger = logging.getLogger(__name__)


class ProductWithHistoryAdmin(ProductAdmin):
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = dict(extra_context or {})
        product = self.get_object(request, object_id)
        if product is not None:
            context |= {"held": held(product), "held_url": _pending_orders_of(product), "prices": _prices(product)}
        return super().change_view(request, object_id, form_url, context)


def _pending_orders_of(product: Product) -> str:
    asked = {"status__exact": Status.PENDING, "product": product.pk}
    return f"{reverse('admin:orders_order_changelist')}?{urlencode(asked)}"


def _prices(product: Product) -> list[PriceChange] | None:
    """The changes of its price; None where MongoDB does not answer."""
    try:
        return price_history.of_product(product.pk)
    except PyMongoError as error:
        logger.warning("The activity log could not be read: %s", error)
        return None
