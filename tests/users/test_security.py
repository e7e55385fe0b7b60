"""Second factor and sessions, in the shop's frame."""

import re
import time

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from tests.factories import PASSWORD, UserFactory
from tests.pages import breaks_csp, confirm_password, enter_code, text

pytestmark = pytest.mark.django_db

LOGIN, REAUTHENTICATE, TOTP = (
    reverse(name) for name in ("account_login", "account_reauthenticate", "mfa_activate_totp")
)


@pytest.fixture(autouse=True)
def _nobody_is_throttled():
    cache.clear()


@pytest.fixture
def customer():
    return UserFactory()


def sign_in(client, user):
    return client.post(LOGIN, {"login": user.email, "password": PASSWORD})


def is_signed_in(client) -> bool:
    return "_auth_user_id" in client.session


def code(secret: str, *, later: int = 0) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + later))


def turn_on(client) -> str:
    """Turn on the second factor and return its key."""
    client.post(REAUTHENTICATE, {"password": PASSWORD})
    page = client.get(TOTP)
    secret = re.search(r"<code[^>]*>(\w+)</code>", page.content.decode()).group(1)
    response = client.post(TOTP, {"code": code(secret)})
    assert response["Location"] == reverse("mfa_view_recovery_codes")
    return secret


def test_with_a_second_factor_the_password_is_not_enough(client, customer):
    sign_in(client, customer)
    secret = turn_on(client)
    assert "Second factor On" in text(client.get(reverse("users:account")))
    other = Client()

    asked = sign_in(other, customer)
    assert asked["Location"] == reverse("mfa_authenticate")
    assert not is_signed_in(other)
    other.post(asked["Location"], {"code": "000000"})
    assert not is_signed_in(other)
    other.post(asked["Location"], {"code": code(secret, later=1)})

    assert is_signed_in(other)


def test_a_recovery_code_signs_in_once(client, customer):
    sign_in(client, customer)
    turn_on(client)
    page = client.get(reverse("mfa_view_recovery_codes"))
    codes = re.findall(r"<li>(\d{8})</li>", page.content.decode())
    assert len(codes) == 10

    answers = []
    for _ in range(2):
        other = Client()
        sign_in(other, customer)
        other.post(reverse("mfa_authenticate"), {"code": codes[0]})
        answers.append(is_signed_in(other))

    assert answers == [True, False]


def test_the_second_factor_is_turned_off(client, customer):
    sign_in(client, customer)
    turn_on(client)

    client.post(reverse("mfa_deactivate_totp"))

    other = Client()
    sign_in(other, customer)
    assert is_signed_in(other)


@pytest.mark.parametrize("name", ["mfa_activate_totp", "account_data", "orders:close_account"])
def test_the_password_is_asked_again_where_much_is_at_stake(client, customer, name):
    sign_in(client, customer)

    response = client.get(reverse(name))
    assert response["Location"].startswith(REAUTHENTICATE)
    client.post(REAUTHENTICATE, {"password": "wrong"})
    assert client.get(reverse(name)).status_code == 302
    client.post(REAUTHENTICATE, {"password": PASSWORD})

    assert client.get(reverse(name)).status_code == 200


@pytest.mark.parametrize(
    "name",
    [
        "mfa_index",
        "mfa_view_recovery_codes",
        "mfa_generate_recovery_codes",
        "mfa_deactivate_totp",
        "usersessions_list",
        "account_email",
        "account_reauthenticate",
        "mfa_reauthenticate",
    ],
)
def test_the_pages_are_in_the_shops_frame(client, customer, name):
    sign_in(client, customer)
    turn_on(client)

    page = client.get(reverse(name))

    assert page.status_code == 200
    assert 'id="main"' in page.content.decode()
    assert breaks_csp(page) == []


def test_other_devices_are_signed_out(client, customer):
    other = Client(HTTP_USER_AGENT="Telephone/1")
    sign_in(other, customer)
    sign_in(client, customer)
    assert "Telephone/1" in text(client.get(reverse("usersessions_list")))

    client.post(reverse("usersessions_list"))

    assert other.get(reverse("users:account")).status_code == 302
    assert client.get(reverse("users:account")).status_code == 200


def test_the_address_changes_only_with_the_code_sent_to_the_new_one(client, customer):
    sign_in(client, customer)
    old = customer.email
    confirm_password(client)

    client.post(reverse("account_email"), {"email": "new@shop.example", "action_add": ""})
    customer.refresh_from_db()
    assert customer.email == old
    enter_code(client)

    customer.refresh_from_db()
    assert customer.email == "new@shop.example"
    other = Client()
    other.post(LOGIN, {"login": old, "password": PASSWORD})
    assert not is_signed_in(other)
