"""The page of the mirror's state in the back office: the numbers of relay_status, and trying parked events again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.asserts import assertContains, assertNotContains

from history.mirror import lag
from history.models import Event, ReconcileRun
from tests.factories import StaffFactory, UserFactory
from tests.pages import breaks_csp, text, told

pytestmark = pytest.mark.django_db

PAGE = "/admin/history/event/mirror/"
REQUEUE = "/admin/history/event/requeue/"


@pytest.fixture
def boss(client):
    boss = StaffFactory(name="Bo Boss")
    client.force_login(boss)
    Event.objects.update(delivered_at=timezone.now())  # signing in
    return boss


@pytest.fixture
def park(place, now):
    def park_one(error="121: Document failed validation"):
        order = place()
        Event.objects.filter(order_id=order.pk).update(
            parked_at=now, retry_at=now + timedelta(minutes=4), attempts=3, error=error
        )
        return Event.objects.get(order_id=order.pk)

    return park_one


def sign_in_with(client, *codenames):
    clerk = UserFactory(is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(clerk)


def test_all_is_well(client, boss):
    page = client.get(PAGE)

    assertContains(page, "Everything is delivered")
    assertContains(page, "Nothing is parked.")
    assert breaks_csp(page) == []


def test_it_shows_the_numbers_of_relay_status(client, boss, place, park):
    place()
    park()

    page = client.get(PAGE)

    shown = text(page)
    for name, value in page.context["figures"].items():
        assert f"{name.capitalize()} {value}".lower() in shown.lower()
    assert lag.state().told().keys() == page.context["figures"].keys()
    assert "Pending events 2" in shown
    assert "Parked events 1" in shown
    assert "1 event could not be delivered" in shown
    assert breaks_csp(page) == []


def test_a_parked_event_is_shown_with_its_error_attempts_and_next_try(client, boss, park, now):
    event = park("121: <b>too</b> large")

    page = client.get(PAGE)

    assertContains(page, "121: &lt;b&gt;too&lt;/b&gt; large")
    assertContains(page, f"/admin/history/event/{event.pk}/change/")
    assertContains(page, f'datetime="{(now + timedelta(minutes=4)).isoformat()}"')
    assert f"#{event.order_id} rev 1: placed 121" in text(page)


def test_parked_events_are_tried_again_one_by_one_or_all(client, boss, park):
    events = [park() for _ in range(4)]

    response = client.post(REQUEUE, {"event": events[1].pk}, follow=True)
    assert [str(message) for message in response.context["messages"]] == ["1 event will be tried again now."]
    assert set(Event.objects.parked()) == {events[0], events[2], events[3]}

    response = client.post(REQUEUE, {"event": "all"})
    assert told(response) == ["3 events will be tried again now."]
    assert response["Location"] == PAGE
    assert not Event.objects.parked().exists()
    assert Event.objects.pending().filter(retry_at=None).count() == 4


@pytest.mark.parametrize("event", ["0", "9" * 30, "-1", "²", "\x00", "evil"])
def test_what_is_not_parked_is_said_so(client, boss, park, event):
    park()

    response = client.post(REQUEUE, {"event": event})

    assert told(response) == ["Nothing is parked there any more."]
    assert Event.objects.parked().count() == 1


def test_seeing_and_trying_again_are_permissions_of_their_own(client, park):
    park()
    sign_in_with(client, "view_event")
    assert client.get(PAGE).status_code == 403
    assert client.post(REQUEUE).status_code == 403
    assertNotContains(client.get("/admin/"), PAGE)

    sign_in_with(client, "view_mirror")
    assertContains(client.get("/admin/"), PAGE)
    assertNotContains(client.get(PAGE), "Try")
    assert client.post(REQUEUE).status_code == 403

    sign_in_with(client, "view_mirror", "requeue_events")
    assertContains(client.get(PAGE), "Try again now")
    assert client.post(REQUEUE).status_code == 302
    assert client.get(REQUEUE).status_code == 405


def test_customers_are_sent_away(client):
    client.force_login(UserFactory())

    assert client.get(PAGE).status_code == 302
    assert client.post(REQUEUE).status_code == 302


def test_it_works_with_mongodb_down(client, boss, park, settings):
    settings.MONGODB_URL = "mongodb://127.0.0.1:1/nothing"
    park()

    assert client.get(PAGE).status_code == 200
    assert client.post(REQUEUE).status_code == 302


def test_pages_have_fifty_and_need_no_more_queries(client, boss, park):
    def queries():
        with CaptureQueriesContext(connection) as asked:
            client.get(PAGE)
        return len(asked)

    park()
    client.get(PAGE)
    one = queries()
    for _ in range(50):
        park()

    assert queries() == one
    assert len(client.get(PAGE).context["page"]) == 50
    assert len(client.get(f"{PAGE}?page=2").context["page"]) == 1
    assertContains(client.get(f"{PAGE}?page=evil"), 'role="status"')


def test_the_latest_runs_of_reconcile_are_shown(client, boss, now):
    assertContains(client.get(PAGE), "Not compared yet")
    rest = {"seconds": "31.4", "compared": 99_441, "repaired": 0}
    ReconcileRun.objects.create(started_at=now, differing=12, exit_code=1, **rest)
    for hours in range(1, 7):
        ReconcileRun.objects.create(started_at=now - timedelta(hours=hours), differing=0, exit_code=0, **rest)

    page = client.get(PAGE)

    assert [run.differing for run in page.context["runs"]] == [12, 0, 0, 0, 0]
    assertContains(page, "✕ different", count=1)
