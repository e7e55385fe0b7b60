"""The filters of the list: what they leave, what they count, and that any address is a page."""

from decimal import Decimal
from urllib.parse import urlencode

import pytest

from catalog.filters import MOST_ATTRIBUTES
from catalog.models import Product
from tests.factories import CategoryFactory, ProductFactory
from tests.pages import text

pytestmark = pytest.mark.django_db


def names(response) -> set[str]:
    return {product.name for product in response.context["listing"].page}


def sidebar(response) -> str:
    """The filters as they are read, without the form."""
    return text(response).split("Close filters")[-1].split("Newest")[0]


def listed(client, *parameters: tuple[str, str], path: str = "/"):
    return client.get(f"{path}?{urlencode(parameters)}")


@pytest.fixture
def lamps():
    lighting = CategoryFactory(name="Lighting", slug="lighting")
    for name, price, stock, colour, dims in (
        ("Red", "10.00", 5, "red", True),
        ("Blue", "30.00", 5, "blue", True),
        ("Gone", "30.00", 0, "red", False),
    ):
        attributes = {"colour": colour, "dimmable": dims, "parts": ["bulb"], "power_watts": 7}
        ProductFactory(name=name, category=lighting, price=Decimal(price), stock=stock, attributes=attributes)
    ProductFactory(name="Whisk", category=CategoryFactory(name="Kitchen", slug="kitchen"), price=Decimal("300.00"))


def test_every_filter_says_how_many_it_leaves(client, lamps):
    shown = sidebar(client.get("/"))

    for told in (
        "All products 4",
        "Kitchen 1",
        "Lighting 3",
        "Up to $24.99 1",
        "$25.00 to $49.99 2",
        "From $250.00 1",
        "In stock only 3",
        "Colour blue 1 red 2",
        "Dimmable No 1 Yes 2",
    ):
        assert told in shown
    # One value is nothing to choose; lists and objects are no single value.
    assert "Power watts" not in shown
    assert "Parts" not in shown


def test_a_count_is_what_choosing_it_leaves(client, lamps):
    response = listed(client, ("attribute", "colour:red"), ("in_stock", "on"))

    assert names(response) == {"Red"}
    shown = sidebar(response)
    assert "Colour blue 1 red 1" in shown  # those of the other colour, in stock
    assert "In stock only 1" in shown
    assert "Up to $24.99 1" in shown
    assert "$25.00" not in shown.split("Price")[1].split("Price from")[0]


def test_two_values_of_an_attribute_are_either_and_two_attributes_both(client, lamps):
    either = listed(client, ("attribute", "colour:red"), ("attribute", "colour:blue"))
    both = listed(client, ("attribute", "colour:red"), ("attribute", "dimmable:true"))
    number = listed(client, ("attribute", "power_watts:7"))

    assert names(either) == {"Red", "Blue", "Gone"}
    assert names(both) == {"Red"}
    assert len(names(number)) == 3


def test_each_filter_is_taken_back_by_its_chip(client, lamps):
    address = "/?min_price=5&max_price=40&in_stock=on&attribute=colour%3Ared&attribute=colour%3Ablue&sort=price"

    response = client.get(address)

    chips = response.context["listing"].chips
    assert [chip.label for chip in chips] == ["", "", "In stock", "Colour: red", "Colour: blue"]
    for chip, gone in zip(chips, ("min_price", "max_price", "in_stock", "Ared", "Ablue"), strict=True):
        assert gone not in chip.href
        assert len(chip.href) > len(address) - 25
        assert client.get(chip.href).status_code == 200
    assert response.context["listing"].clear == "/?sort=price"


def test_a_category_keeps_the_other_filters(client, lamps):
    response = listed(client, ("in_stock", "on"), path="/c/lighting/")

    assert names(response) == {"Red", "Blue"}
    page = response.content.decode()
    assert 'href="/c/kitchen/?in_stock=on"' in page
    assert 'href="/?in_stock=on"' in page


def test_the_price_form_keeps_the_rest(client, lamps):
    page = listed(client, ("attribute", "colour:red"), ("sort", "price"), ("in_stock", "on")).content.decode()

    for name, value in (("attribute", "colour:red"), ("sort", "price"), ("in_stock", "on")):
        assert f'name="{name}" value="{value}"' in page.replace("\n", " ")


def test_what_is_chosen_stays_to_be_taken_back(client, lamps):
    response = listed(client, ("attribute", "colour:green"), path="/c/lighting/")

    assert "No product fits these filters" in text(response)
    assert "green 0" in sidebar(response)


def test_attributes_may_be_any_json(client):
    odd = ({"a": []}, {"a": [1]}, {"a": {"b": 1}}, {"a": None}, {"": "x"}, {"<b>": "<i>"}, {"a%sb": "{c}"})
    for attributes in odd:
        ProductFactory(attributes={})
        Product.objects.filter(pk=Product.objects.latest("pk").pk).update(attributes=attributes)

    response = client.get("/")

    assert response.status_code == 200
    assert len(names(response)) == len(odd)
    assert b"<i>" not in response.content
    assert listed(client, ("attribute", "a%sb:{c}"), ("attribute", "<b>:<i>")).status_code == 200


