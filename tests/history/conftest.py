"""What the tests of the reports share."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission

from tests.factories import UserFactory


@pytest.fixture
def analyst(client):
    user = UserFactory(name="Ana")
    user.user_permissions.add(Permission.objects.get(codename="view_reports"))
    client.force_login(user)
    return client
