"""The shop's public pages."""

from decimal import Decimal

import pytest
from django.urls import reverse

from catalog.models import Product
from catalog.templatetags.catalog import marked
from tests.factories import CategoryFactory, ProductFactory, UserFactory
from tests.impossible import possible
from tests.pages import breaks_csp, text

pytestmark = pytest.mark.django_db


def names(response) -> list[str]:
    return [product.name for product in response.context["listing"].page]


def test_the_list_has_what_is_for_sale_newest_first(client):
    ProductFactory(name="Old lamp")
    ProductFactory(name="New lamp")
    ProductFactory(name="Retired lamp", is_active=False)

    response = client.get("/")

    assert names(response) == ["New lamp", "Old lamp"]
    assert "2 products" in text(response)
    assert breaks_csp(response) == []


def test_stock_is_told_in_words(client):
    ProductFactory(stock=0)
    ProductFactory(stock=3)
    ProductFactory(stock=100)

    shown = text(client.get("/"))

    assert "Sold out" in shown
    assert "Only 3 left" in shown
    assert "In stock" in shown


def test_an_empty_shop_says_so(client):
    assert "nothing for sale here" in text(client.get("/"))


def test_the_list_is_sorted_by_price(client):
    for price in ("20.00", "5.00", "10.00"):
        ProductFactory(name=price, price=Decimal(price))

    assert names(client.get("/?sort=price")) == ["5.00", "10.00", "20.00"]
    assert names(client.get("/?sort=-price")) == ["20.00", "10.00", "5.00"]


def test_the_list_is_narrowed_by_price_and_stock(client):
    ProductFactory(name="cheap", price=Decimal("5.00"))
    ProductFactory(name="right", price=Decimal("10.00"))
    ProductFactory(name="gone", price=Decimal("10.00"), stock=0)
    ProductFactory(name="dear", price=Decimal("20.00"))

    response = client.get("/?min_price=6&max_price=19.99&in_stock=on")

    assert names(response) == ["right"]
    assert "Clear all" in text(response)


def test_filters_without_a_match_offer_to_clear_them(client):
    ProductFactory(price=Decimal("5.00"))

    assert "No product fits these filters" in text(client.get("/?min_price=6"))


def test_pages_have_24_products_and_keep_the_rest_of_the_address(client):
    ProductFactory.create_batch(25)

    first = client.get("/?sort=price")
    second = client.get("/?sort=price&page=2")

    assert len(names(first)) == 24
    assert "?sort=price&amp;page=2" in first.content.decode()
    assert len(names(second)) == 1
    assert "25–25 of 25 products" in text(second)


def test_a_page_beyond_the_last_is_the_last(client):
    ProductFactory.create_batch(25)

    response = client.get("/?page=99")

    assert response.context["listing"].page.number == 2
    assert "There is no page 99" in text(response)


@pytest.mark.parametrize(
    "query",
    [
        "page=abc",
        "page=0",
        "page=-1",
        "page=" + "9" * 5000,
        "page=%00",
        "page=²",
        "sort=evil",
        "sort=relevance",
        "min_price=abc",
        "max_price=-1",
        "min_price=NaN",
        "min_price=Infinity",
        "min_price=1e400",
        "min_price=%00",
        "max_price=10.999",
        "min_price=" + "9" * 400,
    ],
)
def test_a_bad_parameter_is_ignored_with_a_note(client, query):
    product = ProductFactory()

    response = client.get(f"/?{query}")

    assert response.status_code == 200
    assert names(response) == [product.name]
    assert response.context["listing"].notes


def test_a_price_range_the_wrong_way_round_is_swapped(client):
    product = ProductFactory(price=Decimal("10.00"))

    response = client.get("/?min_price=15&max_price=5")

    assert names(response) == [product.name]
    assert "swapped" in text(response)


def test_a_note_shows_bad_input_as_text(client):
    response = client.get("/?min_price=<script>alert(1)</script>")

    assert b"<script>alert" not in response.content


def test_a_category_has_its_own_products(client):
    kitchen = CategoryFactory(name="Kitchen", slug="kitchen")
    ProductFactory(name="Kettle", category=kitchen)
    ProductFactory(name="Lamp")

    response = client.get("/c/kitchen/")

    assert names(response) == ["Kettle"]
    assert client.get("/c/garden/").status_code == 404


def test_marking_keeps_names_harmless():
    assert marked("<b>Lamp</b> & lamp", "lamp") == "&lt;b&gt;<mark>Lamp</mark>&lt;/b&gt; &amp; <mark>lamp</mark>"
    assert marked("<i>", None) == "&lt;i&gt;"


