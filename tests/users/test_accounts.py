"""Signing up, in and out, through the shop's pages."""

import re

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from orders.models import Order
from tests.emails import deliver
from tests.factories import PASSWORD, ProductFactory, StaffFactory, UserFactory
from tests.pages import breaks_csp, enter_code, field, text
from users.models import User

pytestmark = pytest.mark.django_db

SIGNUP, LOGIN, LOGOUT, RESET = (reverse(f"account_{name}") for name in ("signup", "login", "logout", "reset_password"))
ADA = {"name": "Ada", "email": "ada@shop.example", "password1": PASSWORD}


@pytest.fixture(autouse=True)
def _nobody_is_throttled():
    cache.clear()


def is_signed_in(client) -> bool:
    return "_auth_user_id" in client.session


def test_signing_up_and_ordering(client):
    lamp = ProductFactory(name="Lamp")
    client.post(reverse("orders:cart_add"), {"product": lamp.pk})
    checkout = reverse("orders:checkout")

    client.post(f"{SIGNUP}?next={checkout}", ADA | {"next": checkout})
    page = enter_code(client, follow=True)
    assert page.redirect_chain[-1][0] == checkout
    hidden = {name: field(page, name) for name in ("key", "shown")}
    address = {"name": "Ada", "line1": "1 High Street", "city": "Springfield", "postcode": "1", "country": "Utopia"}
    placed = client.post(checkout, address | hidden, follow=True)

    user = User.objects.get()
    assert (user.name, user.email) == ("Ada", "ada@shop.example")
    assert user.check_password(PASSWORD)
    assert Order.objects.get().customer == user
    assert "Thank you" in text(placed)


@pytest.mark.parametrize(
    "bad",
    [
        {"name": ""},
        {"name": "x" * 201},
        {"name": "\x00"},
        {"email": "nonsense"},
        {"email": ""},
        {"email": "a@b\x00.example"},
        {"password1": "short"},
        {"password1": "1234567890123"},
        {"password1": "password123"},
    ],
)
def test_bad_input_makes_no_account(client, bad):
    response = client.post(SIGNUP, ADA | bad)

    assert "There is a problem" in text(response)
    assert response.content.decode().count("<title>Error: ") == 1
    assert User.objects.count() == 0


def test_an_address_has_one_account_whatever_its_case(client):
    UserFactory(email="ada@shop.example")

    response = client.post(SIGNUP, ADA | {"email": "ADA@shop.example"}, follow=True)

    assert "We sent a code to ada@shop.example" in text(response)
    assert "already exists" in deliver()[-1].body
    assert User.objects.count() == 1
    assert not is_signed_in(client)


def test_known_and_unknown_addresses_read_the_same_at_sign_up():
    UserFactory(email="known@shop.example")

    known, new = (
        Client().post(SIGNUP, ADA | {"email": email}, follow=True)
        for email in ("known@shop.example", "new@shop.example")
    )

    assert text(known).replace("known@", "new@") == text(new)
    assert known.redirect_chain == new.redirect_chain


def test_nobody_is_let_in_before_the_code_is_entered(client):
    client.post(SIGNUP, ADA)

    assert not is_signed_in(client)
    assert client.get(reverse("order_list")).status_code == 302
    client.post(LOGIN, {"login": ADA["email"], "password": PASSWORD})
    assert not is_signed_in(client)


def test_a_wrong_code_can_be_tried_three_times(client):
    client.post(SIGNUP, ADA)
    page = reverse("account_email_verification_sent")

    answers = [client.post(page, {"code": "000000"}) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 302]
    assert "There is a problem" in text(answers[0])
    assert enter_code(client).status_code == 302
    assert not is_signed_in(client)


def test_a_new_code_can_be_asked_for(client):
    client.post(SIGNUP, ADA)
    first = deliver()[-1].body
    cache.clear()
    client.post(reverse("account_email_verification_sent"), {"action": "resend"})

    assert len(deliver()) == 2
    assert deliver()[-1].body != first
    enter_code(client)
    assert is_signed_in(client)


def test_a_mistake_is_told_above_the_form_and_where_it_was_made(client):
    shown = text(client.post(SIGNUP, ADA | {"password1": "short"}))

    assert shown.count("This password is too short") == 2
    problem = "Password: This password is too short. It must contain at least 10 characters."
    assert f"There is a problem {problem} Name" in shown


@pytest.mark.parametrize(("language", "signed"), [("en", "Your shop"), ("de", "Ihr Shop")])
def test_mails_about_accounts_are_the_shops_own(client, language, signed):
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = language
    client.post(SIGNUP, ADA)
    done = text(enter_code(client, follow=True)) + text(client.post(LOGOUT, follow=True))
    cache.clear()
    client.post(SIGNUP, ADA)
    client.post(RESET, {"email": ADA["email"]})
    client.post(RESET, {"email": "nobody@shop.example"})

    assert len(deliver()) == 4
    for sent in deliver():
        assert sent.body.endswith(signed)
        said = re.sub(r"https?://\S+", "", f"{sent.subject} {sent.body} {done}")
        assert not re.search(r"testserver|Hello from|\b(du|dein\w*|dir|dich)\b", said, re.IGNORECASE), said


def test_somebody_who_did_not_sign_up_here_proves_the_address_first(client):
    user = UserFactory(is_verified=False)

    client.post(LOGIN, {"login": user.email, "password": PASSWORD})
    assert not is_signed_in(client)
    enter_code(client)

    assert is_signed_in(client)


