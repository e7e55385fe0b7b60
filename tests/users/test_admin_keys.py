"""Keys of the API in the back office."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse

from history.models import Event, Subject
from tests.api.keys import ApiClient
from tests.factories import PASSWORD, StaffFactory, UserFactory
from tests.pages import confirm_password
from users.models import ApiKey

pytestmark = pytest.mark.django_db

ADD = "/admin/users/apikey/add/"
FORM = {"name": "Warehouse", "scopes": ["orders:read", "status:write"], "customer": "", "requests_per_minute": "60"}


def test_a_key_is_shown_once_used_and_revoked(client):
    staff = StaffFactory()
    client.force_login(staff)
    assert client.post(ADD, FORM)["Location"].startswith(reverse("account_reauthenticate"))
    confirm_password(client)

    made = client.post(ADD, FORM)

    assert "no-store" in made["Cache-Control"]
    assert "may do this: orders:read status:write" in made.content.decode()
    text = re.search(r"shop_[0-9a-f]{12}_[0-9a-f]{64}", made.content.decode())[0]
    assert not client.session.get("_messages")
    key = ApiKey.objects.get()
    api = ApiClient(text=text)
    assert api.get("/products").status_code == 200
    pages = [reverse("admin:users_apikey_change", args=[key.pk]), reverse("admin:users_apikey_changelist")]
    for page in pages:
        shown = client.get(page).content.decode()
        assert key.prefix in shown
        assert text.split("_")[2] not in shown
        assert key.digest not in shown
    again = client.post(ADD, FORM | {"name": "WAREHOUSE"})
    assert list(again.context["adminform"].form.errors) == ["name"]

    revoke = reverse("admin:users_apikey_revoke", args=[key.pk])
    assert "Revoke key" in client.get(revoke).content.decode()
    client.post(revoke)

    assert api.get("/products").status_code == 401
    assert client.post(ADD, FORM).context["key"].name == "Warehouse"  # the name is free again
    for state, shown in (("in-use", 1), ("revoked", 1), ("", 2), ("x", 2)):
        assert client.get("/admin/users/apikey/", {"state": state}).context["cl"].result_count == shown
    told = Event.objects.filter(subject=Subject.API_KEY, subject_id=key.pk).order_by("pk")
    assert [(event.kind, event.actor_id, event.subject_name) for event in told] == [
        ("created", staff.pk, "API key Warehouse"),
        ("changed", staff.pk, "API key Warehouse"),
    ]
    assert told[0].changes["scopes"] == [None, "orders:read status:write"]
    assert "revoked_at" in told[1].changes
    assert not any(key.digest in str(event.changes) for event in told)


def test_the_form_goes_on_once_the_password_is_entered():
    client = Client(enforce_csrf_checks=True)
    client.force_login(StaffFactory())

    def sent(data):
        return data | {"csrfmiddlewaretoken": client.cookies["csrftoken"].value}

    client.get(ADD)
    asked = client.post(ADD, sent(FORM))["Location"]
    client.get(asked)
    made = client.post(asked, sent({"password": PASSWORD, "next": ADD}))

    assert "shop_" in made.content.decode()
    assert ApiKey.objects.get().name == "Warehouse"


def test_nobody_hands_out_what_they_may_not_do(client):
    keeper = UserFactory(is_staff=True)
    keeper.groups.add(Group.objects.get(name="Catalogue"))
    keeper.user_permissions.add(Permission.objects.get(codename="add_apikey"))
    client.force_login(keeper)
    confirm_password(client)

    refused = client.post(ADD, FORM)
    made = client.post(ADD, FORM | {"scopes": ["catalogue:write"]})

    assert list(refused.context["adminform"].form.errors) == ["scopes"]
    assert made.status_code == 200
    assert ApiKey.objects.get().scopes == "catalogue:write"


def test_a_customers_key_is_for_orders_alone(client):
    customer = UserFactory()
    client.force_login(StaffFactory())
    confirm_password(client)

    unknown = client.post(ADD, FORM | {"customer": "nobody@shop.example"})
    beyond = client.post(ADD, FORM | {"customer": customer.email, "scopes": ["orders:read", "status:write"]})
    made = client.post(ADD, FORM | {"customer": customer.email.upper(), "scopes": ["orders:read"]})

    assert list(unknown.context["adminform"].form.errors) == ["customer"]
    assert list(beyond.context["adminform"].form.errors) == ["scopes"]
    assert made.status_code == 200
    assert ApiKey.objects.get().customer == customer
