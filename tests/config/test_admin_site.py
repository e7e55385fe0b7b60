"""The back office's frame: its door, its start page, its lists."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.admin import site
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertRedirects

from config.paging import AtLeast, BoundedPaginator, count_up_to
from history.models import Event
from orders import erasing
from orders.models import Order
from orders.services import change_status
from tests.factories import PASSWORD, ProductFactory, StaffFactory, UserFactory
from tests.pages import text
from tests.users.test_security import sign_in, turn_on
from users.models import Erasure

pytestmark = pytest.mark.django_db

HOME = "/admin/"


@pytest.fixture(autouse=True)
def _nobody_is_throttled():
    cache.clear()


@pytest.fixture
def boss(client):
    boss = StaffFactory(name="Bo Boss")
    client.force_login(boss)
    return boss


def tiles(client) -> dict[str, str]:
    return {tile.label: tile.value for tile in client.get(HOME).context["tiles"]}


# --- The door ---


def test_the_one_sign_in_is_throttled_for_staff_too(client):
    boss = StaffFactory()
    door = client.get("/admin/login/?next=/admin/users/user/")["Location"]
    assert door == "/account/login/?next=%2Fadmin%2Fusers%2Fuser%2F"

    answers = [client.post(door, {"login": boss.email, "password": "wrong"}) for _ in range(21)]
    right = client.post(door, {"login": boss.email, "password": PASSWORD})

    assert "Too many failed" in text(answers[-1])
    assert "Too many failed" in text(right)
    assert client.get(HOME).status_code == 302


@pytest.mark.parametrize("path", [HOME, "/admin/users/user/", "/admin/history/event/activity/", "/admin/jsi18n/"])
def test_staff_without_a_second_factor_are_led_to_it_and_see_nothing(client, settings, path):
    settings.REQUIRE_STAFF_MFA = True
    client.force_login(StaffFactory())

    refused = client.get(path, follow=True)

    assert refused.redirect_chain[0][0].startswith("/admin/login/")
    assert refused.redirect_chain[1][0] == reverse("mfa_activate_totp")
    assert "asks for a second factor" in text(refused)
    assert client.post("/admin/orders/order/", {"action": "mark_paid"})["Location"].startswith("/admin/login/")


@pytest.mark.django_db(transaction=True)
def test_with_a_second_factor_staff_get_in_and_older_sessions_end(settings):
    settings.REQUIRE_STAFF_MFA = True
    boss = StaffFactory()
    client, elsewhere = Client(), Client()
    sign_in(elsewhere, boss)
    sign_in(client, boss)

    turn_on(client)

    assert client.get(HOME).status_code == 200
    assert elsewhere.get("/account/").status_code == 302
    assert sign_in(elsewhere, boss)["Location"] == reverse("mfa_authenticate")
    assert elsewhere.get(HOME).status_code == 302
    client.post(reverse("mfa_deactivate_totp"))
    assert client.get(HOME).status_code == 302


def test_nobody_reads_or_sets_the_secret_of_a_second_factor(client, boss):
    factor = Authenticator.objects.create(user=boss, type="totp", data={"secret": "gAAAAABsecret"})
    page = f"/admin/mfa/authenticator/{factor.pk}/"

    shown = client.get(f"{page}change/")
    listed = client.get("/admin/mfa/authenticator/")
    changed = client.post(f"{page}change/", {"user": boss.pk, "type": "totp", "data": "{}"})
    factor.refresh_from_db()

    assert "gAAAAABsecret" not in shown.content.decode() + listed.content.decode()
    assert shown.status_code == listed.status_code == 200
    assert (changed.status_code, factor.data) == (403, {"secret": "gAAAAABsecret"})
    # A lost one is taken away.
    client.post(f"{page}delete/", {"post": "yes"})
    assert not Authenticator.objects.exists()


def test_a_customer_needs_no_second_factor(client, settings):
    settings.REQUIRE_STAFF_MFA = True
    client.force_login(UserFactory())

    assert client.get("/account/").status_code == 200
    assert client.get(HOME, follow=True).status_code == 403


def test_the_password_is_changed_where_everybody_changes_it(client, boss):
    assertRedirects(client.get("/admin/password_change/"), "/account/password/change/", fetch_redirect_response=False)


# --- The start page ---


def test_tiles_count_what_waits_and_open_its_list(client, boss, place, now):
    ProductFactory(stock=5), ProductFactory(stock=0), ProductFactory(stock=1, is_active=False)
    orders = [place() for _ in range(3)]
    change_status(orders[0], to="paid", by=boss, at=now)
    Event.objects.filter(order_id=orders[1].pk).update(parked_at=now, error="poison")
    erasing.ask(UserFactory().pk, by=boss, at=now)
    erasing.ask(UserFactory().pk, by=boss, at=now - Erasure.WAITS)  # has lapsed

    shown = client.get(HOME).context["tiles"]

    values = {tile.label: tile.value for tile in shown}
    assert values.pop("Relay lag").endswith(" s")
    assert values == {
        "To confirm payment": "2",
        "To ship": "1",
        "Low stock": "2",
        "Erasures to confirm": "1",
        "Parked events": "1",
    }
    for tile in shown:
        opened = client.get(tile.url)
        assert opened.status_code == 200
        if tile.label not in ("Relay lag", "Parked events"):
            assert len(opened.context["cl"].result_list) == int(tile.value)


def test_tiles_are_shown_to_those_who_may_open_their_lists(client):
    expected = {
        "Order desk": ["To confirm payment", "To ship", "Low stock"],
        "Catalogue": ["Low stock"],
        "Analyst": [],
        "Manager": ["To confirm payment", "To ship", "Low stock", "Erasures to confirm", "Relay lag", "Parked events"],
    }

    for role, labels in expected.items():
        staff = UserFactory(is_staff=True)
        staff.groups.add(Group.objects.get(name=role))
        client.force_login(staff)
        assert list(tiles(client)) == labels


def test_the_start_page_asks_no_more_of_a_larger_shop(client, boss, place, django_assert_max_num_queries):
    for _ in range(5):
        place()

    with django_assert_max_num_queries(12):
        client.get(HOME)


def test_with_mongodb_down_the_start_page_says_so(client, boss, settings, place):
    place()
    settings.MONGODB_URL = "mongodb://127.0.0.1:9/shop"
    settings.MONGODB_CONNECT_TIMEOUT_MS = 100

    page = client.get(HOME)

    assert page.status_code == 200
    assert "MongoDB is not reachable. Shop and orders are unaffected." in text(page)
    assert "To confirm payment 1" in text(page)


# --- Lists ---


def test_a_list_counts_up_to_a_bound(place, monkeypatch, django_assert_num_queries):
    orders = [place() for _ in range(5)]
    monkeypatch.setattr(BoundedPaginator, "MOST", 4)
    pages = BoundedPaginator(Order.objects.order_by("pk"), 2)

    with django_assert_num_queries(1):
        assert (pages.count, pages.num_pages) == (4, 2)

    assert str(pages.count) == "4+"
    assert [str(count_up_to(Order.objects.all(), most)) for most in (4, 5, 6)] == ["4+", "5", "5"]
    assert list(pages.page(2)) == orders[2:4]
    assert f"{AtLeast(10_000)}" == "10,000+"


ABSURD = [
    "{date}__year=99999999999", "{date}__year=9999", "{date}__year=0", "{date}__year=x",
    "{date}__year=2024&{date}__month=99", "{date}__year=2024&{date}__month=2&{date}__day=31",
    "{date}__month=99999999999", "{date}__day=9999999999999999999999", "{date}__exact=%00",
    "{date}__gte=0001-01-01", "{date}__gte=0001-01-01T00:00:00%2B14:00", "{date}__lt=9999-12-31",
    "{date}__gte=99999-01-01", "{key}__exact=99999999999999999999999", "{key}__in=1,99999999999999999999,x",
    "{key}=1e999", "{key}__regex=(((", "{key}=%00", "{key}__isnull=7", "no_such_column=1",
    "o=99999999999999999999.-1", "p=99999999999999999999", "p=-1", "q=%00", "q=99999999999999999999",
    "q=" + "x" * 3000, "_to_field=nothing", "all=%00",
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:DateTimeField .* received a naive datetime:RuntimeWarning")
@pytest.mark.django_db(transaction=True)
def test_whatever_an_address_asks_for_no_list_fails(client, boss):
    UserFactory(), ProductFactory()
    faults = []

    for model in site._registry:
        page = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        dates = [field.name for field in model._meta.fields if field.get_internal_type() == "DateTimeField"]
        for absurd in ABSURD:
            query = absurd.format(date=(dates or ["date"])[0], key=model._meta.pk.name)
            answer = client.get(f"{page}?{query}")
            if answer.status_code not in (200, 400) and answer.get("Location") != f"{page}?e=1":
                faults.append((page, query, answer.status_code))

    assert faults == []
