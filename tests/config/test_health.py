"""What orchestrators are told: alive without any store, ready while PostgreSQL answers."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from config import health, metrics, probes
from history.models import Event

AWAY = "mongodb://127.0.0.1:9/shop?serverSelectionTimeoutMS=50"


def test_alive_asks_no_store_and_needs_neither_a_known_host_nor_https(client, settings):
    settings.SECURE_SSL_REDIRECT = True

    # Without the mark for it, any question to the database would fail.
    answer = client.get("/healthz", headers={"host": "10.0.0.7"})

    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


@pytest.mark.django_db(transaction=True)
def test_ready_with_both_stores_and_the_age_of_what_is_pending(client, mirror, place):
    assert client.get("/readyz", headers={"host": "10.0.0.7"}).json() == {
        "status": "ready",
        "postgresql": "ok",
        "mongodb": "ok",
        "relay_lag_seconds": 0,
    }

    place()
    with connection.cursor() as cursor:
        cursor.execute("SET history.capture = 'off'")
        Event.objects.update(recorded_at=timezone.now() - timedelta(minutes=5))
        cursor.execute("RESET history.capture")

    assert 300 <= client.get("/readyz").json()["relay_lag_seconds"] < 310

    Event.objects.update(parked_at=timezone.now())

    assert client.get("/readyz").json()["relay_lag_seconds"] == 0


@pytest.mark.django_db
def test_without_mongodb_the_shop_stays_ready(client, settings):
    settings.MONGODB_URL = AWAY

    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json()["mongodb"] == "away"


@pytest.mark.django_db(transaction=True)
def test_without_postgresql_it_is_not_ready_and_says_so_in_time(client, mirror):
    connection.close()
    with_server = connection.settings_dict["PORT"], connection.settings_dict["HOST"]
    connection.close_pool()
    connection.settings_dict.update(HOST="127.0.0.1", PORT=9)
    try:
        answer = client.get("/readyz")
    finally:
        connection.close_pool()
        connection.settings_dict.update(PORT=with_server[0], HOST=with_server[1])

    assert (answer.status_code, answer.json()["postgresql"]) == (503, "away")
    assert client.get("/readyz").status_code == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/readyz", "/metrics"])
def test_a_store_that_hangs_holds_one_thread_however_many_ask(client, mirror, settings, monkeypatch, path):
    monkeypatch.setattr("config.probes.MAX_WAIT", 0.1)
    client.get(path)  # a result to fall back on
    is_over, probing = threading.Event(), []

    def hang():
        probing.append(threading.current_thread().name)
        is_over.wait(30)

    for probe in (health.MONGODB, health.POSTGRESQL, metrics.EVENTS):
        monkeypatch.setattr(probe, "_query", hang)
    try:
        with ThreadPoolExecutor(20) as visitors:
            answers = list(visitors.map(lambda _: Client().get(path).status_code, range(100)))
    finally:
        is_over.set()

    assert answers == [200] * 100
    assert set(probing) == {"probe"}
    assert len(probing) == {"/readyz": 2, "/metrics": 1}[path]


def test_what_a_store_said_long_ago_counts_for_nothing(monkeypatch):
    monkeypatch.setattr("config.probes.FIRST_WAIT", 0.0)
    is_over = threading.Event()
    hangs = probes.Probe(lambda: is_over.wait(30))

    assert hangs.result() is None

    is_over.set()
    monkeypatch.setattr("config.probes.FIRST_WAIT", 30.0)
    assert hangs.result() is True