def test_signing_in_and_out(client):
    user = UserFactory(name="Ada", email="ada@shop.example")

    page = client.post(LOGIN, {"login": "Ada@Shop.Example", "password": PASSWORD}, follow=True)
    assert client.session["_auth_user_id"] == str(user.pk)
    assert page.redirect_chain[-1][0] == "/"
    assert "Ada" in text(page)
    client.post(LOGOUT)

    assert not is_signed_in(client)
    assert "Sign in" in text(client.get("/"))


@pytest.mark.parametrize("typed", ["Ada@Shop.example", "ada@shop.example", "ADA@SHOP.EXAMPLE"])
def test_an_address_that_came_in_capitals_signs_in_however_typed(client, typed):
    User.objects.bulk_create([User(email="Ada@Shop.example", name="Ada", password=make_password(PASSWORD))])

    client.post(LOGIN, {"login": typed, "password": PASSWORD})
    enter_code(client)

    assert is_signed_in(client)


@pytest.mark.parametrize("email", ["ada@shop.example", "nobody@shop.example"])
def test_a_wrong_password_and_an_unknown_address_read_the_same(client, email):
    UserFactory(email="ada@shop.example")

    response = client.post(LOGIN, {"login": email, "password": "wrong-password"})

    assert "The email address and/or password you specified are not correct." in text(response)
    assert not is_signed_in(client)


def test_an_inactive_user_does_not_get_in(client):
    user = UserFactory(is_active=False)

    client.post(LOGIN, {"login": user.email, "password": PASSWORD}, follow=True)

    assert not is_signed_in(client)


def test_guessing_passwords_is_slowed_down(client):
    user = UserFactory()

    answers = [client.post(LOGIN, {"login": user.email, "password": f"wrong-{n}"}) for n in range(21)]

    assert "Too many" in text(answers[-1])
    client.post(LOGIN, {"login": user.email, "password": PASSWORD})
    assert not is_signed_in(client)


def test_nobody_is_led_to_another_site_after_signing_in(client):
    user = UserFactory()

    response = client.post(LOGIN, {"login": user.email, "password": PASSWORD, "next": "https://evil.example/"})

    assert response["Location"] == "/"


def test_a_forgotten_password_is_set_anew_by_mail(client):
    user = UserFactory(email="ada@shop.example")

    sent = client.post(RESET, {"email": user.email}, follow=True)
    link = re.search(r"https?://[^/]+(/account/password/reset/key/\S+)", deliver()[0].body).group(1)
    page = client.get(link, follow=True)
    done = client.post(
        page.redirect_chain[-1][0], {"password1": "another-good-one", "password2": "another-good-one"}, follow=True
    )

    user.refresh_from_db()
    assert "Look into your mail" in text(sent)
    assert "Your password is changed" in text(done)
    assert user.check_password("another-good-one")
    assert "does not work any more" in text(client.get(link, follow=True))


def reset_by_mail(client, user):
    client.post(RESET, {"email": user.email})
    link = re.search(r"https?://[^/]+(/account/password/reset/key/\S+)", deliver()[-1].body).group(1)
    page = client.get(link, follow=True)
    client.post(page.redirect_chain[-1][0], {"password1": "another-good-one", "password2": "another-good-one"})


def test_the_link_of_a_reset_proves_an_address_that_was_brought_in(client):
    user = UserFactory(is_verified=False)

    reset_by_mail(client, user)
    client.post(LOGIN, {"login": user.email, "password": "another-good-one"})

    assert is_signed_in(client)


def test_the_link_of_a_reset_proves_no_address_it_may_not_have_gone_to(client):
    user = UserFactory(is_verified=False)
    EmailAddress.objects.create(user=user, email="other@shop.example", verified=False)

    reset_by_mail(client, user)

    assert not EmailAddress.objects.filter(verified=True).exists()


def test_asking_for_an_unknown_address_reads_the_same(client):
    sent = client.post(RESET, {"email": "nobody@shop.example"}, follow=True)

    assert "If this address has an account" in text(sent)


@pytest.mark.parametrize(
    "name", ["login", "signup", "reset_password", "reset_password_done", "reset_password_from_key_done", "inactive"]
)
def test_guests_see_account_pages_in_the_shops_frame(client, name):
    page = client.get(reverse(f"account_{name}"))

    assert page.status_code == 200
    assert 'id="main"' in page.content.decode()
    assert breaks_csp(page) == []


@pytest.mark.parametrize("name", ["email", "change_password", "logout", "reauthenticate"])
def test_customers_see_account_pages_in_the_shops_frame(client, name):
    client.post(LOGIN, {"login": UserFactory().email, "password": PASSWORD})

    page = client.get(reverse(f"account_{name}"))

    assert page.status_code == 200
    assert 'id="main"' in page.content.decode()


def test_guests_are_asked_to_sign_in(client):
    assert client.get(reverse("account_email")).status_code == 302


def test_the_header_shows_everybody_their_own_doors(client):
    assert "Admin" not in text(client.get("/"))
    client.force_login(UserFactory())
    shown = text(client.get("/"))
    assert "Orders" in shown
    assert "Admin" not in shown
    assert "Reports" not in shown
    client.force_login(StaffFactory())
    shown = text(client.get("/"))
    assert "Admin" in shown


@pytest.mark.parametrize("path", ["/nope", "/p/nope/", "/orders/1/nope"])
def test_a_page_that_is_not_there_leads_on(client, path):
    page = client.get(path)

    assert page.status_code == 404
    assert 'role="search"' in page.content.decode()
    assert breaks_csp(page) == []
