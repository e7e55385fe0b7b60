"""A client of the shop's API, of nothing but Python: place an order, take it on, read its history.

    SHOP_URL=http://localhost:8000 SHOP_KEY=shop_… python docs/examples/warehouse.py ada@shop.example MUG-BLUE

It shows what every client needs: a key that is made once for each request and sent again with it, waiting where the
shop says so, and problems by their type.
"""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.error
import urllib.request
from typing import Any
from uuid import uuid4

TRIES = 5


class Problem(Exception):
    """What the API refused; kind is stable: "out-of-stock"."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.kind = document["type"].rpartition(":")[2]
        super().__init__(document.get("detail") or document["title"])


class Shop:
    def __init__(self, url: str, key: str) -> None:
        self.url, self.key = f"{url.rstrip('/')}/api/v1", key

    def get(self, path: str) -> dict[str, Any]:
        return self._ask("GET", path, None, {})

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Post once: whatever breaks on the way, the same request is sent again with the same key."""
        return self._ask("POST", path, json.dumps(body).encode(), {"Idempotency-Key": str(uuid4())})

    def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> dict[str, Any]:
        sent = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json", **headers}
        request = urllib.request.Request(self.url + path, body, sent, method=method)  # noqa: S310 (the shop's own)
        for tried in range(1, TRIES + 1):
            try:
                with urllib.request.urlopen(request, timeout=40) as answer:  # noqa: S310
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                if error.code not in (429, 503) or tried == TRIES:
                    raise Problem(json.load(error)) from None
                time.sleep(int(error.headers.get("Retry-After", "1")))
            except OSError:  # the connection broke: nobody knows whether it was done
                if tried == TRIES:
                    raise
                time.sleep(tried)
        raise AssertionError("unreachable")


def main(email: str, sku: str) -> None:
    shop = Shop(os.environ["SHOP_URL"], os.environ["SHOP_KEY"])
    address = {"name": "Ada", "line1": "Mill Lane 1", "city": "Ely", "postcode": "CB7 4AU", "country": "England"}
    items = [{"sku": sku, "quantity": 1}]
    order = shop.post("/orders", {"customer_email": email, "items": items, "shipping_address": address})
    number = order["order_id"]
    print(f"order {number}: {order['status']}, {order['total_amount']} {order['currency']}")
    try:
        shop.post(f"/orders/{number}/status", {"status": "delivered"})
    except Problem as problem:
        print(f"{problem.kind}: {problem} Allowed: {', '.join(problem.document['allowed'])}")
    for status in ("paid", "shipped"):
        shop.post(f"/orders/{number}/status", {"status": status, "note": "by the warehouse"})
    for event in shop.get(f"/orders/{number}/history")["events"]:
        print(f"{event['rev']}. {event['status']} by {event['actor']}, {event['at']}")


if __name__ == "__main__":
    main(*sys.argv[1:])
