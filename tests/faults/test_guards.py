"""Each guard of the mirror broken on purpose: the story that ends well with it must turn the checker red without it."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.db.models.signals import post_save

from history import signals, triggers, wakeup
from history.mirror import relay
from history.models import Event
from orders.models import Order
from tests.factories import ProductFactory, StaffFactory, UserFactory
from tests.faults import broken, stories

pytestmark = pytest.mark.django_db(transaction=True)

# A story, the guard that it needs, and what the checker says where that is broken.
GUARDS = [
    (stories.a_relay_wakes_up_with_an_old_document, broken.replace_whatever_revision_is_there, "sql-3: MongoDB has no"),
    (
        stories.the_mirror_is_made_anew_while_the_shop_runs,
        broken.replace_whatever_revision_is_there,
        "sql-2: MongoDB has no",
    ),
    (stories.another_relay_inserted_an_older_revision, broken.swallow_duplicate_keys, "sql-2: MongoDB has no"),
    (stories.a_write_is_acknowledged_and_lost, broken.take_every_write_for_confirmed, "missing in the mirror"),
    (stories.mongodb_fails_within_a_batch, broken.mark_before_writing, "missing in the mirror"),
    (stories.transactions_commit_in_another_order_than_they_began, broken.remember_the_last_event, "was not delivered"),
    (stories.an_order_goes_through_its_life, broken.capture_no_change_of_an_order, "step-2 left no event"),
    (stories.an_order_goes_through_its_life, broken.capture_no_change_of_items, "items-4 left no event"),
    (stories.an_event_is_removed_by_hand, broken.let_events_be_removed, "has events [1, 3] only"),
    (stories.items_change_while_a_relay_reads, broken.read_items_before_their_order, "products[0].quantity"),
    (stories.mongodb_refuses_an_order_for_a_while, broken.count_the_refused_as_delivered, "missing in the mirror"),
    (stories.a_transaction_is_taken_back, broken.write_to_mongodb_from_the_signal, "MongoDB alone knows order"),
    (
        stories.an_older_revision_comes_after_the_deletion,
        broken.leave_no_tombstone,
        "status: deleted, mirror has pending",
    ),
]


def name(parameter):
    return getattr(parameter, "__name__", "")


@pytest.fixture
def shop(tmp_path, mirror, monkeypatch, settings):
    UserFactory()
    StaffFactory()
    ProductFactory.create_batch(2)
    relay.drain()
    yield stories.Shop(tmp_path, mirror, monkeypatch, settings)
    post_save.disconnect(sender=Order, dispatch_uid=broken.DISPATCH_UID)
    with connection.cursor() as cursor:
        for trigger, table in triggers.TRIGGERS.items():
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER {trigger}")


@pytest.mark.parametrize("story", dict.fromkeys(story for story, *_ in GUARDS), ids=name)
def test_with_every_guard_a_story_ends_well(story, shop):
    story(shop)

    assert shop.problems() == []


@pytest.mark.parametrize(("story", "take_away", "told"), GUARDS, ids=name)
def test_a_broken_guard_is_found(story, take_away, told, shop, monkeypatch):
    take_away(monkeypatch, shop)

    story(shop)

    assert [problem for problem in shop.problems() if told in problem]


@pytest.mark.parametrize("is_broken", [False, True], ids=["after the commit", "before it"])
def test_a_wake_up_before_the_commit_would_find_nothing(is_broken, place, monkeypatch):
    seen = []
    monkeypatch.setattr(wakeup, "request", lambda: seen.append(stories.elsewhere(Event.objects.count)))
    if is_broken:
        monkeypatch.setattr(signals.transaction, "on_commit", lambda wake: wake())

    with transaction.atomic():
        place()

    assert bool(seen)
    assert (seen[0] == 0) is is_broken
