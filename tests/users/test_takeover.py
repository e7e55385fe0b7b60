"""Staff below a superuser become nobody else: rights take over no account, and its owner learns of changes."""

from __future__ import annotations

import re

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import Group, Permission
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains

from orders import erasing
from tests.emails import deliver
from tests.factories import PASSWORD, StaffFactory, UserFactory
from tests.pages import enter_code, text
from users.models import Erasure, User

pytestmark = pytest.mark.django_db

ADD = reverse("admin:users_user_add")


@pytest.fixture(autouse=True)
def _nobody_is_throttled():
    cache.clear()


@pytest.fixture
def mona():
    return manager("Mona")


def manager(name: str) -> User:
    staff = UserFactory(is_staff=True, name=name)
    staff.groups.add(Group.objects.get(name="Manager"))
    return staff


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page_of(user: User) -> str:
    return reverse("admin:users_user_change", args=[user.pk])


def edit(client: Client, user: User, **changes: object):
    data = {"name": user.name, "email": user.email, "is_active": "on", **changes}
    return client.post(page_of(user), data)


def add(client: Client, email: str, **changes: object) -> User:
    data = {"name": "Second", "email": email, "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    client.post(ADD, {**data, **changes})
    return User.objects.get(email=email)


def give_role(client: Client, user: User, role: str) -> None:
    edit(client, user, is_staff="on", groups=[Group.objects.get(name=role).pk])
    assert user.groups.get().name == role


# --- Addresses ---


def test_a_customer_whose_address_staff_change_learns_of_it_at_the_old_one(mona):
    ada = UserFactory(name="Ada", email="ada@shop.example")

    edit(browser(mona), ada, email="new@shop.example")

    assert [mail.to for mail in deliver()] == [["ada@shop.example"]]
    assert deliver()[0].subject == "[Shop] Your account was changed / Ihr Konto wurde geändert"
    assert "gave your account another e-mail address" in deliver()[0].body
    assert "hat Ihrem Konto eine andere E-Mail-Adresse gegeben" in deliver()[0].body
    assert "new@shop.example" not in deliver()[0].body


def test_the_new_address_is_not_taken_for_proved(mona):
    ada = UserFactory(email="ada@shop.example")
    edit(browser(mona), ada, email="new@shop.example")

    client = Client()
    client.post(reverse("account_login"), {"login": "new@shop.example", "password": PASSWORD})

    assert "_auth_user_id" not in client.session
    assert not EmailAddress.objects.filter(user=ada, verified=True).exists()


def test_who_changes_an_address_does_not_get_the_account_by_a_new_password(client, mona):
    ada = UserFactory(email="ada@shop.example")
    edit(browser(mona), ada, email="mona.2@shop.example")

    client.post(reverse("account_reset_password"), {"email": "mona.2@shop.example"})

    assert [mail.to for mail in deliver()] == [["ada@shop.example"], ["mona.2@shop.example"]]
    assert "/password/reset/key/" not in deliver()[-1].body
    assert "sign in with the password" in deliver()[-1].body


def test_the_owner_proves_a_new_address_by_the_password_and_resets_it_after_that(client, mona):
    ada = UserFactory(email="ada@shop.example")
    edit(browser(mona), ada, email="new@shop.example")
    client.post(reverse("account_login"), {"login": "new@shop.example", "password": PASSWORD})
    enter_code(client)
    assert client.session["_auth_user_id"] == str(ada.pk)

    Client().post(reverse("account_reset_password"), {"email": "new@shop.example"})

    assert "/password/reset/key/" in deliver()[-1].body


def test_staff_change_no_address_of_somebody_without_a_password_whom_they_did_not_add(mona):
    ada = UserFactory(name="Ada", email="ada@shop.example")
    User.objects.filter(pk=ada.pk).update(password="!")  # as plain SQL and imports add people

    edit(browser(mona), ada, name="Adah", email="new@shop.example")

    assert (User.objects.get(pk=ada.pk).name, User.objects.get(pk=ada.pk).email) == ("Adah", "ada@shop.example")
    typo = add(browser(mona), "typo@shop.example", usable_password="false", password1="", password2="")
    edit(browser(mona), typo, email="right@shop.example")
    assert User.objects.get(pk=typo.pk).email == "right@shop.example"
    edit(browser(StaffFactory()), ada, email="new@shop.example")
    assert User.objects.get(pk=ada.pk).email == "new@shop.example"


def test_somebody_added_without_a_password_chooses_one_by_the_link(client, mona):
    add(browser(mona), "new@shop.example", usable_password="false")

    client.post(reverse("account_reset_password"), {"email": "new@shop.example"})

    assert "/password/reset/key/" in deliver()[-1].body


def _by_role(user: User) -> None:
    user.groups.add(Group.objects.get(name="Order desk"))


def _by_permission(user: User) -> None:
    user.user_permissions.add(Permission.objects.get(codename="view_order"))


def _by_columns(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_staff=True)


def _by_sql(user: User) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE users SET is_superuser = true WHERE user_id = %s", [user.pk])


@pytest.mark.parametrize("get_rights", [_by_role, _by_permission, _by_columns, _by_sql])
def test_who_ever_had_rights_keeps_the_address_when_they_are_taken_away(mona, get_rights):
    clerk = UserFactory(name="Clerk", email="clerk@shop.example")
    get_rights(clerk)
    User.objects.filter(pk=clerk.pk).update(is_staff=False, is_superuser=False)
    clerk.groups.clear()
    clerk.user_permissions.clear()

    edit(browser(mona), clerk, email="mona.2@shop.example", name="Mine")

    clerk.refresh_from_db()
    assert (clerk.email, clerk.name) == ("clerk@shop.example", "Clerk")
    edit(browser(StaffFactory()), clerk, email="superuser.may@shop.example")
    clerk.refresh_from_db()
    assert clerk.email == "superuser.may@shop.example"
    assert [mail.to for mail in deliver()] == [["clerk@shop.example"]]


def test_a_colleague_stripped_of_roles_in_the_back_office_cannot_be_taken_over(mona):
    clerk = UserFactory(name="Clerk", email="clerk@shop.example")
    client = browser(mona)
    give_role(client, clerk, "Order desk")

    edit(client, clerk)  # the role goes
    assert not clerk.groups.exists()
    edit(client, clerk, email="mona.2@shop.example")

    clerk.refresh_from_db()
    assert clerk.email == "clerk@shop.example"


def test_a_password_set_by_a_superuser_is_told_to_its_owner():
    boss, ada = StaffFactory(), UserFactory(email="ada@shop.example")
    client, page = browser(boss), reverse("admin:auth_user_password_change", args=[ada.pk])
    data = {"usable_password": "true", "password1": "another-good-one", "password2": "another-good-one"}

    assert client.post(page, data)["Location"].startswith(reverse("account_reauthenticate"))
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    client.post(page, data)

    assert User.objects.get(pk=ada.pk).check_password("another-good-one")
    assert [(mail.to, "changed the password" in mail.body) for mail in deliver()[-1:]] == [(["ada@shop.example"], True)]


# --- What allauth keeps ---


@pytest.fixture
def all_permissions(mona):
    """Every permission there is, but no superuser."""
    mona.user_permissions.set(Permission.objects.all())
    return mona


@pytest.mark.parametrize("path", ["account/emailaddress/", "account/emailaddress/add/"])
def test_addresses_as_allauth_keeps_them_are_for_superusers(all_permissions, path):
    assert browser(all_permissions).get(f"/admin/{path}").status_code == 403
    assert browser(StaffFactory()).get(f"/admin/{path}").status_code == 200


def test_the_address_of_a_superuser_cannot_be_edited_as_a_row_of_allauth(all_permissions):
    boss = StaffFactory()
    row = EmailAddress.objects.get(user=boss)
    client, page = browser(all_permissions), reverse("admin:account_emailaddress_change", args=[row.pk])

    assert client.post(page, {"user": boss.pk, "email": "mine@shop.example", "verified": "on"}).status_code == 403
    client.post(reverse("admin:account_emailaddress_changelist"), {"action": "make_verified"})

    row.refresh_from_db()
    assert row.email == boss.email


@pytest.mark.parametrize("model", [Authenticator, UserSession])
def test_second_factors_and_sessions_of_who_may_more_are_left_alone(mona, model):
    mona.user_permissions.set(Permission.objects.filter(content_type__app_label__in=["mfa", "usersessions"]))
    boss, ada = StaffFactory(), UserFactory(email="ada@shop.example")
    rows = [_row(model, user) for user in (boss, ada)]
    client, name = browser(mona), f"{model._meta.app_label}_{model._meta.model_name}"

    answers = [client.post(reverse(f"admin:{name}_delete", args=[row.pk]), {"post": "yes"}) for row in rows]
    chosen = {"action": "delete_selected", "_selected_action": [rows[0].pk], "post": "yes"}
    client.post(reverse(f"admin:{name}_changelist"), chosen)

    assert [answer.status_code for answer in answers] == [403, 302]
    assert [*model.objects.filter(user__in=[boss, ada])] == [rows[0]]
    told = [mail.to for mail in deliver() if "turned off the second factor" in mail.body]
    assert told == ([["ada@shop.example"]] if model is Authenticator else [])


def _row(model, user):
    if model is Authenticator:
        return Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": "x"})
    client = Client()
    client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    return UserSession.objects.get(user=user)


def test_nobody_puts_into_a_role_what_they_may_not_do(mona):
    mona.user_permissions.set(Permission.objects.filter(content_type__model="group"))
    strong = Group.objects.create(name="Strong")
    strong.permissions.add(Permission.objects.get(codename="delete_user"))
    own = Group.objects.create(name="Own")
    client, beyond = browser(mona), Permission.objects.get(codename="delete_user").pk
    may = Permission.objects.get(codename="view_order").pk

    answers = [
        client.post(reverse("admin:auth_group_change", args=[strong.pk]), {"name": "Strong", "permissions": []}),
        client.post(reverse("admin:auth_group_change", args=[own.pk]), {"name": "Own", "permissions": [beyond]}),
        client.post(reverse("admin:auth_group_add"), {"name": "New", "permissions": [beyond]}),
        client.post(reverse("admin:auth_group_change", args=[own.pk]), {"name": "Own", "permissions": [may]}),
        client.post(reverse("admin:auth_group_delete", args=[strong.pk]), {"post": "yes"}),
    ]

    assert [answer.status_code for answer in answers] == [403, 200, 200, 302, 403]
    assert [permission.pk for permission in own.permissions.all()] == [may]


# --- Four eyes ---


@pytest.fixture
def request_of_mona(mona, now):
    customer = UserFactory(name="Ada")
    return erasing.ask(customer.pk, by=mona, at=now)


def confirm(user: User, erasure: Erasure):
    page = reverse("admin:users_user_erase", args=[erasure.user_id])
    return browser(user).post(page, {"step": "confirm"})


def test_a_second_account_confirms_nothing(mona, request_of_mona):
    client = browser(mona)
    second = add(client, "second@shop.example")
    give_role(client, second, "Manager")

    answer = confirm(second, request_of_mona)

    assertContains(answer, "who did not get the account or its roles from the person who asked", status_code=409)
    assert not Erasure.objects.filter(confirmed_at__isnull=False).exists()


def test_an_account_that_signed_up_and_got_its_role_from_who_asks_confirms_nothing(mona, request_of_mona):
    own = UserFactory(name="Mona at home")
    give_role(browser(mona), own, "Manager")

    assert confirm(own, request_of_mona).status_code == 409


def test_an_account_whose_address_was_changed_confirms_nothing_even_where_a_superuser_gave_the_role(
    mona, request_of_mona
):
    own = UserFactory(name="Somebody")
    edit(browser(mona), own, email="mona.2@shop.example")
    own.refresh_from_db()
    give_role(browser(StaffFactory()), own, "Manager")

    assert confirm(own, request_of_mona).status_code == 409


def test_neither_does_a_third_made_by_the_second_nor_the_maker_for_it(mona, request_of_mona, now):
    second = add(browser(mona), "second@shop.example")
    give_role(browser(mona), second, "Manager")
    third = add(browser(second), "third@shop.example")
    give_role(browser(second), third, "Manager")
    other = add(browser(mona), "other@shop.example")
    give_role(browser(mona), other, "Manager")
    of_third = erasing.ask(UserFactory().pk, by=third, at=now)

    assert [confirm(user, request_of_mona).status_code for user in (third,)] == [409]
    assert [confirm(user, of_third).status_code for user in (mona, second, other)] == [409, 409, 409]


def test_a_colleague_made_by_a_superuser_confirms(mona, request_of_mona):
    boss = StaffFactory()
    colleague = add(browser(boss), "max@shop.example")
    give_role(browser(boss), colleague, "Manager")

    assert confirm(colleague, request_of_mona).status_code == 302
    assert Erasure.objects.get().confirmed_by == colleague.pk


# --- What people change themselves ---


def test_changing_the_address_asks_for_the_password_and_the_old_one_learns_of_it(client):
    ada = UserFactory(email="ada@shop.example")
    client.post(reverse("account_login"), {"login": ada.email, "password": PASSWORD})
    page, data = reverse("account_email"), {"email": "new@shop.example", "action_add": ""}

    asked = client.post(page, data)
    assert asked["Location"].startswith(reverse("account_reauthenticate"))
    assert deliver() == []
    client.post(asked["Location"], {"password": PASSWORD})  # goes on with what was asked for
    code = re.search(r"^\d{6}$", deliver()[-1].body, re.MULTILINE)
    assert code is not None
    client.post(reverse("account_email_verification_sent"), {"code": code.group()})

    assert User.objects.get().email == "new@shop.example"
    assert [mail.to for mail in deliver()] == [["new@shop.example"], ["ada@shop.example"]]
    assert "changed from ada@shop.example to new@shop.example" in deliver()[-1].body


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["Your password was changed", "It was done at", "If it was not you"]),
        ("de", ["Ihr Passwort wurde geändert", "von der Adresse 127.0.0.1", "Wenn Sie das nicht waren"]),
    ],
)
def test_a_new_password_is_told_to_its_owner(client, language, words):
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = language
    ada = UserFactory()
    client.post(reverse("account_login"), {"login": ada.email, "password": PASSWORD})
    data = {"oldpassword": PASSWORD, "password1": "another-good-one", "password2": "another-good-one"}

    client.post(reverse("account_change_password"), data)

    assert [mail.to for mail in deliver()] == [[ada.email]]
    said = f"{deliver()[0].subject} {deliver()[0].body}"
    assert [word for word in words if word not in said] == []
    assert "&#" not in said


@pytest.mark.parametrize("name", ["account_email", "mfa_activate_totp"])
def test_a_password_is_asked_for_before_a_change(client, name):
    client.force_login(UserFactory())

    answer = client.post(reverse(name), {"email": "new@shop.example", "action_add": "", "code": "1"}, follow=True)

    assert "Please confirm that it is you" in text(answer)
