"""Reports without MongoDB, or with one that does not answer: the frame stays, says so soon, and nothing is a 500."""

from __future__ import annotations

import socket
import time

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from history.reports.views import REPORTS
from tests.history.report_page import text
from tests.history.slow_wire import SlowWire
from tests.pages import told
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

PAGES = [reverse(f"reports:{name}") for name in REPORTS]


@pytest.fixture
def mongodb_down(settings):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    settings.MONGODB_URL = f"mongodb://127.0.0.1:{port}/shop?directConnection=true"


def test_home_leads_to_the_reports_without_mongodb(analyst, mongodb_down):
    page = text(analyst.get(reverse("reports:home")))

    assert all(f'href="{path}"' in page for path in PAGES)
    assert "0 orders behind" in page


@pytest.mark.parametrize("path", PAGES)
def test_with_mongodb_down_the_frame_stays_and_says_so_quickly(analyst, mongodb_down, path):
    began = time.monotonic()
    page, as_csv = analyst.get(path), analyst.get(path, {"format": "csv"})

    assert time.monotonic() - began < 10
    assert page.status_code == as_csv.status_code == 503
    assert text(page).count("History store is not reachable. Shop and orders are unaffected.") == 3
    assert 'href="/reports/sales/' in text(page)
    assert "History store is not reachable." in text(as_csv)


@pytest.fixture
def slow_mongodb(settings):
    """The same server behind a wire that never brings the answer about rollups."""
    with SlowWire(settings.MONGODB_URL) as wire:
        settings.MONGODB_URL = wire.url
        settings.MONGODB_READ_TIMEOUT_MS = 300
        yield


def test_a_question_that_takes_too_long_says_so(analyst, mirror, slow_mongodb):
    response = analyst.get(PAGES[1], {"period": "all"})

    assert response.status_code == 503
    assert "Choose a shorter one." in text(response)


@pytest.mark.parametrize(
    "path", [reverse("reports:order", args=[1]), reverse("reports:trust-day", args=["2024-03-31"])]
)
def test_pages_below_the_reports_say_so_too(analyst, mongodb_down, path):
    response = analyst.get(path)

    assert response.status_code == 503
    assert "History store is not reachable. Shop and orders are unaffected." in text(response)


def test_a_repair_says_so_and_mends_nothing(analyst, mongodb_down):
    User.objects.get(name="Ana").user_permissions.add(Permission.objects.get(codename="requeue_events"))

    response = analyst.post(reverse("reports:trust-repair", args=["2024-03-31"]))

    assert response.status_code == 302
    assert told(response) == ["History store is not reachable. Shop and orders are unaffected."]
