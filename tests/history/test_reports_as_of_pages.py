"""?as_of= on the pages: what people may write, what is shown, and the corners of the past."""

from __future__ import annotations

import csv
import io
import socket
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from history.demo import load
from history.mirror import relay
from history.models import Event
from history.reports import causes, views
from history.reports.definitions import tenths
from history.rollups import keeper, later
from history.rollups.past import runs
from history.triggers import capture_off
from orders.models import Order, OrderItem
from orders.services import cancel_order, change_status
from orders.status import Status
from tests.factories import ProductFactory, StaffFactory
from tests.history.report_page import PageTable, text
from tests.history.test_reports_as_of import NAMES, answer, asked, moment

pytestmark = pytest.mark.django_db(transaction=True)

REPORTS = [reverse(f"reports:{name}") for name in NAMES]
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "nonsense",
    ["yesterday", "2026-13-01T00:00", "18:00", "1969-12-31T23:59", "0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00",
     "2026-11-20T25:00", "2026-11-20T18:00+99:00", "1970-01-01T00:00+14:00", "\x00", "٢٠٢٦", "9" * 5000],
)  # fmt: skip
def test_nonsense_is_noted_and_means_now(analyst, mirror, nonsense):
    for path in REPORTS:
        response = analyst.get(path, {"as_of": nonsense})

        assert response.status_code == 200
        assert "shown as of now" in text(response)
        assert "As it stood on" not in text(response)


def test_the_future_is_noted_and_means_now(analyst, mirror):
    page = text(analyst.get(REPORTS[0], {"as_of": "2199-01-01T00:00"}))

    assert "lies in the future: shown as of now" in page


@pytest.mark.parametrize("path", REPORTS)
@pytest.mark.parametrize("as_of", ["1970-01-01T00:00", "1999-03-28T02:30"])
def test_before_the_first_order_there_are_zeros(analyst, mirror, place, path, as_of):
    place()
    relay.drain()

    for period in ("today", "year", "all"):
        response = analyst.get(path, {"as_of": as_of, "period": period})
        assert response.status_code == 200
        assert all(tile.value in (0, None) for tile in response.context["report"].tiles)


def test_a_past_figure_leads_to_its_orders_and_says_what_changed(analyst, mirror, place):
    kept, cancelled = place(), place(ProductFactory(price=Decimal("25.00")))
    relay.drain()
    at = moment()
    cancel_order(cancelled, by=cancelled.customer, at=timezone.now())
    new = place(ProductFactory(price=Decimal("4.00")), at=timezone.now())
    relay.drain()

    response = analyst.get(reverse("reports:sales"), {"period": "today", "as_of": at.isoformat()})
    revenue = response.context["report"].tiles[0]
    orders = analyst.get(revenue.href)
    page = PageTable(text(response), "changes")

    assert revenue.value == Decimal("35.00")
    assert {int(row[0]) for row in PageTable(text(orders)).rows} == {kept.pk, cancelled.pk}
    assert [tile.value for tile in orders.context["report"].tiles if tile.label == "Revenue"] == [revenue.value]
    assert {(row[0], row[2], row[-1]) for row in page.rows} == {
        (str(cancelled.pk), "Pending → Cancelled", "-25.00"),
        (str(new.pk), "Placed", "4.00"),
    }
    assert {tuple(row[4:]) for row in page.rows} == {("0", "-1", "-1", "-25.00"), ("1", "1", "1", "4.00")}
    assert "As it stood on" in text(response)


def test_of_an_order_placed_since_all_is_told_that_happened_to_it(analyst, mirror, place):
    place()
    relay.drain()
    at = moment()
    paid = place(ProductFactory(price=Decimal("25.00")), at=timezone.now())
    clerk = StaffFactory(name="Casey")
    change_status(paid, to=Status.PAID, by=clerk, at=timezone.now())
    gone = place(ProductFactory(price=Decimal("4.00")), at=timezone.now())
    cancel_order(gone, by=gone.customer, at=timezone.now())
    relay.drain()

    page = PageTable(
        text(analyst.get(reverse("reports:sales"), {"period": "today", "as_of": at.isoformat()})), "changes"
    )

    assert {(row[0], row[2], row[3], row[-1]) for row in page.rows} == {
        (str(paid.pk), "Placed; Pending → Paid", f"{paid.customer}, Casey", "25.00"),
        (str(gone.pk), "Placed; Pending → Cancelled", str(gone.customer), "0.00"),
    }


