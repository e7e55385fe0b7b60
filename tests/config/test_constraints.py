"""Every rule of the database has a message for people, and nobody sees an unsaved value of the database."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.contrib import admin
from django.db import connection, models
from django.test import Client
from django.urls import reverse

from catalog.models import Category
from tests.factories import StaffFactory, UserFactory
from tests.pages import text

OURS = ("users", "catalog", "orders", "history")


def own_models() -> list[type[models.Model]]:
    return [model for model in apps.get_models(include_auto_created=True) if model._meta.app_label in OURS]


def test_every_constraint_of_a_model_has_a_message():
    without = [
        constraint.name
        for model in own_models()
        for constraint in model._meta.constraints
        if constraint.violation_error_message == constraint.default_violation_error_message
    ]

    assert without == []


@pytest.mark.django_db
def test_every_constraint_of_the_database_is_one_of_a_model():
    tables = {model._meta.db_table: model for model in own_models() if model._meta.managed}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass::text, conname, contype, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE connamespace = 'public'::regnamespace AND contype IN ('c', 'u', 'x')"
        )
        found = [row for row in cursor.fetchall() if row[0] in tables]

    # Django says of a unique field which one it is; a table between two models is written by Django alone.
    unknown = [
        (table, name)
        for table, name, kind, definition in found
        if name not in {constraint.name for constraint in tables[table]._meta.constraints}
        and not (kind == "u" and definition in _of_unique_fields(tables[table]))
        and not tables[table]._meta.auto_created
    ]
    assert found
    assert unknown == []


def _of_unique_fields(model) -> set[str]:
    return {f"UNIQUE ({field.column})" for field in model._meta.concrete_fields if field.unique}


@pytest.mark.django_db
def test_no_page_shows_a_value_that_the_database_has_yet_to_make():
    client = Client()
    client.force_login(StaffFactory())
    reverse("admin:index")
    tried = 0

    for model in admin.site._registry:
        url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add")
        for response in (client.get(url), client.post(url, {})):
            if response.status_code == 200:
                tried += 1
                for told in ("DatabaseDefault", "object at 0x", "expressions."):
                    assert told not in response.content.decode(), url

    assert tried > 10


@pytest.mark.django_db
def test_constraints_of_a_library_are_worded_too(client):
    client.force_login(StaffFactory())
    person, other = UserFactory(), UserFactory()
    url = reverse("admin:account_emailaddress_change", args=[EmailAddress.objects.get(user=other).pk])

    second = client.post(url, {"user": person.pk, "email": "third@shop.example", "primary": "on"})
    taken = client.post(url, {"user": other.pk, "email": person.email, "verified": "on"})

    assert "This person has another primary address." in text(second)
    assert "This address is verified for another account." in text(taken)
    assert "Constraint “" not in text(second) + text(taken)


@pytest.mark.django_db
def test_a_name_that_somebody_takes_in_the_same_moment_is_refused_at_its_field(client):
    client.force_login(StaffFactory())

    def take_it(sender, instance, **kwargs):
        models.signals.pre_save.disconnect(take_it, sender=Category)
        Category.objects.bulk_create([Category(name=instance.name, slug="taken")])

    models.signals.pre_save.connect(take_it, sender=Category)
    response = client.post(reverse("admin:catalog_category_add"), {"name": "Lamps", "slug": "lamps"})

    assert (response.status_code, Category.objects.count()) == (302, 1)
