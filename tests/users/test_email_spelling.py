"""One person per email address, however it is spelled."""

from __future__ import annotations

import threading

import pytest
from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from django.contrib.messages.storage import default_storage
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.urls import reverse

from core.text import is_reserved_email, normalize_email
from history.imports import fields
from tests.emails import deliver
from tests.factories import PASSWORD, StaffFactory, UserFactory
from tests.pages import confirm_password, enter_code, text
from users.models import User

pytestmark = pytest.mark.django_db

SIGNUP, LOGIN, RESET, CHANGE = (reverse(f"account_{name}") for name in ("signup", "login", "reset_password", "email"))
EMAIL = "silvia.ki@shop.example"
SPELLINGS = [
    "ſilvia.ki@shop.example",
    "SİLVIA.KI@shop.example",
    "sılvıa.kı@shop.example",
    "silvia.\u212ai@shop.example",  # the sign of the unit Kelvin
    "ｓｉｌｖｉａ.ki@shop.example",
    "silvia.ki＠shop．example",
    "silvia.ki@shop.example.",
    "silvia.ki@shop。example",
    "silvia.ki@shop｡example。",
    "\u00a0silvia.ki@\u200bshop.example \u3000",
    "Silvia.KI@SHOP.EXAMPLE",
]
RESERVED = [
    "erased-7@account.invalid",
    "Closed-7@ACCOUNT.Invalid",
    "closed-7@account.ınvalıd",
    "erased-7@account.invalid.",
    "erased-7@account.ｉnvalid",
    "erased-7＠account.invalid",
    "erased-7@account。invalid",
    "ann@shop.invalid",
    "ann@invalid",
]


@pytest.fixture
def admin(client) -> Client:
    client.force_login(StaffFactory())
    return client


@pytest.fixture(autouse=True)
def _nobody_is_throttled():
    cache.clear()


def signup(email: str, client: Client | None = None):
    data = {"name": "Silvia", "email": email, "password1": PASSWORD}
    return (client or Client()).post(SIGNUP, data, follow=True)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_spelling_is_normalised_once(spelling):
    assert normalize_email(spelling) == EMAIL
    assert normalize_email(normalize_email(spelling)) == EMAIL


@pytest.mark.parametrize("url", [SIGNUP, LOGIN, RESET])
def test_marks_without_end_are_no_address(client, url):
    email = "a" + "\u0301\u0316" * 20_000 + "@shop.example"

    response = client.post(url, {"email": email, "login": email, "name": "Ann", "password": "x", "password1": PASSWORD})

    assert "valid email" in text(response)
    assert normalize_email(email) == email  # normalising it would take seconds


def test_letters_that_are_composed_or_decomposed_are_the_same():
    assert normalize_email("ann@bu\u0308cher.example") == normalize_email("ann@BÜCHER.example") == "ann@bücher.example"


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_signing_up_reveals_nothing_in_any_spelling(spelling):
    new = signup(spelling)
    assert User.objects.get().email == EMAIL
    User.objects.all().delete()
    UserFactory(email=EMAIL)
    cache.clear()

    known = signup(spelling)

    assert (known.status_code, text(known)) == (new.status_code, text(new))
    assert User.objects.count() == 1


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_everything_finds_the_account_in_any_spelling(client, spelling):
    user = UserFactory(email=EMAIL)

    client.post(RESET, {"email": spelling})
    client.post(LOGIN, {"login": spelling, "password": PASSWORD})

    assert client.session["_auth_user_id"] == str(user.pk)
    assert [(mail.to, mail.subject) for mail in deliver()] == [([EMAIL], "[Shop] A new password")]
    assert User.objects.get_by_natural_key(spelling) == user


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_staff_cannot_add_an_address_twice(admin, spelling):
    UserFactory(email=EMAIL)
    data = {"name": "Silvia", "email": spelling, "usable_password": "false"}

    response = admin.post(reverse("admin:users_user_add"), data)

    assert "This e-mail address is taken." in text(response)


def test_plain_sql_stores_the_same_spelling():
    with connection.cursor() as cursor:
        for number, spelling in enumerate(["ſilvia.ki@shop.example", "ﬁona@shop.example", " SıLVIA@shop.example "]):
            cursor.execute("INSERT INTO users (name, email) VALUES (%s, %s)", [f"Silvia {number}", spelling])

    stored = User.objects.order_by("pk").values_list("email", flat=True)
    assert [*stored] == ["silvia.ki@shop.example", "fiona@shop.example", "silvia@shop.example"]
    assert [User.objects.filter(email=email).count() for email in stored] == [1, 1, 1]


