"""The cache in which limits of accounts are counted, by all web servers together."""

import json

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection

from users import counts

pytestmark = pytest.mark.django_db


def test_it_keeps_what_it_is_given_for_its_time_and_no_longer(now):
    with time_machine.travel(now, tick=False) as clock:
        cache.set("history", [1.5, 2.5], 60)
        assert cache.get("history") == [1.5, 2.5]
        assert cache.add("lock", True, 10)
        assert not cache.add("lock", True, 10)
        assert cache.get("nothing", []) == []

        clock.shift(11)
        assert cache.add("lock", True, 10)
        cache.set("history", [3.5], 60)
        assert cache.delete("lock")
        assert not cache.delete("lock")
        clock.shift(59)
        assert cache.get("history") == [3.5]
        clock.shift(2)
        assert cache.get("history") is None


def test_what_is_over_is_cleared_away_and_nothing_tells_of_whom(now, monkeypatch):
    with time_machine.travel(now, tick=False) as clock:
        for number in range(5):
            cache.set(f"allauth:rl:login:ip:192.0.2.{number}", ["ada@shop.example"], 60)
        clock.shift(61)
        monkeypatch.setattr(counts, "FORGET_EVERY", 1)
        cache.set("one", 1, 60)

    with connection.cursor() as cursor:
        cursor.execute("SELECT key, value FROM rate_counts")
        [(key, value)] = cursor.fetchall()
    assert json.loads(value) == 1
    assert "one" not in key
