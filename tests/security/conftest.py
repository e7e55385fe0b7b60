"""One shop for all attacks, and what it answers when everybody looks at everything.

Its tests are marked as asking the database: without one that is, there is none to copy.
"""

from __future__ import annotations

import pytest

from tests.security import addresses, shops, tours
from tests.security.addresses import Address
from tests.security.shops import Shop
from tests.security.tours import Tour


@pytest.fixture(scope="session")
def shop(django_db_setup, django_db_blocker, tmp_path_factory):
    """The shop with the settings of production; its people, orders and keys are those of seed.py."""
    with shops.opened(tmp_path_factory.mktemp("attacked"), django_db_blocker.unblock) as shop:
        yield shop


@pytest.fixture(scope="session")
def scratch(django_db_setup, django_db_blocker, tmp_path_factory):
    """Another one, for attacks that leave something behind."""
    with shops.opened(tmp_path_factory.mktemp("scratch"), django_db_blocker.unblock, "scratch") as shop:
        yield shop


@pytest.fixture(scope="session")
def every_address(shop: Shop) -> list[Address]:
    return addresses.addresses(shop)


@pytest.fixture(scope="session")
def tour(shop: Shop, every_address: list[Address]) -> Tour:
    return tours.take(shop, every_address)
