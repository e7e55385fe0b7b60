"""What Prometheus reads: counted by the names of pages, over all workers, for whoever has the token."""

import re
from datetime import timedelta
from urllib.request import urlopen

import pytest
from django.utils import timezone

from history.models import Event
from tests.web.server import Server
from tests.web.wire import Wire

pytestmark = pytest.mark.django_db(transaction=True)


def figures(text):
    return {name: float(value) for name, value in re.findall(r"^(\w[^ ]*) ([0-9.e+]+)$", text, re.MULTILINE)}


def test_requests_are_counted_by_page_and_orders_once_they_are_committed(client, mirror, place):
    before = figures(client.get("/metrics").content.decode())

    client.get("/")
    client.get("/p/nothing-1/")
    client.get("/nowhere/")
    client.generic("BREW", "/")
    place()
    after = figures(client.get("/metrics").content.decode())

    def more(name):
        return after.get(name, 0) - before.get(name, 0)

    assert more('shop_http_requests_total{method="GET",status="200",view="catalog:product_list"}') == 1
    assert more('shop_http_requests_total{method="GET",status="404",view="catalog:product"}') == 1
    assert more('shop_http_requests_total{method="GET",status="404",view="unknown"}') == 1
    assert more('shop_http_requests_total{method="other",status="405",view="catalog:product_list"}') == 1
    assert more('shop_http_request_seconds_count{view="catalog:product_list"}') == 2
    assert more("shop_orders_placed_total") == 1


def test_the_mirror_and_the_pool_as_they_are_now(client, mirror, place):
    place()
    place()
    Event.objects.filter(pk=Event.objects.earliest("pk").pk).update(parked_at=timezone.now() - timedelta(minutes=1))

    now = figures(client.get("/metrics").content.decode())

    assert now["shop_events_pending"] == 2
    assert now["shop_events_parked"] == 1
    assert 0 <= now["shop_relay_lag_seconds"] < 60
    assert now["shop_database_pool_size"] >= 1
    assert now["shop_database_requests_waiting"] == 0


def test_only_for_whoever_has_the_token(client, settings):
    settings.METRICS_TOKEN = "long-and-random"

    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"authorization": "Bearer long-and-randon"}).status_code == 404
    assert client.get("/metrics", headers={"authorization": "Bearer long-and-random"}).status_code == 200

    settings.METRICS_TOKEN = "schlüssel"  # in a header its bytes are read as Latin-1
    assert client.get("/metrics", headers={"authorization": "Bearer schlÃ¼ssel"}).status_code == 200

    settings.METRICS_TOKEN, settings.LOCAL = "", False

    assert client.get("/metrics", headers={"authorization": "Bearer "}).status_code == 404


def test_all_workers_of_a_web_server_count_together(tmp_path):
    with Server(tmp_path / "web.log") as web:
        for _ in range(20):
            wire = Wire(web.port)  # a connection of its own, so that both workers answer
            wire.get("/account/login/")
            wire.close()
        with urlopen(f"http://localhost:{web.port}/metrics", timeout=10) as answer:
            counted = figures(answer.read().decode())

    assert counted['shop_http_requests_total{method="GET",status="200",view="account_login"}'] == 20
