"""One erasure that fails is named, and the others go on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse

from history import upkeep
from history.mirror import relay
from orders import erasing
from tests.factories import StaffFactory, UserFactory
from users.models import Erasure, User
from users.services import close_account

pytestmark = pytest.mark.django_db(transaction=True)

REFUSE = """
CREATE FUNCTION test_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'not this one: %%', OLD.name USING ERRCODE = 'integrity_constraint_violation'; END $$;
CREATE TRIGGER test_refuse BEFORE UPDATE ON users FOR EACH ROW WHEN (OLD.user_id = %s) EXECUTE FUNCTION test_refuse();
"""


@pytest.fixture
def failing(mirror):
    """Somebody whose row the database does not let go of, asked for before somebody else."""
    user = UserFactory(name="Fay Failing")
    yield user
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION IF EXISTS test_refuse CASCADE")


def confirmed(user, now):
    return erasing.confirm(erasing.ask(user.pk, by=None, by_name="x", at=now), by=None, by_name="x", at=now)


def refuse(user):
    with connection.cursor() as cursor:
        cursor.execute(REFUSE, [user.pk])


def carry_on(at):
    finished = 0
    for _ in range(3):
        finished += upkeep.carry_on(at=at)
        relay.drain()
    return finished


def test_the_others_go_on_and_it_is_tried_again(failing, now, client):
    other = UserFactory(name="Otto Other")
    first, second = confirmed(failing, now), confirmed(other, now)
    refuse(failing)

    assert carry_on(now + timedelta(minutes=2)) == 1

    first.refresh_from_db()
    second.refresh_from_db()
    assert second.finished_at
    assert not first.finished_at
    assert first.error == "IntegrityError 23000"
    client.force_login(StaffFactory(is_superuser=True))
    page = client.get(reverse("admin:users_erasure_changelist") + "?state=failing").content.decode()
    assert "IntegrityError 23000" in page
    assert "Fay" not in page
    assert "1 failing" in client.get(reverse("admin:index")).content.decode()
    metrics = client.get("/metrics").content.decode()
    assert "shop_erasures_failing" in metrics
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION test_refuse CASCADE")
    assert carry_on(now + timedelta(minutes=3)) == 0, "not so soon"
    assert carry_on(now + timedelta(minutes=20)) == 1
    first.refresh_from_db()
    assert (first.error, first.failed_at) == ("", None)


def test_the_command_erases_the_others_and_names_it(failing, capsys):
    other = UserFactory(name="Otto Other")
    refuse(failing)
    # Confirming shuts the account, which the trigger refuses.
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE users DISABLE TRIGGER test_refuse")
    Erasure.objects.create(user_id=failing.pk, asked_by_name="x", asked_at="2024-01-01T00:00Z",
                           confirmed_by_name="x", confirmed_at="2024-01-01T00:00Z")  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE users ENABLE TRIGGER test_refuse")

    with pytest.raises(CommandError, match=f"Not erased: account {failing.pk}\\."):
        call_command("erase_user", str(failing.pk), str(other.pk))

    assert User.objects.get(pk=other.pk).name == f"Erased customer {other.pk}"


def test_an_address_that_somebody_took_is_in_nobodys_way(mirror, now):
    erased, closed = UserFactory(), UserFactory()
    for user, kind in ((erased, "erased"), (closed, "closed")):
        UserFactory(email=f"{kind}-{user.pk}@account.invalid")
    close_account(closed)
    close_account(closed)
    confirmed(erased, now)

    assert carry_on(now + timedelta(minutes=2)) == 1

    for user, kind in ((erased, "erased"), (closed, "closed")):
        user.refresh_from_db()
        assert user.email.startswith(f"{kind}-{user.pk}-")
        assert user.email.endswith("@account.invalid")
        assert not user.is_active
