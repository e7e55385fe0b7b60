"""An export that is imported after the products moved on changes what was changed in it, and nothing else."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pytest
from django.utils import timezone
from pytest_django.asserts import assertContains, assertNotContains

from catalog import product_sheets, stock
from catalog.models import Product
from catalog.stock_desk import restock
from tests.catalog.test_sheet_cells import bad, warned
from tests.catalog.test_sheets import exported, take, upload
from tests.factories import CategoryFactory, ProductFactory, StaffFactory
from tests.pages import text as read

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def boss(client):
    boss = StaffFactory(name="Sam")
    client.force_login(boss)
    return boss


def rewritten(text: str, changes: dict[str, dict[str, str]] | None = None, without: str = "") -> str:
    """The file with other cells, {SKU: {column: cell}}, and without a column."""
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    file = io.StringIO()
    writer = csv.DictWriter(file, [name for name in rows[0] if name != without], extrasaction="ignore")
    writer.writeheader()
    for row in rows:
        writer.writerow(row | (changes or {}).get(row["sku"], {}))
    return file.getvalue()


def stocks() -> dict[str, int]:
    return dict(Product.objects.values_list("sku", "stock"))


def test_an_unchanged_export_changes_nothing_after_sales(client, place):
    lamp, pen = ProductFactory(sku="L", stock=10), ProductFactory(sku="P", stock=10)
    text = exported(client)
    place(lamp, quantity=4)
    place(pen, quantity=3)

    page = upload(client, text)

    assert "stock would rise for 2 products sold since" in read(page)
    assertContains(page, "Nothing would change.")
    take(client)
    assert stocks() == {"L": 6, "P": 7}
    assert stock.differences() == []


def test_it_is_imported_as_written_if_that_is_chosen(client, place):
    lamp = ProductFactory(sku="L", stock=10)
    text = exported(client)
    place(lamp, quantity=4)
    page = upload(client, text)
    assertContains(page, "Import with the stock as written in the file")
    place(lamp, quantity=1)

    take(client, stock=product_sheets.OTHER_STOCK)

    # As written when it was looked at; what is sold since then counts.
    assert stocks() == {"L": 9}


def test_a_changed_stock_is_the_difference_to_the_export(client, place):
    lamp, pen, cup = (ProductFactory(sku=sku, stock=10) for sku in "LPC")
    text = rewritten(exported(client), {"L": {"stock": "15"}, "P": {"stock": "8"}, "C": {"stock": "1"}})
    for product, quantity in ((lamp, 4), (pen, 3), (cup, 6)):
        place(product, quantity=quantity)

    page = upload(client, text)
    take(client)

    assert bad(page) == {2: "stock: 4 are left by now; changed by -9 that would be -5."}
    assert stocks() == {"L": 11, "P": 5, "C": 4}


def test_an_empty_stock_leaves_it_as_it_is(client, place):
    lamp = ProductFactory(sku="L", stock=10)
    text = rewritten(exported(client), {"L": {"stock": "", "price": "3.00"}})
    place(lamp, quantity=4)

    upload(client, text)
    take(client)

    assert (stocks(), Product.objects.get().price) == ({"L": 6}, Decimal("3.00"))


def test_what_colleagues_changed_since_is_left_as_it_is(client, boss):
    lamps = CategoryFactory(slug="lamps")
    lamp = ProductFactory(sku="L", name="Lamp", price=Decimal("10.00"), description="two\r\nlines", stock=10)
    text = rewritten(exported(client), {"L": {"name": "Lantern", "description": "two\nlines"}})
    Product.objects.update(price=Decimal("12.00"), category=lamps, description="bright", is_active=False)
    restock(lamp, to=5, seen=lamp.movements.latest("pk").pk, by=boss, at=timezone.now(), note="delivery")

    page = upload(client, text)
    take(client)

    assertContains(page, "name: Lamp → Lantern")
    assert Product.objects.values_list("name", "price", "category", "description", "is_active", "stock").get() == (
        "Lantern", Decimal("12.00"), lamps.pk, "bright", False, 15,
    )  # fmt: skip


def test_what_the_file_and_a_colleague_changed_is_refused(client, boss):
    pen, cup = ProductFactory(sku="P", price=Decimal("10.00"), stock=10), ProductFactory(sku="C", stock=10)
    text = rewritten(exported(client), {"P": {"price": "13.00"}, "C": {"stock": "12"}})
    Product.objects.filter(pk=pen.pk).update(price=Decimal("12.00"))
    restock(cup, to=5, seen=cup.movements.latest("pk").pk, by=boss, at=timezone.now(), note="delivery")

    page = upload(client, text)

    assert sorted(bad(page).values()) == [
        "price: was changed by a colleague since the export, to “12.00”, and by the file, to “13.00”.",
        "stock: was changed since the export (+5 restock, by Sam), and by the file (+2).",
    ]


def test_a_file_without_what_it_was_exported_with_is_warned_of_by_the_sales(client, place):
    lamp, pen = ProductFactory(sku="L", stock=10), ProductFactory(sku="P", stock=10)
    text = rewritten(exported(client), {"P": {"stock": "30"}}, without="exported")
    place(lamp, quantity=4)
    place(pen, quantity=3)

    page = upload(client, text)
    assert "stock would rise for 1 product sold since" in read(page)
    assertContains(page, "Import, but leave the stock of products sold since")
    take(client, stock=product_sheets.OTHER_STOCK)

    assert stocks() == {"L": 6, "P": 30}


def test_a_cell_that_is_not_as_it_was_exported_is_refused(client):
    ProductFactory(sku="L")
    ProductFactory(sku="P")
    cells = {row["sku"]: row["exported"] for row in csv.DictReader(io.StringIO(exported(client), newline=""))}
    text = rewritten(exported(client), {"L": {"exported": cells["P"]}, "P": {"exported": "2.02611E+13"}})

    found = bad(upload(client, text))

    assert sorted(found.values()) == [
        "exported: belongs to another SKU. Clear it, or put it back to its line.",
        "exported: is not as it was exported. Leave it as it is, or clear it.",
    ]


def test_a_product_that_was_deleted_since_is_warned_of(client):
    lamp = ProductFactory(sku="L")
    text = exported(client)
    lamp.delete()

    page = upload(client, text)

    assert [kind for kind in warned(page) if "deleted" in kind]
    assertNotContains(page, "Nothing would change.")
