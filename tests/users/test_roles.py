"""Who looks after whom: roles are handed on up to one's own, and nobody gets in as somebody else."""

from __future__ import annotations

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import Group, Permission
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains

from catalog.models import Product
from history.models import Event
from orders.models import Order
from orders.services import NotActive, RequestedItem, change_status, place_order
from tests.factories import PASSWORD, ProductFactory, StaffFactory, UserFactory
from tests.pages import text, told
from users.models import User

pytestmark = pytest.mark.django_db

LIST = "/admin/users/user/"


@pytest.fixture(autouse=True)
def _nobody_is_throttled():
    cache.clear()


def page_of(user: User) -> str:
    return reverse("admin:users_user_change", args=[user.pk])


def of_role(role: str, **fields) -> User:
    staff = UserFactory(is_staff=True, **fields)
    staff.groups.add(Group.objects.get(name=role))
    return staff


def sign_in(user: User) -> Client:
    client = Client()
    client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    assert client.session["_auth_user_id"] == str(user.pk)
    return client


def after(user: User) -> User:
    return User.objects.get(pk=user.pk)


def roles_of(user: User) -> list[str]:
    return sorted(user.groups.values_list("name", flat=True))


@pytest.fixture
def manager(client):
    manager = of_role("Manager", name="Mona Manager")
    client.force_login(manager)
    return manager


def test_a_manager_gives_and_takes_roles(client, manager):
    ada = UserFactory(name="Ada")
    desk, catalogue = (Group.objects.get(name=name).pk for name in ("Order desk", "Catalogue"))
    data = {"name": "Ada", "email": ada.email, "is_active": "on", "is_staff": "on"}

    client.post(page_of(ada), {**data, "groups": [desk, catalogue]})
    assert (after(ada).is_staff, roles_of(ada)) == (True, ["Catalogue", "Order desk"])
    assertContains(client.get(LIST), "Catalogue, Order desk")
    client.post(page_of(ada), {**data, "groups": [desk]})

    assert roles_of(ada) == ["Order desk"]


def test_a_manager_gives_nothing_beyond_their_own(client, manager):
    beyond = Group.objects.create(name="Beyond")
    beyond.permissions.add(Permission.objects.get(codename="delete_user"))
    ada = UserFactory(name="Ada")
    data = {"name": "Ada L.", "email": ada.email, "is_active": "on"}

    page = client.get(page_of(ada))
    refused = client.post(page_of(ada), {**data, "groups": [beyond.pk]})
    client.post(page_of(ada), {**data, "is_superuser": "on", "user_permissions": [beyond.permissions.get().pk]})

    assertNotContains(page, "Beyond")
    assertContains(refused, "is not one of the available choices")
    assert (after(ada).name, after(ada).is_superuser) == ("Ada L.", False)
    assert not after(ada).user_permissions.exists()
    assert roles_of(ada) == []


def test_a_manager_touches_nobody_who_may_more(client, manager):
    beyond = UserFactory(is_active=False)  # what they may is theirs again once they are active
    beyond.user_permissions.add(Permission.objects.get(codename="delete_user"))
    data = {"name": "Mine", "email": "mine@shop.example", "is_active": "on"}

    for other in (StaffFactory(), StaffFactory(is_active=False), beyond, manager):
        assert client.post(page_of(other), data).status_code == 403
        client.post(LIST, {"action": "activate_selected", "_selected_action": [other.pk]})
        client.post(LIST, {"action": "deactivate_selected", "_selected_action": [other.pk]})
        assert (after(other).email, after(other).is_active) == (other.email, other.is_active)


def test_a_manager_looks_after_staff_but_never_gets_in_as_them(client, manager):
    clerk, customer = of_role("Order desk", name="Clerk"), UserFactory()
    data = {"name": "Mine", "email": "mine@shop.example", "is_staff": "on"}

    client.post(page_of(clerk), {**data, "groups": [Group.objects.get(name="Order desk").pk]})
    passwords = [
        client.post(reverse("admin:auth_user_password_change", args=[user.pk]), {"password1": "x" * 12}).status_code
        for user in (clerk, customer)
    ]

    assert (after(clerk).name, after(clerk).email, after(clerk).is_active) == ("Clerk", clerk.email, False)
    assert passwords == [403, 403]


