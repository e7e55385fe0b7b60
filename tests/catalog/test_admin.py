from __future__ import annotations

import json
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from catalog.models import Category, Product, StockMovement
from tests.factories import CategoryFactory, ProductFactory, StaffFactory, UserFactory

pytestmark = pytest.mark.django_db

LIST = "/admin/catalog/product/"


def page_of(product: Product) -> str:
    return reverse("admin:catalog_product_change", args=[product.pk])


def typed(product: Product, **changes):
    """What the browser sends for a product's page as it was opened, with what staff changed."""
    data = {
        "name": product.name,
        "sku": product.sku,
        "price": str(product.price),
        "stock": product.stock,
        "description": "",
        "attributes": json.dumps(product.attributes),
        "initial-attributes": json.dumps(product.attributes),
        "is_active": "on",
    }
    return {**data, **changes}


@pytest.fixture
def boss(client):
    boss = StaffFactory()
    client.force_login(boss)
    return boss


def test_staff_without_permission_see_no_products(client):
    client.force_login(UserFactory(is_staff=True))

    assert client.get(LIST).status_code == 403
    assert client.get(page_of(ProductFactory())).status_code == 403


def test_a_product_that_is_added_is_for_sale_unless_staff_say_otherwise(client, boss):
    page = client.get(reverse("admin:catalog_product_add"))
    form = page.context["adminform"].form
    # As a browser sends the page: what is ticked, and nothing of what is not.
    ticked = {"is_active": "on"} if form["is_active"].value() else {}
    data = {"name": "Mug", "sku": "MUG", "price": "4", "stock": "2", "attributes": "{}", "initial-attributes": "{}"}

    client.post(reverse("admin:catalog_product_add"), data | ticked)
    client.post(reverse("admin:catalog_product_add"), data | {"name": "Cup", "sku": "CUP"})

    assert dict(Product.objects.values_list("name", "is_active")) == {"Mug": True, "Cup": False}


def test_staff_who_may_only_see_change_nothing(client):
    clerk = UserFactory(is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename="view_product"))
    client.force_login(clerk)
    product = ProductFactory(name="Lamp")

    assertContains(client.get(page_of(product)), "Lamp")
    assertNotContains(client.get(LIST), "Retire selected")
    assert client.post(page_of(product), typed(product, name="Mine")).status_code == 403
    client.post(LIST, {"action": "retire", "_selected_action": [product.pk]})
    assert Product.objects.filter(pk=product.pk, name="Lamp", is_active=True).exists()


@pytest.mark.parametrize("text", ["lapt", "LAP-1", "lap-1"])
def test_products_are_found_by_name_and_sku(client, boss, text):
    ProductFactory(name="Laptop", sku="LAP-1")
    ProductFactory(name="Mouse", sku="MOU-1")

    response = client.get(LIST, {"q": text})

    assertContains(response, "Laptop")
    assertNotContains(response, "Mouse")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"in_stock": "yes"}, {"Plenty", "Few"}),
        ({"in_stock": "low"}, {"Few"}),
        ({"in_stock": "none"}, {"Gone"}),
        ({"is_active__exact": "0"}, {"Gone"}),
    ],
)
def test_products_are_filtered(client, boss, query, names):
    ProductFactory(name="Plenty", stock=50)
    ProductFactory(name="Few", stock=3)
    ProductFactory(name="Gone", stock=0, is_active=False)

    response = client.get(LIST, query)

    assert {product.name for product in response.context["cl"].result_list} == names


def test_more_products_need_no_more_queries(client, boss, django_assert_num_queries):
    ProductFactory(category=CategoryFactory())
    with django_assert_num_queries(5) as one:
        client.get(LIST)
    for _ in range(15):
        ProductFactory(category=Category.objects.get())

    with django_assert_num_queries(len(one)):
        client.get(LIST)


def test_a_product_is_added(client, boss):
    client.post(f"{LIST}add/", typed(Product(name="Lamp", sku="L-1", price=Decimal("12.50"), stock=7)))

    lamp = Product.objects.get(sku="L-1")
    assert (lamp.price, lamp.stock, lamp.is_active) == (Decimal("12.50"), 7, True)


@pytest.mark.parametrize(
    "wrong",
    [
        {"price": "-1"},
        {"price": "free"},
        {"attributes": "{"},
        {"attributes": "[1]"},
        {"sku": "TAKEN"},
        {"name": ""},
    ],
)
def test_wrong_values_are_refused_at_their_field(client, boss, wrong):
    ProductFactory(sku="TAKEN")
    product = ProductFactory(price=Decimal("10.00"), stock=5)

    response = client.post(page_of(product), typed(product, **wrong))

    assertContains(response, "errorlist")
    assert Product.objects.values_list("price", "stock").get(pk=product.pk) == (Decimal("10.00"), 5)


