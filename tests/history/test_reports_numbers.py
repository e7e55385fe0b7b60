"""Every cell of every report against the same question asked in SQL of PostgreSQL: any period, any zone, any filter."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from django.http import QueryDict

from catalog.models import Product
from history.mirror import relay
from history.models import MirrorSample
from history.reports import question
from history.reports.filters import STATUSES
from history.reports.periods import Period
from history.reports.question import Question
from history.reports.trust import trust
from history.reports.views import REPORTS
from orders.models import Order
from tests.history import report_cells, report_truth
from tests.history.random_orders import place_random_orders

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2019, 2, 3, 12, tzinfo=UTC)
# Moments at which clocks change in one of the zones, and one at which they do not.
MOMENTS = [
    datetime(2018, 3, 25, 1, tzinfo=UTC),  # Paris forward
    datetime(2018, 10, 28, 1, tzinfo=UTC),  # Paris back
    datetime(2018, 2, 18, 2, tzinfo=UTC),  # São Paulo back, at midnight
    datetime(2018, 11, 4, 3, tzinfo=UTC),  # São Paulo forward: that day has no midnight
    datetime(2018, 7, 1, tzinfo=UTC),
]
PERIODS = [
    Period(date(2018, 3, 25), date(2018, 3, 25)),
    Period(date(2018, 10, 27), date(2018, 10, 28)),
    Period(date(2018, 2, 17), date(2018, 2, 18)),
    Period(date(2018, 11, 4), date(2018, 11, 4)),
    Period(date(2018, 2, 17), date(2018, 11, 5)),
    Period(date(2018, 12, 1), date(2019, 2, 3)),
    Period(date(2020, 2, 28), date(2020, 3, 1)),  # compared with a year that has no such day
    Period(date(1970, 1, 1), date(2030, 12, 31)),
    Period(date(2019, 1, 1), date(2019, 1, 31)),  # without orders
]
ZONES = ["Europe/Paris", "America/Sao_Paulo", "Asia/Kolkata"]
LONG = 1000  # days; cut by month alone, and compared no more


@pytest.fixture(params=ZONES)
def zone(request, settings, mirror):
    settings.TIME_ZONE = request.param
    placed = place_random_orders(120, around=MOMENTS, seed=ZONES.index(request.param))
    for number, order in enumerate(placed[:30]):
        Order.objects.filter(pk=order.pk).update(
            status=random.Random(number).choice(["paid", "shipped", "delivered", "cancelled"]),
            changed_at=order.changed_at + timedelta(minutes=number * 97),
        )
    Order.objects.order_by("?").first().delete()
    for minutes in (1, 2, 61):
        MirrorSample.objects.create(
            taken_at=NOW - timedelta(minutes=minutes),
            pending=minutes,
            oldest_pending_seconds=1,
            parked=0,
            delivered=7,
            lag_p99_ms=40 + minutes,
        )
    relay.drain()
    report_truth.take_every_order(request.param)
    return request.param


def asked(period: Period, **query: str) -> Question:
    query = {"from": str(period.first), "to": str(period.last), "compare": "none"} | query
    return _read(query)


def _read(query: dict[str, str]) -> Question:
    parameters = QueryDict(mutable=True)
    parameters.update({name.replace("_", "-"): value for name, value in query.items()})
    return question.read(parameters, NOW)


def narrowings() -> list[dict[str, str]]:
    category = str(Product.objects.exclude(category=None).first().category_id)
    product = str(Product.objects.first().pk)
    customer = str(Order.objects.exclude(status="cancelled").first().customer_id)
    return [
        *({"status": status} for status in STATUSES),
        {"category": category},
        {"category": "0"},
        {"product": product, "status": "counted"},
        {"product": "0"},
        {"customer": customer},
        {"customer": customer, "category": category, "product": product},
        {"first_from": "2018-03-01", "first_to": "2018-10-28"},
        {"first_to": "2018-07-01", "status": "open", "category": "0"},
    ]


def questions(zone: str) -> Iterator[Question]:
    """The chosen periods and as many at random, cut and compared in turn, then narrowed in every way."""
    chance = random.Random(zone)
    periods = list(PERIODS)
    for _ in PERIODS:
        first = date(2018, 1, 1) + timedelta(days=chance.randrange(350))
        periods.append(Period(first, first + timedelta(days=chance.choice([0, 1, 6, 29, 89, 200]))))
    for number, period in enumerate(periods):
        compare = "none" if period.days > LONG else ["previous", "year", "none"][number % 3]
        yield asked(period, by=["month", "week", "day"][number // 3 % 3], compare=compare)
    yield _read({"period": "all"})
    for number, narrowing in enumerate(narrowings()):
        yield asked(PERIODS[4], by="month", compare=["previous", "year"][number % 2], **narrowing)
        yield _read({"period": "all", "by": "week"} | narrowing)


def test_every_cell_equals_sql(zone):
    compared, wrong = dict.fromkeys(REPORTS, 0), []

    for each in questions(zone):
        report_truth.choose(each)
        for name in REPORTS:
            cells, differing = report_cells.differences(name, each)
            compared[name] += cells
            wrong += [f"{each.choice.period} {each.filters} {each.comparison} {each.by}: {line}" for line in differing]

    assert wrong == []
    assert min(compared.values()) > 500


def test_a_difference_between_the_stores_is_named(zone):
    order = Order.objects.exclude(status="cancelled").first()
    Order.objects.filter(pk=order.pk).update(total_amount=order.total_amount + 1)  # no relay carries it over

    report = trust(asked(PERIODS[7]))

    [row] = [row for row in report.table.rows if row["is_wrong"]]
    assert (row["status"], row["more"], row["difference"]) == (order.status, 0, -1)
    assert {tile.label: tile.value for tile in report.tiles}["Days and statuses that differ"] == 1
