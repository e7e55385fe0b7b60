"""Cells as people and their spreadsheets write them: read as one thing, refused with all reasons, or warned of."""

from __future__ import annotations

from decimal import Decimal

import pytest
from pytest_django.asserts import assertContains, assertNotContains

from catalog.models import Category, Product
from tests.catalog.test_sheets import left_out, take, upload
from tests.factories import CategoryFactory, ProductFactory, StaffFactory
from tests.pages import text as read

pytestmark = pytest.mark.django_db

WOOCOMMERCE = (
    'ID,Type,SKU,Name,Published,"Is featured?",Description,"In stock?",Stock,"Regular price",Categories\n'
    '11,simple,00123,"Desk lamp ""Lumen""",1,0,"<p>Bright.</p>",1,12,89.00,"Home > Lamps"\n'
)


@pytest.fixture(autouse=True)
def boss(client):
    client.force_login(StaffFactory(name="Sam"))


def bad(page) -> dict[int, str]:
    return {each["line"]: each["told"] for each in page.context["sheet"].found["lines"]}


def warned(page) -> dict[str, list[str]]:
    return {kind: found["examples"] for kind, found in page.context["sheet"].found["warnings"].items()}


@pytest.mark.parametrize(
    "cell",
    ["1.000", "1,000", "€ 12", "12.-", "1e3", "NaN", "½", "١٢", "1.0000", "12,345", "+5", "1 00", "0x10", "1.00.00"],
)
@pytest.mark.parametrize("column", ["price", "stock"])
def test_a_number_that_may_mean_two_things_or_nothing_is_refused(client, column, cell):
    lamp = ProductFactory(sku="L", stock=5, price=Decimal("7.00"))

    page = upload(client, f'sku,{column}\nL,"{cell}"\n')

    assert bad(page)[2].startswith(f"{column}: “{cell}” ")
    assertContains(page, "Nothing would change.")
    take(client)
    lamp.refresh_from_db()
    assert (lamp.stock, lamp.price) == (5, Decimal("7.00"))


@pytest.mark.parametrize("cell", ["1000.50", "1.000,50", "1,000.50", "1'000.50", "1 000,50", "1\u00a0000,5"])
def test_a_number_that_means_one_thing_is_taken(client, cell):
    upload(client, f'sku;name;price;stock\nL;Lamp;"{cell}";1000\n')
    take(client)

    assert Product.objects.values_list("price", "stock").get() == (Decimal("1000.50"), 1000)


def test_all_that_is_wrong_with_a_line_is_said_at_once_with_its_column(client):
    page = upload(
        client, f"sku,name,category,price,stock,is_active,attributes\nL,{'x' * 201},nowhere,free,1.5,maybe,[\n"
    )

    told = bad(page)[2]
    for said in (
        "name: “" + "x" * 40 + "” is longer than 200 characters.",
        "category: There is no category “nowhere”.",
        "price: “free” is not a number.",
        "stock: “1.5” has decimals.",
        "is_active: “maybe” is neither 1 nor 0.",
        "attributes: “[” is no JSON.",
    ):
        assert said in told
    assert "null" not in told
    assert told.count("price: ") == told.count("category: ") == 1


def test_a_category_is_found_by_its_name_in_any_case_and_with_any_blanks(client):
    kitchen = CategoryFactory(name="Kitchen  & Bath", slug="kitchen")
    cells = ["kitchen", "Kitchen & Bath", "KITCHEN & BATH", " kitchen\u00a0& bath ", "KITCHEN"]

    upload(client, "sku,name,price,category\n" + "".join(f"S{n},x,1,{cell}\n" for n, cell in enumerate(cells)))
    take(client)

    assert list(Product.objects.values_list("category", flat=True)) == [kitchen.pk] * len(cells)


def test_a_name_of_two_categories_is_refused_with_their_slugs(client):
    for name, slug in (("Lamps", "lamps-1"), ("LAMPS", "lamps-2")):
        Category.objects.create(name=name, slug=slug)

    page = upload(client, "sku,name,price,category\nA,a,1,lamps\nB,b,1,lamps-2\n")

    assert bad(page) == {2: "category: “lamps” is ambiguous. Write its slug: lamps-1 or lamps-2."}


@pytest.mark.parametrize(
    "text",
    [
        "SKU,Name,Price,Stock\nL,Lamp,2,3\n",
        " Sku ;NAME; Price;stock;;\nL;Lamp;2;3;;\n;;;;;\n",
        "sep=;\nsku;name;price;stock\nL;Lamp;2;3\n",
        "sep=,,,,\nsku,name,price,stock\nL,Lamp,2,3\n",
        'sku,name,price,stock\n"=""L""",Lamp,2,3\n',
        "Artikelnummer\tBezeichnung\tPreis\tLagerbestand\r\nL\tLamp\t2\t3\r\n",
        "sku,name,price,stock\rL,Lamp,2,3\r",
        '\ufeff"sku","name","price","stock"\r\n"L","Lamp","2","3"\r\n,,,\r\n',
        "sku,name,price,stock\nL,Lamp,2,3\n".encode("utf-16"),
    ],
)
def test_a_file_in_any_usual_form_is_read(client, text):
    upload(client, text)
    take(client)

    assert list(Product.objects.values_list("sku", "name", "price", "stock")) == [("L", "Lamp", Decimal("2.00"), 3)]


def test_a_file_of_another_shop_is_refused_with_the_columns_that_are_known_and_those_it_has(client):
    page = upload(client, WOOCOMMERCE).content.decode()

    for said in (
        "sku, and any of name, category, price",
        "It names ID, Type, SKU, Name",
        "not known: ID, Type, Published",
    ):
        assert said in page


