"""A browser that complains: a console error, a failed script, a breach of the Content-Security-Policy fails a test."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from django.test import override_settings

from history import mongo
from history.mirror import relay
from tests.browser import chromium
from tests.browser.goods import stock_few_goods
from tests.browser.shop import Shop
from tests.browser.visitor import Visitor
from tests.emptying import drop_collections, empty_tables

# The web server does not know the tests' quick ones.
SLOW = ["django.contrib.auth.hashers.Argon2PasswordHasher"]


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    try:
        executable = chromium.find()
    except chromium.NoBrowserError as error:
        # Each test of a browser says so; the others run.
        pytest.fail(str(error), pytrace=False)
    # Chromium's sandbox refuses to run as root.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    return browser_type_launch_args | {"executable_path": executable, "args": arguments}


@pytest.fixture(scope="session", autouse=True)
def _orm_beside_the_browser():
    """Playwright runs an event loop in this thread, and Django would refuse its queries there."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    yield
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def goods(transactional_db, settings):
    """What the shop has."""
    settings.PASSWORD_HASHERS = SLOW
    stock_few_goods()


@pytest.fixture
def shop(goods, mirror, tmp_path):
    """The shop, served as in production."""
    shop = Shop(tmp_path / "shop.log")
    try:
        shop.start()
        yield shop
    finally:
        shop.stop()


@pytest.fixture(scope="module")
def db(django_db_setup, django_db_blocker):
    """The databases for all tests of a module. By this name pytest-django knows that they are asked for."""
    with django_db_blocker.unblock(), override_settings(PASSWORD_HASHERS=SLOW):
        mongo.prepare()
        yield
        drop_collections()
        empty_tables()


@pytest.fixture(scope="module")
def open_shop(db, tmp_path_factory):
    """open_shop(stock_up) opens a shop for all tests of a module: none of them leaves what another could trip over."""
    shop = Shop(tmp_path_factory.mktemp("shop") / "shop.log")

    def open_with(stock_up: Callable[[], None]) -> Shop:
        stock_up()
        # What pages say has to stand still.
        relay.drain()
        shop.start()
        return shop

    try:
        yield open_with
    finally:
        shop.stop()


@pytest.fixture
def visit(shop, browser):
    """Make a visitor: visit(javascript=True, dark=False, width=1280)."""
    visitors = []

    def make(**options):
        visitors.append(Visitor(browser, shop.url, **options))
        return visitors[-1]

    yield make
    for visitor in visitors:
        visitor.leave()
    assert not [fault for visitor in visitors for fault in visitor.faults]
