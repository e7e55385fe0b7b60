"""Where a form leads by "next", and odd values in every field of the forms that everybody may send."""

import pytest
from django.test import Client
from django.urls import reverse

from core.redirects import is_page
from tests.factories import PASSWORD, ProductFactory, UserFactory

pytestmark = pytest.mark.django_db

ODD = (
    *("foo", "a.b", "orders:cart", "?x=1", "#x", "..", "/nowhere/", "/\x00", "//[", "http://[", "/" + "x" * 3000),
    *("٢", "9" * 5000, "/%", "/admin", "mailto:x", "/cart/\r\nX: y"),
)
FORMS = {
    "orders:cart_add": {"quantity": "1"},
    "orders:cart_update": {"quantity": "1"},
    "orders:cart_remove": {},
    "orders:checkout": {},
    "set_language": {"language": "de"},
    "account_login": {"login": "a@shop.example", "password": PASSWORD},
    "account_signup": {"email": "new@shop.example", "name": "Ada", "password1": PASSWORD},
    "account_logout": {},
    "account_reset_password": {"email": "a@shop.example"},
    "admin:login": {"login": "a@shop.example", "password": PASSWORD},
}


@pytest.fixture
def product():
    UserFactory(email="a@shop.example")
    return ProductFactory()


def ends_well(response) -> bool:
    return response.status_code not in (301, 302) or is_page(response["Location"])


@pytest.mark.parametrize("name", FORMS)
def test_next_never_breaks_a_form(product, name):
    for odd in ODD:
        response = Client(raise_request_exception=False).post(
            reverse(name), FORMS[name] | {"product": product.pk, "next": odd}
        )
        assert response.status_code < 500, odd
        # Django's own view of the language takes any address of this host.
        assert name == "set_language" or ends_well(response), odd


@pytest.mark.parametrize("odd", ODD)
def test_the_cart_leads_to_pages_of_the_shop_only(client, product, odd):
    response = client.post(reverse("orders:cart_add"), {"product": product.pk, "quantity": 1, "next": odd})

    assert response["Location"] == reverse("orders:cart")


@pytest.mark.parametrize("path", ["/", "/?sort=price&page=2", "/search/?q=a%20b", "/cart/", "/p/x-1/"])
def test_the_cart_leads_back_to_where_the_form_was(client, product, path):
    response = client.post(reverse("orders:cart_add"), {"product": product.pk, "quantity": 1, "next": path})

    assert response["Location"] == path


@pytest.mark.parametrize("name", [name for name in FORMS if name.startswith("orders:")])
def test_odd_values_never_break_a_form(product, name):
    client = Client(raise_request_exception=False)
    client.force_login(UserFactory())
    client.post(reverse("orders:cart_add"), {"product": product.pk})
    for field in ("product", "quantity", "once", "in_cart", "saved", "key", "shown", "shown_total"):
        for odd in (*ODD, "", ["1", "2"], "-1", "1e999", "NaN", "\x00", "1" + "0" * 300):
            response = client.post(reverse(name), FORMS[name] | {"product": product.pk} | {field: odd})
            assert response.status_code < 500, (field, odd)