DAMAGED = {
    "Steckdose weiÃŸ": "Letters read in a wrong character set",
    "2 Ã— 3": "Letters read in a wrong character set",
    "MÃ¼ller â€“ Lampe": "Letters read in a wrong character set",
    "PÅ‚yta": "Letters read in a wrong character set",
    "Ð›Ð°Ð¼Ð¿Ð°": "Letters read in a wrong character set",
    "é—´": "Letters read in a wrong character set",
    "Caf\ufffd": "Letters read in a wrong character set",
    "12-Mar": "A date",
    "Mar-12": "A date",
    "3. Dez": "A date",
    "12.03.2025": "A date",
    "2025-03-12": "A date",
    "4.00638E+12": "A long number in scientific notation",
    "4,00638E+12": "A long number in scientific notation",
    "TRUE": "TRUE or FALSE",
    "#NAME?": "An error of a spreadsheet",
    "#####": "An error of a spreadsheet",
    "4006381333930000000": "A long number that ends in zeros",
    "4006380000000": "A long number that ends in zeros",
    "123.0": "A number with a decimal",
    "??? ????": "Question marks",
    "M√ºller": "Letters read in a wrong character set",
    "5 √ó 3": "Letters read in a wrong character set",
    "März 12": "A date",
}


@pytest.mark.parametrize(("cell", "kind"), DAMAGED.items())
@pytest.mark.parametrize("column", ["sku", "name"])
def test_what_a_spreadsheet_spoiled_is_warned_of(client, cell, kind, column):
    cells = {"sku": "L", "name": "Lamp"} | {column: cell}

    page = upload(client, f'sku,name,price\n"{cells["sku"]}","{cells["name"]}",1\n')

    [(said, examples)] = warned(page).items()
    assert said.startswith(kind)
    assert examples == [f"line 2: {column}: {cell}"]
    assert "The lines with warnings are right" in read(page)


@pytest.mark.parametrize(
    "cell",
    [
        "Ünï ÄÖÜß × — 漢字",
        "5 × 3",
        "3-12",
        "00123",
        "4006381333931",
        "K-100000",
        "Mars",
        "Dec",
        "Größe “M”",
        "„MENÜ” – CAFÉ…",
        "Why?",
        "√2, √ 3",
    ],
)
def test_what_looks_well_is_not_warned_of(client, cell):
    assert warned(upload(client, f"sku,name,price\nL,{cell},1\n")) == {}


def test_known_skus_that_look_spoiled_are_not_warned_of(client):
    ProductFactory(sku="4.00638E+12")

    assertNotContains(upload(client, "sku,price\n4.00638E+12,3\n"), "with warnings")


def test_a_new_sku_that_almost_is_another_one_is_warned_of(client):
    ProductFactory(sku="00123")
    ProductFactory(sku="K-108")

    page = upload(client, "sku,name,price\n123,a,1\nk-108,b,1\nK -108,c,1\nNEW,d,1\nnew,e,1\nK-108 ,f,1\n")

    zeros, similar = sorted(warned(page).values(), key=len)
    assert zeros == ["line 2: sku: 123, there is 00123"]
    assert [each.partition(":")[0] for each in similar] == ["line 3", "line 4", "line 6"]
    assert page.context["sheet"].found["changed"] == 1  # the last one is K-108 itself


@pytest.mark.parametrize("other", ["K‑108", "K–108", "Ｋ-108", "k- 108"])
def test_a_new_sku_with_another_hyphen_or_wide_letters_is_warned_of(client, other):
    ProductFactory(sku="K-108")

    [(_, examples)] = warned(upload(client, f"sku,name,price\n{other},a,1\n")).items()
    lamp = ProductFactory(sku=other)

    assert examples == [f"line 2: sku: {other}, there is K-108"]
    assert [product.sku for product in Product.objects.with_similar_sku("K-108")] == [other]
    assert [product.sku for product in Product.objects.with_similar_sku(lamp.sku)] == ["K-108"]


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("Kawa łódzka", "Kawa ??dzka", "Question marks where"),
        ("Why?", "Why??", None),
        ("007", "7", "The same number"),
        ("2.10", "2.1", "The same number"),
        ("7", "8", None),
    ],
)
def test_what_a_name_lost_on_its_way_is_warned_of(client, old, new, kind):
    ProductFactory(sku="L", name=old)

    found = [*warned(upload(client, f"sku,name\nL,{new}\n"))]

    assert [said[: len(kind)] for said in found] == [kind] if kind else found == []


def test_a_file_without_skus_is_told_what_it_misses(client):
    assertContains(upload(client, "name,price\nLamp,1\n"), "The column sku is missing.", status_code=422)


def test_a_spoiled_sku_is_warned_of_where_its_line_is_bad_too(client):
    page = upload(client, "sku,stock\n4.00638E+12,5\n")

    assert bad(page) == {2: "A new product needs name and price."}
    assert [*warned(page)] == ["A long number in scientific notation; digits are lost"]


def test_the_same_sku_in_two_spellings_is_one_product(client):
    scale = ProductFactory(sku="K-108", stock=1)

    page = upload(client, "sku,stock\nK-108 ,5\n\u00a0K-108,6\nK-1\t08,7\n")
    take(client)

    assert bad(page)[3] == "sku: The same SKU is on line 2."
    assert 4 in bad(page)
    scale.refresh_from_db()
    assert (scale.stock, Product.objects.count()) == (5, 1)
    assert left_out(take(client)) == {}
