"""A shop in which attackers have typed something into whatever is kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from uuid import uuid4

from tests.config.processes import ROOT
from tests.factories import PASSWORD
from tests.security import pictures, places
from tests.security.sending import File, fill, form_with, send
from tests.security.shops import Shop
from tests.security.visitor import Visitor

# HTML, the end of an attribute, and what a template would reckon with.
HTML = """{0}"'><zq-{0} zq=1 onload=zq()></title>{{{{7|add:2}}}}"""
# What a store that took text for a program would reckon with.
DOLLARS = {
    "name": "$$ROOT",
    "sku": "$price.x",
    "attributes": '{"$set": {"a.b": "$name"}, "a.b": "$$NOW", "__proto__": "x", "$where": "1"}',
}
ODD_ADDRESS = {"$where": "1", "a.b": "$name", "": "x"}
# What a spreadsheet would reckon with.
FORMULAS = ("=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1+1", "\r=1+1", "\n=1+1", "＝1+1", '=HYPERLINK("//evil.example")')
# Everything that is done beside the web.
WORK = """
import django; django.setup()
from threading import Event
from django.utils import timezone
from catalog.product_work import work
from history.mirror import relay
from orders.mails import Sender
from orders.models import Order
from tests.history.archived import archive
sender = Sender()
while sender.send_next(at=timezone.now()): pass
while work(at=timezone.now(), stopping=Event()): pass
archive(*Order.objects.filter(status="delivered"))
relay.drain()
"""


def html(place: str) -> str:
    return HTML.format(place)


def file_name(place: str) -> str:
    """The same without what no file's name has."""
    return html(place).replace('"', "").replace("/", "")


def run(shop: Shop, program: str) -> None:
    """Run Python with the shop's settings."""
    command, variables = [sys.executable, "-c", program], os.environ | shop.environment
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def fill_up(shop: Shop) -> dict[str, int]:
    """Type into everything; returns orders by what they are: live, archived, dollars, formulas."""
    boss, owner = shop.visitor("a superuser"), shop.visitor("the owner")
    fill(owner, "/account/", name=html("customer"))
    fill(owner, "/account/addresses/add/", **_address(html("address")))
    _catalogue(shop, boss)
    _staff(shop, boss)
    _sign_in(shop, html("agent"))
    skus = [f"{formula.strip()}x{number}" for number, formula in enumerate(FORMULAS)]
    orders = {
        "live": _order(shop, [html("sku")], html("address")),
        "archived": _order(shop, [html("sku")], html("address")),
        "dollars": _order(shop, [DOLLARS["sku"]], "$where"),
        "formulas": _order_by_hand(shop, skus),
    }
    odd = "UPDATE orders SET shipping_address = shipping_address || %s::jsonb WHERE order_id = %s"
    shop.rows(odd, json.dumps(ODD_ADDRESS), orders["dollars"])
    for name, text in (("live", html("note")), ("archived", html("note")), ("dollars", "$$ROOT")):
        sent = {"text": text, "audience": "customer", "rev": shop.order(orders[name])[3]}
        boss.post(f"/admin/orders/order/{orders[name]}/note/", sent)
    for status in ("paid", "shipped", "delivered"):
        answer = shop.client("all").send(
            f"/api/v1/orders/{orders['archived']}/status", {"status": status}, Idempotency_Key=str(uuid4())
        )
        assert answer.status == 200, answer.text
    run(shop, WORK)
    return orders


def _address(text: str) -> dict[str, str]:
    return dict.fromkeys(("name", "line1", "city", "postcode", "country"), text)


def _order(shop: Shop, skus: Iterable[str], address: str) -> int:
    """One of each, of the owner."""
    items = [{"sku": sku, "quantity": 1} for sku in skus]
    sent = {"customer_id": shop.people["the owner"], "items": items, "shipping_address": _address(address)}
    answer = shop.client("all").send("/api/v1/orders", sent, Idempotency_Key=str(uuid4()))
    assert answer.status == 201, answer.text
    number: int = answer.json()["order_id"]
    return number


def _order_by_hand(shop: Shop, skus: Iterable[str]) -> int:
    """One of a customer and products whose names and SKUs are formulas, by plain SQL, which refuses nothing."""
    customer = shop.people["a customer"]
    shop.rows("UPDATE users SET name = %s WHERE user_id = %s", FORMULAS[-1], customer)
    products = [
        shop.rows("INSERT INTO products (name, sku, price) VALUES (%s, %s, 1) RETURNING product_id", name, sku)[0][0]
        for name, sku in zip(FORMULAS, skus, strict=True)
    ]
    [(order_id,)] = shop.rows("INSERT INTO orders (user_id, total_amount) VALUES (%s, 9) RETURNING order_id", customer)
    for product_id, name in zip(products, FORMULAS, strict=True):
        shop.rows(
            "INSERT INTO order_items (order_id, product_id, quantity, price, product_name) VALUES (%s, %s, 1, 1, %s)",
            order_id, product_id, name,
        )  # fmt: skip
    number: int = order_id
    return number


def _catalogue(shop: Shop, boss: Visitor) -> None:
    fill(boss, "/admin/catalog/category/add/", name=html("category"), slug="hostile")
    [(category,)] = shop.rows("SELECT category_id FROM categories WHERE slug = 'hostile'")
    attributes = json.dumps({html("key"): html("value")})
    picture = File(file_name("file"), pictures.encoded())
    own = {"name": html("product"), "sku": html("sku"), "description": html("description"), "attributes": attributes}
    add = "/admin/catalog/product/add/"
    for each in (own | {"picture": picture}, DOLLARS):
        form = form_with(boss.get(add), add, each)
        answer = send(boss, form, category=category, price="10.00", stock="50", is_active="on", **each)
        assert answer.status == 302, answer.text
    lines = "sku,name,price,stock\nCELL,{0},x,9\nNEW,{0},1.00,9\n".format(html("cell").replace('"', ""))
    fill(boss, "/admin/catalog/product/import/", file=File(file_name("upload"), lines.encode(), "text/csv"))


def _staff(shop: Shop, boss: Visitor) -> None:
    fill(boss, f"/admin/catalog/product/{shop.samples['product_id']}/restock/", number="5", note=html("movement"))
    fill(boss, "/admin/users/apikey/add/", name=html("apikey"), scopes=["orders:read"], requests_per_minute="9")
    fill(boss, "/admin/history/endpoint/add/", name=html("webhook"), url="https://hooks.example/zq", is_active="on")
    fill(boss, "/admin/auth/group/add/", name=html("group"))
    fill(boss, "/admin/users/user/add/", name=html("person"), email="person@shop.example", usable_password="false")


def _sign_in(shop: Shop, agent: str) -> None:
    [(email,)] = shop.rows("SELECT email FROM users WHERE user_id = %s", shop.people["the owner"])
    visitor = shop.visitor(place=places.of(40, 0))
    visitor.post("/account/login/", {"login": email, "password": PASSWORD}, User_Agent=agent)
