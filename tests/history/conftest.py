"""What the tests of the reports and of the webhooks share."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission

from history.models import Endpoint
from history.webhooks import endpoints
from history.webhooks.deliverer import Deliverer
from tests.factories import StaffFactory, UserFactory
from tests.history.receiver import Receiver
from tests.history.recorded import forget


@pytest.fixture
def analyst(client):
    user = UserFactory(name="Ana")
    user.user_permissions.add(Permission.objects.get(codename="view_reports"))
    client.force_login(user)
    return client


@pytest.fixture
def receiver(settings):
    """A receiver of webhooks on this machine, where they may go for once."""
    settings.WEBHOOK_NETWORKS = ["127.0.0.0/8"]
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def endpoint(receiver):
    made = Endpoint(name="Warehouse", url=receiver.url)
    endpoints.add(made)
    return made


@pytest.fixture
def deliverer():
    running = Deliverer()
    yield running
    running.finish()


@pytest.fixture
def customer():
    return UserFactory(name="Ada Customer")


@pytest.fixture
def staff():
    return StaffFactory(name="Sam Secretname")


@pytest.fixture
def boss(client):
    """Signed in; what is recorded from now on is theirs."""
    boss = StaffFactory(name="Bo Boss")
    client.force_login(boss)
    forget()
    return boss
