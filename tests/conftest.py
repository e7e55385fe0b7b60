"""What every test may ask for. Both stores are real; tests/databases.py starts them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import TransactionTestCase
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker
from xdist.scheduler import LoadFileScheduling
from zeal.constants import initialize_app_registry
from zeal.patch import patch

from config import probes
from history import mongo
from tests import mongo_commands
from tests.emptying import drop_collections, empty_tables, wait_for_wakeups

# What is asked for twice in one answer without being a query per row: libraries look up their own again, and the order
# desk takes many orders a step further one by one, each in a transaction of its own.
NOT_PER_ROW = ("account.EmailAddress", "sessions.Session", "users.User", "orders.Order")

ATTACKS = "tests/security/"

# How long a page waits for a connection; tests wait longer, on a machine that is busy with all of them.
POOL = settings.DATABASES["default"]["OPTIONS"]["pool"]
POOL_TIMEOUT = POOL["timeout"]


def pytest_configure() -> None:
    TransactionTestCase._fixture_teardown = lambda self: empty_tables()  # type: ignore[method-assign]
    # A page that asks the database once a row fails; a loop in a test itself is no page.
    initialize_app_registry()
    patch()
    settings.ZEAL_ALLOWLIST = [{"model": model, "field": "get()"} for model in NOT_PER_ROW]
    settings.MIDDLEWARE.insert(0, "zeal.middleware.zeal_middleware")
    # Argon2 is slow by design; tests sign up many people.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    POOL["timeout"] = 10
    # Many tests take MongoDB away; a question to nobody ends only then.
    settings.MONGODB_CONNECT_TIMEOUT_MS = 300
    # Every list is made afresh; tests/config/test_shared_pages.py turns the cache on.
    settings.CACHES["pages"] = {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}
    # It would look for all static files whenever a test makes a client.
    settings.WHITENOISE_USE_FINDERS = False
    # Every request of a health page probes the stores, and waits for the answer.
    probes.TTL, probes.MAX_WAIT = 0.0, 10.0


class _ByFile(LoadFileScheduling):
    """One worker has all attacks: the shops that these share take half a minute each to stock."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return ATTACKS if file.startswith(ATTACKS) else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _ByFile:
    return _ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files of long tests first: shared out at the end, one of them would be waited for alone."""
    items.sort(key=lambda item: item.path.parent.name not in ("security", "browser", "faults"))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown() -> None:
    """Before any fixture ends: what a test began ends with it."""
    wait_for_wakeups()


@pytest.fixture(autouse=True)
def _only_documented_commands() -> Iterator[None]:
    yield
    unknown, mongo_commands.recorder.unknown = mongo_commands.recorder.unknown, set()
    assert unknown == set(), "sent to MongoDB and not listed in tests/mongo_commands.py: look it up in the manual"


@pytest.fixture(scope="session", autouse=True)
def _nobody_left_in_the_database(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A connection that a pool was just replacing, or of a process just killed, would keep the database there."""
    yield
    with django_db_blocker.unblock():
        name = connection.settings_dict["NAME"]
        connection.close()
        connection.close_pool()
        with connection._nodb_cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def mirror() -> Iterator[mongo.Collection]:
    """An empty order_history collection with its indexes and validator; activity_log and rollups are empty too."""
    drop_collections()
    mongo.prepare()
    yield mongo.for_writing()
    drop_collections()


@pytest.fixture
def activity_log(mirror: mongo.Collection) -> mongo.Collection:
    """An empty activity_log collection with its indexes and validator."""
    return mongo.for_writing(mongo.ACTIVITY_LOG)


@pytest.fixture
def place(now):
    """Place an order of one product (or the given ones) through the service."""
    from orders.services import RequestedItem, place_order
    from tests.factories import ProductFactory, UserFactory

    counter = iter(range(10_000))

    def place_one(*products, customer=None, quantity=1, at=now):
        items = [RequestedItem(product, quantity) for product in products or [ProductFactory()]]
        return place_order(customer=customer or UserFactory(), items=items, key=f"key-{next(counter)}", at=at)

    return place_one


@pytest.fixture
def shopper(client, customer):
    """The test's own `customer`, signed in."""
    client.force_login(customer)
    return client
