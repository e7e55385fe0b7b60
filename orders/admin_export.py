"""The back office's list of orders as CSV, row by row as it is read: as many as there are fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING

from django.contrib.admin.utils import label_for_field
from django.http import StreamingHttpResponse
from django.utils import timezone

from core import csv_output
from orders.models import Order

if TYPE_CHECKING:
    from orders.admin import OrderAdmin


def as_csv(admin: OrderAdmin, orders: Iterable[Order]) -> StreamingHttpResponse:
    """Stream the orders as the list shows them: its columns, ISO times, plain decimals, formulas made harmless."""
    name = f"orders-{timezone.localdate():%Y-%m-%d}.csv"
    return StreamingHttpResponse(
        _lines(admin, orders),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _lines(admin: OrderAdmin, orders: Iterable[Order]) -> Iterator[str]:
    header: list[object] = [label_for_field(column, Order, admin) for column in admin.list_display]
    return csv_output.lines(chain([header], (_row(admin, order) for order in orders)))


def _row(admin: OrderAdmin, order: Order) -> list[object]:
    """The values of the list's columns, in their order."""
    return [
        order.pk,
        timezone.localtime(order.created_at).isoformat(),
        str(order.customer),
        order.get_status_display(),
        order.total_amount,
        admin.items_told(order),
    ]
