"""How often one visitor may ask for what costs much, and whose address counts."""

import subprocess
import sys

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from config import counters
from orders.models import Order
from tests.config.processes import ROOT
from tests.factories import PASSWORD, ProductFactory, StaffFactory, UserFactory
from tests.pages import breaks_csp, text
from tests.web.customers import checkout_form

LOGIN = reverse("account_login")


@pytest.fixture(autouse=True)
def _nobody_asked_yet(settings, now):
    counters.forget()
    settings.RATE_LIMITS = {"search": 2, "checkout": 2, "export": 2, "sessions": 3}
    # No minute begins in the middle of a test.
    with time_machine.travel(now, tick=False):
        yield


def statuses(client, path, headers=({}, {}, {})):
    return [client.get(path, headers=each).status_code for each in headers]


@pytest.mark.django_db
def test_too_many_searches_are_told_when_to_come_back_without_asking_a_store(client, django_assert_num_queries):
    assert statuses(client, "/search/?q=lamp") == [200, 200, 429]

    with django_assert_num_queries(0):
        refused = client.get("/search/?q=other")

    assert refused.status_code == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert "Try again in a minute." in text(refused)
    assert breaks_csp(refused) == []
    assert client.get("/").status_code == 200
    assert client.get("/search/?q=lamp", REMOTE_ADDR="192.0.2.7").status_code == 200


@pytest.mark.django_db
def test_a_made_up_address_changes_nothing_unless_a_proxy_is_trusted(client, settings):
    made_up = [{"X-Forwarded-For": f"192.0.2.{number}", "X-Real-IP": f"192.0.2.{number}"} for number in (1, 2, 3)]
    assert statuses(client, "/search/?q=lamp", made_up) == [200, 200, 429]

    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    assert statuses(client, "/search/?q=lamp", made_up) == [200, 200, 200]
    # The proxy adds what it saw at the end; what the visitor sent stands before.
    lied = [{"X-Forwarded-For": f"192.0.2.{number}, 198.51.100.1"} for number in (1, 2, 3)]
    assert statuses(client, "/search/?q=lamp", lied) == [200, 200, 429]
    one_network = [{"X-Forwarded-For": f"2001:db8:1:1::{number}"} for number in (1, 2, 3)]
    assert statuses(client, "/search/?q=lamp", one_network) == [200, 200, 429]
    counters.forget()
    nonsense = [{"X-Forwarded-For": "<script>"}] * 3
    assert statuses(client, "/search/?q=lamp", nonsense) == [200, 200, 429]


@pytest.mark.django_db
def test_orders_are_counted_by_account_and_looking_at_the_form_is_free(client):
    product = ProductFactory()
    client.force_login(UserFactory())

    def order(client):
        client.post(reverse("orders:cart_add"), {"product": product.pk, "quantity": 1})
        for _ in range(3):
            client.get(reverse("orders:checkout"))
        return client.post(reverse("orders:checkout"), checkout_form([product])).status_code

    other = Client()
    other.force_login(UserFactory())

    assert [order(client) for _ in range(3)] == [302, 302, 429]
    assert order(other) == 302
    assert Order.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_files_are_counted_together(client, mirror):
    client.force_login(StaffFactory())
    counted = ["/reports/sales/?format=csv", "/admin/orders/order/export/", "/admin/catalog/product/export/"]

    assert [client.get(path).status_code for path in counted] == [200, 200, 429]
    chosen = {"action": "export_selected", "_selected_action": "1"}
    assert client.post("/admin/orders/order/", chosen).status_code == 429
    assert client.get("/account/data/").status_code == 429
    assert client.get("/reports/sales/").status_code == 200


@pytest.mark.django_db
def test_without_a_limit_nothing_is_counted(client, settings):
    settings.RATE_LIMITS = {"search": 0, "checkout": 0, "export": 0, "sessions": 0}

    assert statuses(client, "/search/?q=lamp") == [200, 200, 200]


def test_workers_of_one_server_count_together_and_begin_anew():
    told = """
import os, time
from config import counters
if os.fork() == 0:
    print(counters.hit("a", 3600), flush=True)
    os._exit(0)
os.wait()
print(counters.hit("a", 3600), counters.hit("b", 3600), counters.hit("a", 1800), flush=True)
counters.hit("c", 1)
time.sleep(1.01)
print(counters.hit("c", 1), 1 <= counters.seconds_left(60) <= 60)
"""
    ran = subprocess.run([sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True, check=True)

    assert ran.stdout.split("\n") == ["1", "2 1 1", "1 True", ""]


@pytest.mark.django_db
def test_guessing_a_password_ends_soon_whatever_address_is_made_up(client):
    user = UserFactory()

    def guess(number, email, password="wrong"):
        headers = {"X-Forwarded-For": f"192.0.2.{number}"}
        client.post(LOGIN, {"login": email, "password": password}, headers=headers)

    for number in range(20):
        guess(number, user.email)
    guess(21, user.email, PASSWORD)
    assert "_auth_user_id" not in client.session

    cache.clear()
    for number in range(30):
        guess(number, f"nobody{number}@shop.example")
    other = UserFactory()
    guess(99, other.email, PASSWORD)
    assert "_auth_user_id" not in client.session

    cache.clear()
    guess(1, other.email, PASSWORD)
    assert client.session["_auth_user_id"] == str(other.pk)


@pytest.mark.django_db
def test_the_page_of_account_limits_says_when_to_come_back_too(client):
    form = {"email": "ada@shop.example"}
    answers = [client.post(reverse("account_reset_password"), form | {"email": f"a{n}@b.example"}) for n in range(21)]

    assert {answer.status_code for answer in answers[:20]} == {302}
    assert answers[20].status_code == 429
    assert answers[20].headers["Retry-After"] == "300"
    assert "Try again in 5 minutes." in text(answers[20])
