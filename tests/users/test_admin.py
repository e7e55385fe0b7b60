from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from tests.factories import PASSWORD, StaffFactory, UserFactory
from tests.pages import confirm_password, enter_code
from users.models import User

pytestmark = pytest.mark.django_db

LIST = "/admin/users/user/"
ADD = "/admin/users/user/add/"


def page_of(user: User) -> str:
    return reverse("admin:users_user_change", args=[user.pk])


@pytest.fixture
def boss(client):
    boss = StaffFactory()
    client.force_login(boss)
    return boss


@pytest.fixture
def clerk(client):
    """Staff who may see and change people, but are no superuser."""
    clerk = UserFactory(is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=["view_user", "change_user", "delete_user"]))
    client.force_login(clerk)
    return clerk


def edited(user: User, **changes):
    on = {name: "on" for name in ("is_active", "is_staff", "is_superuser") if getattr(user, name)}
    return {"name": user.name, "email": user.email, **on, **changes}


def test_a_visitor_is_sent_to_the_shops_sign_in(client):
    response = client.get(LIST, follow=True)

    assert response.redirect_chain[-1] == ("/account/login/?next=/admin/users/user/", 302)


@pytest.mark.parametrize("path", ["/admin/", LIST, ADD, "/admin/login/"])
def test_a_customer_is_refused(client, path):
    client.force_login(UserFactory())

    response = client.get(path, follow=True)

    assert response.status_code == 403


def test_staff_without_permission_see_no_people(client):
    client.force_login(UserFactory(is_staff=True))

    assert client.get(LIST).status_code == 403
    assert client.get(page_of(UserFactory())).status_code == 403


@pytest.mark.parametrize("text", ["Ada", "ada.l", "ADA.LOVELACE@SHOP.EXAMPLE"])
def test_people_are_found_by_name_and_mail(client, boss, text):
    UserFactory(name="Ada Lovelace", email="ada.lovelace@shop.example")
    UserFactory(name="Grace Hopper")

    response = client.get(LIST, {"q": text})

    assertContains(response, "Ada Lovelace")
    assertNotContains(response, "Grace Hopper")


def test_more_people_need_no_more_queries(client, boss, django_assert_num_queries):
    UserFactory()
    client.get(LIST)
    with django_assert_num_queries(7) as one:
        client.get(LIST)
    UserFactory.create_batch(15)

    with django_assert_num_queries(len(one)):
        client.get(LIST)


def test_somebody_added_can_sign_in(client, boss):
    data = {"name": "Ada", "email": "Ada@SHOP.example", "usable_password": "true"}
    response = client.post(ADD, {**data, "password1": PASSWORD, "password2": PASSWORD})
    ada = User.objects.get(email__iexact="ada@shop.example")
    assertRedirects(response, page_of(ada))
    assert ada.check_password(PASSWORD)
    client.logout()

    client.post("/account/login/", {"login": "ada@shop.example", "password": PASSWORD})
    enter_code(client)

    assert client.session["_auth_user_id"] == str(ada.pk)


def test_somebody_may_be_added_without_a_password(client, boss):
    client.post(ADD, {"name": "Ada", "email": "ada@shop.example", "usable_password": "false"})

    assert not User.objects.get(email="ada@shop.example").has_usable_password()


def test_a_weak_password_is_refused(client, boss):
    data = {"name": "Ada", "email": "ada@shop.example", "usable_password": "true"}
    response = client.post(ADD, {**data, "password1": "12345", "password2": "12345"})

    assertContains(response, "too short")
    assert not User.objects.filter(email="ada@shop.example").exists()


def test_a_mail_address_that_differs_only_in_case_is_taken(client, boss):
    UserFactory(email="ada@shop.example")
    data = {"name": "Other", "email": "ADA@shop.example", "usable_password": "true"}

    added = client.post(ADD, {**data, "password1": PASSWORD, "password2": PASSWORD})
    other = UserFactory()
    changed = client.post(page_of(other), edited(other, email="Ada@Shop.Example"))

    assertContains(added, "This e-mail address is taken.", count=1)
    assertContains(changed, "This e-mail address is taken.", count=1)
    assert User.objects.filter(email__iexact="ada@shop.example").count() == 1


def test_changing_somebody_keeps_their_password(client, boss):
    ada = UserFactory(name="Ada")

    response = client.post(page_of(ada), edited(ada, name="Ada L.", is_staff="on"))

    assertRedirects(response, LIST)
    after = User.objects.get(pk=ada.pk)
    assert (after.name, after.is_staff, after.password) == ("Ada L.", True, ada.password)


def test_the_old_address_signs_nobody_in_after_a_change(client, boss):
    ada = UserFactory(email="old@shop.example")

    client.post(page_of(ada), edited(ada, email="new@shop.example"))
    client.logout()
    client.post("/account/login/", {"login": "old@shop.example", "password": PASSWORD})
    assert "_auth_user_id" not in client.session
    client.post("/account/login/", {"login": "new@shop.example", "password": PASSWORD})
    enter_code(client)

    assert client.session["_auth_user_id"] == str(ada.pk)


def test_a_password_is_set_on_its_own_page(client, boss):
    ada = UserFactory()
    new = "another-long-one-77"
    confirm_password(client)

    response = client.post(f"/admin/users/user/{ada.pk}/password/", {"password1": new, "password2": new})

    assert response.status_code == 302
    assert User.objects.get(pk=ada.pk).check_password(new)


def test_staff_cannot_hand_out_permissions(client, clerk):
    ada = UserFactory()

    client.post(page_of(ada), edited(ada, name="Ada L.", is_staff="on", is_superuser="on", groups="1"))

    after = User.objects.get(pk=ada.pk)
    assert (after.name, after.is_staff, after.is_superuser) == ("Ada L.", False, False)


def test_staff_cannot_take_over_other_staff(client, clerk):
    boss = StaffFactory()

    changed = client.post(page_of(boss), edited(boss, email="mine@shop.example"))
    password = client.post(f"/admin/users/user/{boss.pk}/password/", {"password1": "x" * 12, "password2": "x" * 12})
    deleted = client.post(f"/admin/users/user/{boss.pk}/delete/", {"post": "yes"})

    assert [changed.status_code, password.status_code, deleted.status_code] == [403, 403, 403]
    assert User.objects.get(pk=boss.pk).email == boss.email


def test_whoever_has_ordered_is_not_deleted(client, boss, place):
    order = place()

    client.post(f"/admin/users/user/{order.customer_id}/delete/", {"post": "yes"})

    assert User.objects.filter(pk=order.customer_id).exists()


def test_a_hostile_name_is_shown_as_text(client, boss):
    mallory = UserFactory(name="<script>alert(1)</script>")

    for path in (LIST, page_of(mallory)):
        response = client.get(path)
        assertContains(response, "&lt;script&gt;alert(1)")
        assertNotContains(response, "<script>alert(1)")


def test_an_unknown_person_leads_back(client, boss):
    assertRedirects(client.get("/admin/users/user/999999/change/"), "/admin/")


def test_groups_can_be_made(client, boss):
    permission = Permission.objects.get(codename="change_order")

    client.post("/admin/auth/group/add/", {"name": "Night shift", "permissions": [permission.pk]})

    assert "Night shift" in permission.group_set.values_list("name", flat=True)
