from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from catalog import stock
from catalog.models import Product, Reason, StockMovement
from history.models import Event
from tests.factories import ProductFactory, StaffFactory, UserFactory
from tests.parallel import in_parallel

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(client):
    boss = StaffFactory(name="Sam")
    client.force_login(boss)
    return boss


def page(product, name="change"):
    return reverse(f"admin:catalog_product_{name}", args=[product.pk])


def newest(product):
    return StockMovement.objects.of_product(product).newest_first().first()


def sent(product, number, note="counted", **changes):
    """What the browser sends for a form as it was opened now."""
    movement = newest(product)
    return {"number": number, "note": note, "seen": movement.pk if movement else 0, **changes}


def left(product):
    return Product.objects.values_list("stock", flat=True).get(pk=product.pk)


def test_stock_is_corrected_and_restocked_with_a_reason(client, boss):
    lamp = ProductFactory(name="Lamp", stock=10)

    corrected = client.post(page(lamp, "correct"), sent(lamp, 7, "three broken"), follow=True)
    assertContains(corrected, "Lamp: 7 are left to sell now.")
    restocked = client.post(page(lamp, "restock"), sent(lamp, 20, "delivery note 4711"))
    assertRedirects(restocked, page(lamp), fetch_redirect_response=False)

    told = StockMovement.objects.of_product(lamp).newest_first()
    assert list(told.values_list("delta", "stock_after", "reason", "note", "actor_id", "actor_name"))[:2] == [
        (20, 27, "restock", "delivery note 4711", boss.pk, "Sam"),
        (-3, 7, "correction", "three broken", boss.pk, "Sam"),
    ]
    assert left(lamp) == 27
    assert stock.differences() == []
    moved = Event.objects.filter(subject="product", subject_id=lamp.pk, kind="changed").order_by("pk")
    assert [(event.changes, event.note, event.actor_id) for event in moved] == [
        ({"stock": [10, 7]}, "three broken", boss.pk),
        ({"stock": [7, 27]}, "delivery note 4711", boss.pk),
    ]


def test_a_product_that_never_had_stock_is_counted(client, boss):
    lamp = ProductFactory(stock=0)

    client.post(page(lamp, "correct"), sent(lamp, 4))

    assert left(lamp) == 4


@pytest.mark.parametrize(
    ("name", "wrong", "told"),
    [
        ("correct", {"number": "-1"}, "greater than or equal to 0"),
        ("correct", {"number": "2147483648"}, "less than or equal to 2147483647"),
        ("correct", {"number": "many"}, "Write it like 1234"),
        ("correct", {"number": "10"}, "The stock was 10 already"),
        ("correct", {"seen": "0"}, "changed by +10 (Opening stock"),
        ("correct", {"seen": "x"}, "Nothing was changed"),
        ("correct", {"seen": "999999999"}, "This page is not of this product."),
        ("restock", {"number": "0"}, "greater than or equal to 1"),
        ("restock", {"number": "2147483647"}, "that would be 2,147,483,657"),
        ("restock", {"note": "  "}, "This field is required"),
        ("restock", {"seen": ""}, "Nothing was changed"),
    ],
)
def test_what_cannot_be_is_refused_in_words(client, boss, name, wrong, told):
    lamp = ProductFactory(stock=10)

    response = client.post(page(lamp, name), sent(lamp, 7) | wrong)

    assertContains(response, told, status_code=422)
    assertContains(response, "Error: ", status_code=422)
    assert StockMovement.objects.of_product(lamp).count() == 1


def test_a_sale_while_the_page_is_open_still_counts(client, boss, place):
    lamp = ProductFactory(stock=100)
    opened = sent(lamp, 90)
    place(lamp, quantity=5)

    client.post(page(lamp, "correct"), opened)

    assert left(lamp) == 85


def test_what_was_sold_meanwhile_cannot_be_taken_away(client, boss, place):
    lamp = ProductFactory(stock=10)
    opened = sent(lamp, 0)
    place(lamp, quantity=6)

    response = client.post(page(lamp, "correct"), opened)

    assertContains(response, "4 are left by now; changed by -10 that would be -6.", status_code=422)
    assert left(lamp) == 4


def test_the_second_of_two_who_counted_is_told_of_the_first(client, boss):
    lamp = ProductFactory(stock=10)
    opened = sent(lamp, 8)
    anna = Client()
    anna.force_login(StaffFactory(name="Anna"))
    anna.post(page(lamp, "correct"), opened)

    response = client.post(page(lamp, "correct"), opened)

    assertContains(response, "changed by -2 (Correction, by Anna at", status_code=422)
    assertContains(response, f'name="seen" value="{newest(lamp).pk}"', status_code=422)
    assert left(lamp) == 8
    assertContains(client.post(page(lamp, "restock"), opened), "by Anna", status_code=422)
    client.post(page(lamp, "restock"), sent(lamp, 8))
    assert left(lamp) == 16


@pytest.mark.django_db(transaction=True)
def test_a_double_click_counts_once(client, boss):
    lamp = ProductFactory(stock=10)
    opened = sent(lamp, 5)

    def click():
        again = Client()
        again.force_login(boss)
        return again.post(page(lamp, "restock"), opened).status_code

    statuses = in_parallel([click, click])

    assert sorted(statuses) == [302, 422]
    assert left(lamp) == 15


def test_only_who_may_move_stock_does(client):
    clerk = UserFactory(is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=["view_product", "change_product"]))
    client.force_login(clerk)
    lamp = ProductFactory(stock=10)

    for name in ("correct", "restock"):
        assert client.get(page(lamp, name)).status_code == 403
        assert client.post(page(lamp, name), sent(lamp, 1)).status_code == 403
    assertNotContains(client.get(page(lamp)), "Restock")
    clerk.user_permissions.add(Permission.objects.get(codename="move_stock"))
    assertContains(client.get(page(lamp)), page(lamp, "restock"))
    assertContains(client.get(page(lamp, "restock")), "<strong>10</strong> are left to sell")
    assert client.get("/admin/catalog/product/999/restock/").status_code == 404
    assert left(lamp) == 10


def test_the_ledger_is_on_the_product_page_fifty_at_a_time(client, boss, place, now, django_assert_max_num_queries):
    lamp = ProductFactory(name="Lamp", stock=100)
    order = place(lamp, quantity=3)
    first = client.get(page(lamp))
    assertContains(first, reverse("admin:orders_order_change", args=[order.pk]))
    assertContains(first, "Opening stock")
    for number in range(60):
        stock.move({lamp.pk: 1}, reason=Reason.RESTOCK, by="<b>hook</b>", at=now, note=f"<i>note {number}")

    with django_assert_max_num_queries(12):
        newest_page = client.get(page(lamp))
    assert [movement.stock_after for movement in newest_page.context["ledger"]] == list(range(157, 107, -1))
    assertContains(newest_page, "&lt;i&gt;note 59")
    assertContains(newest_page, "&lt;b&gt;hook")
    assertContains(client.get(page(lamp), {"ledger": 2}), "Opening stock")
    assertContains(client.get(page(lamp), {"ledger": "zz"}), "is no page number")
