"""What goes wrong with a webhook: staff hear of it outside of transactions, any answer is stored, old rows go."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail as outbox
from django.core.mail.backends.locmem import EmailBackend as LocMemBackend
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.db.batches import delete_in_batches
from history.models import Delivery, Endpoint
from history.webhooks import deliveries
from tests.factories import StaffFactory
from tests.history.receiver import answers
from tests.history.test_webhooks import REFUSED, deliver, fan_out, given

pytestmark = pytest.mark.django_db(transaction=True)


class Mails(LocMemBackend):
    """Mails cannot be sent while a transaction is open."""

    def send_messages(self, messages):
        assert not connection.in_atomic_block
        return super().send_messages(messages)


def test_staff_are_mailed_outside_of_any_transaction(place, now, endpoint, settings):
    settings.EMAIL_BACKEND = "tests.history.test_webhook_failures.Mails"
    StaffFactory()
    place()
    fan_out(endpoint, now)
    given(endpoint, REFUSED, now)

    given(endpoint, REFUSED, now + timedelta(days=3))

    assert not Endpoint.objects.get().is_active
    assert "Warehouse" in outbox.outbox[-1].subject


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 500 o\0ps\r\nContent-Length: 3\r\n\r\na\0b",
        b"HTTP/1.1 500 \xed\xa0\x80\r\nContent-Length: 3\r\n\r\n\xed\xa0\x80",
        b"\0\0\0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: \0\r\nTransfer-Encoding: chunked\r\n\r\n\0\r\n",
        b"HTTP/1.1 999 \x00\x01\x02\r\n\r\n",
    ],
)
def test_an_answer_that_is_no_text_counts_as_a_failure(place, receiver, endpoint, deliverer, answer):
    place()
    receiver.says = answers(answer)

    deliver(deliverer)

    delivery = Delivery.objects.get()
    assert (delivery.attempts, delivery.delivered_at) == (1, None)
    assert delivery.error
    assert Endpoint.objects.get().failures == 1


def test_old_deliveries_are_deleted_by_statements_of_limited_size(place, now, endpoint):
    for _ in range(7):
        place()
    fan_out(endpoint, now)

    with CaptureQueriesContext(connection) as queries:
        assert delete_in_batches(Delivery.objects.filter(created_at__lt=now + timedelta(days=1)), size=3) == 7

    deletes = [query["sql"] for query in queries if query["sql"].startswith("DELETE")]
    assert len(deletes) == 3
    assert not Delivery.objects.exists()


def test_switching_on_again_touches_only_what_was_tried(place, now, endpoint):
    for _ in range(3):
        place()
    fan_out(endpoint, now)
    at = now + timedelta(days=2)
    [first, *_] = deliveries.claim(endpoint, 1, at=now)
    deliveries.settle(first, REFUSED, at=now)

    deliveries.go_on(Endpoint.objects.get(), at=at)

    assert sorted(Delivery.objects.values_list("attempts", "due_at")) == [(0, now), (0, now), (0, at)]