def test_a_sale_while_the_page_is_open_is_not_undone(client, boss, place):
    product = ProductFactory(stock=100)
    opened = typed(product, name="Renamed")
    place(product, quantity=5)

    client.post(page_of(product), opened)

    assert Product.objects.values_list("name", "stock").get(pk=product.pk) == ("Renamed", 95)


def test_only_what_was_typed_is_written(client, boss):
    product = ProductFactory(attributes={"colour": "red"})

    with CaptureQueriesContext(connection) as asked:
        client.post(page_of(product), typed(product, name="Renamed"))

    written = [query["sql"] for query in asked if query["sql"].startswith('UPDATE "products"')]
    assert [sql.split(" WHERE ")[0] for sql in written] == ['UPDATE "products" SET "name" = \'Renamed\'']


def test_attributes_may_be_emptied(client, boss):
    product = ProductFactory(attributes={"colour": "red"})

    response = client.post(page_of(product), typed(product, attributes=""))

    assertRedirects(response, LIST, fetch_redirect_response=False)
    assert Product.objects.get(pk=product.pk).attributes == {}


def test_the_ledger_tells_who_opened_and_deleted(client, boss):
    client.post(f"{LIST}add/", typed(Product(name="Lamp", sku="L-1", price=Decimal("1.00"), stock=7)))
    client.post(f"{LIST}{Product.objects.get().pk}/delete/", {"post": "yes"})

    told = StockMovement.objects.order_by("movement_id").values_list("delta", "reason", "actor_id", "actor_name")

    who = (boss.pk, boss.name)
    assert list(told) == [(7, "opening", *who), (-7, "deleted", *who)]


def test_a_product_does_not_open_below_nothing(client, boss):
    response = client.post(f"{LIST}add/", typed(Product(name="Lamp", sku="L-1", price=Decimal("1.00"), stock=-1)))

    assertContains(response, "errorlist")
    assert not Product.objects.exists()


def test_stock_is_not_typed_into_a_product_there_is(client, boss):
    product = ProductFactory(stock=5)

    client.post(page_of(product), typed(product, name="Renamed", stock=99))

    assert Product.objects.values_list("name", "stock").get(pk=product.pk) == ("Renamed", 5)


def test_products_are_retired_and_activated_many_at_once(client, boss):
    products = ProductFactory.create_batch(3)
    chosen = [product.pk for product in products[:2]]

    retired = client.post(LIST, {"action": "retire", "_selected_action": chosen}, follow=True)
    assertContains(retired, "2 products retired.")
    assert Product.objects.filter(is_active=True).count() == 1

    again = client.post(LIST, {"action": "activate", "_selected_action": chosen[:1]}, follow=True)
    assertContains(again, "1 product activated.")
    assert Product.objects.filter(is_active=True).count() == 2


def test_a_product_that_was_sold_is_retired_not_deleted(client, boss, place):
    product = ProductFactory(name="Lamp")
    place(product)

    for answer in (
        client.get(f"{LIST}{product.pk}/delete/"),
        client.post(f"{LIST}{product.pk}/delete/", {"post": "y"}),
    ):
        assertRedirects(answer, page_of(product), fetch_redirect_response=False)
    assertContains(client.get(page_of(product)), "Lamp was not deleted: it has been ordered")
    assert Product.objects.filter(pk=product.pk).exists()


def test_a_product_never_sold_can_be_deleted_but_not_many_at_once(client, boss):
    product = ProductFactory()

    client.post(LIST, {"action": "delete_selected", "_selected_action": [product.pk], "post": "yes"})
    assert Product.objects.filter(pk=product.pk).exists()
    client.post(f"{LIST}{product.pk}/delete/", {"post": "yes"})
    assert not Product.objects.filter(pk=product.pk).exists()


def test_a_category_in_use_is_not_deleted(client, boss):
    category = CategoryFactory(name="Lamps")
    ProductFactory(category=category)

    answer = client.post(f"/admin/catalog/category/{category.pk}/delete/", {"post": "yes"}, follow=True)

    assertContains(answer, "Lamps was not deleted: products are in it.")


def test_the_slug_is_filled_in_from_the_name(client, boss):
    assertContains(client.get("/admin/catalog/category/add/"), "data-prepopulated-fields")


def test_a_product_leads_to_its_page_in_the_shop(client, boss):
    assertContains(client.get(page_of(ProductFactory())), "View on site")


def test_a_hostile_name_is_shown_as_text(client, boss):
    product = ProductFactory(name="<script>alert(1)</script>", sku="<b>", category=CategoryFactory(name="<i>x"))

    for path in (LIST, page_of(product)):
        response = client.get(path)
        assertContains(response, "&lt;script&gt;alert(1)")
        assertNotContains(response, "<script>alert(1)")
        assertNotContains(response, "<i>x")