@pytest.mark.parametrize("name", ["sales", "status"])
def test_the_causes_are_a_table_that_csv_has_too(analyst, mirror, place, name):
    order = place()
    relay.drain()
    at = moment()
    cancel_order(order, by=order.customer, at=timezone.now())
    relay.drain()
    query = {"period": "today", "as_of": at.isoformat()}

    shown = PageTable(text(analyst.get(reverse(f"reports:{name}"), query)), "changes")
    response = analyst.get(reverse(f"reports:{name}"), query | {"format": "csv", "table": "changes"})

    assert list(csv.reader(io.StringIO(response.content.decode("utf-8-sig")))) == [shown.headings, *shown.rows]
    assert "-as-of-" in response["Content-Disposition"]


def test_where_nothing_changed_it_says_so(analyst, mirror, place):
    place()
    relay.drain()

    page = text(analyst.get(REPORTS[0], {"period": "today", "as_of": moment().isoformat()}))

    assert "Nothing of this has changed since" in page
    assert "table-changes" not in page


def test_what_is_not_listed_is_summed(mirror, place, monkeypatch):
    monkeypatch.setattr(causes, "MOST", 3)
    at = moment()
    for number in range(1, 6):
        place(ProductFactory(price=Decimal(number)), at=timezone.now())
    relay.drain()

    then = asked({"period": "today", "as_of": at.isoformat()}, timezone.now())
    table = causes.of_revenue(then, then.past)

    assert [row["revenue"] for row in table.rows] == [Decimal(5), Decimal(4), Decimal(3), Decimal(3)]
    assert table.rows[-1]["what"] == "2 more orders, of smaller amounts"
    assert table.totals["revenue"] == Decimal(15)


def test_trust_is_of_now(analyst, mirror):
    page = text(analyst.get(reverse("reports:trust"), {"as_of": "2020-01-01T00:00"}))

    assert "the past moment is ignored" in page
    assert 'name="as_of"' not in page


def test_the_moment_stays_in_the_links_and_the_form(analyst, mirror, settings):
    settings.TIME_ZONE = "Europe/Paris"

    page = text(analyst.get(REPORTS[0], {"as_of": "2020-01-01T10:30"}))

    assert 'value="2020-01-01T10:30:00"' in page
    assert "period=7d" in page.replace("&amp;", "&")
    assert page.count("as_of=2020-01-01T10%3A30") > 10


@pytest.mark.parametrize("path", REPORTS)
def test_with_mongodb_down_the_frame_stays(analyst, mirror, place, settings, path):
    place()
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        settings.MONGODB_URL = f"mongodb://127.0.0.1:{unused.getsockname()[1]}/shop?directConnection=true"

    response = analyst.get(path, {"as_of": "2020-01-01T00:00"})

    assert response.status_code == 503
    assert views.UNREACHABLE in text(response)


def test_more_changes_need_no_more_queries(analyst, mirror, place):
    staff = StaffFactory()

    def queries() -> int:
        at = moment()
        order = place(at=timezone.now())
        change_status(order, to=Status.PAID, by=staff, at=timezone.now())
        for paid in Order.objects.exclude(pk=order.pk):
            Order.objects.filter(pk=paid.pk).update(total_amount=paid.total_amount + 1)
        relay.drain()
        with CaptureQueriesContext(connection) as captured:
            assert analyst.get(REPORTS[3], {"period": "today", "as_of": at.isoformat()}).status_code == 200
        return len(captured)

    place()
    first = queries()
    for _ in range(4):
        place()

    assert queries() == first


def test_a_deleted_order_sold_what_was_in_it(mirror, place):
    first, second = ProductFactory(price=Decimal("3.00")), ProductFactory(price=Decimal("7.00"))
    order = place(first, second, quantity=2)
    relay.drain()
    at, number = moment(), order.pk
    before = answer("products", asked({"period": "today"}, at))
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM orders")
    relay.drain()

    assert answer("products", asked({"period": "today", "as_of": at.isoformat()}, timezone.now())) == before
    assert before["rows totals"]["revenue"] == Decimal("20.00")
    gone = Event.objects.of_order(number).last()
    assert [(old["product_id"], old["quantity"], new) for old, new in gone.changes["items"]] == [
        (first.pk, 2, None),
        (second.pk, 2, None),
    ]
    assert not OrderItem.objects.exists()


