"""Fields that no form has, and values that no form offers: nothing but what is asked for is ever taken."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.security.addresses import Address
from tests.security.buying import CHECKOUT, LINES, buy, empty_cart, form, orders_of, placed, put_in_cart, step
from tests.security.shops import Shop

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(600)]

# What people would like to be, to own and to pay.
WISHES = {
    "is_staff": "on",
    "is_superuser": "on",
    "is_active": "on",
    "user_permissions": "1",
    "groups": "1",
    "password": "md5$x$y",
    "status": "delivered",
    "total_amount": "0.01",
    "total": "0.01",
    "rev": "999",
    "price": "0.01",
    "price_seen": "0.01",
    "stock": "1",
    "holds_stock": "",
    "created_at": "2001-01-01",
    "changed_by": "1",
    "verified": "on",
    "confirmed_by": "1",
}
# Who leaves, or has everybody else leave.
ENDINGS = {"account_logout", "usersessions_list", "orders:close_account", "admin:logout"}
# All that is not the customer's own.
OTHERS = {
    "users": "user_id <> {me}",
    "users_groups": "true",
    "users_user_permissions": "true",
    "auth_group": "true",
    "account_emailaddress": "user_id <> {me}",
    "addresses": "user_id <> {me}",
    "cart_items": "user_id <> {me}",
    "orders": "user_id <> {me}",
    "order_items": "order_id NOT IN (SELECT order_id FROM orders WHERE user_id = {me})",
    "archived_orders": "true",
    "refunds": "true",
    "categories": "true",
    "api_keys": "true",
    "erasures": "true",
    "products": "true",
    "stock_movements": "order_id IS NULL",
}


def of_others(shop: Shop, who: str) -> dict[str, Any]:
    """What belongs to others; of a product only what buying does not change."""
    return {
        table: shop.rows(
            f"SELECT (to_jsonb(t) - ARRAY['stock', 'last_used_at'])::text FROM {table} t"
            f" WHERE {whose.format(me=shop.people[who])} ORDER BY 1"
        )
        for table, whose in OTHERS.items()
    }


def person(shop: Shop, user_id: int) -> tuple[Any, ...]:
    [row] = shop.rows(
        "SELECT is_staff, is_superuser, is_active,"
        " (SELECT count(*) FROM users_groups g WHERE g.user_id = u.user_id),"
        " (SELECT count(*) FROM users_user_permissions p WHERE p.user_id = u.user_id) FROM users u WHERE user_id = %s",
        user_id,
    )
    return row


def wishes(shop: Shop) -> dict[str, Any]:
    owner = shop.people["the owner"]
    return WISHES | dict.fromkeys(("user", "user_id", "customer", "customer_id", "owner", "owner_id"), owner)


def test_no_form_takes_what_it_does_not_ask_for(shop: Shop, every_address: list[Address]):
    """Every form of the site, each sent all that any of them has, and what people would like beside it."""
    customer, me = shop.visitor("a customer"), shop.people["a customer"]
    before, own = of_others(shop, "a customer"), orders_of(shop, "a customer")
    statuses = shop.rows("SELECT order_id, status, total_amount FROM orders WHERE user_id = %s ORDER BY 1", me)
    all_fields = LINES | {"product": shop.samples["product_id"], "quantity": 1, "email": "mallory@shop.example"}

    for address in every_address:
        if address.name not in ENDINGS:
            answer = customer.post(address.path, all_fields | wishes(shop))
            assert answer.status < 500, address.path

    assert of_others(shop, "a customer") == before
    assert person(shop, me) == (False, False, True, 0, 0)
    assert orders_of(shop, "a customer") == own
    assert shop.rows("SELECT order_id, status, total_amount FROM orders WHERE user_id = %s ORDER BY 1", me) == statuses


def test_an_order_is_what_the_cart_and_the_prices_say(shop: Shop):
    customer, me = shop.visitor("a customer"), shop.people["a customer"]
    empty_cart(shop, "a customer")
    put_in_cart(shop, customer, 2, **wishes(shop))

    order_id = placed(customer.post(CHECKOUT, wishes(shop) | form("20.00")))

    assert shop.order(order_id) == (me, "pending", Decimal("20.00"), 1)
    items = shop.rows("SELECT product_id, quantity, price FROM order_items WHERE order_id = %s", order_id)
    assert items == [(shop.samples["product_id"], 2, Decimal("10.00"))]


def test_nobody_signs_up_as_staff(shop: Shop):
    visitor = shop.visitor()
    sent = {"name": "Mallory", "email": "new@mallory.example", "password1": "correct-horse-battery"}

    visitor.post("/account/signup/", wishes(shop) | {"password": ""} | sent)

    [(user_id,)] = shop.rows("SELECT user_id FROM users WHERE email = 'new@mallory.example'")
    assert person(shop, user_id) == (False, False, True, 0, 0)
    # Nor with an address that nobody has shown to be theirs.
    assert shop.rows("SELECT verified FROM account_emailaddress WHERE user_id = %s", user_id) == [(False,)]
    assert not visitor.get("/account/").is_let_in


def test_own_forms_change_only_what_they_are_about(shop: Shop):
    customer, me = shop.visitor("a customer"), shop.people["a customer"]
    before = of_others(shop, "a customer")
    [(own,)] = shop.rows("SELECT address_id FROM addresses WHERE user_id = %s ORDER BY 1 LIMIT 1", me)

    customer.post("/account/", wishes(shop) | {"name": "Mallory"})
    customer.post("/account/addresses/add/", wishes(shop) | LINES)
    customer.post(f"/account/addresses/{own}/", wishes(shop) | LINES | {"line1": "Elsewhere 2"})

    assert shop.rows("SELECT name FROM users WHERE user_id = %s", me) == [("Mallory",)]
    assert ("Elsewhere 2",) in shop.rows("SELECT line1 FROM addresses WHERE user_id = %s", me)
    assert person(shop, me) == (False, False, True, 0, 0)
    assert of_others(shop, "a customer") == before


@pytest.mark.parametrize("shown", ["0.01", "-10.00", "0", "NaN", "1e1", ""])
def test_no_order_is_placed_at_a_price_of_ones_own(shop: Shop, shown: str):
    customer = shop.visitor("a customer")
    empty_cart(shop, "a customer")
    put_in_cart(shop, customer, 1, price="0.01")
    before = orders_of(shop, "a customer")

    answer = customer.post(CHECKOUT, form(shown, price="0.01", total_amount="0.01"))

    # Ten in another spelling is still ten.
    after = orders_of(shop, "a customer")
    assert (answer.status, after) == (422, before) or (shown == "1e1" and shop.order(after[-1])[2] == 10)


@pytest.mark.parametrize("quantity", ["-1", "0", "1.5", "1e3", "99999999999999999999", "٣", "1;2", ""])
def test_nothing_but_a_whole_number_of_products_is_taken(shop: Shop, quantity: str):
    customer, me = shop.visitor("a customer"), shop.people["a customer"]
    empty_cart(shop, "a customer")

    added = put_in_cart(shop, customer, quantity)
    put_in_cart(shop, customer)
    updated = customer.post("/cart/update/", {"product": shop.samples["product_id"], "quantity": quantity})

    assert (added.status, updated.status) == (422, 422)
    assert shop.rows("SELECT quantity, price_seen FROM cart_items WHERE user_id = %s", me) == [(1, Decimal("10.00"))]


def test_nobody_buys_more_than_there_is(shop: Shop):
    customer, me = shop.visitor("a customer"), shop.people["a customer"]
    empty_cart(shop, "a customer")
    [(left,)] = shop.rows("SELECT stock FROM products WHERE sku = 'LAMP'")

    put_in_cart(shop, customer, 9999)
    assert shop.rows("SELECT quantity FROM cart_items WHERE user_id = %s", me) == [(left,)]
    shop.rows("UPDATE cart_items SET quantity = %s WHERE user_id = %s", left + 1, me)
    answer = customer.post(CHECKOUT, form(f"{10 * (left + 1)}.00"))

    assert answer.status == 422
    assert shop.rows("SELECT stock FROM products WHERE sku = 'LAMP'") == [(left,)]


def test_staff_change_what_their_form_has_and_no_more(shop: Shop):
    """The order desk, the catalogue and the manager, each with the form of another in the same request."""
    desk, catalogue, manager = (shop.visitor(role) for role in ("Order desk", "Catalogue", "Manager"))
    order_id = buy(shop, shop.visitor("a customer"), 2)
    product_id, person_id = shop.samples["product_id"], shop.people["a customer"]
    [lamp] = shop.rows("SELECT stock, image FROM products WHERE product_id = %s", product_id)
    [boss] = shop.rows("SELECT email, password FROM users WHERE user_id = %s", shop.people["a superuser"])

    step(shop, desk, order_id, "paid", total_amount="0.01", user_id=shop.people["the owner"], status="delivered")
    typed = {"name": "Lamp", "sku": "LAMP", "category": "", "price": "10.00", "is_active": "on", "attributes": "{}"}
    changed = catalogue.post(
        f"/admin/catalog/product/{product_id}/change/", typed | {"stock": "99999", "image": "x", "description": "Red"}
    )
    kept = manager.post(
        f"/admin/users/user/{person_id}/change/",
        {"name": "Mallory", "email": "mallory@shop.example", "is_active": "on"}
        | {"is_superuser": "on", "password": "md5$x$y", "user_permissions": "1"},
    )
    itself = manager.post(
        f"/admin/users/user/{shop.people['Manager']}/change/",
        {"name": "M", "email": "m@shop.example", "is_active": "on", "is_staff": "on", "is_superuser": "on"},
    )
    above = manager.post(
        f"/admin/users/user/{shop.people['a superuser']}/change/", {"name": "M", "email": "m@shop.example"}
    )

    assert shop.order(order_id) == (person_id, "paid", Decimal("20.00"), 2)
    assert changed.status == 302
    assert shop.rows("SELECT description FROM products WHERE product_id = %s", product_id) == [("Red",)]
    assert shop.rows("SELECT stock, image FROM products WHERE product_id = %s", product_id) == [lamp]
    assert kept.status == 302
    assert person(shop, person_id) == (False, False, True, 0, 0)
    assert shop.rows("SELECT count(*) FROM users WHERE password = 'md5$x$y'") == [(0,)]
    assert (itself.status, above.status) == (403, 403)
    assert shop.rows("SELECT count(*) FROM users WHERE is_superuser") == [(2,)]
    assert shop.rows("SELECT email, password FROM users WHERE user_id = %s", shop.people["a superuser"]) == [boss]


def test_nobody_hands_out_more_than_they_have(shop: Shop):
    manager, me = shop.visitor("Manager"), shop.people["staff without a role"]
    shop.rows(
        "INSERT INTO auth_group (name) VALUES ('Owners');"
        "INSERT INTO auth_group_permissions (group_id, permission_id)"
        " SELECT g.id, p.id FROM auth_group g, auth_permission p"
        " WHERE g.name = 'Owners' AND p.codename = 'delete_group'"
    )
    groups = dict(shop.rows("SELECT name, id FROM auth_group"))
    [(email,)] = shop.rows("SELECT email FROM users WHERE user_id = %s", me)
    typed = {"name": "Sam", "email": email, "is_active": "on", "is_staff": "on"}

    refused = manager.post(f"/admin/users/user/{me}/change/", typed | {"groups": groups["Owners"]})
    assert (refused.status, person(shop, me)[3]) == (200, 0)
    taken = manager.post(f"/admin/users/user/{me}/change/", typed | {"groups": groups["Analyst"]})

    assert (taken.status, person(shop, me)[3]) == (302, 1)
    shop.rows("DELETE FROM users_groups WHERE user_id = %s", me)
