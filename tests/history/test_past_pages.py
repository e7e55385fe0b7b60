"""The pages of an order at a past moment: its customer's, the order desk's and the analysts'."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection
from django.test import Client
from django.utils import timezone

from history import mongo
from history.mirror import relay
from history.models import ArchivedOrder, Event
from history.past.find import present
from history.past.standing import standing
from history.triggers import capture_off
from orders.models import Order, OrderItem
from orders.returns import Returned, return_items
from orders.services import change_status
from tests.factories import ProductFactory, UserFactory
from tests.history.test_rollups_archived import archive
from tests.pages import breaks_csp, text, told

pytestmark = pytest.mark.django_db


@pytest.fixture
def lived(place, customer, staff, now):
    """Placed ten days ago with two lamps and an address, paid on the next day, moved and made dearer on the third."""
    placed = now - timedelta(days=10)
    order = place(ProductFactory(name="Lamp", sku="L-1"), customer=customer, quantity=2, at=placed)
    change_status(order, to="paid", by=staff, at=placed + timedelta(days=1), note="to Fort Knox")
    Order.objects.filter(pk=order.pk).update(
        shipping_address={"name": "Ada", "line1": "New street 2", "city": "Graz"},
        total_amount=Decimal("27.50"),
        changed_at=placed + timedelta(days=2),
        changed_by=staff.pk,
        changed_by_name="Sam Secretname",
        change_note="",
    )
    OrderItem.objects.filter(order=order).update(quantity=3)
    order.refresh_from_db()
    return order


def page(order, at=None, **more) -> tuple[str, dict]:
    return f"/orders/{order.pk}/", {"as_of": at if isinstance(at, str) else at.isoformat()} | more


def test_a_customer_sees_the_order_as_it_stood(client, lived, customer, now):
    client.force_login(customer)

    then = client.get(*page(lived, now - timedelta(days=8, hours=12)))

    shown = text(then)
    assert then.status_code == 200
    assert "As it was on" in shown
    assert "Paid" in shown
    assert "2 × Lamp" in shown
    assert "Total $20.00" in shown
    assert "Graz" not in shown
    assert "Secretname" not in shown
    assert "Fort Knox" not in shown
    assert f'href="/orders/{lived.pk}/"' in then.content.decode()
    assert breaks_csp(then) == []
    pending = text(client.get(*page(lived, now - timedelta(days=9, hours=12))))
    assert "Pending" in pending
    assert "Status is now Paid" not in pending


def test_each_event_leads_to_the_order_after_it(client, lived, customer):
    client.force_login(customer)
    events = client.get(f"/orders/{lived.pk}/").context["events"]
    body = client.get(f"/orders/{lived.pk}/").content.decode()

    found = [client.get(f"/orders/{lived.pk}/?{event.then}").context for event in events]

    assert len(events) == 3
    assert [context["order"].total_amount for context in found] == [Decimal("27.50"), 20, 20]
    assert [context["order"].status for context in found] == ["paid", "paid", "pending"]
    assert [context["items"][0].quantity for context in found] == [3, 2, 2]
    assert all(event.then.replace("&", "&amp;") in body for event in events[1:])


def test_of_equal_times_the_revision_decides(client, place, customer, staff, now):
    # To the millisecond all of them are one time.
    order = place(customer=customer, at=now.replace(microsecond=now.microsecond // 1000 * 1000))
    with connection.cursor() as cursor:
        for total in (11, 12, 13):
            cursor.execute(
                "UPDATE orders SET total_amount = %s, changed_at = changed_at + interval '1 microsecond', "
                "changed_by_name = 'Ada' WHERE order_id = %s",
                [total, order.pk],
            )
    Order.objects.update(changed_at=now + timedelta(hours=1), total_amount=50)
    client.force_login(customer)
    at = Event.objects.of_order(order.pk)[1].then.partition("&")[0]

    totals = [client.get(f"/orders/{order.pk}/?{at}&after={rev}").context["order"].total_amount for rev in (1, 2, 3, 9)]

    assert totals == [10, 11, 12, 13]
    assert client.get(f"/orders/{order.pk}/?{at}&after=x").context["order"].total_amount == 13


def test_what_was_not_there_or_not_theirs_is_told_in_words(client, lived, customer, now):
    other = UserFactory()
    Order.objects.filter(pk=lived.pk).update(customer=other)

    client.force_login(other)
    before_it_was_theirs = client.get(*page(lived, now - timedelta(days=8, hours=12)))
    client.force_login(customer)

    assert before_it_was_theirs.status_code == 404
    assert f"You had no order #{lived.pk} at that moment." in text(before_it_was_theirs)
    assert "Lamp" not in text(before_it_was_theirs)
    assert client.get(*page(lived, now - timedelta(days=8))).status_code == 404
    Order.objects.filter(pk=lived.pk).update(customer=customer)
    assert "You had no order" in text(client.get(*page(lived, now - timedelta(days=11))))
    assert client.get("/orders/999999/?as_of=2026-01-01").status_code == 404
    assert client.get(f"/orders/{10**30}/?as_of=2026-01-01").status_code == 404


@pytest.mark.parametrize("asked", ["yesterday", "2026-13-01", "\x00", "9" * 500, "2999-01-01", "1969-12-31"])
def test_what_is_no_past_moment_is_noted_and_shows_now(lived, customer, staff, asked):
    for user, address in [(customer, f"/orders/{lived.pk}/"), (staff, f"/admin/orders/order/{lived.pk}/change/")]:
        client = Client()
        client.force_login(user)

        response = client.get(address, {"as_of": asked})

        assert response.status_code == 302
        assert response["Location"] == address
        assert len(told(response)) == 1
        assert "shown as it is now" in told(response)[0]


def test_a_date_alone_is_the_end_of_that_day(client, lived, customer, now, settings):
    settings.TIME_ZONE = "America/Sao_Paulo"
    client.force_login(customer)
    day = timezone.localdate(now - timedelta(days=9), timezone.get_default_timezone())

    assert client.get(*page(lived, str(day))).context["order"].status == "paid"


def test_the_order_desk_sees_who_did_what_until_then(client, lived, staff, now):
    client.force_login(staff)
    address = f"/admin/orders/order/{lived.pk}/change/"

    then = client.get(address, {"as_of": (now - timedelta(days=8, hours=12)).isoformat()})

    shown = text(then)
    assert "2 × " not in shown  # a table
    assert "Lamp L-1 2 $10.00 $20.00" in shown
    assert "Sam Secretname" in shown
    assert "to Fort Knox" in shown
    assert "Graz" not in shown
    assert breaks_csp(then) == []
    assert 'href="?as_of=' in client.get(address).content.decode()
    gone = client.get(address, {"as_of": "2020-01-01T00:00Z"})
    assert (gone.status_code, "There was no order" in text(gone)) == (404, True)
    client.force_login(UserFactory(is_staff=True))
    assert client.get(address, {"as_of": "2020-01-01"}).status_code == 403


def test_analysts_see_it_too_and_what_a_deleted_order_was(analyst, lived, staff, now):
    then = {"as_of": (now - timedelta(days=8, hours=12)).isoformat()}
    number = lived.pk

    assert "Lamp L-1 $10.00 2 $20.00" in text(analyst.get(f"/reports/orders/{number}/", then))
    change_status(lived, to="shipped", by=staff, at=now)
    change_status(lived, to="delivered", by=staff, at=now)
    wanted = {lived.items.get().pk: Returned(1, restock=False)}
    rev = Order.objects.get(pk=number).rev
    return_items(lived, wanted, seen_rev=rev, reason="Too bright", by=staff, at=now + timedelta(milliseconds=5))
    lived.delete()

    shown = analyst.get(f"/reports/orders/{number}/", then)
    assert "Lamp L-1 $10.00 2 $20.00" in text(shown)
    assert "Paid" in text(shown)
    event = Event.objects.of_order(number).last()
    assert event.changes["refunds"][0][0]["amount"] == Decimal("10.00")
    assert "reason" not in event.changes["refunds"][0][0]


def test_doubts_are_told(lived, staff, now):
    change_status(lived, to="shipped", by=staff, at=now)
    document = present(lived.pk)
    late = now - timedelta(days=8, hours=12)
    at = late.replace(microsecond=0)

    def doubts(change, at=at) -> str:
        altered = {**document, "events": [dict(event) for event in document["events"]]}
        change(altered["events"])
        past = standing(altered, at)
        return " ".join(past.doubts)

    assert doubts(lambda events: None) == ""
    assert "When it became “Paid” is not known" in doubts(lambda events: events[1].update(time_known=False))
    assert "from revision 3 to 3 are lost" in doubts(lambda events: events.pop(2))
    assert "never recorded" in doubts(lambda events: events[2].update(changes={"total_amount": [1, 2]}))
    early = at - timedelta(days=2)
    assert "contradict" in doubts(lambda events: events[3].update(timestamp=early), at)


@pytest.mark.django_db(transaction=True)
def test_an_archived_order_has_a_past_while_mongodb_is_there(client, lived, customer, mirror, now, settings):
    client.force_login(customer)
    asked = page(lived, now - timedelta(days=8, hours=12))
    relay.drain()
    live = client.get(*asked)

    archive([lived.pk])
    stub = ArchivedOrder.objects.filter(pk=lived.pk)
    assert client.get(*asked).status_code == 503  # the document is not what the stub says
    stub.update(sha256=mongo.for_reading().find_one({"order_id": lived.pk})["digest"])
    archived = client.get(*asked)

    assert text(archived) == text(live)
    settings.MONGODB_URL = "mongodb://127.0.0.1:9/shop?serverSelectionTimeoutMS=50"
    away = client.get(*asked)
    assert (away.status_code, "temporarily unavailable" in text(away)) == (503, True)
    client.force_login(UserFactory())
    assert client.get(*asked).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_an_item_keeps_its_number_and_history_starts_where_it_does(lived, now):
    with pytest.raises(IntegrityError, match="keeps its number"):
        OrderItem.objects.filter(order=lived).update(order_item_id=10**6)
    with capture_off():
        Event.objects.of_order(lived.pk).filter(rev=1).delete()

    assert standing(present(lived.pk), now - timedelta(days=20)) is None
