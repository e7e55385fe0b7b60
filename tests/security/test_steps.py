"""Steps left out, taken twice, or taken by the wrong person."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest

from tests.security.buying import CHECKOUT, buy, empty_cart, form, orders_of, placed, put_in_cart, step
from tests.security.shops import Shop
from tests.security.visitor import Visitor

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(600)]


def stock(shop: Shop) -> int:
    [(left,)] = shop.rows("SELECT stock FROM products WHERE sku = 'LAMP'")
    return int(left)


def test_nothing_is_ordered_without_a_cart(shop: Shop):
    customer = shop.visitor("a customer")
    empty_cart(shop, "a customer")
    before = orders_of(shop, "a customer")

    answer = customer.post(CHECKOUT, form("0.00"))

    # To the order of a moment ago, if there is one: an answer may have been lost.
    assert answer.status == 302
    assert answer.location == customer.get(CHECKOUT).location
    assert re.fullmatch(r"/cart/|/orders/\d+/", answer.location)
    assert orders_of(shop, "a customer") == before


def test_a_confirmation_is_for_whose_order_it_is(shop: Shop):
    customer, owner = shop.visitor("a customer"), shop.visitor("the owner")
    number = shop.orders["pending"]

    assert customer.get(f"/checkout/done/{number}/").status == 404
    assert shop.visitor().get(f"/checkout/done/{number}/").location.startswith("/account/login/")
    assert owner.get(f"/checkout/done/{number}/").status == 200


def test_one_form_is_one_order_however_often_it_is_sent(shop: Shop):
    customer = shop.visitor("a customer")
    empty_cart(shop, "a customer")
    put_in_cart(shop, customer)
    sent, left = form("10.00"), stock(shop)

    first = placed(customer.post(CHECKOUT, sent))
    again = placed(customer.post(CHECKOUT, sent))
    put_in_cart(shop, customer, 3)
    other = customer.post(CHECKOUT, sent | {"shown_total": "30.00"})

    assert again == first
    assert other.location == f"/orders/{first}/"
    assert stock(shop) == left - 1
    assert orders_of(shop, "a customer")[-1] == first


def test_anothers_key_finds_nothing_of_theirs(shop: Shop):
    customer, owner = shop.visitor("a customer"), shop.visitor("the owner")
    for who, visitor in (("a customer", customer), ("the owner", owner)):
        empty_cart(shop, who)
        put_in_cart(shop, visitor)
    sent = form("10.00")

    theirs = placed(owner.post(CHECKOUT, sent))
    own = placed(customer.post(CHECKOUT, sent))

    assert own != theirs
    assert shop.order(own)[0] == shop.people["a customer"]
    assert shop.order(theirs)[0] == shop.people["the owner"]


def test_what_is_shipped_is_not_cancelled_and_what_is_cancelled_gives_its_stock_back_once(shop: Shop):
    customer, desk, left = shop.visitor("a customer"), shop.visitor("Order desk"), stock(shop)
    shipped, cancelled = buy(shop, customer, 2), buy(shop, customer, 3)
    for to in ("paid", "shipped"):
        step(shop, desk, shipped, to)

    late = customer.post(f"/orders/{shipped}/cancel/")
    answers = [customer.post(f"/orders/{cancelled}/cancel/").status for _ in range(2)]

    assert late.status == 409
    assert shop.order(shipped)[1] == "shipped"
    assert answers == [302, 302]
    assert shop.order(cancelled)[1] == "cancelled"
    assert stock(shop) == left - 2


def test_no_step_is_left_out(shop: Shop):
    desk, number = shop.visitor("Order desk"), buy(shop, shop.visitor("a customer"))

    for to in ("shipped", "delivered", "returned", "pending", "free of charge"):
        step(shop, desk, number, to)

    assert shop.order(number)[1] == "pending"
    assert step(shop, desk, number, "paid", rev=0).status == 302
    assert shop.order(number)[1] == "pending"


def test_what_came_back_is_refunded_once(shop: Shop):
    customer, desk, left = shop.visitor("a customer"), shop.visitor("Order desk"), stock(shop)
    number = buy(shop, customer, 2)
    for to in ("paid", "shipped", "delivered"):
        step(shop, desk, number, to)
    [(item,)] = shop.rows("SELECT order_item_id FROM order_items WHERE order_id = %s", number)
    sent = {f"quantity_{item}": "2", f"restock_{item}": "on", "reason": "Broken", "confirmed": "on"}

    too_many = take_back(shop, desk, number, sent | {f"quantity_{item}": "3"})
    first, second = (take_back(shop, desk, number, sent) for _ in range(2))

    assert too_many.status == 422
    assert first.location.endswith(f"/{number}/change/")
    assert second.location.endswith(f"/{number}/change/")
    assert shop.order(number)[1] == "returned"
    assert shop.rows("SELECT amount FROM refunds WHERE order_id = %s", number) == [(Decimal("20.00"),)]
    assert stock(shop) == left


def take_back(shop: Shop, staff: Visitor, number: int, sent: dict[str, Any]) -> Any:
    rev = shop.order(number)[3]
    return staff.post(f"/admin/orders/order/{number}/return/", {"rev": rev} | sent)


def test_whoever_asks_for_an_erasure_does_not_confirm_it(shop: Shop):
    manager, boss = shop.visitor("Manager"), shop.visitor("a superuser")
    [(leaver,)] = shop.rows("INSERT INTO users (name, email) VALUES ('L', 'l@shop.example') RETURNING user_id")
    page = f"/admin/users/user/{leaver}/erase/"

    early = boss.post(page, {"step": "confirm"})
    asked = manager.post(page, {"step": "ask"})
    own = manager.post(page, {"step": "confirm"})

    assert (early.status, asked.status, own.status) == (409, 302, 409)
    assert "Somebody else has to confirm" in own.text
    erasure = "SELECT asked_by, confirmed_by FROM erasures WHERE user_id = %s"
    assert shop.rows(erasure, leaver) == [(shop.people["Manager"], None)]
    assert boss.post(page, {"step": "confirm"}).status == 302
    assert shop.rows(erasure, leaver) == [(shop.people["Manager"], shop.people["a superuser"])]


def test_the_secret_of_a_webhook_is_seen_once_by_who_made_it(shop: Shop):
    manager, boss = shop.visitor("Manager"), shop.visitor("a superuser")
    page = f"/admin/history/endpoint/{shop.objects['history_endpoint']}"

    boss.get(f"{page}/secret/")
    made = manager.post(f"{page}/rotate/")

    assert made.location == f"{page}/secret/"
    answers = [who.get(made.location) for who in (boss, manager, manager)]
    assert [answer.status for answer in answers] == [302, 200, 302]


def test_the_second_factor_is_not_gone_around(shop: Shop):
    """A superuser who has not turned it on: signed in, and outside."""
    somebody = shop.visitor("no second factor")

    answers = [somebody.get(path) for path in ("/admin/", "/admin/orders/order/", "/reports/", "/reports/sales/")]

    assert [answer.is_let_in for answer in answers] == [False] * 4
    assert somebody.get("/admin/login/").location == "/account/2fa/totp/activate/"
