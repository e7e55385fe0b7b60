"""What the tests of the back office's orders share."""

from __future__ import annotations

from django.urls import reverse

from orders.models import Order

LIST = "/admin/orders/order/"


def page_of(order: Order) -> str:
    return reverse("admin:orders_order_change", args=[order.pk])


def step_of(order: Order) -> str:
    return reverse("admin:orders_order_status", args=[order.pk])


def status_of(order: Order) -> str:
    return Order.objects.values_list("status", flat=True).get(pk=order.pk)
