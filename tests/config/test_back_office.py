"""Every page, form and action of the back office × every role: allowed exactly where the table says."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from django.urls import reverse

from catalog.models import Product
from config.roles import PERMISSIONS, ROLES
from history.models import Delivery, Endpoint, Event
from orders.models import Order
from tests.config import back_office
from tests.config.back_office import NOBODY, STAFF
from tests.factories import CategoryFactory, ProductFactory, StaffFactory, UserFactory
from users import api_keys
from users.models import Erasure, User

pytestmark = pytest.mark.django_db

OUTSIDE = ["a visitor", "a customer"]
# Whoever could get in by mistake where only superusers may.
SOME = ["a visitor", "a customer", "Manager", "a superuser"]
INSIDE = [*ROLES, "staff without a role", "a superuser"]


@pytest.fixture
def clients():
    """A client for everybody there is."""
    found = {name: Client() for name in [*OUTSIDE, *INSIDE]}
    found["a customer"].force_login(UserFactory())
    found["a superuser"].force_login(StaffFactory())
    found["staff without a role"].force_login(UserFactory(is_staff=True))
    for role in ROLES:
        staff = UserFactory(is_staff=True)
        staff.groups.add(Group.objects.get(name=role))
        found[role].force_login(staff)
    return found


@pytest.fixture
def objects(place):
    """What the pages are about, by what their addresses take."""
    order, product = place(), ProductFactory()
    endpoint = Endpoint.objects.create(name="Warehouse", url="https://hooks.example/", position=0)
    delivery = Delivery.objects.create(endpoint=endpoint, event_id=1, order_id=order.pk, rev=1, kind="placed")
    rows = [
        order,
        product,
        CategoryFactory(),
        order.customer,
        Group.objects.create(name="Night shift"),
        endpoint,
        delivery,
    ]
    own = {f"{row._meta.app_label}_{row._meta.model_name}": row.pk for row in rows}
    own["users_erasure"] = Erasure.objects.create(user_id=0, asked_by_name="x", asked_at=order.created_at).pk
    own["history_event"] = Event.objects.earliest("pk").pk
    key, _ = api_keys.make(name="Warehouse", scopes=["orders:read"], customer=None, requests_per_minute=1)
    own["users_apikey"] = key.pk
    kind = ContentType.objects.get_for_model(Product).pk
    others = {"content_type_id": kind, "app_label": "users", "app": "users", "model": "user", "id": order.customer_id}
    others |= {"endpoint_id": endpoint.pk, "delivery_id": delivery.pk}
    numbers = {"order_id": order.pk, "product_id": product.pk, "sheet_id": 1, "user_id": order.customer_id}
    return {"own": own, "key_id": key.pk, **numbers, **others}


def address(name: str, takes: list[str], objects) -> str:
    of_model = next((pk for model, pk in objects["own"].items() if name.startswith(f"{model}_")), 1)
    if name == "view_on_site":
        of_model = objects["own"]["catalog_product"]
    known = {**objects, "object_id": of_model}
    return reverse(f"admin:{name}", kwargs={each: known[each] for each in takes})


def is_let_in(answer) -> bool:
    to_sign_in = answer.status_code == 302 and answer["Location"].startswith(("/admin/login/", "/account/login/"))
    return not to_sign_in and answer.status_code not in (403, 404, 405)


def may(who: str, permission: str) -> bool:
    if who in OUTSIDE or permission == NOBODY:
        return False
    return who == "a superuser" or permission == STAFF or permission in ROLES.get(who, ())


def test_the_table_names_every_page_and_nothing_else():
    known = {*back_office.pages(), *back_office.forms(), *back_office.DOORS}

    assert {*back_office.patterns()} == known


@pytest.mark.parametrize("way", ["get", "post"])
def test_pages_and_forms_are_for_those_the_table_says(clients, objects, way):
    table = back_office.pages() if way == "get" else back_office.forms()
    patterns = back_office.patterns()

    wrong = []
    for name, permission in table.items():
        url = address(name, patterns[name], objects)
        for who in clients if permission in PERMISSIONS else SOME:
            # Atomic, because what is let in writes.
            with transaction.atomic():
                answer = getattr(clients[who], way)(url)
                transaction.set_rollback(True)
            if is_let_in(answer) != may(who, permission):
                wrong.append(f"{who} {way} {url}: {answer.status_code}, asks for {permission}")

    assert wrong == []


def test_actions_are_offered_to_those_the_table_says(clients, objects):
    offered = set()
    for model in admin.site._registry:
        for who, client in clients.items():
            url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
            answer = client.get(url)
            form = answer.context.get("action_form") if answer.context and answer.status_code == 200 else None
            actions = [name for name, _ in form.fields["action"].choices if name] if form else []
            offered |= {(who, f"{model._meta.label_lower}: {action}") for action in actions}

    expected = {
        (who, action) for who in INSIDE for action, permission in back_office.ACTIONS.items() if may(who, permission)
    }
    assert expected == offered


def test_an_action_that_is_not_offered_does_nothing(clients, objects):
    order = Order.objects.get()
    sleeping = UserFactory(is_active=False)
    # What it is done to, and how it would show.
    effects = {
        "orders.order: mark_paid": (order.pk, lambda: Order.objects.get(pk=order.pk).status == "paid"),
        "catalog.product: retire": (
            objects["own"]["catalog_product"],
            lambda: Product.objects.filter(is_active=False).exists(),
        ),
        "users.user: deactivate_selected": (
            order.customer_id,
            lambda: not User.objects.get(pk=order.customer_id).is_active,
        ),
        "users.user: activate_selected": (sleeping.pk, lambda: User.objects.get(pk=sleeping.pk).is_active),
    }

    for action, (pk, is_done) in effects.items():
        label, name = action.split(": ")
        url = reverse(f"admin:{label.replace('.', '_')}_changelist")
        for who, client in clients.items():
            with transaction.atomic():
                client.post(url, {"action": name, "_selected_action": [pk]})
                assert is_done() == may(who, back_office.ACTIONS[action]), (who, action)
                transaction.set_rollback(True)


def test_the_groups_are_what_the_table_says_whatever_was_done_to_them():
    Group.objects.get(name="Catalogue").permissions.clear()
    Group.objects.get(name="Analyst").delete()

    call_command("migrate", verbosity=0)

    for name, labels in ROLES.items():
        held = Group.objects.get(name=name).permissions.values_list("content_type__app_label", "codename")
        assert {f"{app}.{codename}" for app, codename in held} == labels
    every = Permission.objects.values_list("content_type__app_label", "codename")
    assert {*PERMISSIONS} <= {f"{app}.{codename}" for app, codename in every}


def test_a_role_of_the_table_is_not_edited_in_the_back_office(clients):
    desk = Group.objects.get(name="Order desk")
    before = set(desk.permissions.values_list("pk", flat=True))
    url = reverse("admin:auth_group_change", args=[desk.pk])

    changed = clients["a superuser"].post(url, {"name": "Order desk", "permissions": []})
    deleted = clients["a superuser"].post(reverse("admin:auth_group_delete", args=[desk.pk]), {"post": "yes"})

    assert (changed.status_code, deleted.status_code) == (403, 403)
    assert set(desk.permissions.values_list("pk", flat=True)) == before
