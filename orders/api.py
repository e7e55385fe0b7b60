"""Placing an order and taking it a step further, for other systems. What is read of orders is in history/api/."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Annotated

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from ninja import Path, Router

from catalog.models import Product
from config.api.description import may_refuse
from config.api.problems import Problem
from config.api.scopes import ORDERS_WRITE, STATUS_WRITE, ApiRequest, Key, Scope
from config.api.types import LARGEST, IdempotencyKey
from orders import services
from orders.api_types import OrderAnswer, OrderAsked, StepAsked, steps_after
from orders.models import Order, OrderQuerySet
from users.models import User

router = Router(tags=["Orders"])

OrderId = Annotated[int, Path(ge=1, le=LARGEST)]


@router.post(
    "",
    response={201: OrderAnswer},
    auth=Scope(ORDERS_WRITE),
    openapi_extra=may_refuse(
        "unknown-customer",
        "customer-inactive",
        "unknown-product",
        "not-for-sale",
        "out-of-stock",
        "total-changed",
        "total-too-large",
        "reference-taken",
        "invalid",
        "idempotency-key-reused",
    ),
    summary="Place an order",
)
def place_order(
    request: ApiRequest, order: OrderAsked, idempotency_key: IdempotencyKey, response: HttpResponse
) -> OrderAnswer:
    """Place an order for a customer at today's prices, and take it out of stock. They get the mail as always."""
    placed = _place(_customer(request.auth, order), order, request.auth, idempotency_key)
    response["Location"] = reverse("api:get_order", args=[placed.pk])
    return OrderAnswer.of(placed)


@router.post(
    "/{int:order_id}/status",
    response=OrderAnswer,
    auth=Scope(STATUS_WRITE),
    openapi_extra=may_refuse("not-found", "step-not-allowed", "order-archived"),
    summary="Change an order's status",
)
def change_status(request: ApiRequest, order_id: OrderId, step: StepAsked) -> OrderAnswer:
    """Take an order one step further. Where it is in that status already, nothing is done and the answer is the same.

    A step that is not allowed is refused with `order_status` (what it is now) and `allowed` (what it may become).
    """
    order = visible(request.auth).get(pk=order_id)
    if order.status != step.status:
        order = _step(order, step, by=str(request.auth))
    return OrderAnswer.of(order)


def visible(key: Key) -> OrderQuerySet:
    """The live orders that a key may see, with their items."""
    orders = Order.objects.with_items()
    return orders if key.customer_id is None else orders.filter(customer_id=key.customer_id)


def _step(order: Order, step: StepAsked, *, by: str) -> Order:
    try:
        if step.status not in steps_after(order.status):
            raise services.TransitionNotAllowed(order, step.status)
        return services.change_status(order, to=step.status, by=by, at=timezone.now(), note=step.note)
    except services.TransitionNotAllowed as error:
        if error.order.status == step.status:  # somebody was quicker
            return error.order
        allowed = [str(status) for status in steps_after(error.order.status)]
        raise Problem("step-not-allowed", str(error), order_status=error.order.status, allowed=allowed) from None


def _customer(key: Key, asked: OrderAsked) -> User:
    """Whose order it shall be; whether there is anybody of a number is seen when they are locked."""
    if asked.customer_id is not None:
        customer: User | None = User(pk=asked.customer_id)
    else:
        customer = User.objects.filter(email=asked.customer_email).first()
    if customer is None or key.customer_id not in (None, customer.pk):
        raise _unknown_customer()
    return customer


def _unknown_customer() -> Problem:
    return Problem("unknown-customer", "There is no such customer, or the key is not for them.")


def _place(customer: User, asked: OrderAsked, key: Key, idempotency_key: str) -> Order:
    items = _items(asked)
    # Also the order's own key: it outlives the answer that is kept for a repeated request.
    own_key = f"api-{hashlib.sha256(f'{key.pk} {idempotency_key}'.encode()).hexdigest()[:60]}"
    try:
        # In the transaction of the answer, which is rolled back with every refusal.
        return services.place_in_transaction(
            customer=customer,
            items=items,
            key=own_key,
            at=timezone.now(),
            shipping_address=asked.shipping_address.lines(),
            shown_total=asked.expected_total,
            external_ref=asked.external_ref,
            by=str(key),
        )
    except services.OutOfStock as error:
        short = [{"sku": product.sku, "left": product.stock} for product in error.products]
        raise Problem("out-of-stock", str(error), products=short) from None
    except services.NotForSale as error:
        raise Problem("not-for-sale", str(error)) from None
    except services.NoCustomer:
        raise _unknown_customer() from None
    except services.NotActive:
        raise Problem("customer-inactive", "Nothing was ordered.") from None
    except services.TotalChanged as error:
        total = f"{error.total:.2f}"
        raise Problem("total-changed", f"At the prices of now it is {total}.", total=total) from None
    except services.ReferenceTaken as error:
        raise Problem("reference-taken", str(error)) from None
    except services.TotalTooLarge:
        raise Problem("total-too-large", "Order less at a time.") from None
    except services.KeyReused as error:
        raise Problem("idempotency-key-reused", str(error)) from None


def _items(asked: OrderAsked) -> list[services.RequestedItem]:
    wanted: Counter[str] = Counter()
    for item in asked.items:
        wanted[item.sku] += item.quantity
    found = Product.objects.filter(sku__in=wanted).defer("description", "attributes")
    products = {product.sku: product for product in found}
    unknown = [sku for sku in wanted if sku not in products]
    if unknown:
        raise Problem("unknown-product", f"No product has the SKU {', '.join(unknown[:10])}.", skus=unknown)
    return [services.RequestedItem(products[sku], quantity) for sku, quantity in wanted.items()]
