"""Emails about accounts wait for the mail server: no page does, and nothing secret stays behind."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from orders.mails import Sender
from tests.emails import deliver
from tests.factories import PASSWORD, StaffFactory, UserFactory
from tests.orders.mail_server import MailServer
from tests.pages import confirm_password, text
from users import services
from users.email_queue import CLAIM, RETRY_AFTER, claim
from users.models import AccountEmail, User

pytestmark = pytest.mark.django_db

SIGNUP, LOGIN, RESET = (reverse(f"account_{name}") for name in ("signup", "login", "reset_password"))
ADA = {"name": "Ada", "email": "ada@shop.example", "password1": PASSWORD}


@pytest.fixture(autouse=True)
def _nobody_is_throttled():
    cache.clear()


@pytest.fixture
def no_mail_server(settings):
    """A port where nobody listens."""
    server = MailServer()
    server.close()
    _use(settings, server.port)


@pytest.fixture
def server(settings):
    server = MailServer()
    _use(settings, server.port)
    yield server
    server.close()


def _use(settings, port: int) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    confirm_password(client)
    return client


def test_signing_up_works_without_a_mail_server_and_ends_when_it_is_back(client, no_mail_server, settings):
    page = client.post(SIGNUP, ADA, follow=True)
    assert page.status_code == 200
    assert "We sent a code to ada@shop.example" in text(page)
    assert not Sender().send_next(at=timezone.now())
    assert "refused" in AccountEmail.objects.get().error

    back = MailServer()
    _use(settings, back.port)
    sender = Sender()
    assert sender.send_next(at=timezone.now() + RETRY_AFTER)
    sender.rest()
    back.close()

    code = re.search(r"^\d{6}\r?$", back.mails[0].get_content(), re.MULTILINE)
    client.post(reverse("account_email_verification_sent"), {"code": code.group().strip()})
    assert client.session["_auth_user_id"] == str(User.objects.get().pk)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("account_signup", {**ADA, "email": "known@shop.example"}),
        ("account_reset_password", {"email": "known@shop.example"}),
        ("account_reset_password", {"email": "nobody@shop.example"}),
        ("account_login", {"login": "unproved@shop.example", "password": PASSWORD}),
    ],
)
def test_no_page_needs_the_mail_server(client, no_mail_server, name, data):
    UserFactory(email="known@shop.example")
    UserFactory(email="unproved@shop.example", is_verified=False)

    assert client.post(reverse(name), data).status_code == 302
    assert AccountEmail.objects.count() == 1


def test_neither_do_changes_of_an_account_by_its_owner_or_by_staff(no_mail_server):
    ada, boss = UserFactory(name="Ada", email="ada@shop.example"), StaffFactory()
    own, staff = signed_in(ada), signed_in(boss)
    passwords = {"oldpassword": PASSWORD, "password1": "another-good-one", "password2": "another-good-one"}

    answers = [
        own.post(reverse("account_email"), {"email": "new@shop.example", "action_add": ""}),
        own.post(reverse("account_change_password"), passwords),
        staff.post(
            reverse("admin:users_user_change", args=[ada.pk]),
            {"name": "Ada", "email": "newer@shop.example", "is_active": "on"},
        ),
    ]

    assert [answer.status_code for answer in answers] == [302, 302, 302]
    assert AccountEmail.objects.count() == 3


def test_nothing_of_it_stays_once_it_is_sent(client, server):
    client.post(SIGNUP, ADA)
    client.post(RESET, {"email": "nobody@shop.example"})

    deliver()

    assert [mail["To"] for mail in server.mails] == ["ada@shop.example", "nobody@shop.example"]
    assert len({mail["Message-ID"] for mail in server.mails}) == 2
    assert not AccountEmail.objects.exists()


def test_what_has_expired_is_deleted_and_not_sent(client, server):
    client.post(SIGNUP, ADA)  # a code, valid for a quarter of an hour
    client.post(RESET, {"email": "nobody@shop.example"})

    sender = Sender()
    while sender.send_next(at=timezone.now() + timedelta(minutes=16)):
        pass
    sender.rest()

    assert [mail["To"] for mail in server.mails] == ["nobody@shop.example"]
    assert not AccountEmail.objects.exists()


def test_one_that_the_server_refuses_holds_up_no_other(client, server):
    server.says["RCPT"] = "550 no such mailbox"
    client.post(RESET, {"email": "bad@shop.example"})
    sender, now = Sender(), timezone.now()
    assert not sender.send_next(at=now)
    sender.rest()
    del server.says["RCPT"]
    client.post(RESET, {"email": "good@shop.example"})

    assert sender.send_next(at=timezone.now())
    assert not sender.send_next(at=timezone.now())
    sender.rest()

    assert [mail["To"] for mail in server.mails] == ["good@shop.example"]
    assert "no such mailbox" in AccountEmail.objects.get().error


def test_two_senders_take_each_email_once(client):
    client.post(RESET, {"email": "a@shop.example"})
    now = timezone.now()

    assert claim(now) is not None
    assert claim(now) is None
    assert claim(now + RETRY_AFTER) is not None
    assert "SKIP LOCKED" in CLAIM


def test_a_closed_account_leaves_no_email_behind(no_mail_server):
    ada = UserFactory(email="ada@shop.example")
    Client().post(RESET, {"email": ada.email})

    services.close_account(ada)

    assert not AccountEmail.objects.exists()
