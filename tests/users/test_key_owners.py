"""Keys of the API work no longer than their owner does, and staff decide what becomes of those that stop."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertRedirects

from config.api.scopes import SCOPES
from orders import erasing
from orders.closing import close_account
from tests.api.keys import ApiClient
from tests.emails import deliver
from tests.factories import StaffFactory, UserFactory
from tests.pages import confirm_password, text, told
from users import api_keys, services
from users.models import ApiKey, User

pytestmark = pytest.mark.django_db

LIST = "/admin/users/user/"


@pytest.fixture(autouse=True)
def _nobody_is_throttled():
    cache.clear()


@pytest.fixture
def maker():
    return staff("Manager", "Mona")


@pytest.fixture
def boss():
    return StaffFactory(name="Bo")


def staff(role: str, name: str) -> User:
    user = UserFactory(is_staff=True, name=name)
    user.groups.add(Group.objects.get(name=role))
    return user


def made_by(user: User | None, *scopes: str) -> ApiClient:
    _, text = api_keys.make(name="Warehouse", scopes=scopes or SCOPES, customer=None, requests_per_minute=1000, by=user)
    return ApiClient(text=text)


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    confirm_password(client)
    return client


def page_of(user: User, page: str = "change") -> str:
    return reverse(f"admin:users_user_{page}", args=[user.pk])


def status_of(api: ApiClient) -> int:
    return api.get("/orders").status_code


# --- Every way in which an owner ends ---


def _by_page(user: User, boss: User, now) -> None:
    groups = [group.pk for group in user.groups.all()]
    data = {"name": user.name, "email": user.email, "is_staff": "on", "groups": groups}
    browser(boss).post(page_of(user), data)


def _by_list(user: User, boss: User, now) -> None:
    browser(boss).post(LIST, {"action": "deactivate_selected", "_selected_action": [user.pk]})


def _by_closing(user: User, boss: User, now) -> None:
    User.objects.filter(pk=user.pk).update(is_staff=False)
    close_account(User.objects.get(pk=user.pk), at=now)


def _by_erasing(user: User, boss: User, now) -> None:
    User.objects.filter(pk=user.pk).update(is_staff=False)
    user.groups.clear()
    user.user_permissions.clear()
    erasing.confirm(erasing.ask(user.pk, by=boss, at=now), by=None, by_name="a command", at=now)


def _by_sql(user: User, boss: User, now) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


@pytest.mark.parametrize("end", [_by_page, _by_list, _by_closing, _by_erasing, _by_sql])
def test_a_key_stops_with_its_owner_however_that_ends(maker, boss, now, end):
    api = made_by(maker)
    assert status_of(api) == 200

    end(maker, boss, now)

    assert status_of(api) == 401
    assert not User.objects.get(pk=maker.pk).is_active


def test_a_key_stops_with_its_owner_s_place_among_the_staff(maker, boss):
    api = made_by(maker)

    asked = browser(boss).post(page_of(maker), {"name": maker.name, "email": maker.email, "is_active": "on"})

    assert status_of(api) == 401
    assertRedirects(asked, page_of(maker, "keys"))
    assert "stopped: its owner is not active staff" in text(browser(boss).get("/admin/users/apikey/"))


def _lose_role(user: User) -> None:
    user.groups.clear()


def _lose_permission_of_role(user: User) -> None:
    user.groups.get().permissions.remove(Permission.objects.get(codename="view_order"))


@pytest.mark.parametrize("lose", [_lose_role, _lose_permission_of_role])
def test_a_key_does_no_more_than_its_owner_may_now(maker, lose):
    api = made_by(maker, "orders:read", "reports:read")
    lose(maker)

    assert status_of(api) == 403
    maker.groups.add(Group.objects.get(name="Order desk"))
    maker.user_permissions.add(Permission.objects.get(codename="view_order"))
    assert status_of(api) == 200


def test_a_key_of_nobody_known_goes_on_and_says_so(boss):
    api = made_by(None)

    assert status_of(api) == 200
    key = ApiKey.objects.get()
    client = browser(boss)
    for page in (reverse("admin:users_apikey_change", args=[key.pk]), reverse("admin:users_apikey_changelist")):
        assert "unknown maker" in text(client.get(page))


# --- What staff see and decide ---


def test_the_maker_is_recorded_and_shown(maker):
    client = browser(maker)
    form = {"name": "Till", "scopes": ["orders:read"], "customer": "", "requests_per_minute": "60"}
    client.post(reverse("admin:users_apikey_add"), form)

    key = ApiKey.objects.get()
    assert (key.made_by, key.owner) == (maker, maker)
    assert [(mail.to, "“Till”" in mail.body) for mail in deliver()] == [([maker.email], True)]
    shown = browser(StaffFactory())
    assert "Mona" in text(shown.get(reverse("admin:users_apikey_change", args=[key.pk])))
    assert "Mona" in text(shown.get(reverse("admin:users_apikey_changelist")))
    assert f'<a href="{page_of(maker, "keys")}">Till</a>' in shown.get(page_of(maker)).content.decode()


def test_staff_who_deactivate_a_maker_are_asked_about_the_keys(maker, boss):
    api = made_by(maker)
    client = browser(boss)
    data = {"name": maker.name, "email": maker.email, "is_staff": "on", "groups": [maker.groups.get().pk]}

    asked = client.post(page_of(maker), data)

    assertRedirects(asked, page_of(maker, "keys"))
    page = client.get(page_of(maker, "keys"))
    assert "Stopped working: orders:read" in text(page)
    client.post(page_of(maker, "keys"), {"key": ApiKey.objects.get().pk, "step": "take over"})
    assert status_of(api) == 200
    key = ApiKey.objects.get()
    assert (key.made_by, key.taken_over_by, key.owner) == (maker, boss, boss)
    assert "has no keys in use" in text(client.get(page_of(maker, "keys")))


def test_staff_who_take_a_role_from_a_maker_are_asked_and_may_revoke(maker, boss):
    api = made_by(maker)
    client = browser(boss)

    asked = client.post(page_of(maker), {"name": maker.name, "email": maker.email, "is_active": "on"})

    assertRedirects(asked, page_of(maker, "keys"))
    assert "have stopped working" in told(asked)[-1]
    client.post(page_of(maker, "keys"), {"key": ApiKey.objects.get().pk, "step": "revoke"})
    assert status_of(api) == 401
    assert ApiKey.objects.get().revoked_at


def test_many_deactivated_at_once_are_named_with_the_way_to_their_keys(maker, boss):
    other = UserFactory()
    made_by(maker)

    answer = browser(boss).post(LIST, {"action": "deactivate_selected", "_selected_action": [maker.pk, other.pk]})

    assert [page_of(maker, "keys") in said for said in told(answer)] == [True, False]


def test_nobody_is_asked_where_no_key_stops(maker, boss):
    made_by(maker)
    data = {"name": "Renamed", "email": maker.email, "is_active": "on", "is_staff": "on"}

    answer = browser(boss).post(page_of(maker), data | {"groups": [maker.groups.get().pk]})

    assertRedirects(answer, LIST)


def test_who_may_less_takes_no_key_over(maker):
    made_by(maker)
    key = ApiKey.objects.get()
    clerk = staff("Order desk", "Clerk")
    clerk.user_permissions.set(Permission.objects.filter(codename__in=["view_apikey", "add_apikey"]))
    services.deactivate(maker)
    client = browser(clerk)

    taken = client.post(page_of(maker, "keys"), {"key": key.pk, "step": "take over"})
    revoked = client.post(page_of(maker, "keys"), {"key": key.pk, "step": "revoke"})

    assert "you may not do all that it does" in told(taken)[0]
    assert revoked.status_code == 403
    key.refresh_from_db()
    assert (key.taken_over_by, key.revoked_at) == (None, None)


@pytest.mark.parametrize("number", ["", "x", "0", "999999999999999999", "9" * 30])
def test_only_keys_of_the_person_are_decided_about(maker, boss, number):
    made_by(boss)

    page = browser(boss).post(page_of(maker, "keys"), {"key": number, "step": "revoke"}, follow=True)

    assert "This key is not one of" in page.text
    assert ApiKey.objects.get().revoked_at is None
