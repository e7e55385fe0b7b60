"""Importing an order book: what arrives and what is left alone."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.contrib.auth import authenticate

from catalog.models import Category, Product, StockMovement
from history.archive import run
from history.imports.book import import_orders
from history.mirror import relay
from history.models import ArchivedOrder, Event
from orders.models import Order
from orders.services import cancel_order
from tests.factories import CategoryFactory, ProductFactory, StaffFactory, UserFactory
from tests.history.order_book import OrderBook
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def book(tmp_path):
    return OrderBook(tmp_path / "book")


def order(ref):
    return Order.objects.get(external_ref=ref)


def history_of(ref):
    return [
        (event.rev, event.kind, event.status, event.is_time_known) for event in Event.objects.of_order(order(ref).pk)
    ]


def test_orders_arrive_as_they_were(book):
    import_orders(book.directory)

    first = order("R1")
    assert (first.status, first.total_amount, first.rev) == ("delivered", Decimal("37.50"), 4)
    assert first.customer.email == "ada@mail.example"
    assert first.created_at == datetime(2024, 2, 1, 10, tzinfo=UTC)
    assert list(first.items.order_by("pk").values_list("sku", "product_name", "quantity", "price")) == [
        ("LAMP", "Lamp", 2, Decimal("18.00")),
        ("PEN", "Pen", 1, Decimal("1.50")),
    ]
    assert order("R2").created_at == datetime(2024, 2, 2, 8, tzinfo=UTC)


def test_events_arrive_as_given_and_say_who_brought_them(book):
    import_orders(book.directory)

    assert history_of("R1") == [
        (1, "placed", "pending", True),
        (2, "status", "paid", True),
        (3, "status", "shipped", True),
        (4, "status", "delivered", True),
    ]
    event = Event.objects.get(order_id=order("R1").pk, rev=2)
    assert (event.actor_id, event.actor_name, event.note) == (None, "import", "")
    assert event.changes == {"status": ["pending", "paid"]}
    assert event.occurred_at == datetime(2024, 2, 1, 12, tzinfo=UTC)
    assert event.transaction_id > 0
    assert event.delivered_at is None


def test_an_order_says_who_changed_it_last_and_when(book):
    import_orders(book.directory)

    first = order("R1")
    assert (first.changed_by, first.changed_by_name, first.change_note) == (None, "import", "")
    assert first.changed_at == datetime(2024, 2, 5, 15, 30, tzinfo=UTC)


def test_stock_is_as_given_and_a_later_cancel_does_not_raise_it(book, now):
    import_orders(book.directory)

    cancel_order(order("R2"), by=StaffFactory(), at=now)

    assert dict(Product.objects.values_list("sku", "stock")) == {"LAMP": 5, "PEN": 0}
    assert list(StockMovement.objects.values_list("product__sku", "delta", "reason", "actor_name")) == [
        ("LAMP", 5, "import", "import")
    ]


def test_nobody_can_sign_in_as_an_imported_customer(book):
    import_orders(book.directory)

    ada = User.objects.get(email="ada@mail.example")
    assert (ada.name, ada.has_usable_password()) == ("Ada", False)
    assert authenticate(email="ada@mail.example", password="!") is None


def test_addresses_are_kept_in_small_letters_for_sign_in(book):
    book.add("users", "Eve@Mail.Example,Eve,2024-01-03T08:00:00Z")

    import_orders(book.directory)

    assert User.objects.get(name="Eve").email == "eve@mail.example"


def test_events_keep_the_order_of_the_file_when_their_times_do_not(book):
    book.replace("order_events", "paid,2024-02-01T12:00:00Z", "paid,2024-02-04T12:00:00Z")

    import_orders(book.directory)

    assert [status for _, _, status, _ in history_of("R1")] == ["pending", "paid", "shipped", "delivered"]
    times = Event.objects.of_order(order("R1").pk).values_list("occurred_at", flat=True)
    assert [at.day for at in times] == [1, 4, 3, 5]


def test_a_status_without_an_event_gets_one_at_the_last_known_time(book):
    book.replace("orders", "R1,ada@mail.example,delivered", "R1,ada@mail.example,cancelled")
    book.replace("order_events", "shipped,2024-02-03T09:00:00Z", "shipped,2024-02-28T09:00:00Z")

    summary = import_orders(book.directory)

    assert history_of("R1")[4:] == [(5, "status", "cancelled", False)]
    added = Event.objects.get(order_id=order("R1").pk, rev=5)
    assert added.occurred_at == datetime(2024, 2, 28, 9, tzinfo=UTC)
    assert added.changes == {"status": ["delivered", "cancelled"]}
    assert order("R1").rev == 5
    assert summary.written.events_added == 1


@pytest.mark.parametrize(("status", "known"), [("pending", True), ("delivered", False)])
def test_an_order_without_events_gets_its_placing(book, status, known):
    book.add("orders", f"R3,ada@mail.example,{status},2024-03-01T00:00:00Z")
    book.add("order_items", "R3,PEN,1,1.50")

    import_orders(book.directory)

    assert history_of("R3") == [(1, "placed", status, known)]
    assert Event.objects.get(order_id=order("R3").pk).occurred_at == datetime(2024, 3, 1, tzinfo=UTC)


def test_an_order_without_items_is_taken_where_that_is_allowed_and_costs_nothing(book):
    book.add("orders", "R3,ada@mail.example,cancelled,2024-03-01T00:00:00Z")

    import_orders(book.directory, allow_odd=True)

    assert order("R3").total_amount == 0
    assert not order("R3").items.exists()


def test_rows_may_be_in_any_order_and_columns_too(book):
    book.write("order_items", ["price,quantity,colour,sku,order_ref", "1.25,10,red,PEN,R2", "18.00,2,,LAMP,R1"])

    import_orders(book.directory)

    assert order("R1").total_amount == Decimal("36.00")
    assert order("R2").total_amount == Decimal("12.50")


def test_categories_are_made_once_with_a_slug_of_their_own(book):
    CategoryFactory(name="Home", slug="home")
    book.add("products", "MUG,Mug,5,1,Kitchen & Bar", "CUP,Cup,4,1,Kitchen Bar", "POT,Pot,9,1,HOME", "TOY,Toy,1,1,")

    import_orders(book.directory)

    assert dict(Category.objects.values_list("name", "slug")) == {
        "Home": "home",
        "Office": "office",
        "Kitchen & Bar": "kitchen-bar",
        "Kitchen Bar": "kitchen-bar-2",
    }
    assert Product.objects.get(sku="POT").category == Category.objects.get(slug="home")
    assert Product.objects.get(sku="TOY").category is None


def test_gzipped_files_with_windows_line_ends_and_a_byte_order_mark_are_read_alike(book):
    for name in ("users", "products", "orders", "order_items", "order_events"):
        text = book.path(name).read_text().replace("\n", "\r\n")
        book.path(name).write_bytes(b"\xef\xbb\xbf" + text.encode())
        if name != "users":
            book.pack(name)

    summary = import_orders(book.directory)

    assert summary.written.orders == 2
    assert order("R1").total_amount == Decimal("37.50")


def test_quoted_and_foreign_text_arrives_unharmed(book):
    book.add("products", 'Q1,"Table, ""large"" \\N Ünïcödé 桌子",5.00,1,"Tables, chairs"')

    import_orders(book.directory)

    product = Product.objects.select_related("category").get(sku="Q1")
    assert product.name == 'Table, "large" \\N Ünïcödé 桌子'
    assert product.category.name == "Tables, chairs"


def test_importing_again_changes_nothing_and_says_how_much_was_there(book):
    import_orders(book.directory)
    before = list(Event.objects.order_by("pk").values())

    summary = import_orders(book.directory)

    assert summary.skipped == {"users": 2, "products": 2, "orders": 2, "order_items": 3, "order_events": 5}
    assert summary.written.orders == summary.written.events == 0
    assert list(Event.objects.order_by("pk").values()) == before


def test_importing_again_does_not_bring_back_what_is_archived(book, mirror, now):
    import_orders(book.directory)
    relay.drain()
    left = run.archive_before(now).archived
    live = Order.objects.count()

    summary = import_orders(book.directory)

    assert left >= 1
    assert (summary.written.orders, Order.objects.count(), ArchivedOrder.objects.count()) == (0, live, left)


def test_what_is_there_is_used_and_left_as_it_is(book):
    bob = UserFactory(email="Bob@Mail.example", name="Robert")
    pen = ProductFactory(sku="PEN", name="Fountain pen", price=Decimal("38.00"), stock=7)
    book.write("users", ["email,name,created_at", "ada@mail.example,Ada,2024-01-01T08:00:00Z"])

    summary = import_orders(book.directory)

    pen.refresh_from_db()
    assert (pen.name, pen.price, pen.stock) == ("Fountain pen", Decimal("38.00"), 7)
    assert order("R2").customer == bob
    assert order("R2").items.get().product_name == "Fountain pen"
    assert summary.skipped["products"] == 1


def test_new_orders_of_a_second_book_join_those_of_the_first(book):
    import_orders(book.directory)
    book.add("orders", "R3,ada@mail.example,pending,2024-03-01T00:00:00Z")
    book.add("order_items", "R3,PEN,1,1.50")

    summary = import_orders(book.directory)

    assert (summary.written.orders, summary.skipped["orders"]) == (1, 2)
    assert Order.objects.count() == 3


def test_more_orders_than_are_written_at_once_all_arrive(book, monkeypatch):
    monkeypatch.setattr("history.imports.writer.ORDERS_AT_ONCE", 2)
    monkeypatch.setattr("history.imports.book.ROWS_AT_ONCE", 3)
    book.add("orders", *(f"N{n},ada@mail.example,pending,2024-03-01T00:00:00Z" for n in range(7)))
    book.add("order_items", *(f"N{n},PEN,{n + 1},1.00" for n in range(7)))

    import_orders(book.directory)

    assert Order.objects.count() == 9
    assert [order(f"N{n}").total_amount for n in range(7)] == list(range(1, 8))
    assert Event.objects.count() == 12


def test_the_mirror_gets_what_was_imported(book, mirror):
    import_orders(book.directory)

    relay.drain()

    document = mirror.find_one({"external_ref": "R1"})
    assert [event["status"] for event in document["events"]] == ["pending", "paid", "shipped", "delivered"]
    assert str(document["total_amount"]) == "37.50"
    assert mirror.count_documents({}) == 2
    assert not Event.objects.pending().exists()


def test_changes_after_an_import_are_recorded_again(book, now):
    import_orders(book.directory)

    cancel_order(order("R2"), by=StaffFactory(name="Sam"), at=now)

    assert history_of("R2") == [(1, "placed", "pending", True), (2, "status", "cancelled", True)]
    assert Event.objects.get(order_id=order("R2").pk, rev=2).actor_name == "Sam"
