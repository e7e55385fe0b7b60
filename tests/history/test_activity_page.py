"""The activity page: who, what, when from MongoDB; read-only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.asserts import assertContains, assertNotContains

from history import activity, activity_search
from history.mirror import relay
from history.models import Event, Kind, Subject
from tests.factories import CategoryFactory, ProductFactory, StaffFactory, UserFactory
from tests.pages import breaks_csp, text

# The relay claims in a transaction of its own.
pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/admin/history/event/activity/"
DAY = datetime(2024, 5, 10, 12, tzinfo=UTC)


@pytest.fixture
def boss(client, activity_log, settings):
    settings.ACTIVITY_LOG_DAYS = 36_500
    boss = StaffFactory(name="Bo Boss", email="bo@shop.example")
    client.force_login(boss)
    Event.objects.update(delivered_at=timezone.now())  # signing in is not what these tests look at
    return boss


def record(name, *, kind=Kind.CHANGED, subject=Subject.PRODUCT, number=1, actor=activity.SYSTEM, at=DAY, **rest):
    activity.record(kind, subject=subject, subject_id=number, subject_name=name, actor=actor, at=at, **rest)


def shown(client, **asked):
    response = client.get(PAGE, asked)
    assert response.status_code == 200
    return [entry.about.split(": ", 1)[1] for entry in response.context["entries"]]


def test_what_was_done_newest_first(client, boss):
    lamp = ProductFactory(name="Lamp")
    record("Lamp", number=lamp.pk, actor=activity.actor_of(boss), changes={"price": ["10.00", "12.50"]}, note="a note")
    record(
        "Later",
        at=DAY + timedelta(hours=1),
        changes={
            "is_active": [True, False],
            "groups": [[], ["Desk", "Boss"]],
            "attributes": [{"colour": "red"}, {}],
            "stock": [0, 5],
        },
    )
    relay.drain()

    page = client.get(PAGE)

    assert shown(client) == ["Later", "Lamp"]
    read = text(page)
    for part in (
        "Bo Boss",
        "Changed",
        "price: 10.00 → 12.50",
        "a note",
        "active: yes → no",
        "groups: none → Desk, Boss",
        "attributes: colour red → none",
        "stock: 0 → 5",
    ):
        assert part in read
    assertContains(page, f'href="/admin/catalog/product/{lamp.pk}/change/"')
    assertContains(page, "10 May 2024, 12:00:00")
    assert breaks_csp(page) == []


def test_it_is_filtered_by_who(client, boss):
    ada = UserFactory(name="Ada Lovelace", email="ada@shop.example")
    record("by Ada", actor=activity.actor_of(ada))
    record("by Bo", actor=activity.actor_of(boss), at=DAY + timedelta(hours=1))
    record("by nobody", at=DAY + timedelta(hours=2))
    record("by somebody gone", actor=activity.Actor(10**9, "Gone Girl"), at=DAY + timedelta(hours=3))
    relay.drain()

    for who in ("lovelace", "ADA@shop", str(ada.pk), f"#{ada.pk}"):
        assert shown(client, who=who) == ["by Ada"]
    assert shown(client, who="system") == ["by nobody"]
    assert shown(client, who="Gone Girl") == ["by somebody gone"]
    assert shown(client, who="nobody of this name") == []


def test_a_name_in_the_log_leads_to_that_person_alone(client, boss):
    ada = UserFactory(name="Ada")
    other = UserFactory(name=f"Agent {ada.pk}")
    record("by Ada", actor=activity.actor_of(ada))
    record("by another", actor=activity.actor_of(other), at=DAY + timedelta(hours=1))
    relay.drain()

    assertContains(client.get(PAGE), f'<a href="?who=%23{ada.pk}">Ada</a>')
    assert shown(client, who=f"#{ada.pk}") == ["by Ada"]


def test_it_is_filtered_by_what(client, boss):
    record("Lamp", number=1)
    record("Desk", number=2, kind=Kind.DELETED, at=DAY + timedelta(hours=1))
    record("Ada", number=1, subject=Subject.USER, at=DAY + timedelta(hours=2))
    relay.drain()

    assert shown(client, kind="deleted") == ["Desk"]
    assert shown(client, subject="product") == ["Desk", "Lamp"]
    assert shown(client, subject="product", id="1") == ["Lamp"]
    assert shown(client, subject="user", kind="deleted") == []


def test_it_is_filtered_by_when_in_the_shops_days(client, boss, settings):
    settings.TIME_ZONE = "America/New_York"
    record("late on the 9th", at=datetime(2024, 5, 10, 3, 59, 59, tzinfo=UTC))
    record("the 10th", at=datetime(2024, 5, 10, 4, tzinfo=UTC))
    record("end of the 10th", at=datetime(2024, 5, 11, 3, 59, 59, tzinfo=UTC))
    record("the 11th", at=datetime(2024, 5, 11, 4, tzinfo=UTC))
    relay.drain()

    assert shown(client, since="2024-05-10", until="2024-05-10") == ["end of the 10th", "the 10th"]
    assert shown(client, since="2024-05-11") == ["the 11th"]
    assert shown(client, until="2024-05-09") == ["late on the 9th"]
    assert shown(client, since="2024-05-11", until="2024-05-10") == ["the 11th", "end of the 10th", "the 10th"]


def test_fifty_a_page(client, boss):
    for number in range(51):
        record(f"Lamp {number}")
    relay.drain()

    assert shown(client) == [f"Lamp {number}" for number in range(50, 0, -1)]
    assert shown(client, page="2") == ["Lamp 0"]
    assert shown(client, page="9") == ["Lamp 0"]
    assertContains(client.get(PAGE, {"subject": "product"}), 'href="?subject=product&amp;page=2"')


def test_counting_ends_where_nobody_leafs(client, boss, monkeypatch):
    monkeypatch.setattr(activity_search, "MOST", 50)
    for number in range(51):
        record(f"Lamp {number}")
    relay.drain()

    assert "Page 1 of 1, 50+ entries" in text(client.get(PAGE, {"subject": "product"}))


def test_more_entries_need_no_more_queries(client, boss):
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            client.get(PAGE)
        return len(asked)

    record("Lamp", actor=activity.actor_of(boss))
    relay.drain()
    queries()
    one = queries()
    for _ in range(12):
        record("Lamp", actor=activity.actor_of(UserFactory()))
    relay.drain()

    assert queries() == one


@pytest.mark.parametrize(
    "asked",
    [
        {"kind": "$ne"},
        {"kind": '{"$ne": 1}'},
        {"kind[$ne]": "x", "subject[$gt]": ""},
        {"subject": "order"},
        {"id": "1e9"},
        {"id": "9" * 5000},
        {"id": "-1"},
        {"id": str(2**63)},
        {"who": "\x00"},
        {"who": "9" * 500},
        {"since": "2024-13-45"},
        {"since": "0001-01-01"},
        {"until": "9999-12-31"},
        {"since": "<script>alert(1)</script>"},
        {"page": "\x00"},
        {"page": "9" * 5000},
        {"page": "-1"},
    ],
    ids=str,
)
def test_hostile_parameters_are_left_out_and_told(client, boss, asked):
    record("Lamp")
    relay.drain()

    page = client.get(PAGE, asked)

    assert [entry.about for entry in page.context["entries"]] == ["Product: Lamp"]
    assert page.context["notes"] or "kind[$ne]" in asked
    assertNotContains(page, "<script>alert(1)")


@pytest.mark.parametrize(
    "who", ["$where", '{"$gt": ""}', ".*", "^(a+)+$", "%", "_", "'; DROP TABLE users; --", "9" * 30]
)
def test_hostile_text_is_only_text(client, boss, who):
    record("Lamp", actor=activity.Actor(None, who))
    record("Desk", actor=activity.Actor(None, "somebody else"))
    relay.drain()

    assert shown(client, who=who) == ["Lamp"]


def test_a_hostile_name_is_shown_as_text(client, boss):
    name = "<script>alert(1)</script>"
    record(name, actor=activity.Actor(None, name), changes={name: [name, name]}, note=name)
    relay.drain()

    page = client.get(PAGE)

    assertContains(page, "&lt;script&gt;alert(1)", count=6)
    assertNotContains(page, "<script>alert(1)")


def test_only_those_who_may_see_events_see_it(client, activity_log):
    assert client.get(PAGE).status_code == 302
    clerk = UserFactory(is_staff=True)
    client.force_login(clerk)
    assert client.get(PAGE).status_code == 403
    assertNotContains(client.get("/admin/"), PAGE)

    clerk.user_permissions.set(Permission.objects.filter(codename="view_event"))

    assert client.get(PAGE).status_code == 200
    assertContains(client.get("/admin/"), f'href="{PAGE}"')
    client.force_login(UserFactory())
    assert client.get(PAGE).status_code == 302


def test_it_is_read_only(client, boss):
    assert client.post(PAGE, {"kind": "changed"}).status_code == 405


def test_with_mongodb_away_the_frame_stays_and_says_so(client, boss, settings):
    settings.MONGODB_URL = "mongodb://127.0.0.1:9/shop"

    page = client.get(PAGE, {"kind": "changed"})

    assert page.status_code == 503
    assertContains(page, "History store is not reachable.", status_code=503)
    assertContains(page, "Back office", status_code=503)


def test_what_is_on_its_way_is_told(client, boss, place):
    record("Lamp")
    place()

    assertContains(client.get(PAGE), "1 newer entry is on the way here.")
    assertContains(client.get(PAGE), "Nothing has been recorded yet.")
    relay.drain()
    assertNotContains(client.get(PAGE), "on the way here")
    assertContains(client.get(PAGE, {"who": "nobody"}), "Nothing fits.")


def test_products_people_and_categories_lead_to_their_history(client, boss):
    pages = {
        "catalog/product": ("product", ProductFactory()),
        "catalog/category": ("category", CategoryFactory()),
        "users/user": ("user", boss),
    }

    for path, (subject, about) in pages.items():
        page = client.get(f"/admin/{path}/{about.pk}/change/")
        assertContains(page, f'href="{PAGE}?subject={subject}&amp;id={about.pk}"')
        assertContains(page, "History of changes")


def test_the_list_of_events_has_activity_too(client, boss):
    record("Lamp")

    page = client.get("/admin/history/event/", {"subject": "product"})
    assertContains(page, "Product: Lamp")
    assertContains(client.get(f"/admin/history/event/{Event.objects.latest('pk').pk}/change/"), "Product: Lamp")
