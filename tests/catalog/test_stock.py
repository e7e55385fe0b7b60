"""The stock ledger: every way of moving stock leaves its movements, and they add up to the stock."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
from django.core import serializers
from django.core.management import call_command
from django.db import Error, IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.models import F
from django.db.transaction import TransactionManagementError
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from catalog import product_sheets, product_work, stock
from catalog.models import Product, ProductSheet, Reason, StockMovement
from orders.models import Order
from orders.services import OrderError, RequestedItem, cancel_order, place_order
from tests.factories import ProductFactory, StaffFactory, UserFactory
from tests.parallel import in_parallel

pytestmark = pytest.mark.django_db


def sql(statement, *values):
    connection.check_constraints()  # none is left to the end, which ALTER TABLE and TRUNCATE would refuse
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def movements(product):
    rows = StockMovement.objects.of_product(product).order_by("movement_id")
    return list(rows.values_list("delta", "stock_after", "reason", "actor_name"))


def test_all_triggers_are_there():
    assert stock.missing_triggers() == []


def test_a_sale_and_its_cancel_tell_who_when_and_of_which_order(place, now):
    lamp, pen = ProductFactory(stock=5), ProductFactory(stock=9)
    ada, sam, later = UserFactory(name="Ada"), StaffFactory(name="Sam"), now + timedelta(hours=1)
    order = place(lamp, pen, customer=ada, quantity=2)

    cancel_order(order, by=sam, at=later)

    assert movements(lamp) == [
        (5, 5, "opening", "database"),
        (-2, 3, "sale", "Ada"),
        (2, 5, "cancel", "Sam"),
    ]
    assert [row[:2] for row in movements(pen)] == [(9, 9), (-2, 7), (2, 9)]
    told = StockMovement.objects.of_product(lamp).newest_first().values_list("order_id", "actor_id", "moved_at", "note")
    assert list(told)[:2] == [(order.pk, sam.pk, later, ""), (order.pk, ada.pk, now, "")]
    assert stock.differences() == []


def save_of_the_row(product):
    product.stock = 7
    product.save()


def queryset_update(product):
    Product.objects.filter(pk=product.pk).update(stock=F("stock") - 3)


def bulk_update(product):
    product.stock = 7
    Product.objects.bulk_update([product], ["stock"])


def plain_sql(product):
    sql("UPDATE products SET stock = 7 WHERE product_id = %s", product.pk)


def upsert(product):
    sql(
        "INSERT INTO products (product_id, name, price, stock) VALUES (%s, 'Lamp', 1, 99) "
        "ON CONFLICT (product_id) DO UPDATE SET stock = 7",
        product.pk,
    )


def loaddata(product):
    product.stock = 7
    for loaded in serializers.deserialize("json", serializers.serialize("json", [product])):
        loaded.save()


@pytest.mark.parametrize("write", [save_of_the_row, queryset_update, bulk_update, plain_sql, upsert, loaddata])
def test_every_way_of_writing_leaves_one_movement(write):
    product, other = ProductFactory(stock=10), ProductFactory(stock=10)

    write(product)

    assert movements(product)[1:] == [(-3, 7, "correction", "database")]
    assert len(movements(other)) == 1
    assert stock.differences() == []


@pytest.mark.django_db(transaction=True)
def test_products_that_were_there_before_the_ledger_begin_with_what_they_had():
    executor = MigrationExecutor(connection)
    executor.migrate([("catalog", "0003_every_word")])
    try:
        sql("INSERT INTO products (name, price, stock) VALUES ('Cup', 1, 0), ('Pen', 1, 7), ('Lamp', 1, 3)")
    finally:
        # With what runs at the end of each migrate.
        call_command("migrate", verbosity=0)
    Product.objects.filter(name="Pen").update(stock=6)

    assert [row[:3] for row in movements(Product.objects.get(name="Pen"))] == [
        (7, 7, "opening"),
        (-1, 6, "correction"),
    ]
    assert StockMovement.objects.filter(reason="opening").count() == 2
    assert (stock.differences(), stock.missing_triggers()) == ([], [])


def test_new_products_begin_with_what_they_have():
    Product.objects.bulk_create(Product(name=f"Lamp {n}", price=Decimal("1.00"), stock=n) for n in range(3))
    sql("INSERT INTO products (name, price, stock) VALUES ('Pen', 2, 4)")
    sql("INSERT INTO products (name, price) VALUES ('Cup', 2)")

    told = StockMovement.objects.order_by("movement_id").values_list("product__name", "delta", "stock_after", "reason")

    assert list(told) == [("Lamp 1", 1, 1, "opening"), ("Lamp 2", 2, 2, "opening"), ("Pen", 4, 4, "opening")]


def test_writes_that_leave_the_stock_as_it_is_leave_no_movement():
    product = ProductFactory(stock=10)

    product.save()
    Product.objects.update(stock=F("stock"), price=Decimal("3.00"), units_sold=9)
    stock.move({product.pk: 0}, reason=Reason.EDIT, by="system", at=product.created_at)

    assert len(movements(product)) == 1


def test_a_deleted_product_leaves_a_ledger_that_ends_at_nothing():
    product = ProductFactory(stock=10)
    kept = Product(pk=product.pk)

    product.delete()
    sql("INSERT INTO products (product_id, name, price, stock) VALUES (%s, 'Another', 1, 2)", kept.pk)

    assert [row[:3] for row in movements(kept)] == [(10, 10, "opening"), (-10, 0, "deleted"), (2, 2, "opening")]
    assert stock.differences() == []


def test_a_product_of_another_number_takes_its_stock_along():
    product = ProductFactory(stock=10)

    sql("UPDATE products SET product_id = product_id + 1000 WHERE product_id = %s", product.pk)

    assert [row[:2] for row in movements(product)] == [(10, 10), (-10, 0)]
    assert [row[:2] for row in movements(Product.objects.get())] == [(10, 10)]
    assert stock.differences() == []


def test_what_is_told_belongs_to_the_next_statement_alone(now):
    lamp, sam = ProductFactory(stock=10), StaffFactory(name="Sam")

    stock.tell(reason=Reason.RESTOCK, by=sam, at=now, note="delivery 77")
    Product.objects.filter(pk=lamp.pk).update(stock=F("stock") + 5)
    Product.objects.filter(pk=lamp.pk).update(stock=F("stock") - 1)
    stock.tell(reason=Reason.RESTOCK, by=sam)
    Product.objects.filter(pk=lamp.pk).update(price=Decimal("2.00"))
    Product.objects.filter(pk=lamp.pk).update(stock=F("stock") - 1)
    stock.move({}, reason=Reason.SALE, by=sam, at=now)
    Product.objects.filter(pk=lamp.pk).update(stock=F("stock") - 1)

    assert movements(lamp)[1:] == [
        (5, 15, "restock", "Sam"),
        (-1, 14, "correction", "database"),
        (-1, 13, "correction", "database"),
        (-1, 12, "correction", "database"),
    ]
    assert StockMovement.objects.get(delta=5).note == "delivery 77"


def test_what_was_told_goes_with_a_statement_that_was_taken_back(now):
    lamp = ProductFactory(stock=10)

    with pytest.raises(IntegrityError, match="products_stock_not_negative"), transaction.atomic():
        stock.move({lamp.pk: -11}, reason=Reason.SALE, by="system", at=now)
    with suppress(ZeroDivisionError), transaction.atomic():
        stock.tell(reason=Reason.RESTOCK, by="system", at=now)
        raise ZeroDivisionError
    Product.objects.filter(pk=lamp.pk).update(stock=9)

    assert movements(lamp)[1:] == [(-1, 9, "correction", "database")]


@pytest.mark.django_db(transaction=True)
def test_stock_moves_within_a_transaction_only(now):
    lamp = ProductFactory()

    with pytest.raises(TransactionManagementError):
        stock.move({lamp.pk: 1}, reason=Reason.RESTOCK, by="system", at=now)
    with pytest.raises(TransactionManagementError):
        stock.tell(reason=Reason.RESTOCK, by="system", at=now)

    assert Product.objects.get().stock == 100


def test_an_unknown_reason_is_refused(now):
    lamp = ProductFactory()

    with pytest.raises(IntegrityError, match="stock_movements_reason_known"), transaction.atomic():
        stock.move({lamp.pk: 1}, reason="stolen", by="system", at=now)

    assert Product.objects.get().stock == 100


def test_a_name_outlives_its_account_and_may_be_anything(now):
    lamp, sam = ProductFactory(), StaffFactory(name="Sam'); DROP TABLE \"x\\ é " + "y" * 150)
    name, number = sam.name, sam.pk
    stock.move({lamp.pk: 1}, reason=Reason.RESTOCK, by=sam, at=now, note='{"%s": "\n"}')

    sam.emailaddress_set.all().delete()
    sam.delete()

    movement = StockMovement.objects.get(reason="restock")
    assert (movement.actor_id, movement.actor_name, movement.note) == (number, name, '{"%s": "\n"}')
    assert str(movement) == "+1 restock"


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO stock_movements (product_id, delta, stock_after, reason, actor_name, moved_at) "
        "VALUES (1, 1, 1, 'restock', 'me', now())",
        "UPDATE stock_movements SET delta = 1",
        "UPDATE stock_movements SET actor_name = 'x' WHERE false",
        "DELETE FROM stock_movements",
        "TRUNCATE stock_movements",
        "TRUNCATE products CASCADE",
    ],
)
def test_the_ledger_cannot_be_written_by_hand(statement):
    product = ProductFactory(stock=10)

    with pytest.raises(IntegrityError, match=r"append-only|would leave no"), transaction.atomic():
        sql(statement)

    assert movements(product) == [(10, 10, "opening", "database")]


def test_what_does_not_add_up_is_found(capsys):
    ProductFactory()
    unseen, forged, gone = ProductFactory.create_batch(3, stock=10)
    call_command("check_stock")
    assert capsys.readouterr().out == "4 products, 4 movements, 0 differ.\n"

    sql("ALTER TABLE products DISABLE TRIGGER USER; ALTER TABLE stock_movements DISABLE TRIGGER USER")
    Product.objects.filter(pk=unseen.pk).update(stock=1200)
    StockMovement.objects.filter(product=forged).update(stock_after=11)
    Product.objects.filter(pk=gone.pk).delete()
    sql("ALTER TABLE products ENABLE TRIGGER USER")

    with pytest.raises(SystemExit) as exit_info:
        call_command("check_stock")
    assert exit_info.value.code == 1
    assert capsys.readouterr().out.splitlines() == [
        f"product {unseen.pk}: stock is 1,200, its movements add up to 10",
        f"product {forged.pk}: a movement's stock_after is not the sum up to it",
        f"product {gone.pk}: stock is 0, its movements add up to 10",
        "the trigger catalog_keep_ledger on stock_movements is missing or switched off",
        "the trigger catalog_keep_ledger_closed on stock_movements is missing or switched off",
        "the trigger catalog_keep_ledger_words on stock_movements is missing or switched off",
        "3 products, 4 movements, 3 differ.",
    ]


# What somebody does to which of two products, by how much: in its own transaction, at the same time as the others.
STEPS = st.lists(
    st.tuples(st.sampled_from(["order", "cancel", "correct", "sql", "bring"]), st.integers(0, 1), st.integers(1, 4)),
    min_size=4,
    max_size=8,
)


class Stockroom:
    def __init__(self, now):
        self.now, self.sam = now, StaffFactory()
        self.products = ProductFactory.create_batch(2, stock=5)
        self.keys = iter(range(100))

    def order(self, product, quantity):
        items = [RequestedItem(each, quantity) for each in {product, self.products[0]}]
        return place_order(customer=UserFactory(), items=items, key="k", at=self.now)

    def cancel(self, product, quantity):
        order = Order.objects.filter(items__product=product).order_by("order_id").first()
        return order and cancel_order(order, by=self.sam, at=self.now)

    def correct(self, product, quantity):
        with transaction.atomic():
            stock.move({product.pk: -quantity}, reason=Reason.CORRECTION, by=self.sam, at=self.now)

    def sql(self, product, quantity):
        # Twice in one transaction, and the second time perhaps not.
        with transaction.atomic():
            Product.objects.order_by("pk").filter(pk=product.pk).update(stock=F("stock") + quantity)
            with suppress(IntegrityError), transaction.atomic():
                Product.objects.filter(pk=product.pk).update(stock=F("stock") - quantity * 3)

    def bring(self, product, quantity):
        """By a file, with a new product beside it."""
        lines = [f"{product.sku},{product.name},10.00,{quantity}", f"N{next(self.keys)},New,1,{quantity}"]
        text = "\n".join(["sku,name,price,stock", *lines])
        sheet = product_sheets.upload(text, name="spring.csv", by=self.sam, at=timezone.now())
        for decide in (lambda: None, lambda: product_sheets.confirm(sheet, at=timezone.now())):
            decide()
            assert product_work.work(at=timezone.now(), sheet_id=sheet.pk)
        assert ProductSheet.objects.get(pk=sheet.pk).state == "imported"


@pytest.mark.django_db(transaction=True)
def test_no_sequence_of_changes_at_once_loses_any(now):
    @settings(
        max_examples=12,
        deadline=None,
        database=None,
        derandomize=True,
        # A shorter story of the same failure would take minutes.
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(STEPS)
    def holds(steps):
        room = Stockroom(now)
        calls = [partial(getattr(room, way), room.products[n], many) for way, n, many in steps]

        results = in_parallel(calls)

        refusals = [each for each in results if isinstance(each, Exception)]
        assert all(isinstance(each, OrderError | IntegrityError) for each in refusals), refusals
        assert stock.differences() == []
        assert not [each for each in refusals if isinstance(each, Error) and "not_negative" not in str(each)]
        sold = {p.pk: 0 for p in room.products}
        for order in Order.objects.exclude(status="cancelled").filter(items__product__in=room.products).distinct():
            for item in order.items.all():
                sold[item.product_id] += item.quantity
        for product in room.products:
            of_orders = StockMovement.objects.of_product(product).filter(reason__in=["sale", "cancel"])
            assert -sum(of_orders.values_list("delta", flat=True)) == sold[product.pk]

    holds()
