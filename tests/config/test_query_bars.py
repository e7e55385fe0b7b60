"""How many statements the pages of the shop may take: for whomever, in any language, however many rows there are."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.factories import CategoryFactory, ProductFactory, UserFactory

pytestmark = pytest.mark.django_db

LIST, SEARCH, PRODUCT, CART, ORDER, ORDERS = 8, 9, 6, 6, 8, 8


def taken(client, path, language):
    with CaptureQueriesContext(connection) as asked:
        assert client.get(path, headers={"accept-language": language}).status_code == 200
    return len(asked)


@pytest.mark.parametrize("language", ["en", "de"])
def test_pages_keep_below_their_bars_however_many_rows_there_are(client, mirror, place, language):
    customer, category = UserFactory(), CategoryFactory(slug="lamps")
    first = ProductFactory(name="Lamp", category=category, attributes={"colour": "red"})
    order = place(first, customer=customer)
    bars = {"/": LIST, "/?in_stock=on&attribute=colour:red": LIST, "/search/?q=lamp": SEARCH, "/c/lamps/": LIST,
            first.get_absolute_url(): PRODUCT, "/cart/": CART}  # fmt: skip
    of_customer = {f"/orders/{order.pk}/": ORDER, "/orders/": ORDERS, "/orders/?q=lamp&tab=open": ORDERS}

    seen = []
    for more in (1, 6):
        products = ProductFactory.create_batch(more, name="Lamp", category=category, attributes={"colour": "blue"})
        for product in products:
            place(product, first, customer=customer)
        for who, pages in (("guest", bars), ("customer", bars | of_customer)):
            if who == "customer":
                client.force_login(customer)
                client.get("/")  # looks once whether the guest's cart still holds something
            for product in products:
                client.post(reverse("orders:cart_add"), {"product": product.pk})
            seen.append({(who, path): taken(client, path, language) for path in pages})
        client.logout()

    assert seen[:2] == seen[2:]
    over = {page: count for round in seen for page, count in round.items() if count > (bars | of_customer)[page[1]]}
    assert over == {}
