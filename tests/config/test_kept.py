"""A kept queryset reads what the queryset would, by SQL that was made once."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.db.models import CharField, F, Value
from django.db.models.functions import Concat
from django.test.utils import CaptureQueriesContext

from catalog.models import Product
from config.database.kept import Given, Kept
from tests.factories import CategoryFactory, ProductFactory

pytestmark = pytest.mark.django_db

OF_CATEGORY = Kept(
    lambda: (
        Product.objects.filter(category=Given("category"), sku__gt=Given("after", CharField()))
        .select_related("category")
        .defer("description")
        .annotate(told=Concat("name", Value(" of "), F("category__name")))
        .order_by("name")[:3]
    )
)


@pytest.fixture
def category():
    books = CategoryFactory(name="Books")
    for name in ("Dune", "Emma", "Ulysses", "Walden"):
        ProductFactory(name=name, sku=f"B-{name}", category=books, attributes={"pages": [len(name)]})
    ProductFactory(category=CategoryFactory())
    return books


def test_it_reads_the_objects_of_the_queryset_with_all_that_belongs_to_them(category):
    with CaptureQueriesContext(connection) as asked:
        found = OF_CATEGORY.read(category=category.pk, after="B-E")
        told = [(each.name, each.told, each.category.name, each.attributes, each.price) for each in found]

    assert len(asked) == 1
    there = Product.objects.filter(category=category).exclude(name="Dune").order_by("name")
    assert told == [(p.name, f"{p.name} of Books", "Books", {"pages": [len(p.name)]}, p.price) for p in there]
    assert found == list(there)
    assert found[0].get_deferred_fields() == {"description"}
    assert found[0].category == category
    assert not found[0]._state.adding


def test_each_read_brings_its_own_values_and_none_is_taken_for_sql(category):
    hostile = "' OR 1=1 --"

    assert [each.name for each in OF_CATEGORY.read(category=category.pk, after="B-U")] == ["Ulysses", "Walden"]
    assert OF_CATEGORY.read(category=0, after="") == []
    assert len(OF_CATEGORY.read(category=category.pk, after=hostile)) == 3
    for wrong in ({"category": 1}, {"category": 1, "after": "", "before": ""}):
        with pytest.raises(TypeError, match="after, category"):
            OF_CATEGORY.read(**wrong)


def test_the_queryset_is_made_once():
    made = []
    by_sku = Kept(lambda: made.append(1) or Product.objects.filter(sku=Given("sku", CharField())))
    product = ProductFactory(sku="A-1")

    assert [by_sku.read(sku="A-1"), by_sku.read(sku="A-2"), by_sku.read(sku="A-1")] == [[product], [], [product]]
    assert made == [1]


@pytest.mark.django_db(transaction=True)
def test_rows_are_locked_in_a_transaction_only():
    product = ProductFactory()
    locked = Kept(lambda: Product.objects.filter(pk=Given("pk")).select_for_update())

    with transaction.atomic():
        assert locked.read(pk=product.pk) == [product]
    with pytest.raises(transaction.TransactionManagementError):
        locked.read(pk=product.pk)
