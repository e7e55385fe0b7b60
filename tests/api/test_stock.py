"""Moving stock through the API."""

from __future__ import annotations

from uuid import uuid4

import pytest

from catalog import stock
from catalog.models import Product, StockMovement
from tests.api.keys import ApiClient, kind
from tests.factories import ProductFactory

pytestmark = pytest.mark.django_db


def move(client, sku, key=None, **body):
    sent = {"delta": 5, "reason": "restock", "note": "delivery note 4711"} | body
    return client.post(f"/products/{sku}/stock", sent, Idempotency_Key=key or str(uuid4()))


def test_a_delivery_moves_stock_once():
    product = ProductFactory(sku="MUG/BLUE", stock=3)
    client = ApiClient("catalogue:write", name="Warehouse")

    first, again = (move(client, "MUG/BLUE", key="k1") for _ in range(2))
    corrected = move(client, "MUG%2FBLUE", delta=-2, reason="correction", note="broken")

    assert (first.status_code, again.content) == (201, first.content)
    assert (first.json()["delta"], first.json()["stock_after"], first.json()["sku"]) == (5, 8, "MUG/BLUE")
    assert corrected.json()["stock_after"] == Product.objects.get(pk=product.pk).stock == 6
    newest = StockMovement.objects.of_product(product).newest_first()[0]
    assert (newest.actor_id, newest.actor_name, newest.note) == (None, "API key Warehouse", "broken")
    assert newest.reason == "correction"
    assert stock.differences() == []


def test_what_cannot_be_is_refused():
    product = ProductFactory(sku="MUG", stock=3)
    ProductFactory(sku="")
    client = ApiClient()

    below = move(client, "MUG", delta=-4, reason="correction")
    above = move(client, "MUG", delta=2**31 - 1)

    assert (kind(below), kind(above)) == ("stock-not-possible", "stock-not-possible")
    for sku in ("NONE", "%00", "x" * 65):
        assert move(client, sku).status_code in (404, 422)
    for body in (
        {"delta": 0},
        {"delta": -1},
        {"delta": "5"},
        {"delta": 2**31},
        {"reason": "sale"},
        {"stock": 9},
        {"note": ""},
        {"note": "x" * 501},
        {"delta": {"$inc": 1}},
    ):
        assert kind(move(client, "MUG", **body)) == "invalid", body
    assert move(ApiClient("orders:write"), "MUG").status_code == 403
    assert move(ApiClient(text=""), "MUG").status_code == 401
    assert client.post("/products/MUG/stock", {"delta": 1, "reason": "restock", "note": "n"}).status_code == 422
    assert Product.objects.get(pk=product.pk).stock == 3
