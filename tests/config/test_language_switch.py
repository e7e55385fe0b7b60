"""Switching the language on a page with errors leads back to that page."""

import pytest
from django.urls import reverse

from tests.factories import ProductFactory
from tests.pages import field, text

pytestmark = pytest.mark.django_db


def test_a_form_with_errors_is_shown_in_the_other_language(client):
    login = reverse("account_login")
    page = client.post(login, {"login": "", "password": ""})

    answer = client.post(reverse("set_language"), {"language": "de", "next": field(page, "next")})

    assert answer["Location"] == login
    assert "Anmelden" in text(client.get(login))


def test_a_refused_cart_leads_to_the_cart(client):
    page = client.post(reverse("orders:cart_add"), {"product": ProductFactory().pk, "quantity": "x"})

    assert page.status_code == 422
    assert f'name="next"\n                 value="{reverse("orders:cart")}"' in page.text
