"""The reports through the API: the numbers of the pages, to the cent."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import get_args

import pytest
from django.test import Client

from history.api import reports
from history.mirror import relay
from history.reports import filters, intervals, periods, question
from history.reports.views import REPORTS
from history.rollups import keeper
from orders.services import change_status
from tests.api.keys import ApiClient, kind
from tests.factories import StaffFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop(place, now, mirror):
    staff, customer = StaffFactory(), UserFactory()
    for day in range(8):
        order = place(customer=customer if day % 2 else None, quantity=day + 1, at=now - timedelta(days=day * 5))
        if day in (2, 3):
            change_status(order, to="cancelled", by=staff, at=now)
    relay.drain()
    keeper.drain()
    return staff


def test_every_report_has_the_numbers_of_its_page(shop):
    page = Client()
    page.force_login(shop)
    api = ApiClient("reports:read")
    query = {"period": "90d", "compare": "previous", "status": "counted"}

    for name in REPORTS:
        answer = api.get(f"/reports/{name}", query)
        assert answer.status_code == 200, answer.content
        table = answer.json()["tables"][0]
        sheet = page.get(f"/reports/{name}/", query | {"format": "csv"}).content.decode("utf-8-sig")
        told = list(csv.DictReader(io.StringIO(sheet)))
        assert len(told) == table["row_count"]
        for ours, theirs in zip(table["rows"], told, strict=False):
            assert {column: "" if value is None else str(value) for column, value in ours.items()} == theirs, name
        shown = page.get(f"/reports/{name}/", query).context["report"].tiles
        assert [(tile["label"], tile["kind"]) for tile in answer.json()["tiles"]] == [(t.label, t.kind) for t in shown]
        assert [tile["value"] for tile in answer.json()["tiles"]] == [reports.plain(t.value) for t in shown]


def test_what_a_page_would_correct_is_refused(shop):
    api = ApiClient("reports:read")

    for query in (
        {"period": "decade"},
        {"from": "2026-02-01", "to": "2026-01-01"},
        {"from": "2026-02-30", "to": "2026-03-01"},
        {"status": "lost"},
        {"category": "999999"},
        {"sort": "nothing"},
        {"page": "7"},
        {"as_of": "2999-01-01T00:00:00Z"},
        {"format": "csv"},
        {"product[$ne]": "1"},
    ):
        assert kind(api.get("/reports/sales", query)) == "invalid", query
    assert api.get("/reports/nothing").status_code == 422
    assert api.get("/reports/sales", {"as_of": "2026-11-01T00:00:00+01:00"}).json()["as_of"] == ("2026-10-31T23:00:00Z")
    assert ApiClient("orders:read").get("/reports/sales").status_code == 403


def test_the_description_names_what_the_reports_know():
    def told(name):
        return set(get_args(get_args(reports.ReportParameters.model_fields[name].annotation)[0]))

    assert set(get_args(reports.Name)) == set(REPORTS)
    assert told("period") == {*periods.PRESETS, periods.CUSTOM}
    assert told("compare") == {*question.COMPARISON_LABELS}
    assert told("status") == {*filters.STATUSES}
    assert told("by") == {*intervals.UNITS}