def test_a_product_page_tells_all_about_it(client):
    kitchen = CategoryFactory(name="Kitchen")
    product = ProductFactory(
        name="Kettle",
        price=Decimal("1234.50"),
        stock=3,
        category=kitchen,
        description="Boils water.",
        attributes={"power_watts": 2000, "cordless": True, "colours": ["red", "blue"], "note": None},
    )
    ProductFactory(name="Whisk", category=kitchen)

    response = client.get(product.get_absolute_url())

    shown = text(response)
    for told in ("$1,234.50", "Only 3 left", "Boils water.", "Power watts 2000", "Cordless Yes", "red, blue", "Whisk"):
        assert told in shown
    assert response.content.decode().count("btn-lg") == 1
    assert breaks_csp(response) == []


@pytest.mark.parametrize("attributes", [[], [1, 2], "text", 5, {"nested": {"a": 1}}])
def test_attributes_may_be_any_json(client, attributes):
    with possible("products_attributes_possible", "products"):
        product = ProductFactory(attributes=attributes)

    assert client.get(product.get_absolute_url()).status_code == 200


def test_a_product_of_nothing_but_a_name_has_no_empty_sections(client):
    product = Product.objects.create(name="Bare", price=Decimal("1.00"))

    shown = text(client.get(product.get_absolute_url()))

    assert "Sold out" in shown
    assert "Description" not in shown
    assert "Details" not in shown
    assert "More from" not in shown


def test_a_retired_product_keeps_its_page_without_a_button(client):
    product = ProductFactory(is_active=False)

    response = client.get(product.get_absolute_url())

    assert response.status_code == 200
    assert "No longer for sale" in text(response)
    assert "Add to cart" not in text(response)


def test_an_old_address_leads_to_the_present_one(client):
    product = ProductFactory(name="Tea kettle")
    old = product.get_absolute_url()
    Product.objects.update(name="Kettle")
    product.refresh_from_db()

    assert client.get(old)["Location"] == product.get_absolute_url()
    assert client.get(f"/p/{product.pk}/")["Location"] == product.get_absolute_url()


@pytest.mark.parametrize("slug", ["nothing", "kettle-0", "kettle-999999", "x-" + "9" * 30, "-", "5-"])
def test_an_unknown_product_is_not_found(client, slug):
    response = client.get(f"/p/{slug}/")

    assert response.status_code == 404
    assert "There is no such page" in text(response)


def test_a_placeholder_is_drawn_from_the_sku_and_kept_by_browsers(client):
    first = client.get(reverse("catalog:placeholder", kwargs={"sku": 'A/B <1>"'}))
    again = client.get(reverse("catalog:placeholder", kwargs={"sku": 'A/B <1>"'}))
    other = client.get(reverse("catalog:placeholder", kwargs={"sku": "C"}))

    assert first["Content-Type"] == "image/svg+xml"
    assert "immutable" in first["Cache-Control"]
    assert first.content == again.content != other.content
    assert b"A/B" not in first.content


def test_more_products_need_no_more_queries(client, django_assert_num_queries):
    categories = CategoryFactory.create_batch(3)
    ProductFactory(category=categories[0])
    client.force_login(UserFactory())
    client.post(reverse("orders:cart_add"), {"product": Product.objects.get().pk})
    for amount in (0, 30):
        ProductFactory.create_batch(amount, category=categories[1])
        # Session, user, permissions, cart, categories, counts, values of attributes, products.
        for path in ("/", "/?in_stock=on&attribute=a:b", categories[1].get_absolute_url()):
            with django_assert_num_queries(8):
                client.get(path)
        # And the words of the search.
        with django_assert_num_queries(9):
            client.get("/search/?q=product")


def test_more_related_products_need_no_more_queries(client, django_assert_num_queries):
    category = CategoryFactory()
    product = ProductFactory(category=category)
    client.post(reverse("orders:cart_add"), {"product": product.pk})
    for amount in (1, 10):
        ProductFactory.create_batch(amount, category=category)
        # Product, related, cart.
        with django_assert_num_queries(3):
            client.get(product.get_absolute_url())
    client.force_login(UserFactory())
    for _ in range(2):
        client.get("/")  # the guest's cart is taken over, then its cookie goes
    with django_assert_num_queries(6):
        client.get(product.get_absolute_url())


@pytest.mark.parametrize("path", ["/", "/search/", "/c/x/", "/p/x-1/"])
def test_public_pages_are_only_read(client, path):
    assert client.post(path).status_code == 405
