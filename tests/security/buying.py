"""Buying something over HTTP, in steps."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

from tests.security.shops import Shop
from tests.security.visitor import Answer, Visitor

LINES = {"name": "Mallory", "line1": "Mill Lane 1", "city": "Ely", "postcode": "CB7", "country": "England"}
CHECKOUT = "/checkout/"


def put_in_cart(shop: Shop, visitor: Visitor, quantity: Any = 1, **more: Any) -> Answer:
    return visitor.post("/cart/add/", {"product": shop.samples["product_id"], "quantity": quantity} | more)


def form(total: str = "10.00", **more: Any) -> dict[str, Any]:
    """What the page of such a cart would post, with a key of its own."""
    return {**LINES, "saved": "new", "key": str(uuid4()), "shown_total": total} | more


def buy(shop: Shop, visitor: Visitor, quantity: int = 1) -> int:
    """Order lamps at ten each, and nothing else, and return the order's number."""
    visitor.post("/cart/remove/", {"product": shop.samples["product_id"]})
    put_in_cart(shop, visitor, quantity)
    return placed(visitor.post(CHECKOUT, form(f"{10 * quantity}.00")))


def placed(answer: Answer) -> int:
    found = re.fullmatch(r"/checkout/done/(\d+)/", answer.location)
    assert found, (answer.status, answer.location, re.findall(r'role="alert".*?</div>', answer.text, re.DOTALL))
    return int(found[1])


def orders_of(shop: Shop, who: str) -> list[int]:
    found = shop.rows("SELECT order_id FROM orders WHERE user_id = %s ORDER BY order_id", shop.people[who])
    return [order_id for (order_id,) in found]


def empty_cart(shop: Shop, who: str) -> None:
    shop.rows("DELETE FROM cart_items WHERE user_id = %s", shop.people[who])


def step(shop: Shop, staff: Visitor, order_id: int, to: str, **more: Any) -> Answer:
    """Take an order a step further at the order desk, as seen now."""
    rev = shop.order(order_id)[3]
    sent = {"to": to, "rev": rev, "confirmed": "on"} | more
    return staff.post(f"/admin/orders/order/{order_id}/status/", sent)
