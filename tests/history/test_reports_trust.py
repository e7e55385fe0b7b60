"""Trust names each order that differs between the stores, and has it mended by those who may."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from bson import Decimal128
from django.contrib.auth.models import Permission
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from history.mirror import relay
from history.models import DirtyDay
from history.reports.periods import Period
from history.reports.trust import PER_DAY, of_postgresql, parameters
from orders.models import Order
from tests.factories import StaffFactory, UserFactory
from tests.pages import breaks_csp, text, told

pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2024, 3, 15, 12, tzinfo=UTC)
DAY = reverse("reports:trust-day", args=["2024-03-15"])
REPAIR = reverse("reports:trust-repair", args=["2024-03-15"])


@pytest.fixture
def keeper_of_both(client):
    user = UserFactory(name="Kim")
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_reports", "requeue_events"]))
    client.force_login(user)
    return client


# The clocks go back at midnight, at one minute past it, at one o'clock; forward at midnight, a whole day.
CHANGES = [
    ("America/Sao_Paulo", datetime(2018, 2, 18, 2, tzinfo=UTC)),
    ("America/St_Johns", datetime(2005, 10, 30, 2, 31, tzinfo=UTC)),
    ("America/Havana", datetime(2017, 11, 5, 5, tzinfo=UTC)),
    ("America/Sao_Paulo", datetime(2017, 10, 15, 3, tzinfo=UTC)),
    ("Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC)),
]
DATES = """
SELECT (created_at AT TIME ZONE %s)::date, status, count(*), (sum(total_amount) * 100)::bigint FROM orders GROUP BY 1, 2
"""


# An order for each hour of half a year.
MANY = """
INSERT INTO orders (user_id, total_amount, created_at)
SELECT %s, n, %s - n * interval '1 hour' FROM generate_series(1, 4000) n
"""


@pytest.mark.parametrize(("zone", "changed_at"), CHANGES)
def test_a_day_on_which_clocks_change_at_midnight_is_told_by_its_date(mirror, place, settings, zone, changed_at):
    settings.TIME_ZONE = zone
    timezone.get_default_timezone.cache_clear()
    order = place(at=changed_at)
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO orders (user_id, total_amount, created_at) SELECT %s, n + 400, %s::timestamptz + n * interval
            '25 minutes' + interval '30 seconds' FROM generate_series(-150, 150) n""",
            [order.customer_id, changed_at],
        )
        cursor.execute(DATES, [zone])
        expected = {(day, status): counted for day, status, *counted in cursor.fetchall()}

    first, last = min(expected)[0], max(expected)[0]
    whole = of_postgresql(Period(first, last))
    by_day = [of_postgresql(Period(day, day)) for day in Period(first, last).each_day()]
    timezone.get_default_timezone.cache_clear()

    assert {bucket: [*counted] for bucket, counted in whole.items()} == expected
    assert {bucket: counted for each in by_day for bucket, counted in each.items()} == whole


def test_amounts_per_day_and_status_are_read_from_an_index_alone(mirror, place):
    customer = place(at=NOON).customer
    with connection.cursor() as cursor:
        cursor.execute(MANY, [customer.pk, NOON])
        cursor.execute("VACUUM ANALYZE orders")
        cursor.execute("EXPLAIN " + PER_DAY.format(table="orders"), parameters(Period(NOON.date(), NOON.date())))
        plan = str(cursor.fetchall())

    assert "Index Only Scan using orders_by_status_amount" in plan


def test_a_day_that_is_alike_says_so(analyst, mirror, place):
    place(at=NOON)
    relay.drain()

    page = analyst.get(DAY)

    assert "1 order compared, 0 differ." in text(page)
    assert "Repair" not in text(page)
    assert breaks_csp(page) == []


def test_every_order_that_differs_is_named_whatever_way_it_does(analyst, mirror, place):
    changed, missing, unknown = place(at=NOON), place(at=NOON), place(at=NOON)
    moved_away = place(at=NOON)
    relay.drain()
    mirror.update_one({"order_id": changed.pk}, {"$set": {"total_amount": Decimal128("99.99")}})
    mirror.delete_one({"order_id": missing.pk})
    mirror.update_one({"order_id": unknown.pk}, {"$set": {"order_id": 987_654}})
    mirror.update_one({"order_id": moved_away.pk}, {"$set": {"created_at": datetime(2020, 1, 1, tzinfo=UTC)}})

    page = text(analyst.get(DAY))

    assert "mirror has 99.99" in page
    assert "missing in the mirror" in page
    assert "987654 PostgreSQL knows no such order" in page
    assert f"{moved_away.pk} created_at" in page


def test_repair_mends_the_day(keeper_of_both, mirror, place):
    order = place(at=NOON)
    relay.drain()
    mirror.update_one({"order_id": order.pk}, {"$set": {"total_amount": Decimal128("99.99")}})

    response = keeper_of_both.post(REPAIR)

    assert told(response) == ["1 document will be written anew, and the day counted anew."]
    assert (response.status_code, response.url) == (302, DAY)
    assert DirtyDay.objects.filter(day="2024-03-15").exists()
    relay.drain()
    assert mirror.find_one({"order_id": order.pk})["total_amount"].to_decimal() == order.total_amount
    assert "1 order compared, 0 differ." in text(keeper_of_both.get(DAY))


def test_repair_is_for_those_who_may(analyst, mirror, place):
    place(at=NOON)

    assert analyst.post(REPAIR).status_code == 403
    assert analyst.get(REPAIR).status_code == 405


@pytest.mark.parametrize("day", ["nonsense", "2024-02-30", "0001-01-01", "9999-12-31"])
def test_a_day_that_is_none_is_not_found(analyst, mirror, day):
    assert analyst.get(reverse("reports:trust-day", args=[day])).status_code == 404


def test_an_order_is_shown_as_its_document_has_it(analyst, mirror, place):
    order = place(quantity=3, at=NOON)
    Order.objects.filter(pk=order.pk).update(status="paid")
    relay.drain()

    page = analyst.get(reverse("reports:order", args=[order.pk]))

    assert f"Order {order.pk}" in text(page)
    assert "status: pending → paid" in text(page)
    assert f"${Decimal(order.total_amount):.2f}" in text(page)
    assert order.customer.name in text(page)
    assert "back office" not in text(page)
    assert breaks_csp(page) == []


def test_staff_get_from_an_order_to_the_back_office(client, mirror, place):
    order = place(at=NOON)
    relay.drain()
    client.force_login(StaffFactory())

    page = client.get(reverse("reports:order", args=[order.pk])).content.decode()

    assert reverse("admin:orders_order_change", args=[order.pk]) in page


@pytest.mark.parametrize("number", [1, 2**63, 10**30])
def test_an_order_that_is_not_there_is_not_found(analyst, mirror, number):
    assert analyst.get(reverse("reports:order", args=[number])).status_code == 404


def test_a_deleted_order_is_not_found(analyst, mirror, place):
    order = place(at=NOON)
    Order.objects.all().delete()
    relay.drain()

    assert analyst.get(reverse("reports:order", args=[order.pk])).status_code == 404


def test_a_customer_sees_no_order_and_no_day_of_the_reports(client, mirror, place):
    order = place(at=NOON)
    relay.drain()
    client.force_login(order.customer)

    assert client.get(reverse("reports:order", args=[order.pk])).status_code == 403
    assert client.get(DAY).status_code == 403
    assert client.post(REPAIR).status_code == 403
