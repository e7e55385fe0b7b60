"""The short forms of the commands of this folder: seconds on the test's own stores instead of minutes."""

from __future__ import annotations

import pytest

from tests.config.processes import database_url
from tests.load import exhaustion, restarts, steady
from tests.load.parts import SECRET_KEY, collect_static, production

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def static(tmp_path_factory):
    home = tmp_path_factory.mktemp("static")
    # For these files nobody asks the stores.
    environment = production(home, DATABASE_URL="postgresql://nobody/none", MONGODB_URL="mongodb://nobody/none")
    collect_static(environment | {"EMAIL_URL": "dummymail://"})
    return environment["STATIC_ROOT"]


@pytest.fixture
def environment(static, tmp_path, settings, mirror):
    # Who is signed in here is signed in there.
    settings.SECRET_KEY = SECRET_KEY
    stores = {"DATABASE_URL": database_url(), "MONGODB_URL": settings.MONGODB_URL}
    return production(tmp_path, STATIC_ROOT=static, **stores)


def test_under_steady_load_nothing_fails(environment, tmp_path):
    verdict = steady.run(tmp_path, environment, steady.Plan(warm_up=1, measure=3, hold=7, share=0.7))

    assert verdict.problems == []
    assert verdict.figures["orders"] >= 5


def test_restarts_under_load_fail_no_request(environment, tmp_path):
    verdict = restarts.run(tmp_path, environment, restarts.Plan(rounds=1, visitors=4, calm=1))

    assert verdict.problems == []
    assert verdict.figures["restarts"] == 5
    assert verdict.figures["orders"] >= 5


def test_a_silent_mongodb_and_held_connections_are_told_of_in_time(environment, tmp_path):
    plan = exhaustion.Plan(["silent-mongodb", "pool-held"], lasts=5, after=3, rate=3, is_one_shop=True)

    verdict = exhaustion.run(tmp_path, environment, plan)

    assert verdict.problems == []
    assert verdict.figures["orders"] >= 3
