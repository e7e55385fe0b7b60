"""What people do is recorded once, with who did it and old → new, and nothing secret."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.cache import cache
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from catalog.models import Category
from history import activity
from history.models import Event, Kind, Subject
from tests.emails import deliver
from tests.factories import PASSWORD, ProductFactory, UserFactory
from tests.history.recorded import forget, told
from tests.pages import confirm_password, enter_code
from users.models import User

pytestmark = pytest.mark.django_db

LOGIN, LOGOUT, SIGNUP, RESET = (reverse(f"account_{name}") for name in ("login", "logout", "signup", "reset_password"))
NEW = "another-good-one-77"


@pytest.fixture(autouse=True)
def _nobody_is_throttled():
    cache.clear()


def edited(user: User, **changes):
    return {"name": user.name, "email": user.email, "is_active": "on", **changes}


# --- Accounts ---


def test_a_registration_is_told_once(client):
    client.post(SIGNUP, {"name": "Ada", "email": "ada@shop.example", "password1": PASSWORD})
    enter_code(client)

    ada = User.objects.get()
    assert told() == [
        ("registered", "user", ada.pk, "Ada", "Ada", {"name": [None, "Ada"], "email": [None, "ada@shop.example"]}),
        ("signed_in", "session", ada.pk, "Ada", "Ada", {}),
    ]


def test_signing_in_and_out(client):
    ada = UserFactory(name="Ada")

    client.post(LOGIN, {"login": ada.email, "password": PASSWORD})
    client.post(LOGOUT)

    assert told() == [
        ("signed_in", "session", ada.pk, "Ada", "Ada", {}),
        ("signed_out", "session", ada.pk, "Ada", "Ada", {}),
    ]
    assert Event.objects.first().actor_id == ada.pk


def test_a_failed_sign_in_names_the_account(client):
    ada = UserFactory(email="ada@shop.example")

    client.post(LOGIN, {"login": "Ada@Shop.Example", "password": "wrong-password"})

    assert told() == [("sign_in_failed", "session", ada.pk, "ada@shop.example", "visitor", {})]


def test_a_failed_sign_in_of_no_account_keeps_nothing_of_what_was_typed(client):
    client.post(LOGIN, {"login": "my-secret@nowhere.example", "password": "wrong-password"})

    assert told() == [("sign_in_failed", "session", None, "", "visitor", {})]
    assert not any("nowhere" in str(values) for values in Event.objects.values())


def test_somebody_inactive_who_knows_the_password_failed_too(client):
    ada = UserFactory(is_active=False)

    client.post(LOGIN, {"login": ada.email, "password": PASSWORD})

    event = Event.objects.get()
    assert (event.kind, event.subject_id, event.note) == ("sign_in_failed", ada.pk, "The account is not active.")


def test_changing_ones_own_password(client):
    ada = UserFactory(name="Ada")
    client.post(LOGIN, {"login": ada.email, "password": PASSWORD})
    forget()

    client.post(reverse("account_change_password"), {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW})

    assert User.objects.get().check_password(NEW)
    assert told() == [("password_changed", "user", ada.pk, "Ada", "Ada", {})]


def test_a_password_reset_by_mail_is_told_once(client):
    ada = UserFactory(name="Ada")
    client.post(RESET, {"email": ada.email})
    link = re.search(r"https?://[^/]+(/account/password/reset/key/\S+)", deliver()[0].body).group(1)
    page = client.get(link, follow=True)

    client.post(page.redirect_chain[-1][0], {"password1": NEW, "password2": NEW})

    assert User.objects.get().check_password(NEW)
    assert told() == [("password_reset", "user", ada.pk, "Ada", "visitor", {})]


def test_staff_setting_somebodys_password(client, boss):
    ada = UserFactory(name="Ada")

    confirm_password(client)
    client.post(f"/admin/users/user/{ada.pk}/password/", {"password1": NEW, "password2": NEW})

    assert told() == [("password_changed", "user", ada.pk, "Ada", "Bo Boss", {})]


def test_hashing_a_password_anew_at_sign_in_is_no_change(client, settings):
    ada = UserFactory()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher", *settings.PASSWORD_HASHERS]

    client.post(LOGIN, {"login": ada.email, "password": PASSWORD})

    assert User.objects.get().password != ada.password
    assert [kind for kind, *_ in told()] == ["signed_in"]


def test_staff_changing_somebody(client, boss):
    ada = UserFactory(name="Ada", email="old@shop.example")

    client.post(
        f"/admin/users/user/{ada.pk}/change/", edited(ada, name="Ada L.", email="new@shop.example", is_active="")
    )

    changes = {
        "name": ["Ada", "Ada L."],
        "email": ["old@shop.example", "new@shop.example"],
        "is_active": [True, False],
    }
    assert told() == [("changed", "user", ada.pk, "Ada L.", "Bo Boss", changes)]


def test_roles_and_permissions_given_and_taken(client, boss):
    ada = UserFactory(name="Ada")
    desk = Group.objects.create(name="Test desk")
    permission = Permission.objects.get(codename="view_reports")
    forget()
    page = f"/admin/users/user/{ada.pk}/change/"

    client.post(page, edited(ada, is_staff="on", groups=[desk.pk], user_permissions=[permission.pk]))
    client.post(page, edited(ada))

    given = [
        {"is_staff": [False, True]},
        {"groups": [[], ["Test desk"]]},
        {"user_permissions": [[], ["history.view_reports"]]},
    ]
    taken = [{name: [new, old] for name, (old, new) in changes.items()} for changes in given]
    assert [changes for *_, changes in told()] == given + taken
    assert {event[:5] for event in told()} == {("roles_changed", "user", ada.pk, "Ada", "Bo Boss")}


def test_roles_given_from_the_other_side_and_cleared():
    ada, desk = UserFactory(name="Ada"), Group.objects.create(name="Test desk")
    forget()

    desk.user_set.add(ada)
    desk.user_set.add(ada)
    desk.user_set.clear()

    assert [(name, changes) for _, _, _, name, _, changes in told()] == [
        ("Ada", {"groups": [[], ["Test desk"]]}),
        ("Ada", {"groups": [["Test desk"], []]}),
    ]


def test_what_a_role_allows(client, boss):
    permission = Permission.objects.get(codename="change_order")

    client.post("/admin/auth/group/add/", {"name": "Test desk", "permissions": [permission.pk]})

    assert [(kind, subject, name, who, changes) for kind, subject, _, name, who, changes in told()] == [
        ("created", "role", "Test desk", "Bo Boss", {"name": [None, "Test desk"]}),
        ("changed", "role", "Test desk", "Bo Boss", {"permissions": [[], ["orders.change_order"]]}),
    ]


def test_staff_adding_and_deleting_somebody(client, boss):
    person = {"name": "Ada", "email": "ada@shop.example", "usable_password": "true"}
    client.post("/admin/users/user/add/", {**person, "password1": PASSWORD, "password2": PASSWORD})
    ada = User.objects.get(name="Ada")

    client.post(f"/admin/users/user/{ada.pk}/delete/", {"post": "yes"})

    assert [(*event[:2], *event[3:5]) for event in told()] == [
        ("created", "user", "Ada", "Bo Boss"),
        ("deleted", "user", "Ada", "Bo Boss"),
    ]
    assert told()[1][2] == ada.pk
    assert told()[1][5]["email"] == ["ada@shop.example", None]


def test_a_command_is_the_system():
    User.objects.create_superuser("root@shop.example", "Root", PASSWORD)

    [(kind, _, _, name, who, changes)] = told()
    assert (kind, name, who) == ("created", "Root", "system")
    assert changes["is_superuser"] == [None, True]


# --- What holds for all of it ---


def test_nothing_secret_is_recorded(client):
    client.post(SIGNUP, {"name": "Ada", "email": "ada@shop.example", "password1": PASSWORD})
    code = enter_code(client).wsgi_request.POST["code"]
    hashes = [User.objects.get().password]
    client.post(reverse("account_change_password"), {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW})
    hashes.append(User.objects.get().password)
    keys = [client.session.session_key]
    client.post(LOGOUT)
    client.post(LOGIN, {"login": "ada@shop.example", "password": "wrong-password"})
    client.post(RESET, {"email": "ada@shop.example"})
    token = re.search(r"/reset/key/([^/\s]+)", deliver()[-1].body).group(1)

    everything = str(list(Event.objects.values()))
    assert len(told()) >= 5
    for secret in (PASSWORD, NEW, "wrong-password", *hashes, *keys, token, code):
        assert secret not in everything


def test_a_rollback_records_nothing():
    product = ProductFactory()
    try:
        with transaction.atomic():
            product.price = Decimal("99.00")
            product.save()
            assert len(told()) == 1
            raise InterruptedError
    except InterruptedError:
        pass

    assert told() == []


def test_an_event_is_either_of_an_order_or_activity():
    with pytest.raises(IntegrityError), transaction.atomic():
        Event.objects.create(
            kind="changed", subject="product", order_id=1, occurred_at=timezone.now(), transaction_id=1
        )
    with pytest.raises(IntegrityError), transaction.atomic():
        Event.objects.create(kind="placed", status="pending", occurred_at=timezone.now(), transaction_id=1)


def test_a_deleted_actor_keeps_the_name(client, boss):
    Category.objects.create(name="Lamps", slug="lamps")
    activity.record(
        Kind.CHANGED,
        subject=Subject.CATEGORY,
        subject_id=1,
        subject_name="Lamps",
        actor=activity.actor_of(boss),
        at=timezone.now(),
    )
    boss.delete()

    assert [event[4] for event in told()] == ["system", "Bo Boss", "system"]


def test_pages_that_record_nothing_ask_nothing_more(client):
    product = ProductFactory()

    with CaptureQueriesContext(connection) as asked:
        client.get(product.get_absolute_url())

    assert not [query["sql"] for query in asked if "users" in query["sql"] or "history_events" in query["sql"]]


def test_a_finished_request_lends_its_visitor_to_nobody(client, boss):
    client.get("/")
    client.get("/admin/nothing/here/")

    assert activity.current_actor() == activity.SYSTEM