@pytest.mark.parametrize(
    "attribute",
    [
        "",
        "colour",
        ":",
        ":red",
        "colour:",
        "colour:\x00",
        "\x00:red",
        "a:" + "x" * 500,
        "\ud800:x".encode("utf-8", "replace").decode(),
    ],
)
def test_what_is_no_attribute_is_ignored_with_a_note(client, lamps, attribute):
    response = listed(client, ("attribute", attribute))

    if attribute == "?:x":
        assert names(response) == set()
        return
    assert len(names(response)) == 4
    assert "is no attribute with its value" in text(response)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e999999", "9" * 150, "-0", "[", "{}", '"', "null", "'", "％"])
def test_any_value_of_an_attribute_is_a_page(client, lamps, value):
    assert listed(client, ("attribute", f"colour:{value}")).status_code == 200


def test_more_attributes_than_anybody_chooses_are_cut(client, lamps):
    response = listed(client, *[("attribute", f"a{number}:b") for number in range(500)])

    assert response.status_code == 200
    assert f"first {MOST_ATTRIBUTES}" in text(response)


@pytest.mark.parametrize(
    "query", ["%FF=%FE", "page=1&page=2", "&&&=", "min_price=%FF", "sort=%00", "in_stock=%00", "category=x"]
)
def test_any_query_string_is_a_page(client, lamps, query):
    for path in ("/", "/c/lighting/", "/search/"):
        assert client.get(f"{path}?q=lamp&{query}").status_code == 200


def test_the_list_is_sorted_by_units_sold(client):
    for sold in (1, 3, 2):
        Product.objects.filter(pk=ProductFactory(name=str(sold)).pk).update(units_sold=sold)

    response = client.get("/?sort=best")

    assert [product.name for product in response.context["listing"].page] == ["3", "2", "1"]


def test_equal_numbers_and_texts_are_one_value_however_they_are_written(client):
    spellings = [1, 1.0, "1", "1.0", " 1 ", "1\u00a0"]
    for value in spellings:
        ProductFactory(attributes={"size": value, "colour": "dark  blue" if value == 1 else " dark blue"})
    ProductFactory(attributes={"size": 10, "colour": "red"})
    ProductFactory(attributes={"size": "01", "colour": "red"})

    group = next(group for group in client.get("/").context["groups"] if group.label == "Size")

    assert [(option.label, option.count) for option in group.options] == [("1", 6), ("10", 1), ("01", 1)]
    for typed in spellings[:-1]:  # an address has no such blanks
        assert listed(client, ("attribute", f"size:{typed}")).context["listing"].page.paginator.count == 6
    assert listed(client, ("attribute", "colour:dark blue")).context["listing"].page.paginator.count == 6


def test_a_count_is_what_its_link_shows(client):
    odd = [
        0,
        -0.0,
        "0.00",
        1.5,
        "1.50",
        True,
        "true",
        "7.10",
        7.1,
        "x" * 300,
        "",
        " ",
        "a:b",
        1e20,
        "1e3",
        "٣",
        "Å",
        "A\u030a",
    ]
    for value in odd:
        ProductFactory(attributes={"kind": value})

    group = next(group for group in client.get("/").context["groups"] if group.label == "Kind")

    for option in [*group.options, *group.more]:
        assert client.get(option.href).context["listing"].page.paginator.count == option.count, option.label


def test_values_beyond_ten_can_be_reached_and_numbers_are_in_their_order(client):
    for number in range(1, 26):
        ProductFactory.create_batch(2 if number == 20 else 1, attributes={"power": number, "size": f"{number} W"})

    response = client.get("/")

    power, size = (
        next(group for group in response.context["groups"] if group.label == label) for label in ("Power", "Size")
    )
    first, rest = [option.label for option in power.options], [option.label for option in power.more]
    assert (len(first), first, rest) == (10, sorted(first, key=int), sorted(rest, key=int))
    assert {*first, *rest} == {str(number) for number in range(1, 26)}
    assert "20" in first
    labels = [option.label for option in size.more]
    assert labels == sorted(labels, key=lambda label: int(label.split()[0]))
    assert power.more[-1].href.replace("&", "&amp;") in response.content.decode()
    assert "<summary>Show more" in response.content.decode()


@pytest.mark.parametrize("value", ["می\u200cخواهم", "so\u00adft", "👨\u200d👩", "ta\tb", "1\u200f"])
def test_a_value_with_characters_that_do_not_show_can_be_chosen(client, value):
    chosen, _ = (ProductFactory(attributes={"size": each}) for each in (value, "other"))

    page = listed(client, ("attribute", f"size:{value}"))

    assert (names(page), page.context["listing"].notes) == ({chosen.name}, [])