@pytest.mark.django_db(transaction=True)
def test_two_equal_sign_ups_at_once_read_the_same():
    ready, answers = threading.Barrier(6), []

    def sign_up() -> None:
        client = Client()
        ready.wait()
        answers.append(signup(EMAIL, client))
        connection.close()

    threads = [threading.Thread(target=sign_up) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    # Allauth sends one code to an address in ten seconds and says so to the others, whether there is an account or not.
    assert {answer.status_code for answer in answers} <= {200, 429}
    assert User.objects.count() == EmailAddress.objects.count() == 1


def test_an_account_made_since_the_address_was_looked_up_is_one_that_exists(client, monkeypatch):
    from users.allauth_forms import SignupForm

    clean = SignupForm.clean

    def clean_and_be_late(form):
        UserFactory(email=EMAIL)
        return clean(form)

    monkeypatch.setattr(SignupForm, "clean", clean_and_be_late)

    response = signup(EMAIL, client)

    assert f"We sent a code to {EMAIL}" in text(response)
    assert User.objects.count() == 1


def test_an_address_that_another_account_took_meanwhile_is_not_confirmed(client):
    user = UserFactory(email="old@shop.example")
    client.post(LOGIN, {"login": user.email, "password": PASSWORD})
    confirm_password(client)
    client.post(CHANGE, {"email": EMAIL, "action_add": ""})
    UserFactory(email=EMAIL, is_verified=False)

    response = enter_code(client, follow=True)

    assert "already registered" in text(response)
    user.refresh_from_db()
    assert user.email == "old@shop.example"


def test_an_address_that_another_account_takes_at_the_same_moment_is_not_confirmed(rf):
    user, request = UserFactory(email="old@shop.example"), rf.get("/")
    request.session, request.user = {}, user
    request._messages = default_storage(request)
    UserFactory(email=EMAIL, is_verified=False)
    address = EmailAddress.objects.create(user=user, email=EMAIL)

    assert not get_adapter(request).confirm_email(request, address)

    assert User.objects.get(pk=user.pk).email == "old@shop.example"
    assert not EmailAddress.objects.filter(email=EMAIL, verified=True).exists()


@pytest.mark.parametrize("email", RESERVED)
def test_nobody_takes_the_address_of_a_closed_account(client, email):
    assert is_reserved_email(email)
    user, staff = UserFactory(), StaffFactory()

    answers = [signup(email)]
    client.force_login(user)
    answers.append(client.post(CHANGE, {"email": email, "action_add": ""}))
    client.force_login(staff)
    new = {"name": "Ann", "email": email, "usable_password": "false"}
    answers.append(client.post(reverse("admin:users_user_add"), new))
    same = {"name": user.name, "is_active": "on", "email": email}
    answers.append(client.post(reverse("admin:users_user_change", args=[user.pk]), same))

    assert all("No mail reaches this address" in text(answer) or "valid email" in text(answer) for answer in answers)
    assert User.objects.count() == 2
    assert not User.objects.filter(email__contains="invalid").exists()
    assert not EmailAddress.objects.filter(email__contains="invalid").exists()


@pytest.mark.parametrize("email", ["erased-7@account.invalid", "Closed-7@ACCOUNT.Invalid", "erased-7@account.ｉnvalid"])
def test_no_order_book_brings_the_address_of_a_closed_account(email):
    with pytest.raises(fields.FieldError, match="only closed accounts"):
        fields.email(email)


def test_a_closed_account_can_still_be_saved_by_staff(admin):
    closed = UserFactory(email="closed-7@account.invalid", is_active=False)

    data = {"name": "Closed", "email": closed.email}
    response = admin.post(reverse("admin:users_user_change", args=[closed.pk]), data)

    assert response.status_code == 302


def test_an_address_that_is_too_long_is_refused_not_cut(admin):
    long = "a" * 60 + "@" + ".".join(["b" * 62] * 3) + ".example"
    assert len(long) == 257

    assert "at most 254 characters" in text(signup(long))
    data = {"name": "Long", "email": long, "usable_password": "false"}
    assert "at most 254 characters" in text(admin.post(reverse("admin:users_user_add"), data))

    assert not User.objects.filter(name__in=["Long", "Silvia"]).exists()
