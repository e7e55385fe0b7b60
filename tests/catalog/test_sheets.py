"""Products as CSV: out as the list shows them, in after a look, and back again as they were."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django.asserts import assertContains, assertNotContains

from catalog import product_file, stock
from catalog.models import Product, ProductSheet, StockMovement
from history.models import Event, Kind, Subject
from tests.factories import CategoryFactory, ProductFactory, StaffFactory, UserFactory
from tests.pages import breaks_csp
from tests.pages import text as read

pytestmark = pytest.mark.django_db

LIST = "/admin/catalog/product/"
COLUMNS = "sku,name,category,price,stock,is_active,attributes,description"
HEADER = f"{COLUMNS}\r\n"


@pytest.fixture
def boss(client):
    boss = StaffFactory(name="Sam")
    client.force_login(boss)
    return boss


def upload(client, text):
    body = text if isinstance(text, bytes) else text.encode()
    return client.post(f"{LIST}import/", {"file": SimpleUploadedFile("spring.csv", body)}, follow=True)


def take(client, **rest):
    """Confirm the latest file; the page that tells what became of it."""
    sheet = ProductSheet.objects.latest("sheet_id")
    return client.post(f"{LIST}import/{sheet.pk}/", rest, follow=True)


def left_out(page):
    return {each["line"]: each["told"] for each in page.context["sheet"].result["lines"]}


def exported(client, **asked):
    response = client.get(f"{LIST}export/", asked)
    return b"".join(response.streaming_content).decode("utf-8-sig")


def read_csv(text):
    return list(csv.reader(io.StringIO(text, newline="")))


def rows():
    return list(Product.objects.order_by("sku").values())


def test_what_was_exported_and_imported_again_is_the_same(client, boss):
    category = CategoryFactory(slug="-lamps")
    hostile = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "'x", "'=x", "''", 'a "quoted", text\r\nwith lines', "Ünï — 漢"]
    for number, name in enumerate(hostile):
        words = {"name": name, "description": name, "attributes": {"k": name}}
        ProductFactory(sku=f"{name.strip()[:10]}{number}", category=category, **words)
    before, text = rows(), exported(client)

    assertContains(upload(client, text), "Nothing would change.")
    assertContains(upload(client, "\ufeff" + text), "Nothing would change.")
    cells = {cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row}
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE order_items DISABLE TRIGGER USER; DELETE FROM products")
    upload(client, text)
    take(client)

    left_out = {"product_id", "created_at"}
    assert [{k: v for k, v in row.items() if k not in left_out} for row in rows()] == [
        {k: v for k, v in row.items() if k not in left_out} for row in before
    ]


def test_the_export_has_what_the_list_shows(client, boss):
    lamps = CategoryFactory(slug="lamps")
    ProductFactory(name="Lamp", sku="L", price=Decimal("1234.50"), stock=3, category=lamps, attributes={"a": 1})
    ProductFactory(name="Pen", sku="P", is_active=False)

    header, *found = read_csv(exported(client, is_active__exact=1))
    assert ",".join(header) == f"{COLUMNS},exported"
    assert [row[:-1] for row in found] == [["L", "Lamp", "lamps", "1234.50", "3", "1", '{"a": 1}', ""]]
    assert read_csv(exported(client, q="pen"))[1][:4] == ["P", "Pen", "", "10.00"]
    assert client.get(f"{LIST}export/", {"is_active__exact": "zz"}).status_code in (200, 302)


def test_a_look_changes_nothing_and_the_import_does(client, boss):
    lamps = CategoryFactory(name="Lamps", slug="lamps")
    lamp, same = ProductFactory(name="Lamp", sku="L", stock=10), ProductFactory(sku="S", name="Same")
    text = HEADER + "L,Lantern,lamps,12.5,7,0,,light\r\nN,New,,3,4,1,,\r\n" + "S,Same,,10.00,,1,{},\r\n"
    before = rows()

    page = upload(client, text)
    assert breaks_csp(page) == []
    assertContains(page, "name: Lamp → Lantern")
    assertContains(page, "category: none → Lamps")
    assert rows() == before
    page = take(client)

    assert breaks_csp(page) == []
    assert "1 product added, 1 changed, 0 lines left out." in read(page)
    lamp.refresh_from_db()
    assert (lamp.name, lamp.category, lamp.price, lamp.stock, lamp.is_active) == (
        "Lantern", lamps, Decimal("12.50"), 7, False,
    )  # fmt: skip
    new = Product.objects.get(sku="N")
    assert (new.name, new.price, new.stock, new.is_active) == ("New", Decimal("3.00"), 4, True)
    moved = StockMovement.objects.filter(reason="import").order_by("product_id")
    assert list(moved.values_list("product_id", "delta", "note", "actor_id")) == [
        (lamp.pk, -3, "spring.csv", boss.pk),
        (new.pk, 4, "spring.csv", boss.pk),
    ]
    events = Event.objects.filter(subject=Subject.PRODUCT).order_by("subject_id")
    assert list(events.values_list("kind", "subject_id", "actor_id")) == [
        (Kind.CHANGED, lamp.pk, boss.pk),
        (Kind.CREATED, new.pk, boss.pk),
    ]
    assert events[0].changes == {
        "name": ["Lamp", "Lantern"], "category": [None, "Lamps"], "price": ["10.00", "12.50"], "stock": [10, 7],
        "is_active": [True, False], "description": ["", "light"],
    }  # fmt: skip
    assert not StockMovement.objects.filter(product=same, reason="import").exists()
    assert stock.differences() == []
    assertContains(take(client), "This file was confirmed or cancelled already. Nothing was done again.")
    assertContains(client.get(f"{LIST}import/"), "spring.csv")


def test_every_bad_line_says_what_is_wrong_and_the_rest_is_imported(client, boss):
    ProductFactory(sku="L", name="Lamp", price=Decimal("5.00"), stock=1)
    bad = {
        ",x,,1,1,1,,": "sku: is empty.",
        "A,,,1,1,1,,": "name: is empty.",
        "B,b,,free,1,1,,": "price: “free” is not a number. Write it like 1234.50.",
        "C,c,,-1,1,1,,": "price: “-1” is less than 0.",
        "D,d,,1.005,1,1,,": "price: “1.005” is ambiguous. Write 1005 without a separator, or at most two decimals.",
        "E,e,,NaN,1,1,,": "price: “NaN” is not a number.",
        "F,f,,1e99,1,1,,": "price: “1e99” is not a number.",
        "G,g,,1,-1,1,,": "stock: “-1” is less than 0.",
        "H,h,,1,1.5,1,,": "stock: “1.5” has decimals. Write a whole number.",
        "I,i,,1,9999999999,1,,": "stock: “9999999999” is more than 2147483647.",
        "J,j,nowhere,1,1,1,,": "There is no category “nowhere”",
        "K,k,,1,1,maybe,,": "“maybe” is neither 1 nor 0",
        "M,m,,1,1,1,{,": "“{” is no JSON",
        "N,n,,1,1,1,[1],": "Write attributes as",
        "O,o,,1": "has 4 cells, and the first line 8 columns",
        "P,p,,1,1,1,,,x": "has 9 cells, and the first line 8 columns",
        "L,again,,1,1,1,,": "The same SKU is on line 2",
        f"Q,{'x' * 201},,1,1,1,,": "is longer than 200 characters",
        r'R,r,,1,1,1,"{""a"": ""\u0000""}",': "is no JSON",
        r'T,t,,1,1,1,"{""a"": ""\ud800""}",': "is no JSON",
        'U,u,,1,1,1,"{""a"": NaN}",': "is no JSON",
        f"V,v,,1,1,1,{'[' * 100_000},": "is no JSON",
    }
    text = HEADER + "L,Lamp,,6,1,1,,\r\n\r\n" + "".join(f"{line}\r\n" for line in bad)

    page = upload(client, text)

    found = {each["line"]: each["told"] for each in page.context["sheet"].found["lines"]}
    assert list(found) == list(range(4, 4 + len(bad)))
    for said, expected in zip(found.values(), bad.values(), strict=True):
        assert expected in said
    assert "1 line left out" not in read(take(client, without_bad="on"))
    assert list(Product.objects.values_list("sku", "price", "stock")) == [("L", Decimal("6.00"), 1)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"\xff\xfe", "has to name the columns"),
        ("sku,name\nA,Café".encode("cp1252"), "not UTF-8"),
        ("sku,name\r\nA,b\0\r\n", "NUL"),
        (b"", "The submitted file is empty."),
        ("name,price\r\n", "has to name the columns"),
        ("sku,colour\r\n", "not known: colour"),
        ("sku;price;sku", "more than one sku"),
        ("sku,sku\r\n", "has to name the columns"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_whole(client, boss, text, said):
    response = upload(client, text)

    assertContains(response, said, status_code=422)
    assertContains(response, "Error: Import products", status_code=422)
    assert not ProductSheet.objects.exists()


def test_a_file_that_ends_in_the_middle_of_a_cell_is_refused_when_it_is_looked_at(client, boss):
    page = upload(client, 'sku,name\r\nL,Lamp\r\n"A,b\r\n' + "x" * 1_000_001)

    assertContains(page, "The row from line 3 to 4 is no CSV")
    assertContains(page, "Nothing was changed.")
    assert ProductSheet.objects.values_list("state", "text").get() == ("failed", "")


def test_columns_that_are_left_out_stay_as_they_are(client, boss):
    lamp = ProductFactory(sku="L", name="Lamp", stock=5, description="x")

    upload(client, "price,sku\r\n7.77,L\r\n1,NEW\r\n")
    take(client)

    assert list(Product.objects.values_list("pk", "name", "price", "stock", "description")) == [
        (lamp.pk, "Lamp", Decimal("7.77"), 5, "x")
    ]


def test_sales_between_look_and_import_still_count(client, boss, place):
    lamp, pen, cup = (ProductFactory(sku=sku, stock=10) for sku in "LPC")
    upload(client, "sku,stock\r\nL,30\r\nP,2\r\nC,4\r\n")
    place(lamp, quantity=4)
    place(pen, quantity=3)
    place(cup, quantity=6)

    page = take(client)

    stocks = dict(Product.objects.values_list("sku", "stock"))
    assert stocks == {"L": 26, "P": 7, "C": 4}
    assert left_out(page) == {
        3: "7 are left by now; changed by -8 that would be -1.",
        4: "4 are left by now; changed by -6 that would be -2.",
    }
    assert stock.differences() == []


def test_what_a_colleague_did_meanwhile_is_not_undone(client, boss):
    skus = ["COUNTED", "PRICED", "GONE", "RENAMED", "SAME", "DESCRIBED"]
    rows = {sku: ProductFactory(sku=sku, stock=10, price=Decimal("10.00")) for sku in skus}
    text = "sku,name,price,stock\r\n" + "".join(f"{sku},{sku.title()},11,8\r\n" for sku in skus)
    upload(client, text + "NEW,New,1,5\r\n")
    Product.objects.filter(sku="COUNTED").update(stock=20)
    Product.objects.filter(sku="PRICED").update(price=Decimal("12.00"))
    rows["GONE"].delete()
    Product.objects.filter(sku="RENAMED").update(sku="OTHER")
    # What the file says too, and what it does not say anything of.
    Product.objects.filter(sku="SAME").update(name="Same", price=Decimal("11.00"))
    Product.objects.filter(sku="DESCRIBED").update(description="bright")
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO products (name, sku, price, created_at) VALUES ('X', 'NEW', 2, clock_timestamp())")

    page = take(client)

    assert left_out(page) == {
        2: "its stock was changed meanwhile (+10 correction, by database).",
        3: "the product was changed by a colleague meanwhile.",
        4: "the product was deleted meanwhile, or has another SKU.",
        5: "the product was deleted meanwhile, or has another SKU.",
        6: "the product was changed by a colleague meanwhile.",
        8: "the product was added by a colleague meanwhile.",
    }
    assert set(Product.objects.values_list("sku", "price", "stock")) == {
        ("COUNTED", Decimal("10.00"), 20),
        ("PRICED", Decimal("12.00"), 10),
        ("OTHER", Decimal("10.00"), 10),
        ("SAME", Decimal("11.00"), 10),
        ("DESCRIBED", Decimal("11.00"), 8),
        ("NEW", Decimal("2.00"), 0),
    }
    assert Product.objects.get(sku="DESCRIBED").description == "bright"


def test_units_sold_down_to_what_the_file_says_are_taken_off_once_more(client, boss, place):
    lamp = ProductFactory(sku="L", stock=10)
    upload(client, "sku,stock\r\nL,8\r\n")
    place(lamp, quantity=2)

    take(client)

    assert Product.objects.get().stock == 6


def test_only_who_may_imports_and_exports_and_only_their_own_sheet(client, boss):
    ProductFactory(sku="L")
    upload(client, "sku,price\r\nL,7\r\n")
    clerk = UserFactory(is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=["view_product", "change_product"]))
    client.force_login(clerk)

    for path in ("import/", "export/"):
        assert client.get(LIST + path).status_code == 403
    assert upload(client, "sku\r\n").status_code == 403
    assert take(client).status_code == 403
    assertNotContains(client.get(LIST), "Import CSV")
    clerk.user_permissions.add(*Permission.objects.filter(codename__in=["import_product", "export_product"]))
    assertContains(client.get(LIST), "Import CSV")
    assert client.get(f"{LIST}import/").status_code == 200
    page = take(client)
    assertContains(page, "Only Sam decides on spring.csv.")
    assertNotContains(page, "Import 1 line")
    assert Product.objects.get().price == Decimal("10.00")
    assertContains(client.get(f"{LIST}import/999/", follow=True), "That file is not kept any more. Choose it again.")


def test_more_lines_need_no_more_queries(client, boss):
    def asked(count):
        text = HEADER + "".join(f"SKU{n},Name,,{count},{count},1,,\r\n" for n in range(count))
        with CaptureQueriesContext(connection) as queries:
            upload(client, text)
            take(client)
        return len(queries)

    asked(2)
    assert asked(40) == asked(41) <= 120
    assert len(list(product_file.write(Product.objects.all()))) == 42
