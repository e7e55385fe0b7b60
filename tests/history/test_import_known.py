"""Importing a book that has more than last time: what differs is named, and applied where that is wanted."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from history.archive import run
from history.imports.book import import_orders
from history.imports.sheets import ImportRefused
from history.mirror import relay
from history.models import Event
from orders.models import Mail, Order
from orders.services import change_status
from tests.factories import StaffFactory
from tests.history.order_book import OrderBook

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def book(tmp_path):
    """A book that was imported."""
    book = OrderBook(tmp_path / "book")
    import_orders(book.directory)
    return book


def order(ref):
    return Order.objects.get(external_ref=ref)


def state():
    return [
        list(rows.order_by("pk").values())
        for rows in (Order.objects.all(), order("R1").items.all(), Event.objects.all())
    ]


def ahead(book):
    """R2 went on: another item, two steps. R1 came back."""
    book.replace("orders", "R2,BOB@mail.example,pending", "R2,BOB@mail.example,shipped")
    book.replace("orders", "R1,ada@mail.example,delivered", "R1,ada@mail.example,returned")
    book.add("order_items", "R2,LAMP,1,18.00")
    book.add("order_events", "R2,paid,2024-02-03T10:00:00Z", "R2,shipped,2024-02-04T10:00:00Z")


def test_what_differs_is_named_and_left_as_it_is(book):
    ahead(book)
    before = state()
    err = StringIO()

    with pytest.raises(CommandError, match="4 differences in orders that were there already, which stay as they are"):
        call_command("import_orders", book.directory, stderr=err)

    assert err.getvalue().splitlines() == [
        "orders.csv:2: order 'R1': status 'returned': the order that is there is 'delivered'",
        "order_items.csv:5: order 'R2': sku 'LAMP' at 18.00: 1 are not in the order yet",
        "order_events.csv:7: order 'R2': 'paid' at '2024-02-03 10:00:00+00' is not in the order yet",
        "order_events.csv:8: order 'R2': 'shipped' at '2024-02-04 10:00:00+00' is not in the order yet",
    ]
    assert state() == before


def test_new_orders_come_in_although_others_differ(book):
    ahead(book)
    book.add("orders", "R3,ada@mail.example,paid,2024-03-01T00:00:00Z")
    book.add("order_items", "R3,PEN,1,1.50")

    with pytest.raises(CommandError):
        call_command("import_orders", book.directory, stderr=StringIO())

    assert order("R3").total_amount == Decimal("1.50")
    assert order("R2").status == "pending"


def test_an_update_brings_items_events_and_statuses(book, mirror):
    ahead(book)

    summary = import_orders(book.directory, update=True)

    assert summary.updated == 2
    second = order("R2")
    assert (second.status, second.total_amount) == ("shipped", Decimal("30.50"))
    assert list(second.items.order_by("pk").values_list("sku", "product_name", "quantity", "price")) == [
        ("PEN", "Pen", 10, Decimal("1.25")),
        ("LAMP", "Lamp", 1, Decimal("18.00")),
    ]
    events = Event.objects.of_order(second.pk)
    assert [(event.kind, event.status, event.actor_name) for event in events] == [
        ("placed", "pending", "import"),
        ("items", "pending", "import"),
        ("status", "paid", "import"),
        ("status", "shipped", "import"),
    ]
    assert [event.occurred_at for event in events][2:] == [
        datetime(2024, 2, 3, 10, tzinfo=UTC),
        datetime(2024, 2, 4, 10, tzinfo=UTC),
    ]
    assert order("R1").status == "returned"
    assert not Mail.objects.exists()
    relay.drain()
    document = mirror.find_one({"external_ref": "R2"})
    assert (document["status"], str(document["total_amount"])) == ("shipped", "30.50")


def test_what_was_updated_does_not_differ_any_more(book):
    ahead(book)
    import_orders(book.directory, update=True)
    before = state()

    summary = import_orders(book.directory, update=True)

    assert (summary.updated, summary.different.count) == (0, 0)
    assert state() == before


def test_rows_of_a_known_order_need_no_row_in_orders(book):
    book.write("orders", ["order_ref,user_email,status,created_at"])
    book.write("order_items", ["order_ref,sku,quantity,price"])
    book.write("order_events", ["order_ref,status,occurred_at", "R2,paid,2024-02-03T10:00:00Z"])

    import_orders(book.directory, update=True)

    assert order("R2").status == "paid"


CONTRADICTIONS = {
    "sku 'LAMP' at 18.00: the order that is there has 1 more": ("order_items", "R1,LAMP,2,18.00", "R1,LAMP,1,18.00"),
    "sku 'PEN' at 1.50: the order that is there has 1 more": ("order_items", "R1,PEN,1,1.50", "R1,PEN,1,1.60"),
    "it is there already, of another customer": ("orders", "R1,ada@", "R1,bob@"),
    "created_at: it is there already, placed at '2024-02-01 10:00:00+00'": (
        "orders", "delivered,2024-02-01T10:00:00Z", "delivered,2024-02-01T09:00:00Z",
    ),
    "the order has no 'paid' at '2024-02-01 13:00:00+00', and later events": (
        "order_events", "paid,2024-02-01T12:00:00Z", "paid,2024-02-01T13:00:00Z",
    ),
    "the order is 'pending' then and cannot become 'delivered'": (
        "orders", "BOB@mail.example,pending", "BOB@mail.example,delivered",
    ),
}  # fmt: skip


@pytest.mark.parametrize("reason", CONTRADICTIONS)
def test_what_contradicts_is_refused(book, reason):
    book.replace(*CONTRADICTIONS[reason])
    before = state()

    with pytest.raises(ImportRefused) as caught:
        import_orders(book.directory, update=True)

    assert any(reason in problem for problem in caught.value.problems), caught.value.problems
    assert state() == before


def test_skip_bad_updates_the_others_and_keeps_what_contradicts(book, tmp_path):
    ahead(book)
    book.replace("order_items", "R1,PEN,1,1.50", "R1,PEN,1,1.60")
    rejects = tmp_path / "rejects.csv"

    summary = import_orders(book.directory, update=True, skip_bad=True, rejects_to=rejects)

    assert (summary.updated, summary.orders_rejected) == (1, 1)
    assert (order("R1").status, order("R2").status) == ("delivered", "shipped")
    assert "R1,PEN,1,1.60" in rejects.read_text()


def test_an_order_that_went_on_here_stays_as_it_is(book, now):
    change_status(order("R2"), to="paid", by=StaffFactory(), at=now)
    before = state()
    out, err = StringIO(), StringIO()

    call_command("import_orders", book.directory, update=True, stdout=out, stderr=err)

    assert "status 'pending': the order that is there is 'paid'" in err.getvalue()
    assert "1 orders went on here since and stay as they are." in out.getvalue()
    assert state() == before


def test_an_archived_order_has_to_be_restored_first(book, mirror, now):
    relay.drain()
    assert run.archive_before(now).archived == 1
    book.replace("orders", "R1,ada@mail.example,delivered", "R1,ada@mail.example,returned")

    with pytest.raises(ImportRefused, match=r"order 'R1': it is archived as 'delivered', 37\.50, .*: restore it first"):
        import_orders(book.directory, update=True)


def test_an_archived_order_that_is_the_same_does_not_differ(book, mirror, now):
    relay.drain()
    run.archive_before(now)

    assert import_orders(book.directory).different.count == 0


def test_many_problems_are_summed_up_by_reason(book, tmp_path):
    book.add("order_items", *(f"R2,PEN,-{n},1.50" for n in range(1, 300)))
    book.add("orders", *(f"N{n},,paid,2024-03-01T00:00:00Z" for n in range(200)), "N900,o'hara,lost,never")

    with pytest.raises(ImportRefused) as caught:
        import_orders(book.directory, rejects_to=tmp_path / "rejects.csv")

    assert caught.value.by_reason == [
        "299 × order_items.csv:5: quantity '-1' is less than 1",
        "200 × orders.csv:4: user_email is empty",
        "1 × orders.csv:204: created_at 'never' is not an ISO 8601 time such as 2024-05-31T18:40:12Z",
        "1 × orders.csv:204: status 'lost' is not one of pending, paid, shipped, delivered, returned, cancelled",
    ]
    assert (caught.value.count, len(caught.value.problems)) == (500, 100)
    assert len((tmp_path / "rejects.csv").read_text().splitlines()) == 501


def test_rejects_are_read_in_batches(book, tmp_path, monkeypatch):
    monkeypatch.setattr("history.imports.rejects.BATCH_SIZE", 3)
    book.add("order_items", *(f"R2,PEN,{n % 2},1.50" for n in range(20)))

    with pytest.raises(ImportRefused):
        import_orders(book.directory, rejects_to=tmp_path / "rejects.csv")

    lines = (tmp_path / "rejects.csv").read_text().splitlines()[1:]
    assert [line.split(",")[1].strip('"') for line in lines] == [str(5 + n) for n in range(0, 20, 2)]