def test_a_number_given_again_is_another_order(mirror, place):
    order = place(ProductFactory(price=Decimal("5.00")))
    relay.drain()
    at = moment()
    before = answer("orders", asked({"period": "today"}, at))
    customer = order.customer_id
    order.delete()
    Order.objects.create(pk=before["rows"][0][0], customer_id=customer, total_amount=Decimal("99.00"))
    relay.drain()

    assert answer("orders", asked({"period": "today", "as_of": at.isoformat()}, timezone.now())) == before


def test_changes_on_their_way_do_not_reach_into_the_past(mirror, place):
    order = place()
    relay.drain()
    at = moment()
    before = {name: answer(name, asked({"period": "today"}, at)) for name in NAMES}
    cancel_order(order, by=order.customer, at=timezone.now())
    place(customer=order.customer, at=timezone.now())

    for delivered in (1, 1, 100):
        relay.deliver_batch(delivered)
        keeper.refresh(1)
        for name in NAMES:
            assert answer(name, asked({"period": "today", "as_of": at.isoformat()}, timezone.now())) == before[name]


def test_revisions_decide_where_times_go_back(mirror, place, now):
    order = place(at=now - timedelta(hours=5))
    for status, hour in (("paid", 1), ("shipped", 3), ("delivered", 2)):
        Order.objects.filter(pk=order.pk).update(status=status)
        shift_last_event(order.pk, now - timedelta(hours=4) + timedelta(minutes=10 * hour))
    relay.drain()

    def status_at(minutes: int) -> str:
        changed = later.read(now - timedelta(hours=4) + timedelta(minutes=minutes))
        standing = changed[order.pk].standing
        assert standing
        return standing.status

    assert [status_at(minutes) for minutes in (5, 15, 25)] == ["pending", "paid", "paid"]
    assert order.pk not in later.read(now - timedelta(hours=4) + timedelta(minutes=35))


def shift_last_event(order_id: int, at: datetime) -> None:
    last = Event.objects.of_order(order_id).last()
    with capture_off():
        Event.objects.filter(pk=last.pk).update(occurred_at=at)


AT = """
SELECT o.order_id, o.total_amount, last.status, paid.at - o.created_at
FROM orders o
JOIN LATERAL (SELECT status FROM history_events e WHERE e.order_id = o.order_id AND occurred_at <= %(at)s
              ORDER BY rev DESC LIMIT 1) last ON true
LEFT JOIN LATERAL (SELECT occurred_at AS at FROM history_events e WHERE e.order_id = o.order_id
                   AND occurred_at <= %(at)s AND e.status = 'paid' ORDER BY rev LIMIT 1) paid ON true
WHERE o.created_at <= %(at)s
"""


@pytest.mark.timeout(240)
def test_histories_that_were_brought_along_count_at_their_own_times(mirror, monkeypatch):
    monkeypatch.setattr(load, "DAYS", 60)
    call_command("seed_load", orders=400)
    keeper.drain()
    first = Order.objects.earliest("created_at").created_at
    now = timezone.now()

    for part in range(1, 10):
        at = (first + (now - first) * part / 10).replace(microsecond=0)
        with connection.cursor() as cursor:
            cursor.execute(AT, {"at": at})
            found = cursor.fetchall()
        then = asked({"period": "all", "as_of": at.isoformat()}, now)
        status, sales = answer("status", then), answer("sales", then)

        for number, name in enumerate(Status.values):
            [row] = [values for key, values in status["rows"] if key == number]
            mine = [amount for _, amount, each, _ in found if each == name]
            assert (row[1], row[4]) == (len(mine), sum(mine, Decimal(0)))
        counted = [amount for _, amount, each, _ in found if each not in ("cancelled", "returned")]
        assert (sales["Orders"][0], sales["Revenue"][0]) == (len(found), sum(counted))
        minutes = sorted(taken // timedelta(minutes=1) for *_, taken in found if taken is not None)
        assert status["Median time to pay"][0] == tenths(sorted(minutes)[(len(minutes) - 1) // 2], 60)


def test_near_days_are_read_together():
    day = datetime(2024, 1, 1, tzinfo=UTC).date()
    days = [day, day + timedelta(days=1), day + timedelta(days=32), day + timedelta(days=64)]

    assert runs(days) == [(days[0], days[2]), (days[3], days[3])]
    assert runs([]) == []
