"""The short forms of the commands of this folder: seconds on the test's own stores instead of minutes."""

from __future__ import annotations

import pytest
from django.conf import settings as django_settings

from tests.config.processes import database_url
from tests.load import exhaustion, restarts, steady
from tests.load.parts import SECRET_KEY, production

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]


@pytest.fixture
def environment(tmp_path, settings, mirror):
    # Who is signed in here is signed in there.
    settings.SECRET_KEY = SECRET_KEY
    return production(tmp_path, DATABASE_URL=database_url(), MONGODB_URL=django_settings.MONGODB_URL)


def test_under_steady_load_nothing_fails(environment, tmp_path):
    plan = steady.Plan(warm_up=2, measure=3, hold=10, share=0.7)

    verdict = steady.run(tmp_path, environment, plan)

    assert verdict.problems == []
    assert verdict.figures["orders"] >= 10


def test_restarts_under_load_fail_no_request(environment, tmp_path):
    verdict = restarts.run(tmp_path, environment, restarts.Plan(rounds=1, rate=10, calm=1))

    assert verdict.problems == []
    assert verdict.figures["restarts"] == 7
    assert verdict.figures["orders"] >= 5


def test_held_connections_and_a_silent_mongodb_are_told_in_time(environment, tmp_path):
    plan = exhaustion.Plan(["silent-mongodb", "pool-held"], lasts=6, after=5)

    verdict = exhaustion.run(tmp_path, environment, plan)

    assert verdict.problems == []
    assert verdict.figures["orders"] >= 5
