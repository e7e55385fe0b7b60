"""A customer changes their own data in two tabs: neither undoes what the other did."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.factories import UserFactory
from tests.pages import text
from tests.security.pages import Page
from users.addresses import keep_address
from users.models import Address, User

pytestmark = pytest.mark.django_db

LINES = {"name": "Ada", "line1": "1 High Street", "city": "Springfield", "postcode": "123", "country": "Utopia"}


@pytest.fixture
def customer():
    return UserFactory(name="Ada")


def opened(client, url, name):
    """A tab with a page open: what its form sends, where some of it is typed anew."""
    page = Page(client.get(url).content.decode(), url)
    form = next(form for form in page.forms if f"initial-{name}" in form.fields)
    return lambda **typed: client.post(form.action, form.fields | typed)


def test_lines_of_an_address(shopper, customer):
    keep_address(customer, LINES, at=timezone.now())
    url = reverse("users:address_change", args=[Address.objects.get().pk])
    first, second, third = (opened(shopper, url, "city") for _ in range(3))

    second(city="Shelbyville")
    assert first(line1="2 Mill Lane").status_code == 302
    refused = third(city="Ogdenville")

    assert (Address.objects.get().city, Address.objects.get().line1) == ("Shelbyville", "2 Mill Lane")
    assert (refused.status_code, "you changed this to “Shelbyville”" in text(refused)) == (422, True)


def test_the_name(shopper, customer):
    first, second, third = (opened(shopper, reverse("users:account"), "name") for _ in range(3))

    second(name="Ada Lovelace")
    first()
    refused = third(name="Ada King")

    assert User.objects.get(pk=customer.pk).name == "Ada Lovelace"
    assert (refused.status_code, "you changed this to “Ada Lovelace”" in text(refused)) == (422, True)