def test_a_clerk_sees_people_and_changes_nobody(client):
    client.force_login(of_role("Order desk"))
    ada = UserFactory(name="Ada")

    assert client.get(page_of(ada)).status_code == 200
    assert client.post(page_of(ada), {"name": "x"}).status_code == 403
    client.post(LIST, {"action": "deactivate_selected", "_selected_action": [ada.pk]})

    assert after(ada).is_active


def test_nobody_locks_themselves_out(client):
    boss = StaffFactory()
    client.force_login(boss)

    client.post(page_of(boss), {"name": "Bo", "email": boss.email})
    client.post(LIST, {"action": "deactivate_selected", "_selected_action": [boss.pk]})

    assert (after(boss).name, after(boss).is_active, after(boss).is_superuser) == ("Bo", True, True)


@pytest.mark.parametrize("way", ["list", "page"])
def test_whoever_is_deactivated_is_out_at_once(client, manager, way):
    ada = UserFactory(name="Ada")
    theirs = sign_in(ada)
    assert theirs.get("/account/").status_code == 200

    if way == "list":
        answer = client.post(LIST, {"action": "deactivate_selected", "_selected_action": [ada.pk]})
        assert told(answer) == ["1 deactivated."]
    else:
        client.post(page_of(ada), {"name": "Ada", "email": ada.email})

    assert theirs.get("/account/").status_code == 302
    assert not UserSession.objects.filter(user=ada).exists()
    client.post(LIST, {"action": "activate_selected", "_selected_action": [ada.pk]})
    assert after(ada).is_active
    assert theirs.get("/account/").status_code == 302  # what was open stays closed
    assert sign_in(ada).get("/account/").status_code == 200
    assert Event.objects.filter(subject="user", subject_id=ada.pk, actor_name="Mona Manager").count() == 2


def test_people_left_out_of_a_bulk_action_are_named(client, manager):
    ada, boss = UserFactory(name="Ada"), StaffFactory(name="Bo Boss")

    answer = client.post(LIST, {"action": "deactivate_selected", "_selected_action": [ada.pk, boss.pk]})

    assert told(answer) == ["1 deactivated, 1 left as they were, not yours to change: Bo Boss."]


def test_an_order_of_a_deactivated_customer_is_refused(now, django_assert_num_queries):
    ada, lamp = UserFactory(), ProductFactory(stock=5)
    User.objects.filter(pk=ada.pk).update(is_active=False)  # since the page was opened

    with pytest.raises(NotActive):
        place_order(customer=ada, items=[RequestedItem(lamp, 1)], key="k1", at=now)

    assert (Order.objects.count(), Product.objects.get(pk=lamp.pk).stock) == (0, 5)


def test_the_list_shows_what_people_ordered_and_finds_them_by_it(client, manager, place, now):
    ada, other = UserFactory(name="Ada"), UserFactory(name="Grace")
    lamp = ProductFactory(price="12.50")
    kept, cancelled = place(lamp, customer=ada, quantity=2), place(lamp, customer=ada)
    change_status(cancelled, to="cancelled", by=manager, at=now)
    place(customer=other)

    shown = {user.name: user for user in client.get(LIST).context["cl"].result_list}
    found = [
        [user.name for user in client.get(LIST, {"q": text}).context["cl"].result_list]
        for text in (f"#{kept.pk}", str(cancelled.pk), "#999999", "9" * 30)
    ]

    assert (vars(shown["Ada"])["ordered"].orders, str(vars(shown["Ada"])["ordered"].spent)) == (2, "25.00")
    assert (vars(shown["Mona Manager"])["ordered"].orders, vars(shown["Mona Manager"])["ordered"].spent) == (0, 0)
    assert found[0] == ["Ada"]
    assert "Ada" in found[1]
    assert found[2:] == [[], []]
    assert "2 in all , $25.00 spent" in text(client.get(page_of(ada)))
