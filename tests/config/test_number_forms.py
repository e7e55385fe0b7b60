"""Every number that people type is read by core.numbers: 1.000 becomes 1 in no form."""

from __future__ import annotations

import importlib
import pkgutil
from decimal import Decimal

import pytest
from django import forms
from django.contrib import admin
from django.db import models
from django.urls import reverse

from catalog.models import Product
from core.number_fields import MoneyField, WholeNumberField
from tests.factories import ProductFactory, StaffFactory
from tests.pages import text

PACKAGES = ("core", "config", "users", "catalog", "orders", "history")
READ_AS_TYPED = (MoneyField, WholeNumberField)
NUMBERS = (forms.IntegerField, forms.DecimalField, forms.FloatField)
WRONG = ["1.000", "1,000", "12.345", "NaN", "Infinity", "1e3", "٣", "１２", "+5", "1_0", "1.5.5", " "]


def form_classes() -> set[type[forms.BaseForm]]:
    for package in PACKAGES:
        for module in pkgutil.walk_packages([package], f"{package}."):
            if ".migrations" not in module.name and ".embedded" not in module.name and ".worker" not in module.name:
                importlib.import_module(module.name)
    found, rest = set(), [forms.BaseForm]
    while rest:
        found |= {*(classes := rest.pop().__subclasses__())}
        rest += classes
    return {each for each in found if each.__module__.split(".")[0] in PACKAGES}


def test_every_form_reads_numbers_by_the_same_field():
    fields = [
        (form, name, field) for form in form_classes() for name, field in getattr(form, "base_fields", {}).items()
    ]
    numbers = [each for each in fields if isinstance(each[2], NUMBERS)]

    assert len(numbers) > 5
    assert [each for each in numbers if not isinstance(each[2], READ_AS_TYPED)] == []


def test_so_does_every_column_in_the_back_office(rf):
    reverse("admin:index")
    request = rf.get("/")
    columns = (models.IntegerField, models.DecimalField, models.FloatField, models.DurationField)

    wrong = []
    for model, of in admin.site._registry.items():
        for column in model._meta.concrete_fields:
            made = of.formfield_for_dbfield(column, request) if column.editable and not column.remote_field else None
            if isinstance(column, columns) and made is not None and not isinstance(made, READ_AS_TYPED):
                wrong.append((model, column.name, made))

    assert wrong == []


@pytest.mark.django_db
@pytest.mark.parametrize("typed", WRONG)
def test_what_is_ambiguous_or_no_number_changes_nothing(client, typed):
    client.force_login(StaffFactory())
    lamp = ProductFactory(name="Lamp", price=Decimal("10.00"), stock=5)
    row = {
        "name": "Lamp",
        "sku": "L",
        "category": "",
        "attributes": "{}",
        "is_active": "on",
        "price": "1",
        "stock": "1",
    }

    price = client.post(reverse("admin:catalog_product_change", args=[lamp.pk]), row | {"price": typed})
    added = client.post(reverse("admin:catalog_product_add"), row | {"stock": typed})
    counted = client.post(
        reverse("admin:catalog_product_correct", args=[lamp.pk]), {"number": typed, "note": "counted", "seen": 1}
    )

    assert (price.status_code, added.status_code, counted.status_code) == (200, 200, 422), text(added)
    assert Product.objects.values_list("price", "stock").get() == (Decimal("10.00"), 5)


@pytest.mark.django_db
@pytest.mark.parametrize(("typed", "meant"), [("1.234,50", "1234.50"), ("1,234.50", "1234.50"), ("12,5", "12.50")])
def test_a_price_is_read_in_german_and_in_english(client, typed, meant):
    client.force_login(StaffFactory())
    row = {"name": "Lamp", "sku": "L", "attributes": "{}", "price": typed, "stock": "1.234.567"}

    client.post(reverse("admin:catalog_product_add"), row)

    assert Product.objects.values_list("price", "stock").get() == (Decimal(meant), 1234567)
